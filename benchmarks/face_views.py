"""Changed copies of an image whose face boxes are known: rotated, mirrored, cut, covered, shrunk."""

from collections.abc import Callable
from dataclasses import dataclass
from math import atan2, ceil, cos, degrees, floor, hypot, radians, sin

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from veraface.geometry import Box

THUMBNAIL_SIDE = 64  # px
_COVER = (40, 60, 110)  # a flat color, as of a mask or a hand-held card
_TRANSPOSED = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}


@dataclass(frozen=True)
class View:
    """A changed copy of an image.

    Attributes:
        image: the copy.
        matrix: maps points (x, y, 1) of the original to the copy, shape (2, 3).
        visible: the visible part of the face box in the copy, where some of it was cut off; otherwise None.
    """

    image: Image.Image
    matrix: NDArray[np.float64]
    visible: Box | None = None

    def box(self, box: Box) -> Box:
        """Return a face box of the original in the copy: the bounding box of the ellipse inscribed in it."""
        x, y = self.matrix @ (box.x + box.width / 2, box.y + box.height / 2, 1)
        half_width, half_height = (hypot(a * box.width, b * box.height) / 2 for a, b, _ in self.matrix)
        return Box(float(x - half_width), float(y - half_height), 2 * half_width, 2 * half_height)

    def roll_error(
        self, landmarks: tuple[tuple[float, float], ...], upright: tuple[tuple[float, float], ...]
    ) -> float:
        """Return the angle between the line of the eyes in the copy and in the original, in degrees.

        Args:
            landmarks: of the face in the copy; left eye and right eye first.
            upright: of the same face in the original.
        """
        linear = self.matrix[:, :2]
        across = np.linalg.solve(linear, np.subtract(landmarks[1], landmarks[0]))
        if np.linalg.det(linear) < 0:  # mirrored: the eye on the left of one is on the right of the other
            across = -across
        expected = np.subtract(upright[1], upright[0])
        difference = degrees(atan2(across[1], across[0]) - atan2(expected[1], expected[0]))
        return abs((difference + 180) % 360 - 180)


def rotated(image: Image.Image, angle: int) -> View:
    """Rotate counterclockwise by `angle` degrees; the copy contains all of the image, its corners black."""
    if angle in _TRANSPOSED:
        copy = image.transpose(_TRANSPOSED[angle])
    else:
        copy = image.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    cosine, sine = cos(radians(angle)), sin(radians(angle))
    linear = np.array([[cosine, sine], [-sine, cosine]])
    offset = np.divide(copy.size, 2) - linear @ np.divide(image.size, 2)
    return View(copy, np.column_stack([linear, offset]))


def mirrored(image: Image.Image) -> View:
    """Mirror from left to right."""
    copy = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return View(copy, np.array([[-1.0, 0, image.width], [0, 1, 0]]))


def shrunk(image: Image.Image, side: int) -> View:
    """Resize so that the longest side has `side` px."""
    factor = side / max(image.size)
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    copy = image.resize(size, Image.Resampling.LANCZOS)
    return View(copy, np.diag([copy.width / image.width, copy.height / image.height, 0])[:2])


def cut(image: Image.Image, box: Box, side: str) -> View:
    """Crop so that the left or the lower half of the face box lies outside the image.

    Args:
        image: the original.
        box: of the face.
        side: "left" or "lower".
    """
    x, y = box.x + box.width / 2, box.y + box.height / 2
    left = ceil(x) if side == "left" else 0
    bottom = floor(y) if side == "lower" else image.height
    copy = image.crop((left, 0, image.width, bottom))
    x0, y0 = max(box.x, left), max(box.y, 0)
    x1, y1 = min(box.x + box.width, image.width), min(box.y + box.height, bottom)
    visible = Box(x0 - left, y0, x1 - x0, y1 - y0)
    return View(copy, np.array([[1.0, 0, -left], [0, 1, 0]]), visible)


def covered(image: Image.Image, box: Box, side: str) -> View:
    """Paint a flat bar over the left or the lower half of the face box, a little wider than the box."""
    copy = image.copy()
    margin = 0.1 * box.max_side
    x0, y0 = box.x - margin, box.y - margin
    x1, y1 = box.x + box.width + margin, box.y + box.height + margin
    if side == "left":
        x1 = box.x + box.width / 2
    else:
        y0 = box.y + box.height / 2
    ImageDraw.Draw(copy).rectangle((x0, y0, x1, y1), fill=_COVER)
    return View(copy, np.eye(3)[:2])


VIEWS: dict[str, Callable[[Image.Image, Box], View]] = {
    "upright": lambda image, box: View(image, np.eye(3)[:2]),
    **{
        f"rotated by {angle}°": lambda image, box, angle=angle: rotated(image, angle)  # type: ignore[misc]
        for angle in (15, 30, 45, 90, 180, 270)
    },
    "mirrored": lambda image, box: mirrored(image),
    "left half outside": lambda image, box: cut(image, box, "left"),
    "lower half outside": lambda image, box: cut(image, box, "lower"),
    "left half covered": lambda image, box: covered(image, box, "left"),
    "lower half covered": lambda image, box: covered(image, box, "lower"),
    f"thumbnail of {THUMBNAIL_SIDE} px": lambda image, box: shrunk(image, THUMBNAIL_SIDE),
}
