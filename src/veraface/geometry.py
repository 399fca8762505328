"""Rectangles in images, and how a face leans."""

from cmath import phase
from collections.abc import Sequence
from dataclasses import dataclass
from math import degrees

# Left eye, right eye, nose, left and right corner of the mouth of an upright face, around their mean.
# Deng et al., "ArcFace", CVPR 2019, as released, for faces of 112 px; here the mean with its mirror image.
_UPRIGHT_LANDMARKS = (-17.62 - 20.30j, 17.62 - 20.30j, 0.0 - 0.16j, -14.59 + 20.38j, 14.59 + 20.38j)

SAME_FACE = 0.25  # intersection over union from which two detections are the same face


@dataclass(frozen=True)
class Box:
    """An axis-aligned rectangle in pixels of the upright, full-size image.

    Attributes:
        x: left edge.
        y: top edge.
        width: to the right.
        height: downwards.
    """

    x: float
    y: float
    width: float
    height: float

    @property
    def max_side(self) -> float:
        """The larger of width and height, px."""
        return max(self.width, self.height)

    @property
    def area(self) -> float:
        """Width times height, square pixels."""
        return self.width * self.height

    def scaled(self, factor: float) -> "Box":
        """Return the same rectangle in an image whose sides are `factor` times as long."""
        return Box(self.x * factor, self.y * factor, self.width * factor, self.height * factor)

    def moved(self, x: float, y: float) -> "Box":
        """Return the rectangle shifted by `x` and `y` px, as needed after a crop."""
        return Box(self.x + x, self.y + y, self.width, self.height)

    def turned(self, turns: int, width: float, height: float) -> "Box":
        """Return the same rectangle after the image was turned counterclockwise by quarters.

        Args:
            turns: 0 to 3.
            width: of the image before, px.
            height: of the image before, px.
        """
        if turns == 1:
            return Box(self.y, width - self.x - self.width, self.height, self.width)
        if turns == 2:
            return Box(width - self.x - self.width, height - self.y - self.height, self.width, self.height)
        if turns == 3:
            return Box(height - self.y - self.height, self.x, self.height, self.width)
        return self

    def mirrored(self, width: float) -> "Box":
        """Return the same rectangle in the mirror image of an image of that width, px."""
        return Box(width - self.x - self.width, self.y, self.width, self.height)

    def iou(self, other: "Box") -> float:
        """Return the intersection over union, 0 (apart) to 1 (equal)."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(0.0, width) * max(0.0, height)
        return shared / (self.area + other.area - shared) if shared else 0.0

    def to_list(self) -> list[float]:
        """Return x, y, width, height, rounded to a tenth of a pixel."""
        return [round(float(v), 1) for v in (self.x, self.y, self.width, self.height)]


def roll(landmarks: Sequence[tuple[float, float]]) -> float:
    """Return by how many degrees a face leans clockwise, -180 to 180; 0 without five landmarks.

    The rotation of the least-squares similarity transform from an upright face (Umeyama, "Least-squares
    estimation of transformation parameters between two point patterns", TPAMI 1991).

    Args:
        landmarks: left eye, right eye, nose, left and right corner of the mouth, as seen in the upright face.
    """
    points = [complex(x, y) for x, y in landmarks]
    if len(points) != len(_UPRIGHT_LANDMARKS):
        return 0.0
    mean = sum(points) / len(points)
    return degrees(
        phase(sum(u.conjugate() * (p - mean) for u, p in zip(_UPRIGHT_LANDMARKS, points, strict=True)))
    )
