"""From an image and a face to what the classifier sees: the one crop of training, evaluation and serving."""

from dataclasses import dataclass, replace
from math import ceil, cos, floor, isfinite, radians, sin, sqrt

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.geometry import Box
from veraface.imaging.decode import recompress
from veraface.imaging.lazy import QUARTER_TURNS, is_heavier_left

MIN_LEAN = 7.0  # degrees; a face that leans less is upright enough
_QUALITY = 85  # JPEG quality at which an image is saved again, about what programs and web sites use


@dataclass(frozen=True)
class CropSettings:
    """How a face is cut out; stored in the model card, since weights and crop belong together."""

    size: int = 160  # side of the square model input, px
    margin: float = 1.3  # side of the crop over the longer side of the face box

    def __post_init__(self) -> None:
        if not (16 <= self.size <= 1024 and 1.0 <= self.margin <= 4.0):
            raise ValueError(f"crop needs size 16..1024 and margin 1..4, not {self.size} and {self.margin}")


def crop_box(box: Box, settings: CropSettings) -> Box:
    """Return the square around a face box that the classifier sees; it may reach over the image's edge."""
    return square_around(box, settings.margin)


def square_around(box: Box, margin: float) -> Box:
    """Return the square with the center of a box whose side is `margin` times the box's longer side."""
    side = box.max_side * margin
    center_x, center_y = box.x + box.width / 2, box.y + box.height / 2
    return Box(center_x - side / 2, center_y - side / 2, side, side)


def crop_face(image: Image.Image, box: Box, settings: CropSettings, roll: float = 0.0) -> NDArray[np.uint8]:
    """Cut out a face, level it and bring it to the model's input size.

    What lies outside the image repeats the image's edge: a flat border would tell the classifier
    how the image was framed.

    Args:
        image: upright RGB.
        box: of the face, in pixels of `image`; some of it must lie inside.
        settings: size and margin.
        roll: by how many degrees the face leans clockwise; see `level_angle` for what is leveled.

    Returns:
        RGB, shape (size, size, 3).

    Raises:
        ValueError: the box lies wholly outside the image, is empty, or has a side that is no number.
    """
    return _Region.of(image, box, settings, roll).crop(settings)


class FaceViews:
    """A face, cut out for detection.

    An image and its mirror image give exactly the same views: the brighter half is always on the right.

    Attributes:
        mirrored: the views are mirror images of the face as it is in the image.
    """

    def __init__(self, image: Image.Image, box: Box, settings: CropSettings, roll: float = 0.0) -> None:
        """Cut out the surroundings; arguments and errors as in `crop_face`."""
        region = _Region.of(image, box, settings, roll)
        self.mirrored = is_heavier_left(region.image)
        self._region = region.mirrored() if self.mirrored else region
        self._settings = settings
        self._face = image, box, roll

    def as_is(self) -> NDArray[np.uint8]:
        """Return the face as it is: RGB, shape (size, size, 3)."""
        return self._region.crop(self._settings)

    def saved_again(self) -> NDArray[np.uint8]:
        """Return the face as it would be once the image is saved again, as a JPEG of quality 85."""
        return self._region.saved_again().crop(self._settings)

    def wide(self, margin: float) -> NDArray[np.uint8]:
        """Return the face as it is with another margin, at the same size."""
        image, box, roll = self._face
        return FaceViews(image, box, replace(self._settings, margin=margin), roll).as_is()


def level_angle(roll: float) -> float:
    """Return by how many degrees counterclockwise a crop is turned to level a face.

    Quarter turns are exact. A face that leans less than 7 degrees from upright or from a quarter turn is not
    turned further: classifiers are trained on such faces, and turning smooths fine texture by a tenth.

    Args:
        roll: by how many degrees the face leans clockwise.
    """
    quarter = 90.0 * round(roll / 90)
    return quarter if abs(roll - quarter) < MIN_LEAN else roll


def turn_upright(square: Image.Image, size: int, lean: float, resample: Image.Resampling) -> Image.Image:
    """Return the middle of a square image turned counterclockwise by `lean` degrees, at the same scale.

    Args:
        square: its side is at least `size` times the square root of 2, so that no corner is missing.
        size: side of the result, px.
        lean: degrees.
        resample: filter.
    """
    c, s, half, middle = cos(radians(lean)), sin(radians(lean)), size / 2, square.width / 2
    matrix = (c, -s, middle - c * half + s * half, s, c, middle - s * half - c * half)
    return square.transform((size, size), Image.Transform.AFFINE, matrix, resample)


