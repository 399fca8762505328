"""From an image and a face to what the classifier sees: the one crop of training, evaluation and serving."""

from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.geometry import Box


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


def crop_face(image: Image.Image, box: Box, settings: CropSettings) -> NDArray[np.uint8]:
    """Cut out a face of an upright RGB image and bring it to the model's input size, shape (size, size, 3).

    What lies outside the image repeats its edge: a flat border would tell the classifier how it was framed.

    Raises:
        ValueError: the box lies wholly outside the image, is empty, or has a side that is no number.
    """
    if not all(map(isfinite, (box.x, box.y, box.width, box.height))):
        raise ValueError(f"the face box {box.to_list()} is no rectangle")
    square = crop_box(box, settings)
    left, top = max(0.0, square.x), max(0.0, square.y)
    right = min(float(image.width), square.x + square.width)
    bottom = min(float(image.height), square.y + square.height)
    if right <= left or bottom <= top:
        raise ValueError(f"the face box {box.to_list()} lies outside the image")
    scale = settings.size / square.width
    # Whole pixels of the output that the inside of the image fills, at least one.
    x0, x1 = _span(left - square.x, right - square.x, scale, settings.size)
    y0, y1 = _span(top - square.y, bottom - square.y, scale, settings.size)
    inside = image.resize((x1 - x0, y1 - y0), Image.Resampling.BICUBIC, box=(left, top, right, bottom))
    pixels: NDArray[np.uint8] = np.asarray(inside)
    if inside.size == (settings.size, settings.size):
        return pixels
    return np.pad(pixels, ((y0, settings.size - y1), (x0, settings.size - x1), (0, 0)), mode="edge")


def _span(start: float, end: float, scale: float, size: int) -> tuple[int, int]:
    first = min(round(start * scale), size - 1)
    return first, max(first + 1, min(round(end * scale), size))
