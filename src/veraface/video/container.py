"""Open a video container with PyAV (FFmpeg) within limits, and convert its frames as players show them.

External references in the file are not followed.
"""

import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np
from PIL import Image

from veraface.errors import UnreadableVideoError, UnsupportedVideoError, VerafaceError, VideoTooLargeError
from veraface.imaging.color import frame_to_srgb
from veraface.imaging.decode import ImageLimits
from veraface.text import missing_file

if TYPE_CHECKING:
    from pathlib import Path

    from av.container import InputContainer
    from av.sidedata.sidedata import SideData
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

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

MAX_MEMORY = 2 * 2**30  # bytes; 16 frames of 52 megapixels in 4:2:0, and the analysis of one

_DATA = 5  # field of /proc/self/statm with the pages of data and stack; see proc_pid_statm(5)

_COVER_ART = 0x400  # AV_DISPOSITION_ATTACHED_PIC: a still image that goes with a sound file
_MAX_PIXEL_ASPECT = 4  # a larger pixel aspect ratio, or its inverse, is a broken header
_MATRIX_BYTES = 9 * 4  # of a display matrix in FFmpeg's side data
# Degrees clockwise after mirroring left to right where the frame is mirrored, and both in one step, by a, b,
# c, d of a display matrix (ISO/IEC 14496-12, 8.3.2). It maps the point x, y of a stored frame, y downwards,
# to a x + c y, b x + d y. Players support no other angles.
_UPRIGHT = (1, 0, 0, 1)
_ORIENTATIONS: dict[tuple[int, ...], tuple[int, Image.Transpose | None]] = {
    _UPRIGHT: (0, None),
    (0, 1, -1, 0): (90, Image.Transpose.ROTATE_270),
    (-1, 0, 0, -1): (180, Image.Transpose.ROTATE_180),
    (0, -1, 1, 0): (270, Image.Transpose.ROTATE_90),
    (-1, 0, 0, 1): (0, Image.Transpose.FLIP_LEFT_RIGHT),
    (0, -1, -1, 0): (90, Image.Transpose.TRANSVERSE),
    (1, 0, 0, -1): (180, Image.Transpose.FLIP_TOP_BOTTOM),
    (0, 1, 1, 0): (270, Image.Transpose.TRANSPOSE),
}


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
            f"{limits.max_pixels / 1e6:g} megapixels and {limits.max_side} px a side; make the frames smaller"
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


def open_file(path: "Path") -> BinaryIO:
    """Open a video file in Python: FFmpeg takes some names for protocols ("concat:...", "http:...")."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe could hang, a device could be endless
            raise UnreadableVideoError("not a regular file; give the videos themselves")
        return path.open("rb")
    except FileNotFoundError as error:
        raise UnreadableVideoError(missing_file(path)) from error
    except OSError as error:
        raise UnreadableVideoError(f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in the name
        raise UnreadableVideoError("cannot be read: not a valid path") from error


def open_container(file: BinaryIO, limits: ImageLimits) -> "InputContainer":
    """Open a container, a seekable file, and read its header; raise VideoError if it is none.

    `limits` apply to frames, some of which FFmpeg decodes to detect their format.
    """
    import av

    file.seek(0)
    head = file.read(1024)
    if not head:
        raise UnreadableVideoError("the file is empty (0 bytes)")
    file.seek(0)
    # With custom I/O FFmpeg opens no address itself; without protocols a container cannot open another one.
    options = {
        "format_whitelist": CONTAINERS,
        "codec_whitelist": ",".join(CODECS),
        "protocol_whitelist": "none",
        "max_pixels": _max_pixels(limits),
        "threads": "1",
    }
    try:
        return av.open(file, "r", options=options, metadata_errors="replace")
    except MemoryError as error:
        raise memory_error() from error
    except Exception as error:  # FFmpeg raises exceptions of many types on hostile bytes
        raise UnsupportedVideoError(f"not a readable video, or cut off; give {CONTAINER_NAMES}") from error


def image_streams(container: "InputContainer") -> "list[VideoStream]":
    """Return all image streams except cover art."""
    return [s for s in container.streams.video if not s.disposition.value & _COVER_ART]


def image_stream(container: "InputContainer", limits: ImageLimits) -> "VideoStream":
    """Return the image stream that players show, set up for decoding in one thread.

    Raises VideoError if there is none but cover art, its codec is not allowed, or its frames are too large.
    """
    streams = image_streams(container)
    if not streams:
        raise UnsupportedVideoError("the video has no images: only sound or data, or it is cut off")
    # FFmpeg's choice: the stream marked as default, else the one with the most frames and bits.
    best = container.streams.best("video")
    stream = next((s for s in streams if best is not None and s.index == best.index), streams[0])
    codec = stream.codec_context
    if codec is None or codec.name not in CODECS:
        name = codec.name if codec else "an unknown codec"
        raise UnsupportedVideoError(f"unsupported video codec {name}; use H.264 or another common one")
    check_size(codec.width, codec.height, limits)
    codec.thread_count = 1  # callers decode many videos in parallel
    codec.options = {**codec.options, "max_pixels": _max_pixels(limits)}  # a later frame may be larger
    return stream


def _max_pixels(limits: ImageLimits) -> str:
    """Return FFmpeg's limit; it is above ours, so that most videos are refused with our message."""
    return str(max(2 * limits.max_pixels, 2**24))


def frame_orientation(frame: "VideoFrame") -> tuple[int, Image.Transpose | None]:
    """Return the `_ORIENTATIONS` entry of a frame: players do not rotate it if its matrix is singular."""
    # PyAV's type hints declare another type.
    data = cast("Mapping[str, SideData]", frame.side_data).get("DISPLAYMATRIX")
    if data is None or data.buffer_size < _MATRIX_BYTES:
        return _ORIENTATIONS[_UPRIGHT]
    a, b, _, c, d = (int(value) for value in np.frombuffer(bytes(data), np.int32)[:5])
    same_side = [m for m in _ORIENTATIONS if (m[0] * m[3] - m[1] * m[2]) * (a * d - b * c) > 0]
    nearest = max(same_side, key=lambda m: m[0] * a + m[1] * b + m[2] * c + m[3] * d, default=_UPRIGHT)
    return _ORIENTATIONS[nearest]


def to_image(frame: "VideoFrame", aspect: Fraction | None, limits: ImageLimits) -> Image.Image:
    """Return a frame as an RGB image, oriented by its display matrix.

    `aspect` is the pixel aspect ratio, width by height; None or an implausible value counts as square. Raises
    VideoError if it cannot be converted, or is over a limit; a stream may change its size.
    """
    check_size(frame.width, frame.height, limits)
    size = _with_square_pixels(frame.width, frame.height, aspect or Fraction(1))
    check_size(*size, limits)
    try:
        image = Image.fromarray(frame.to_ndarray(format="rgb24"))
        image = frame_to_srgb(image, int(frame.color_primaries), int(frame.color_trc))
        if image.size != size:
            image = image.resize(size, Image.Resampling.BICUBIC)
        _, transpose = frame_orientation(frame)
        return image if transpose is None else image.transpose(transpose)
    except MemoryError as error:
        raise memory_error() from error
    except Exception as error:
        raise UnreadableVideoError("a frame of the video cannot be converted to pixels") from error


def _with_square_pixels(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """Return the size with square pixels; the shorter side grows, so that faces lose no pixels."""
    if not Fraction(1, _MAX_PIXEL_ASPECT) <= aspect <= _MAX_PIXEL_ASPECT:
        return width, height
    return (round(width * aspect), height) if aspect >= 1 else (width, round(height / aspect))
