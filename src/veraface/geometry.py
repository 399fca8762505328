"""Rectangles in images."""

from dataclasses import dataclass


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

    def iou(self, other: "Box") -> float:
        """Return the intersection over union, 0 (apart) to 1 (equal)."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(0.0, width) * max(0.0, height)
        return shared / (self.area + other.area - shared) if shared else 0.0

    def to_list(self) -> list[float]:
        """Return x, y, width, height, rounded to a tenth of a pixel."""
        return [round(float(v), 1) for v in (self.x, self.y, self.width, self.height)]
