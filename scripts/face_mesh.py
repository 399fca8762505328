"""Dense landmarks of a face: contours for the masks of synthesized fakes. For training only.

MediaPipe Face Mesh, Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile
GPUs", CVPR Workshop 2019; Apache-2.0. The network is not shipped.
"""

from math import cos, radians, sin
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.datasets.synthesis.face_shapes import FaceShapes
from veraface.geometry import Box
from veraface.models.onnx_session import open_session

_SIDE = 192  # px of the network's input: RGB, 0 to 1, shape (1, 192, 192, 3)
_POINTS = 468  # landmarks, each x, y, z in px of the input
_MARGIN = 1.5  # side of the crop over the longer side of the box, as in MediaPipe
_MIN_IOU = 0.35  # of the contour's bounding box with the face box; lower: no face was found in the crop

# Indices of landmarks; the first three contours and the lips as in MediaPipe's face_mesh_connections.py.
_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
_LEFT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
_RIGHT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
_NOSE = (
    *(168, 193, 245, 188, 174, 198, 49, 48, 64, 98, 97),
    *(2, 326, 327, 294, 278, 279, 420, 399, 412, 465, 417),
)
_LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
_CONTOURS = (_OVAL, _LEFT_EYE, _RIGHT_EYE, _NOSE, _LIPS)


class FaceMesh:
    """Finds the contours of a face whose box is known."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """Load the network from an ONNX file; `threads` as in `open_session`."""
        self._session = open_session(path, threads)
        self._input = self._session.get_inputs()[0].name

    def shapes(self, image: Image.Image, box: Box, roll: float = 0.0) -> FaceShapes | None:
        """Return the contours of the face in the box, or None if they do not fit the box.

        Args:
            image: RGB.
            box: of the face, px of the image; may reach over its edges.
            roll: degrees by which the face leans clockwise.
        """
        scale = box.max_side * _MARGIN / _SIDE  # px of the image per px of the input
        turn = scale * np.array(
            [[cos(radians(roll)), -sin(radians(roll))], [sin(radians(roll)), cos(radians(roll))]]
        )
        center = np.array([box.x + box.width / 2, box.y + box.height / 2])
        matrix = np.column_stack([turn, center - turn @ [_SIDE / 2, _SIDE / 2]])
        crop = _cut(image, matrix, scale)
        pixels = np.asarray(crop, np.float32)[np.newaxis] / np.float32(255)
        (found,) = self._session.run(None, {self._input: pixels})
        points = np.asarray(found, np.float64).reshape(_POINTS, 3)[:, :2] @ turn.T + matrix[:, 2]
        shapes = FaceShapes(*(points[list(indices)].astype(np.float32) for indices in _CONTOURS))
        return shapes if _fits(shapes.oval, box) else None


def _cut(image: Image.Image, matrix: NDArray[np.float64], scale: float) -> Image.Image:
    """Return the network's input; a large face is scaled down first, free of aliasing."""
    if scale > 2:
        factor = 1 / scale
        size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
        image = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
        matrix = matrix * factor
    return image.transform(
        (_SIDE, _SIDE), Image.Transform.AFFINE, tuple(map(float, matrix.ravel())), Image.Resampling.BILINEAR
    )


def _fits(oval: NDArray[np.float32], box: Box) -> bool:
    (left, top), (right, bottom) = oval.min(axis=0).tolist(), oval.max(axis=0).tolist()
    return bool(np.isfinite(oval).all()) and Box(left, top, right - left, bottom - top).iou(box) >= _MIN_IOU
