"""The image of a sample: an image file, or a frame of a video, decoded on demand."""

from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from veraface.datasets.samples import Sample
from veraface.errors import DataError, ImageError, UnreadableVideoError
from veraface.imaging.decode import ImageLimits, ImageSource
from veraface.video.container import image_stream, open_container, open_file, to_image

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_MAX_DECODED = 20_000  # frames from a key frame to the wanted one: 11 minutes at 30 fps


def sample_image(sample: Sample, limits: ImageLimits | None = None) -> ImageSource:
    """Return the path of an image file, or the upright RGB pixels of a frame, read by `read_frame`.

    `ImageFile` and `Detector.detect` accept both. The limits of a frame are those of `ImageLimits` if None.
    """
    return sample.path if sample.frame is None else read_frame(sample.path, sample.frame, limits)


def read_frame(path: Path, position: float, limits: ImageLimits | None = None) -> Image.Image:
    """Decode one frame of a video: the first at or after a position, 0 to 1; the last frame at 1.

    The limits are those of a frame; the file size is not limited, as a video is streamed.

    Raises:
        UnsupportedImageError: not a video of a supported format, or one without an image.
        UnreadableImageError: empty, cut off or corrupt, or a path that cannot be read.
        ImageTooLargeError: its frames exceed a limit of pixels.
        DataError: the package that decodes videos is not installed.
    """
    try:
        import av  # noqa: F401 - checks that it is installed
    except ModuleNotFoundError as error:
        raise DataError(
            "reading videos needs PyAV (av), which is not installed: pip install 'veraface[evaluate]'"
        ) from error
    limits = limits or ImageLimits()
    with open_file(path) as file, open_container(file, limits) as container:
        return to_image(_frame_at(container, position, limits), None, limits)


def _frame_at(container: "InputContainer", position: float, limits: ImageLimits) -> "VideoFrame":
    stream = image_stream(container, limits)
    try:
        wanted = _timestamp(container, stream, position)
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
        raise UnreadableVideoError(f"the video has no frame at {position:.0%} of its length; it is cut off")
    return frame


def _timestamp(container: "InputContainer", stream: "VideoStream", position: float) -> int:
    """Return a position in units of the stream's time base."""
    if stream.duration is not None:
        length = float(stream.duration)
    elif container.duration is not None and stream.time_base:
        length = container.duration / 1e6 / float(stream.time_base)  # from millionths of a second
    else:
        raise UnreadableVideoError(
            "the video does not state its duration; repair it: ffmpeg -i VIDEO -c copy NEW"
        )
    frame = length / stream.frames if stream.frames else 0.0
    return (stream.start_time or 0) + max(0, int(min(position * length, length - frame)))
