"""RetinaFace with a MobileNet-0.25 backbone, run by ONNX Runtime.

Model: Deng et al., "RetinaFace: Single-shot Multi-level Face Localisation in the Wild", CVPR 2020;
weights and their license in `weights/` (see `weights/README.md`).
"""

from collections.abc import Sequence
from functools import lru_cache
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.geometry import Box
from veraface.imaging.lazy import LazyImage
from veraface.models.onnx_session import open_session
from veraface.models.protocols import FaceDetection

WEIGHTS = Path(__file__).parent / "weights" / "retinaface_mobilenet025.onnx"

# Anchors and box coding as in the paper's released configuration.
_STRIDES_AND_ANCHORS = ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
_CENTER_VARIANCE, _SIZE_VARIANCE = 0.1, 0.2
_MEAN_BGR = np.array([104, 117, 123], dtype=np.float32)

# Chosen by measurement: benchmarks/results/face_detectors.md.
MIN_SCORE = 0.9  # 0..1; a detection at or above is a face
_LOW_SCORE = 0.03  # a detection from here up to MIN_SCORE is a reason to search at a larger scale
_MAX_OVERLAP = 0.4  # IoU above which the weaker of two boxes is suppressed
_MAX_CANDIDATES = 1000  # boxes that enter non-maximum suppression, highest score first
MAX_FACES = 64  # largest first; further faces of a crowd are dropped

# The image is searched at a small scale first, and at larger ones while no face is found or small faces
# suggest a crowd. It is padded because the network misses faces that fill the frame. The largest scale stays
# below half the 4,032 px of a phone's photo, so that a JPEG is never decoded at full size for it.
COARSE_SIDE = 448  # longest side of the image at the first scale, px
_PYRAMID_SIDES = (COARSE_SIDE, 1024, 2000)
_MAX_ENLARGED = 2.0  # how far a small image is enlarged at the larger scales
_BORDER = 0.15  # padding on all sides, as a share of the longest side
_MAX_BORDER = 38  # px at that scale; more padding costs time and finds nothing more
_SMALL_FACE = 36  # px at that scale; most smaller faces are missed, so there may be more of them
# px at the previous scale. A larger detection adds nothing at the next one: the face would have been found,
# and what appears is part of a face too large for the anchors, or an enlarged false positive.
_SEEN_WELL = 64
# Larger scales are searched in tiles: in one piece, the last one takes 530 MB. Tiles overlap by more than the
# largest face that a larger scale adds. They are not padded, since faces that fill the frame were found.
_TILE = 700  # px at that scale; the core of a tile, whose faces count
_TILE_MARGIN = 100  # px at that scale, around the core


class RetinaFaceDetector:
    """Finds faces; safe to share between threads."""

    def __init__(
        self, weights: Path = WEIGHTS, *, threads: int = 0, providers: Sequence[str] | None = None
    ) -> None:
        """Load the network.

        Args:
            weights: the ONNX file.
            threads: CPU threads for one image; 0 lets ONNX Runtime choose.
            providers: ONNX Runtime execution providers, best first; the CPU if None.
        """
        self._session = open_session(weights, threads, providers)

    def detect(self, image: LazyImage | Image.Image) -> list[FaceDetection]:
        """Return the faces of an upright RGB image, in full-size pixels, largest first, at most `MAX_FACES`.

        Raises:
            ImageError: the image cannot be decoded.
        """
        pixels = image if isinstance(image, LazyImage) else LazyImage(image)
        candidates: list[FaceDetection] = []
        done = 0.0
        for side in _PYRAMID_SIDES:
            scale = min(side / pixels.longest_side, _MAX_ENLARGED if done else 1.0)
            if scale <= done:
                break
            decoded = pixels.decode(_PYRAMID_SIDES[-1] if done else COARSE_SIDE)
            enlarge = pixels.longest_side / max(decoded.size)
            search = self._detect_at_scale if scale * pixels.longest_side <= _TILE else self._detect_tiled
            found = [face.scaled(enlarge) for face in search(decoded, scale * enlarge)]
            fresh = [face for face in found if face.box.max_side * done < _SEEN_WELL]
            candidates = _merge(candidates + fresh)
            any_face = any(face.score >= MIN_SCORE for face in candidates)
            if any_face and all(
                f.score >= MIN_SCORE and f.box.max_side * scale >= _SMALL_FACE for f in fresh
            ):
                break
            done = scale
        faces = [face for face in candidates if face.score >= MIN_SCORE]
        return sorted(faces, key=lambda face: face.box.area, reverse=True)[:MAX_FACES]

    def _detect_tiled(self, image: Image.Image, scale: float) -> list[FaceDetection]:
        """Return candidates for small faces, in pixels of `image`, tile by tile to save memory."""
        margin = _TILE_MARGIN / scale
        found = []
        for top, bottom in _spans(image.height, _TILE / scale):
            for left, right in _spans(image.width, _TILE / scale):
                x, y = max(0, int(left - margin)), max(0, int(top - margin))
                end_x, end_y = (
                    min(image.width, int(right + margin)),
                    min(image.height, int(bottom + margin)),
                )
                part = image.crop((x, y, end_x, end_y))
                core = Box(left - x, top - y, right - left, bottom - top)
                faces = self._detect_at_scale(part, scale, border_share=0.0)
                found += [_moved(face, x, y) for face in faces if _centred_in(face.box, core)]
        return _merge(found)

    def _detect_at_scale(
        self, image: Image.Image, scale: float, border_share: float = _BORDER
    ) -> list[FaceDetection]:
        """Return all candidates at one scale, highest score first, in pixels of `image`."""
        full_width, full_height = image.size
        width, height = max(1, round(full_width * scale)), max(1, round(full_height * scale))
        border = min(round(border_share * max(width, height)), _MAX_BORDER)
        if (width, height) != image.size:
            image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=1.0)
        canvas_width, canvas_height = width + 2 * border, height + 2 * border
        pixels = np.zeros((1, 3, canvas_height, canvas_width), dtype=np.float32)  # 0 is the mean color
        inside = pixels[0, :, border : border + height, border : border + width]
        for into, band, mean in zip(inside, reversed(image.split()), _MEAN_BGR, strict=True):
            np.subtract(np.asarray(band), mean, out=into, dtype=np.float32)
        outputs = self._session.run(None, {"input": pixels})
        points, scores = _decode(outputs[0][0], outputs[1][0], outputs[2][0], canvas_width, canvas_height)
        # In an image a few pixels wide, rounding scales the two sides differently.
        to_image = np.array([full_width / width, full_height / height], dtype=np.float32)
        points = (points - border) * to_image
        faces = [_face(row, float(score)) for row, score in zip(points, scores, strict=True)]
        return [face for face in faces if _centred_in(face.box, Box(0, 0, full_width, full_height))]


