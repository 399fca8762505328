"""What a video may cost, and the containers and codecs that FFmpeg may use for it."""

from dataclasses import dataclass, field

from veraface.errors import VideoTooLargeError
from veraface.imaging.decode import ImageLimits

# FFmpeg also knows play lists (hls, dash, concat) and devices, which open other files and addresses; only
# containers that hold everything themselves are let in. Names of FFmpeg's demuxers.
CONTAINERS = "mov,mp4,matroska,webm,avi,mpegts,mpeg,asf,flv"
CONTAINERS_IN_WORDS = "MP4, MOV, MKV, WEBM, AVI or MPEG-TS"

# Fewer decoders than FFmpeg has, because each is code that a hostile file can reach. Names of FFmpeg's
# decoders.
CODECS = (
    *("h264", "hevc", "vp8", "vp9", "libvpx", "libvpx-vp9", "av1", "libdav1d", "mpeg4", "mpeg2video"),
    *("mpeg1video", "mjpeg", "h263", "msmpeg4v2", "msmpeg4v3", "msmpeg4", "wmv1", "wmv2", "wmv3", "vc1"),
    *("flv", "prores", "dnxhd", "theora", "vp6f", "rawvideo"),
)


@dataclass(frozen=True)
class VideoLimits:
    """What a video may cost; a video over one of them is refused and not judged in part.

    Raises:
        ValueError: a limit is not positive.
    """

    max_bytes: int = 8 * 2**30  # of the file; it is streamed, so this is no bound on memory
    image: ImageLimits = field(default_factory=ImageLimits)  # of each frame, known before it is decoded
    max_seconds: float = 4 * 3600.0  # from the first frame to the last
    max_packets: int = 2_000_000  # of all streams together, sound included: 4 hours at 30 a second, and sound
    max_frames: int = 1000  # that are judged
    max_decoded: int = 100_000  # frames, also damaged ones and those between the ones that are judged

    def __post_init__(self) -> None:
        limits = (self.max_bytes, self.max_seconds, self.max_packets, self.max_frames, self.max_decoded)
        if min(limits) <= 0:
            raise ValueError("video limits must be positive")


def too_much_memory() -> VideoTooLargeError:
    """For a video for which there is not enough of it."""
    return VideoTooLargeError("the video takes more memory than there is for it; make its frames smaller")


def check_size(width: int, height: int, limits: ImageLimits) -> None:
    """Whether frames of so many pixels may be decoded.

    Raises:
        VideoTooLargeError: they may not.
    """
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise VideoTooLargeError(
            f"the video's frames have {width} x {height} pixels; the limit is "
            f"{limits.max_pixels / 1e6:g} megapixels and {limits.max_side} px a side"
        )
