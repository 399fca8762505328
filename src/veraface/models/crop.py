"""From an image and a face to what the classifier sees: the one crop of training, evaluation and serving."""

from dataclasses import dataclass
from math import ceil, cos, floor, isfinite, radians, sin, sqrt

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.geometry import Box
from veraface.imaging.lazy import QUARTER_TURNS

MIN_LEAN = 7.0  # degrees; a face that leans less is upright enough


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
    side = box.max_side * settings.margin
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
    if not all(map(isfinite, (box.x, box.y, box.width, box.height))):
        raise ValueError(f"the face box {box.to_list()} is no rectangle")
    if not _overlaps(crop_box(box, settings), image):
        raise ValueError(f"the face box {box.to_list()} lies outside the image")
    angle = level_angle(roll)
    turns = round(angle / 90) % 4
    lean = angle - 90 * round(angle / 90)
    wide = ceil(settings.size * sqrt(2)) if lean else settings.size  # px, a square that holds the turned crop
    image, box = _turned(image, box, box.max_side * settings.margin * wide / settings.size, turns)
    square = crop_box(box, CropSettings(settings.size, settings.margin * wide / settings.size))
    pixels = _cut(image, square, wide)
    if not lean:
        return pixels
    return np.asarray(turn_upright(Image.fromarray(pixels), settings.size, lean, Image.Resampling.BICUBIC))


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


def _overlaps(square: Box, image: Image.Image) -> bool:
    right, bottom = square.x + square.width, square.y + square.height
    return max(0.0, square.x) < min(image.width, right) and max(0.0, square.y) < min(image.height, bottom)


def _turned(image: Image.Image, box: Box, side: float, turns: int) -> tuple[Image.Image, Box]:
    """Cut out the surroundings of a face and turn them counterclockwise by quarters; return them and the box.

    Done before scaling, and for upright faces too, so that a turned copy of an image gives exactly the same
    crop.
    """
    reach = side / 2 + side / 16 + 4  # with what the scaling filter takes in beyond the edge
    x, y = box.x + box.width / 2, box.y + box.height / 2
    left, top = max(0, floor(x - reach)), max(0, floor(y - reach))
    region = image.crop((left, top, min(image.width, ceil(x + reach)), min(image.height, ceil(y + reach))))
    moved = box.moved(-left, -top)
    upright = region.transpose(QUARTER_TURNS[turns]) if turns else region
    return upright, moved.turned(turns, region.width, region.height)


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
