"""Resource limits of videos, and the containers and codecs that FFmpeg may use for them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from veraface.errors import VerafaceError, VideoTooLargeError
from veraface.imaging.decode import ImageLimits

# FFmpeg's names of the allowed demuxers. Playlists (hls, dash, concat) and devices are excluded, because they
# open other files and addresses.
CONTAINERS = "mov,mp4,matroska,webm,avi,mpegts,mpeg,asf,flv"
CONTAINER_NAMES = "MP4, MOV, MKV, WEBM, AVI or MPEG-TS"

# FFmpeg's names of the allowed decoders: few, because each is code that a hostile file can reach.
CODECS = (
    *("h264", "hevc", "vp8", "vp9", "libvpx", "libvpx-vp9", "av1", "libdav1d", "mpeg4", "mpeg2video"),
    *("mpeg1video", "mjpeg", "h263", "msmpeg4v2", "msmpeg4v3", "msmpeg4", "wmv1", "wmv2", "wmv3", "vc1"),
    *("flv", "prores", "dnxhd", "theora", "vp6f", "rawvideo"),
)

MAX_MEMORY = 2 * 2**30  # bytes; 16 frames of 50 megapixels in 4:2:0, and the analysis of one

_DATA = 5  # field of /proc/self/statm with the pages of data and stack; see proc_pid_statm(5)


@dataclass(frozen=True)
class VideoLimits:
    """Resource limits of a video; a video over one of them is refused, not analyzed in part.

    Raises ValueError if a limit is not positive.
    """

    max_bytes: int = 8 * 2**30  # of the file, which is streamed
    image: ImageLimits = field(default_factory=ImageLimits)  # of each frame, checked before decoding
    max_seconds: float = 4 * 3600.0  # from the first frame to the last
    max_packets: int = 2_000_000  # of all streams with sound: 4 hours at 30 frames per second
    max_frames: int = 1000  # frames to analyze
    max_decoded: int = 100_000  # frames, including damaged ones and those between analyzed frames

    def __post_init__(self) -> None:
        limits = (self.max_bytes, self.max_seconds, self.max_packets, self.max_frames, self.max_decoded)
        if min(limits) <= 0:
            raise ValueError("video limits must be positive")


def memory_error() -> VideoTooLargeError:
    """Return the error for a video that exhausts the memory."""
    return VideoTooLargeError("the video takes more memory than available; make its frames smaller")


def check_size(width: int, height: int, limits: ImageLimits) -> None:
    """Raise VideoTooLargeError if a frame is over a limit."""
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise VideoTooLargeError(
            f"the video's frames have {width} x {height} pixels; the limit is "
            f"{limits.max_pixels / 1e6:g} megapixels and {limits.max_side} px a side"
        )


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Let this process take at most `MAX_MEMORY` more memory within the block; no limit outside of Linux.

    For commands that decode videos in their own process: a video of a few kilobytes can request frames of
    gigabytes, and FFmpeg does not limit their sum. Workers have a permanent limit; see `workers.sandbox`.

    Raises VideoTooLargeError if an allocation failed.
    """
    # Limits data, not address space, of which glibc reserves 64 MiB for each thread that allocates.
    if sys.platform != "linux":  # macOS does not enforce it
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    with open("/proc/self/statm", encoding="ascii") as file:
        taken = int(file.read().split()[_DATA]) * resource.getpagesize()
    limits = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([taken + MAX_MEMORY, *limits]), hard))
    try:
        yield
    except (VerafaceError, OSError):
        raise
    except Exception as error:
        # ONNX Runtime raises no MemoryError.
        if not isinstance(error, MemoryError) and "alloc" not in str(error).lower():
            raise
        raise memory_error() from error
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
