"""YuNet, an anchor-free face detector of 54,608 weights, run by ONNX Runtime at one scale.

Model: Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 2023;
weights and their license in `weights/` (see `weights/README.md`).
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from veraface.models.onnx_session import open_session

WEIGHTS = Path(__file__).parent / "weights" / "yunet_n.onnx"

STRIDES = (8, 16, 32)  # px; the sides of the input are a multiple of the last one
_MAX_OVERLAP = 0.4  # IoU above which the weaker of two boxes is suppressed
_MAX_CANDIDATES = 1000  # boxes of an image that enter non-maximum suppression, highest score first
_OUTPUTS = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in STRIDES]

# Faces as rows of 15 numbers: left, top, right, bottom; x, y of left eye, right eye, nose, left and right
# corner of the mouth, as seen in the upright face; score, 0 to 1.
Faces = NDArray[np.float32]
NO_FACES: Faces = np.empty((0, 15), dtype=np.float32)


class YuNet:
    """The network; safe to share between threads."""

    def __init__(
        self, weights: Path = WEIGHTS, *, threads: int = 0, providers: Sequence[str] | None = None
    ) -> None:
        """Load the network; arguments as in `veraface.models.load_face_detector`."""
        self._session = open_session(weights, threads, providers)

    def detect(self, image: NDArray[np.uint8], border: int, min_score: float) -> Faces:
        """Return the faces of an image, highest score first, in its pixels.

        Args:
            image: RGB, shape (height, width, 3), searched at its own scale.
            border: black padding on all sides, px, which helps with faces that fill the frame.
            min_score: 0 to 1.
        """
        height, width = (_padded(side + 2 * border) for side in image.shape[:2])
        pixels = np.zeros((1, 3, height, width), np.float32)
        inside = pixels[0, :, border : border + image.shape[0], border : border + image.shape[1]]
        for plane, channel in zip(inside, (2, 1, 0), strict=True):  # blue, green, red
            plane[:] = image[:, :, channel]
        outputs = self._session.run(_OUTPUTS, {"input": pixels})
        cls, obj, boxes, points = (np.concatenate(outputs[i : i + 3], axis=1)[0] for i in (0, 3, 6, 9))
        scores = np.sqrt(cls[:, 0] * obj[:, 0])
        keep = np.flatnonzero(scores >= min_score)
        keep = keep[np.argsort(-scores[keep], kind="stable")][:_MAX_CANDIDATES]
        cells, strides = (grid[keep] for grid in _cells(width, height))
        centers, halves = (cells + boxes[keep, :2]) * strides, np.exp(boxes[keep, 2:]) * strides / 2
        landmarks = (np.tile(cells, 5) + points[keep]) * strides
        coordinates = np.concatenate([centers - halves, centers + halves, landmarks], axis=1) - border
        return nms(np.concatenate([coordinates, scores[keep, np.newaxis]], axis=1))


def nms(faces: Faces, limit: float = _MAX_OVERLAP) -> Faces:
    """Suppress boxes that overlap a stronger one (non-maximum suppression); highest score first."""
    faces = faces[np.argsort(-faces[:, 14], kind="stable")]
    chosen = []
    while len(faces):
        chosen.append(faces[0])
        faces = faces[iou(faces[0], faces) <= limit]
    return np.stack(chosen) if chosen else NO_FACES


def iou(face: NDArray[np.float32], faces: Faces) -> NDArray[np.float32]:
    """Return the intersection over union of one face's box and each of the others', shape (n,)."""
    shared = np.minimum(face[2:4], faces[:, 2:4]) - np.maximum(face[:2], faces[:, :2])
    overlap = np.prod(np.clip(shared, 0, None), axis=1)
    areas = np.prod(faces[:, 2:4] - faces[:, :2], axis=1)
    union = np.prod(face[2:4] - face[:2]) + areas - overlap
    return np.asarray(overlap / np.maximum(union, np.float32(1e-6)))


def _padded(length: int) -> int:
    return -(-length // STRIDES[-1]) * STRIDES[-1]


@lru_cache(maxsize=8)
def _cells(width: int, height: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return column and row of each output cell, shape (n, 2), and its stride, px, shape (n, 1)."""
    cells, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[0 : height // stride, 0 : width // stride]
        cells.append(np.stack([columns, rows], axis=-1).reshape(-1, 2))
        strides.append(np.full((len(cells[-1]), 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)
