"""From a decoded frame to an image as players show it: upright, its pixels square."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import numpy as np
from PIL import Image

from veraface.errors import UnreadableVideoError
from veraface.imaging.decode import ImageLimits
from veraface.video.limits import check_size, too_much_memory

if TYPE_CHECKING:
    from av.sidedata.sidedata import SideData
    from av.video.frame import VideoFrame

_SQUARE = Fraction(1)
_MAX_PIXEL = 4  # a pixel more times as wide as high, or as high as wide, is a broken header
_MATRIX_BYTES = 9 * 4  # of a display matrix, as FFmpeg keeps it


@dataclass(frozen=True)
class Turn:
    """How a frame is made upright."""

    degrees: int  # with the clock, after it was mirrored left to right where it is
    transpose: Image.Transpose | None  # both in one; None where nothing is to be done


_AS_STORED = Turn(0, None)
# By a, b, c, d of a display matrix (ISO/IEC 14496-12, 8.3.2), which takes the point x, y of a stored frame,
# y downwards, to a x + c y, b x + d y. What players show knows no other angles.
_TURNS = {
    (1, 0, 0, 1): _AS_STORED,
    (0, 1, -1, 0): Turn(90, Image.Transpose.ROTATE_270),
    (-1, 0, 0, -1): Turn(180, Image.Transpose.ROTATE_180),
    (0, -1, 1, 0): Turn(270, Image.Transpose.ROTATE_90),
    (-1, 0, 0, 1): Turn(0, Image.Transpose.FLIP_LEFT_RIGHT),
    (0, -1, -1, 0): Turn(90, Image.Transpose.TRANSVERSE),
    (1, 0, 0, -1): Turn(180, Image.Transpose.FLIP_TOP_BOTTOM),
    (0, 1, 1, 0): Turn(270, Image.Transpose.TRANSPOSE),
}


def nearest_turn(a: int, b: int, c: int, d: int) -> Turn:
    """What comes nearest to a display matrix; nothing for one that would leave no image."""
    sign = a * d - b * c
    if not sign:
        return _AS_STORED
    same_side = [m for m in _TURNS if (m[0] * m[3] - m[1] * m[2]) * sign > 0]
    return _TURNS[max(same_side, key=lambda m: m[0] * a + m[1] * b + m[2] * c + m[3] * d)]


def turn_of(frame: "VideoFrame") -> Turn:
    """How players turn and mirror a frame."""
    # PyAV's types take this for a TypedDict of something else.
    data = cast("Mapping[str, SideData]", frame.side_data).get("DISPLAYMATRIX")
    if data is None or data.buffer_size < _MATRIX_BYTES:
        return _AS_STORED
    a, b, _, c, d = (int(value) for value in np.frombuffer(bytes(data), np.int32)[:5])
    return nearest_turn(a, b, c, d)


def picture_of(frame: "VideoFrame", shape: Fraction | None, limits: ImageLimits) -> Image.Image:
    """A frame as RGB pixels, turned as its display matrix says.

    Args:
        frame: as decoded.
        shape: width of a stored pixel by its height; None or nonsense count as square.
        limits: of the frame, and of the image.

    Raises:
        VideoTooLargeError: it is over a limit: a stream may change its size as it goes.
        UnreadableVideoError: it cannot be turned into pixels.
    """
    check_size(frame.width, frame.height, limits)
    size = _with_square_pixels(frame.width, frame.height, shape or _SQUARE)
    check_size(*size, limits)
    try:
        image = Image.fromarray(frame.to_ndarray(format="rgb24"))
        if image.size != size:
            image = image.resize(size, Image.Resampling.BICUBIC)
        turn = turn_of(frame).transpose
        return image if turn is None else image.transpose(turn)
    except MemoryError as error:
        raise too_much_memory() from error
    except Exception as error:
        raise UnreadableVideoError("a frame of the video cannot be turned into pixels") from error


def _with_square_pixels(width: int, height: int, shape: Fraction) -> tuple[int, int]:
    """The longer way is kept, as faces are to lose none of their pixels."""
    if not Fraction(1, _MAX_PIXEL) <= shape <= _MAX_PIXEL:
        return width, height
    return (round(width * shape), height) if shape >= 1 else (width, round(height / shape))
