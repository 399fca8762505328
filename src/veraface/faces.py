"""From pixels to faces: RetinaFace with a MobileNet-0.25 backbone, run by ONNX Runtime.

Model: Deng et al., "RetinaFace: Single-shot Multi-level Face Localisation in the Wild", CVPR 2020;
weights and their licence in `weights/` (see `weights/README.md`).
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from veraface.verdict import Box

WEIGHTS = Path(__file__).parent / "weights" / "retinaface_mobilenet025.onnx"

# Anchors and box coding as in the paper's released configuration.
_STRIDES_AND_ANCHORS = ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
_CENTRE_VARIANCE, _SIZE_VARIANCE = 0.1, 0.2
_MEAN_BGR = np.array([104, 117, 123], dtype=np.float32)
_MEAN_RGB = (123, 117, 104)

MIN_SCORE = 0.8  # of 0..1; see benchmarks/results/face_detectors.md for how it was chosen
_MAX_OVERLAP = 0.4  # intersection over union above which the weaker of two boxes goes
_MAX_CANDIDATES = 1000  # boxes that go into the overlap test, strongest first
MAX_FACES = 64  # largest first; a crowd beyond that is cut off

# A picture is looked at small first, and once more at twice the size if nothing or only something
# tiny was found. The border lets faces that fill the frame look like faces.
_LOOKS = (512, 1024)  # longest side of the picture in a look, px
_BORDER = 0.25  # of the longest side, all around
_TINY = 24  # px in the first look: below this there may be more faces that were too small to see


@dataclass(frozen=True)
class Face:
    """A face found in a picture."""

    box: Box  # in pixels of the picture that was searched; may reach over its edge
    landmarks: tuple[tuple[float, float], ...]  # left eye, right eye, nose, mouth corners, as seen: x, y
    score: float  # 0 to 1


class FaceDetector:
    """Finds faces; safe to share between threads."""

    def __init__(self, weights: Path = WEIGHTS, threads: int = 0) -> None:
        """Load the detector.

        Args:
            weights: the ONNX file.
            threads: CPU threads for one picture; 0 lets ONNX Runtime choose.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])

    @staticmethod
    def sufficient_side() -> int:
        """The longest side, in pixels, beyond which a larger picture is not searched more finely."""
        return _LOOKS[-1]

    def find(self, picture: Image.Image) -> list[Face]:
        """All faces of an upright RGB picture, largest first, at most `MAX_FACES`."""
        faces: list[Face] = []
        longest = max(picture.size)
        for side in _LOOKS:
            faces = self._look(picture, min(1.0, side / longest))
            if longest <= side:
                break
            if faces and min(face.box.longer_side for face in faces) * side / longest >= _TINY:
                break
        return sorted(faces, key=lambda face: face.box.area, reverse=True)[:MAX_FACES]

    def _look(self, picture: Image.Image, scale: float) -> list[Face]:
        width, height = (max(1, round(side * scale)) for side in picture.size)
        border = round(_BORDER * max(width, height))
        canvas = Image.new("RGB", (width + 2 * border, height + 2 * border), _MEAN_RGB)
        small = (
            picture
            if scale == 1.0
            else picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
        )
        canvas.paste(small, (border, border))
        pixels = np.asarray(canvas)[:, :, ::-1].astype(np.float32) - _MEAN_BGR
        outputs = self._session.run(None, {"input": pixels.transpose(2, 0, 1)[np.newaxis]})
        boxes, landmarks, scores = _decode(*(out[0] for out in outputs), canvas.width, canvas.height)
        return [
            Face(
                box=Box(
                    *(
                        float(v)
                        for v in (np.array([x0, y0, x1 - x0, y1 - y0]) - [border, border, 0, 0]) / scale
                    )
                ),
                landmarks=tuple((float(x), float(y)) for x, y in (points.reshape(5, 2) - border) / scale),
                score=float(score),
            )
            for (x0, y0, x1, y1), points, score in zip(boxes, landmarks, scores, strict=True)
            if _overlaps(x0 - border, y0 - border, x1 - border, y1 - border, width, height)
        ]


def _overlaps(x0: float, y0: float, x1: float, y1: float, width: int, height: int) -> bool:
    """Whether the centre of a box lies in the picture and not on the border around it."""
    return 0 <= (x0 + x1) / 2 <= width and 0 <= (y0 + y1) / 2 <= height


@lru_cache(maxsize=32)
def _anchors(width: int, height: int) -> NDArray[np.float32]:
    """Anchor boxes as centre x, centre y, width, height in pixels, in the order of the model's outputs."""
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
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Turn the model's outputs into corner boxes, landmarks and scores in canvas pixels."""
    face_scores = scores[:, 1]
    keep = np.flatnonzero(face_scores > MIN_SCORE)
    keep = keep[np.argsort(-face_scores[keep], kind="stable")][:_MAX_CANDIDATES]
    anchors, face_scores = _anchors(width, height)[keep], face_scores[keep]
    centres = anchors[:, :2] + boxes[keep, :2] * _CENTRE_VARIANCE * anchors[:, 2:]
    sizes = anchors[:, 2:] * np.exp(boxes[keep, 2:] * _SIZE_VARIANCE)
    corners = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    points = np.tile(anchors[:, :2], 5) + landmarks[keep] * _CENTRE_VARIANCE * np.tile(anchors[:, 2:], 5)
    chosen = _suppress(corners)
    return corners[chosen], points[chosen], face_scores[chosen]


def _suppress(corners: NDArray[np.float32]) -> list[int]:
    """Non-maximum suppression: of boxes that overlap, keep the first. `corners` come strongest first."""
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
        alive &= overlap <= _MAX_OVERLAP * (areas + areas[index] - overlap)
    return chosen
