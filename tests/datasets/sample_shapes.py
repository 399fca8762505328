"""Contours of made faces, as a face mesh finds them."""

import numpy as np

from veraface.datasets.synthesis.face_shapes import Contour, FaceShapes
from veraface.geometry import Box


def shapes_of(box: Box) -> FaceShapes:
    """Return ellipses where an upright face in the box has its features."""

    def ellipse(x: float, y: float, across: float, down: float, points: int) -> Contour:
        angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
        xs = box.x + box.width * (x + across * np.cos(angles))
        ys = box.y + box.height * (y + down * np.sin(angles))
        return np.column_stack([xs, ys]).astype(np.float32)

    return FaceShapes(
        oval=ellipse(0.5, 0.5, 0.48, 0.5, 36),
        left_eye=ellipse(0.3, 0.4, 0.1, 0.04, 16),
        right_eye=ellipse(0.7, 0.4, 0.1, 0.04, 16),
        nose=ellipse(0.5, 0.55, 0.12, 0.16, 22),
        lips=ellipse(0.5, 0.8, 0.2, 0.08, 20),
    )
