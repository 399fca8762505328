"""Opens a video's container with PyAV (FFmpeg), and nothing that the video may name."""

import stat
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image

from veraface.errors import UnreadableVideoError, UnsupportedVideoError
from veraface.imaging.decode import ImageLimits
from veraface.imaging.formats import sniff_format
from veraface.video.limits import CODECS, CONTAINERS, CONTAINERS_IN_WORDS, check_size, too_much_memory
from veraface.video.orientation import picture_of

if TYPE_CHECKING:
    from pathlib import Path

    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_COVER_ART = 0x400  # AV_DISPOSITION_ATTACHED_PIC: a still image that goes with a sound file


def open_file(path: "Path") -> BinaryIO:
    """A video's file, for FFmpeg to read from: it takes some names for protocols ("concat:...", "http:...").

    Raises:
        UnreadableVideoError: there is no such file, or it cannot be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe could hang, a device could be endless
            raise UnreadableVideoError("is no regular file; give the videos themselves")
        return path.open("rb")
    except FileNotFoundError as error:
        raise UnreadableVideoError("no such file") from error
    except OSError as error:
        raise UnreadableVideoError(f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in the name
        raise UnreadableVideoError("cannot be read: not a valid path") from error


def open_container(file: BinaryIO, limits: ImageLimits) -> "InputContainer":
    """Reads the head of a video.

    Args:
        file: binary, with seek; read from its beginning.
        limits: what a frame may cost: FFmpeg decodes some already to learn what they are.

    Raises:
        UnsupportedVideoError: no video of a known kind, or a still image.
        UnreadableVideoError: the file is empty.
        VideoTooLargeError: its head takes more memory than there is.
    """
    import av

    file.seek(0)
    head = file.read(1024)
    if not head:
        raise UnreadableVideoError("the file is empty (0 bytes)")
    if kind := sniff_format(head):
        raise UnsupportedVideoError(f"is a {kind} image and no video; have it judged as an image")
    file.seek(0)
    # Custom I/O leaves FFmpeg no address to open; the empty list of protocols is there should a container
    # try.
    options = {
        "format_whitelist": CONTAINERS,
        "codec_whitelist": ",".join(CODECS),
        "protocol_whitelist": "none",
        "max_pixels": _most_pixels(limits),
        "threads": "1",
    }
    try:
        return av.open(file, "r", options=options, metadata_errors="replace")
    except MemoryError as error:
        raise too_much_memory() from error
    except Exception as error:  # codecs raise whatever they like on hostile bytes
        raise UnsupportedVideoError(
            f"the file is no video that can be read, or it is cut off; give {CONTAINERS_IN_WORDS}"
        ) from error


def moving_streams(container: "InputContainer") -> "list[VideoStream]":
    """All streams of moving images, which covers are not."""
    return [s for s in container.streams.video if not s.disposition.value & _COVER_ART]


def picture_stream(container: "InputContainer", limits: ImageLimits) -> "VideoStream":
    """The stream of images that players show, set up to be decoded by one thread.

    Raises:
        UnsupportedVideoError: there is none, or only a cover, or it has a codec that is not let in.
        VideoTooLargeError: its images are over a limit.
    """
    streams = moving_streams(container)
    if not streams:
        raise UnsupportedVideoError("the video has no image: only sound or data, or it is cut off")
    # FFmpeg's choice: what is marked as default, else what has the most frames and bits.
    best = container.streams.best("video")
    stream = next((s for s in streams if best is not None and s.index == best.index), streams[0])
    codec = stream.codec_context
    if codec is None or codec.name not in CODECS:
        name = codec.name if codec else "an unknown codec"
        raise UnsupportedVideoError(f"the video's image is coded as {name}; use H.264 or another usual one")
    check_size(codec.width, codec.height, limits)
    codec.thread_count = 1  # callers decode many videos at a time
    codec.options = {**codec.options, "max_pixels": _most_pixels(limits)}  # a later frame may be larger
    return stream


def _most_pixels(limits: ImageLimits) -> str:
    """Return FFmpeg's own bound; it is above ours, so that most videos are refused with our reason."""
    return str(max(2 * limits.max_pixels, 2**24))


def upright(frame: "VideoFrame", limits: ImageLimits) -> Image.Image:
    """A frame as RGB pixels, upright, its pixels as they are; raises what `picture_of` does."""
    return picture_of(frame, None, limits)
