"""Open a video container with PyAV (FFmpeg); external references in the file are not followed."""

import stat
from typing import TYPE_CHECKING, BinaryIO

from veraface.errors import UnreadableVideoError, UnsupportedVideoError
from veraface.imaging.decode import ImageLimits
from veraface.imaging.formats import sniff_format
from veraface.video.limits import CODECS, CONTAINER_NAMES, CONTAINERS, check_size, memory_error

if TYPE_CHECKING:
    from pathlib import Path

    from av.container import InputContainer
    from av.video.stream import VideoStream

_COVER_ART = 0x400  # AV_DISPOSITION_ATTACHED_PIC: a still image that goes with a sound file


def open_file(path: "Path") -> BinaryIO:
    """Open a video file in Python, because FFmpeg takes some names for protocols ("concat:...", "http:...").

    Raises UnreadableVideoError if the file does not exist or cannot be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe could hang, a device could be endless
            raise UnreadableVideoError("not a regular file; give the videos themselves")
        return path.open("rb")
    except FileNotFoundError as error:
        raise UnreadableVideoError("no such file") from error
    except OSError as error:
        raise UnreadableVideoError(f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in the name
        raise UnreadableVideoError("cannot be read: not a valid path") from error


def open_container(file: BinaryIO, limits: ImageLimits) -> "InputContainer":
    """Open a container, a seekable file, and read its header.

    `limits` apply to frames, some of which FFmpeg decodes to detect their format.

    Raises:
        UnsupportedVideoError: not a video of a known format, or a still image.
        UnreadableVideoError: the file is empty.
        VideoTooLargeError: the header takes more memory than is available.
    """
    import av

    file.seek(0)
    head = file.read(1024)
    if not head:
        raise UnreadableVideoError("the file is empty (0 bytes)")
    if kind := sniff_format(head):
        raise UnsupportedVideoError(f"is a {kind} image, not a video")
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

    Raises:
        UnsupportedVideoError: there is none, or only cover art, or its codec is not allowed.
        VideoTooLargeError: its frames are over a limit.
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
