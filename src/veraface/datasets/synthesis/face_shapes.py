"""Contours of a face and the regions between them, from which blend masks are drawn."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Contour = NDArray[np.float32]  # shape (K, 2), px

REGIONS = ("face", "no_forehead", "lower", "eyes", "nose", "mouth")
_SIZES = (36, 16, 16, 22, 20)  # points of each contour
_BROWS = 0.35  # height of the brows above the eyes, share of the distance between the eyes
_LOWER = 0.45  # where the lower half starts, share of the way from the eyes to the mouth


class FaceShapes(NamedTuple):
    """Closed contours of one face, px of its image; left and right as seen."""

    oval: Contour  # (36, 2)
    left_eye: Contour  # (16, 2)
    right_eye: Contour  # (16, 2)
    nose: Contour  # (22, 2)
    lips: Contour  # (20, 2)

    def to_array(self) -> Contour:
        """Return all points as one float32 array, shape (110, 2), for storage."""
        return np.concatenate(self).astype(np.float32)

    @classmethod
    def from_array(cls, points: NDArray[np.floating]) -> "FaceShapes":
        """Return the shapes that `to_array` stored.

        Raises:
            ValueError: the array does not have the shape (110, 2).
        """
        if points.shape != (sum(_SIZES), 2):
            raise ValueError(f"face shapes need an array of shape ({sum(_SIZES)}, 2), not {points.shape}")
        return cls(*np.split(points.astype(np.float32), np.cumsum(_SIZES)[:-1]))

    def moved(self, x: float, y: float) -> "FaceShapes":
        """Return the shapes shifted by `x` and `y` px, as needed after a crop."""
        offset = np.array([x, y], np.float32)
        return FaceShapes(*(contour + offset for contour in self))

    def scaled(self, factor: float) -> "FaceShapes":
        """Return the same shapes in an image whose sides are `factor` times as long."""
        return FaceShapes(*(contour * np.float32(factor) for contour in self))

    def region(self, name: str) -> list[Contour]:
        """Return the outlines of a region of `REGIONS`; what any of them encloses belongs to it."""
        if name == "eyes":
            return [self.left_eye, self.right_eye]
        if name == "nose":
            return [self.nose]
        if name == "mouth":
            return [self.lips]
        if name == "face":
            return [self.oval]
        eyes = (self.left_eye.mean(axis=0), self.right_eye.mean(axis=0))
        middle, apart = (eyes[0] + eyes[1]) / 2, float(np.hypot(*(eyes[1] - eyes[0])))
        down = self.lips.mean(axis=0) - middle
        length = max(float(np.hypot(*down)), 1e-6)
        start = -_BROWS * apart / length if name == "no_forehead" else _LOWER
        # Points of the oval above the line are projected onto it, along the axis of the face.
        height = (self.oval - middle) @ down / length**2
        return [self.oval + np.outer(np.maximum(start - height, 0), down).astype(np.float32)]