@dataclass(frozen=True)
class _Region:
    """The surroundings of a face, turned upright by quarters.

    Attributes:
        image: the surroundings, at the scale of the image.
        box: of the face, px of `image`.
        lean: degrees clockwise by which the face still leans.
    """

    image: Image.Image
    box: Box
    lean: float

    @classmethod
    def of(cls, image: Image.Image, box: Box, settings: CropSettings, roll: float) -> "_Region":
        """Cut out the surroundings; raise `ValueError` as `crop_face` does.

        Done before scaling, and for upright faces too, so that a turned copy of an image gives exactly the
        same crop.
        """
        if not all(map(isfinite, (box.x, box.y, box.width, box.height))):
            raise ValueError(f"the face box {box.to_list()} is no rectangle")
        if not _overlaps(crop_box(box, settings), image):
            raise ValueError(f"the face box {box.to_list()} lies outside the image")
        angle = level_angle(roll)
        turns = round(angle / 90) % 4
        lean = angle - 90 * round(angle / 90)
        side = box.max_side * settings.margin * _wide(settings, lean) / settings.size
        reach = side / 2 + side / 16 + 4  # with what the scaling filter takes in beyond the edge
        x, y = box.x + box.width / 2, box.y + box.height / 2
        left, top = max(0, floor(x - reach)), max(0, floor(y - reach))
        right, bottom = min(image.width, ceil(x + reach)), min(image.height, ceil(y + reach))
        region = image.crop((left, top, right, bottom))
        turned = box.moved(-left, -top).turned(turns, region.width, region.height)
        return cls(region.transpose(QUARTER_TURNS[turns]) if turns else region, turned, lean)

    def mirrored(self) -> "_Region":
        """Return the mirror image."""
        flipped = self.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return _Region(flipped, self.box.mirrored(self.image.width), -self.lean)

    def saved_again(self) -> "_Region":
        """Return the surroundings as they are in a JPEG."""
        return _Region(recompress(self.image, _QUALITY), self.box, self.lean)

    def crop(self, settings: CropSettings) -> NDArray[np.uint8]:
        """Return the face at the model's input size, leveled."""
        wide = _wide(settings, self.lean)
        square = square_around(self.box, settings.margin * wide / settings.size)
        pixels = _cut(self.image, square, wide)
        if not self.lean:
            return pixels
        upright = turn_upright(Image.fromarray(pixels), settings.size, self.lean, Image.Resampling.BICUBIC)
        return np.asarray(upright)


def _wide(settings: CropSettings, lean: float) -> int:
    """Return the side of the square that holds a crop turned by `lean`, px of the model's input."""
    return ceil(settings.size * sqrt(2)) if lean else settings.size


def _overlaps(square: Box, image: Image.Image) -> bool:
    right, bottom = square.x + square.width, square.y + square.height
    return max(0.0, square.x) < min(image.width, right) and max(0.0, square.y) < min(image.height, bottom)


def _cut(image: Image.Image, square: Box, size: int) -> NDArray[np.uint8]:
    """Scale a square of an image to `size` px; what lies outside the image repeats its edge."""
    left, top = max(0.0, square.x), max(0.0, square.y)
    right = min(float(image.width), square.x + square.width)
    bottom = min(float(image.height), square.y + square.height)
    scale = size / square.width
    # Whole pixels of the output that the inside of the image fills, at least one.
    x0, x1 = _span(left - square.x, right - square.x, scale, size)
    y0, y1 = _span(top - square.y, bottom - square.y, scale, size)
    inside = image.resize((x1 - x0, y1 - y0), Image.Resampling.BICUBIC, box=(left, top, right, bottom))
    pixels: NDArray[np.uint8] = np.asarray(inside)
    if inside.size == (size, size):
        return pixels
    return np.pad(pixels, ((y0, size - y1), (x0, size - x1), (0, 0)), mode="edge")


def _span(start: float, end: float, scale: float, size: int) -> tuple[int, int]:
    first = min(round(start * scale), size - 1)
    return first, max(first + 1, min(round(end * scale), size))
