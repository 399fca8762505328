"""The image of a sample, whatever it lies in: an image file, or a frame of a video, decoded on demand."""

from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from veraface.datasets.samples import Sample
from veraface.errors import DataError, ImageError, UnreadableVideoError
from veraface.imaging.decode import ImageLimits, ImageSource
from veraface.video.container import open_container, open_file, picture_stream, upright

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_MAX_DECODED = 20_000  # frames from a key frame to the one that is wanted: 11 minutes at 30 a second


def sample_picture(sample: Sample, limits: ImageLimits | None = None) -> ImageSource:
    """What `ImageFile` and `Detector.detect` take for a sample.

    Args:
        sample: of an image file, or of a frame of a video.
        limits: what a frame may cost in pixels; the defaults of `ImageLimits` if None. Image files are
            not opened here.

    Returns:
        The path of an image file; for a frame of a video, its upright RGB pixels.

    Raises:
        ImageError: the video cannot be read, or has no image at that place.
        DataError: the package that decodes videos is not installed.
    """
    if sample.frame is None:
        return sample.path
    return read_frame(sample.path, sample.frame, limits)


def read_frame(path: Path, place: float, limits: ImageLimits | None = None) -> Image.Image:
    """Decode one frame of a video: the first that is shown at or after a place in it.

    Args:
        path: of the video.
        place: 0 its begin to 1 its end, where the last frame is taken.
        limits: what a frame may cost in pixels; a video is streamed, so its file size is not limited.

    Raises:
        UnsupportedImageError: no video of a known kind, or one without an image.
        UnreadableImageError: empty, cut off or corrupt, or a path that cannot be read.
        ImageTooLargeError: its frames are over a limit of pixels.
        DataError: the package that decodes videos is not installed.
    """
    try:
        import av  # noqa: F401 - only whether it is there
    except ModuleNotFoundError as error:
        raise DataError(
            "reading videos needs PyAV (av), which is not installed: pip install 'veraface[evaluate]'"
        ) from error
    limits = limits or ImageLimits()
    with open_file(path) as file, open_container(file, limits) as container:
        return upright(_frame_at(container, place, limits), limits)


def _frame_at(container: "InputContainer", place: float, limits: ImageLimits) -> "VideoFrame":
    stream = picture_stream(container, limits)
    try:
        wanted = _time_stamp(container, stream, place)
        container.seek(wanted, stream=stream)  # to the key frame before it
        frame = None
        for count, frame in enumerate(container.decode(stream), start=1):
            if frame.pts is None or frame.pts >= wanted or count == _MAX_DECODED:
                break
    except ImageError:
        raise
    except Exception as error:
        raise UnreadableVideoError("the video is cut off or corrupt; fetch or export it again") from error
    if frame is None:
        raise UnreadableVideoError(f"the video holds no frame at {place:.0%} of its length; it is cut off")
    return frame


def _time_stamp(container: "InputContainer", stream: "VideoStream", place: float) -> int:
    """The place in units of the stream's clock."""
    if stream.duration is not None:
        length = float(stream.duration)
    elif container.duration is not None and stream.time_base:
        length = container.duration / 1e6 / float(stream.time_base)  # from millionths of a second
    else:
        raise UnreadableVideoError(
            "the video does not say how long it is; mend it: ffmpeg -i CLIP -c copy NEW"
        )
    frame = length / stream.frames if stream.frames else 0.0
    return (stream.start_time or 0) + max(0, int(min(place * length, length - frame)))