def _face(points: NDArray[np.float32], score: float) -> FaceDetection:
    """Build a face from seven points: two corners of its box and five landmarks."""
    (x0, y0), (x1, y1), *landmarks = ((float(x), float(y)) for x, y in points)
    return FaceDetection(Box(x0, y0, x1 - x0, y1 - y0), tuple(landmarks), score)


def _moved(face: FaceDetection, right: float, down: float) -> FaceDetection:
    box = Box(face.box.x + right, face.box.y + down, face.box.width, face.box.height)
    return FaceDetection(box, tuple((x + right, y + down) for x, y in face.landmarks), face.score)


def _centred_in(box: Box, area: Box) -> bool:
    """Return whether the center of a box lies inside an area."""
    x, y = box.x + box.width / 2 - area.x, box.y + box.height / 2 - area.y
    return 0 <= x <= area.width and 0 <= y <= area.height


def _spans(length: int, longest: float) -> list[tuple[float, float]]:
    """Cut a length into equal pieces no longer than `longest`."""
    count = max(1, ceil(length / longest))
    return [(length * i / count, length * (i + 1) / count) for i in range(count)]


def _merge(faces: list[FaceDetection]) -> list[FaceDetection]:
    """Merge detections of several scales or tiles, highest score first."""
    faces = sorted(faces, key=lambda face: face.score, reverse=True)
    boxes = [(f.box.x, f.box.y, f.box.x + f.box.width, f.box.y + f.box.height) for f in faces]
    return [faces[index] for index in nms(np.array(boxes, dtype=np.float32).reshape(-1, 4))]


@lru_cache(maxsize=8)
def _anchors(width: int, height: int) -> NDArray[np.float32]:
    """Return anchor boxes (center x, center y, width, height in pixels) in the order of the outputs."""
    rows = []
    for stride, sizes in _STRIDES_AND_ANCHORS:
        xs = (np.arange(-(-width // stride)) + 0.5) * stride
        ys = (np.arange(-(-height // stride)) + 0.5) * stride
        y, x, size = np.meshgrid(ys, xs, np.array(sizes), indexing="ij")
        rows.append(np.stack([x, y, size, size], axis=-1).reshape(-1, 4))
    return np.concatenate(rows).astype(np.float32)


def _decode(
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    landmarks: NDArray[np.float32],
    width: int,
    height: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Decode the network's outputs to faces in canvas pixels, highest score first.

    Returns:
        Seven points each (two corners of the box, five landmarks), shape (n, 7, 2), and n scores.
    """
    face_scores = scores[:, 1]
    keep = np.flatnonzero(face_scores >= _LOW_SCORE)
    keep = keep[np.argsort(-face_scores[keep], kind="stable")][:_MAX_CANDIDATES]
    anchors, face_scores = _anchors(width, height)[keep], face_scores[keep]
    centers = anchors[:, :2] + boxes[keep, :2] * _CENTER_VARIANCE * anchors[:, 2:]
    sizes = anchors[:, 2:] * np.exp(boxes[keep, 2:] * _SIZE_VARIANCE)
    corners = np.concatenate([centers - sizes / 2, centers + sizes / 2], axis=1)
    points = np.tile(anchors[:, :2], 5) + landmarks[keep] * _CENTER_VARIANCE * np.tile(anchors[:, 2:], 5)
    chosen = nms(corners)
    return np.concatenate([corners, points], axis=1)[chosen].reshape(-1, 7, 2), face_scores[chosen]


def nms(corners: NDArray[np.float32], limit: float = _MAX_OVERLAP) -> list[int]:
    """Suppress boxes that overlap a stronger one (non-maximum suppression); return the indices to keep."""
    areas = np.prod(corners[:, 2:] - corners[:, :2], axis=1)
    alive = np.ones(len(corners), dtype=bool)
    chosen = []
    for index in range(len(corners)):
        if not alive[index]:
            continue
        chosen.append(index)
        shared = np.minimum(corners[index, 2:], corners[:, 2:]) - np.maximum(
            corners[index, :2], corners[:, :2]
        )
        overlap = np.prod(np.clip(shared, 0, None), axis=1)
        alive &= overlap <= limit * (areas + areas[index] - overlap)
    return chosen
