"""Convert decoded frames to images as players show them: upright, with square pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import numpy as np
from PIL import Image

from veraface.errors import UnreadableVideoError
from veraface.imaging.decode import ImageLimits
from veraface.video.limits import check_size, memory_error

if TYPE_CHECKING:
    from av.sidedata.sidedata import SideData
    from av.video.frame import VideoFrame

_SQUARE = Fraction(1)
_MAX_PIXEL_ASPECT = 4  # a larger pixel aspect ratio, or its inverse, is a broken header
_MATRIX_BYTES = 9 * 4  # of a display matrix in FFmpeg's side data


@dataclass(frozen=True)
class Orientation:
    """The transformation that makes a frame upright."""

    degrees: int  # clockwise, after mirroring left to right where the frame is mirrored
    transpose: Image.Transpose | None  # both in one step; None for no change


_AS_STORED = Orientation(0, None)
# By a, b, c, d of a display matrix (ISO/IEC 14496-12, 8.3.2), which maps the point x, y of a stored frame,
# y downwards, to a x + c y, b x + d y. Players support no other angles.
_ORIENTATIONS = {
    (1, 0, 0, 1): _AS_STORED,
    (0, 1, -1, 0): Orientation(90, Image.Transpose.ROTATE_270),
    (-1, 0, 0, -1): Orientation(180, Image.Transpose.ROTATE_180),
    (0, -1, 1, 0): Orientation(270, Image.Transpose.ROTATE_90),
    (-1, 0, 0, 1): Orientation(0, Image.Transpose.FLIP_LEFT_RIGHT),
    (0, -1, -1, 0): Orientation(90, Image.Transpose.TRANSVERSE),
    (1, 0, 0, -1): Orientation(180, Image.Transpose.FLIP_TOP_BOTTOM),
    (0, 1, 1, 0): Orientation(270, Image.Transpose.TRANSPOSE),
}


def frame_orientation(frame: "VideoFrame") -> Orientation:
    """Return how players rotate and mirror a frame: not at all if its display matrix is singular."""
    # PyAV's type hints declare another type.
    data = cast("Mapping[str, SideData]", frame.side_data).get("DISPLAYMATRIX")
    if data is None or data.buffer_size < _MATRIX_BYTES:
        return _AS_STORED
    a, b, _, c, d = (int(value) for value in np.frombuffer(bytes(data), np.int32)[:5])
    same_side = [m for m in _ORIENTATIONS if (m[0] * m[3] - m[1] * m[2]) * (a * d - b * c) > 0]
    nearest = max(same_side, key=lambda m: m[0] * a + m[1] * b + m[2] * c + m[3] * d, default=(1, 0, 0, 1))
    return _ORIENTATIONS[nearest]


def to_image(frame: "VideoFrame", aspect: Fraction | None, limits: ImageLimits) -> Image.Image:
    """Return a frame as an RGB image, oriented by its display matrix.

    `aspect` is the pixel aspect ratio, width by height; None or an implausible value counts as square.

    Raises:
        VideoTooLargeError: it is over a limit; a stream may change its size.
        UnreadableVideoError: it cannot be converted.
    """
    check_size(frame.width, frame.height, limits)
    size = _with_square_pixels(frame.width, frame.height, aspect or _SQUARE)
    check_size(*size, limits)
    try:
        image = Image.fromarray(frame.to_ndarray(format="rgb24"))
        if image.size != size:
            image = image.resize(size, Image.Resampling.BICUBIC)
        transpose = frame_orientation(frame).transpose
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
