"""Opens a clip's container with PyAV (FFmpeg), and nothing that the clip may name."""

import stat
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image

from veraface.errors import (
    UnreadableVideoError,
    UnsupportedVideoError,
    VideoTooLargeError,
)
from veraface.formats import recognise
from veraface.image import ImageLimits
from veraface.video.limits import CODECS, CONTAINERS, CONTAINERS_IN_WORDS

if TYPE_CHECKING:
    from pathlib import Path

    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_COVER_ART = 0x400  # AV_DISPOSITION_ATTACHED_PIC: a still picture that goes with a sound file
_UPRIGHT = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}


def open_file(path: "Path") -> BinaryIO:
    """A clip's file, for FFmpeg to read from: it takes some names for protocols ("concat:...", "http:...").

    Raises:
        UnreadableVideoError: there is no such file, or it cannot be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe could hang, a device could be endless
            raise UnreadableVideoError("is no regular file; give the clips themselves")
        return path.open("rb")
    except FileNotFoundError as error:
        raise UnreadableVideoError("no such file") from error
    except OSError as error:
        raise UnreadableVideoError(f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in the name
        raise UnreadableVideoError("cannot be read: not a valid path") from error


def open_container(file: BinaryIO, limits: ImageLimits) -> "InputContainer":
    """Reads the head of a clip.

    Args:
        file: binary, with seek; read from its beginning.
        limits: what a frame may cost: FFmpeg decodes some already to learn what they are.

    Raises:
        UnsupportedVideoError: no clip of a known kind, or a still picture.
        UnreadableVideoError: the file is empty.
    """
    import av

    file.seek(0)
    head = file.read(1024)
    if not head:
        raise UnreadableVideoError("the file is empty (0 bytes)")
    if kind := recognise(head):
        raise UnsupportedVideoError(f"is a {kind} picture and no clip; have it judged as a picture")
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
    except Exception as error:  # codecs raise whatever they like on hostile bytes
        raise UnsupportedVideoError(
            f"the file is no clip that can be read, or it is cut off; give {CONTAINERS_IN_WORDS}"
        ) from error


def picture_stream(container: "InputContainer", limits: ImageLimits) -> "VideoStream":
    """The first stream of pictures, set up to be decoded by one thread.

    Raises:
        UnsupportedVideoError: there is none, or only a cover, or it has a codec that is not let in.
        VideoTooLargeError: its pictures are over a limit.
    """
    for stream in container.streams.video:
        if stream.disposition.value & _COVER_ART:
            continue
        codec = stream.codec_context
        if codec is None or codec.name not in CODECS:
            name = codec.name if codec else "an unknown codec"
            raise UnsupportedVideoError(
                f"the clip's picture is coded as {name}; use H.264 or another usual one"
            )
        check_size(codec.width, codec.height, limits)
        codec.thread_count = 1  # callers decode many clips at a time
        codec.options = {**codec.options, "max_pixels": _most_pixels(limits)}  # a later frame may be larger
        return stream
    raise UnsupportedVideoError("the clip has no picture: only sound or data, or it is cut off")


def _most_pixels(limits: ImageLimits) -> str:
    """FFmpeg's own bound, which gives no reason: above the limit, so that most clips are refused with one."""
    return str(max(2 * limits.max_pixels, 2**24))


def check_size(width: int, height: int, limits: ImageLimits) -> None:
    """Whether frames of so many pixels may be decoded.

    Raises:
        VideoTooLargeError: they may not.
    """
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise VideoTooLargeError(
            f"the clip's frames have {width} x {height} pixels; the limit is "
            f"{limits.max_pixels / 1e6:g} megapixels and {limits.max_side} px a side"
        )


def upright(frame: "VideoFrame", limits: ImageLimits) -> Image.Image:
    """A frame as RGB pixels, turned as its display matrix says (ISO/IEC 14496-12, 8.3.2).

    Raises:
        VideoTooLargeError: it is over a limit: a stream may change its size as it goes.
        UnreadableVideoError: it cannot be turned into pixels.
    """
    check_size(frame.width, frame.height, limits)
    try:
        pixels = Image.fromarray(frame.to_ndarray(format="rgb24"))
    except Exception as error:
        raise UnreadableVideoError("a frame of the clip cannot be turned into pixels") from error
    turn = _UPRIGHT.get(quarter_turn(frame))
    return pixels if turn is None else pixels.transpose(turn)


def quarter_turn(frame: "VideoFrame") -> int:
    """Degrees against the clock by which players turn a frame, 0 to 359."""
    return round(frame.rotation) % 360
