"""The image of a sample: an image file, or a frame of a video, decoded on demand."""

from bisect import bisect_left
from pathlib import Path

from PIL import Image

from veraface.datasets.samples import Sample
from veraface.errors import DataError, UnreadableVideoError
from veraface.imaging.decode import ImageLimits, ImageSource
from veraface.video.container import VideoLimits
from veraface.video.reader import open_video


def sample_image(sample: Sample) -> ImageSource:
    """Return the path of an image file, or the upright RGB pixels of a frame, read by `read_frame`.

    `ImageFile` and `Detector.detect` accept both.
    """
    return sample.path if sample.frame is None else read_frame(sample.path, sample.frame)


def read_frame(path: Path, position: float, limits: ImageLimits | None = None) -> Image.Image:
    """Decode one frame of a video: the first at or after a position, 0 to 1; the last frame at 1.

    The limits are those of a frame; those of `ImageLimits` if None.

    Raises:
        UnsupportedImageError: not a video of a supported format, or one without an image.
        UnreadableImageError: empty, cut off or corrupt, or a path that cannot be read.
        ImageTooLargeError: its frames exceed a limit of pixels, or it is over another limit of videos.
        DataError: the package that decodes videos is not installed.
    """
    try:
        import av  # noqa: F401 - checks that it is installed
    except ModuleNotFoundError as error:
        raise DataError(
            "reading videos needs PyAV (av), which is not installed: pip install 'veraface[evaluate]'"
        ) from error
    with open_video(path, VideoLimits(image=limits or ImageLimits())) as video:
        wanted = position * video.duration - 1e-6  # against rounding, s
        number = bisect_left(video.frames, wanted, key=lambda frame: frame.time)
        frame = next(video.decode(video.frames[min(number, len(video.frames) - 1) :][:1]), None)
    if frame is None:
        raise UnreadableVideoError(f"the video has no frame at {position:.0%} of its length; it is cut off")
    return frame.image
