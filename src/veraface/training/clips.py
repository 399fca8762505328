"""The picture of a sample, whatever it lies in: a picture file, or a frame of a clip, decoded on demand."""

import stat
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from veraface.errors import (
    DataError,
    ImageError,
    ImageTooLargeError,
    UnreadableImageError,
    UnsupportedImageError,
)
from veraface.image import ImageLimits, ImageSource
from veraface.training.samples import Sample

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# FFmpeg also knows play lists, which would open other files and addresses; only containers are let in.
_CONTAINERS = "mov,mp4,matroska,webm,avi,mpegts,mpeg,asf,flv"
_MOST_DECODED = 20_000  # frames from a key frame to the one that is wanted: 11 minutes at 30 a second
_COVER_ART = 0x400  # AV_DISPOSITION_ATTACHED_PIC: a still picture that goes with a sound file
_UPRIGHT = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}


def sample_picture(sample: Sample, limits: ImageLimits | None = None) -> ImageSource:
    """What `Picture` and `Detector.detect` take for a sample.

    Args:
        sample: of a picture file, or of a frame of a clip.
        limits: what a frame may cost in pixels; the defaults of `ImageLimits` if None. Picture files are
            not opened here.

    Returns:
        The path of a picture file; for a frame of a clip, its upright RGB pixels.

    Raises:
        ImageError: the clip cannot be read, or has no picture at that place.
        DataError: the package that decodes clips is not installed.
    """
    if sample.frame is None:
        return sample.path
    return read_frame(sample.path, sample.frame, limits)


def read_frame(path: Path, place: float, limits: ImageLimits | None = None) -> Image.Image:
    """Decode one frame of a clip: the first that is shown at or after a place in it.

    Args:
        path: of the clip.
        place: 0 its begin to 1 its end, where the last frame is taken.
        limits: what a frame may cost in pixels; a clip is streamed, so the bytes of its file are not limited.

    Raises:
        UnsupportedImageError: no clip of a known kind, or one without a picture.
        UnreadableImageError: empty, cut off or corrupt, or a path that cannot be read.
        ImageTooLargeError: its frames are over a limit of pixels.
        DataError: the package that decodes clips is not installed.
    """
    try:
        import av
    except ModuleNotFoundError as error:
        raise DataError(
            "reading clips needs PyAV (av), which is not installed: pip install 'veraface[evaluate]'"
        ) from error

    limits = limits or ImageLimits()
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe could hang, a device could be endless
            raise UnreadableImageError("is no regular file; give the clips themselves")
        # Opened here, because FFmpeg takes some names for protocols: "concat:...", "http:..."
        with path.open("rb") as file:
            if not file.read(1):
                raise UnreadableImageError("the file is empty (0 bytes)")
            file.seek(0)
            try:
                container = av.open(file, "r", options={"format_whitelist": _CONTAINERS})
            except Exception as error:  # codecs raise whatever they like on hostile bytes
                raise UnsupportedImageError(
                    "the file is no clip that can be read, or it is cut off; give MP4, MOV, MKV, WEBM or AVI"
                ) from error
            with container:
                return _upright(_frame_at(container, place, limits), limits)
    except FileNotFoundError as error:
        raise UnreadableImageError("no such file") from error
    except OSError as error:
        raise UnreadableImageError(f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in the name
        raise UnreadableImageError("cannot be read: not a valid path") from error


def _frame_at(container: "InputContainer", place: float, limits: ImageLimits) -> "VideoFrame":
    stream = _picture_stream(container)
    _check_size(stream.codec_context.width, stream.codec_context.height, limits)
    stream.codec_context.thread_count = 1  # callers decode many clips at a time
    try:
        wanted = _time_stamp(container, stream, place)
        container.seek(wanted, stream=stream)  # to the key frame before it
        frame = None
        for count, frame in enumerate(container.decode(stream), start=1):
            if frame.pts is None or frame.pts >= wanted or count == _MOST_DECODED:
                break
    except ImageError:
        raise
    except Exception as error:
        raise UnreadableImageError("the clip is cut off or corrupt; fetch or export it again") from error
    if frame is None:
        raise UnreadableImageError(f"the clip holds no frame at {place:.0%} of its length; it is cut off")
    return frame


def _picture_stream(container: "InputContainer") -> "VideoStream":
    for stream in container.streams.video:
        if not stream.disposition.value & _COVER_ART:
            return stream
    raise UnsupportedImageError("the clip has no picture: only sound or data, or it is cut off")


def _time_stamp(container: "InputContainer", stream: "VideoStream", place: float) -> int:
    """The place in units of the stream's clock."""
    if stream.duration is not None:
        length = float(stream.duration)
    elif container.duration is not None and stream.time_base:
        length = container.duration / 1e6 / float(stream.time_base)  # from millionths of a second
    else:
        raise UnreadableImageError(
            "the clip does not say how long it is; mend it: ffmpeg -i CLIP -c copy NEW"
        )
    frame = length / stream.frames if stream.frames else 0.0
    return (stream.start_time or 0) + max(0, int(min(place * length, length - frame)))


def _upright(frame: "VideoFrame", limits: ImageLimits) -> Image.Image:
    _check_size(frame.width, frame.height, limits)  # a stream may change its size as it goes
    try:
        pixels = Image.fromarray(frame.to_ndarray(format="rgb24"))
    except Exception as error:
        raise UnreadableImageError("a frame of the clip cannot be turned into pixels") from error
    turn = _UPRIGHT.get(round(frame.rotation) % 360)  # degrees against the clock
    return pixels if turn is None else pixels.transpose(turn)


def _check_size(width: int, height: int, limits: ImageLimits) -> None:
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise ImageTooLargeError(
            f"the clip's frames have {width} x {height} pixels; the limit is "
            f"{limits.max_pixels / 1e6:g} megapixels and {limits.max_side} px a side"
        )
