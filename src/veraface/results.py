"""Result types of a detection, shared by every surface."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from veraface.geometry import Box

if TYPE_CHECKING:  # the server needs no NumPy
    import numpy as np
    from numpy.typing import NDArray

    from veraface.provenance import Provenance


class Verdict(StrEnum):
    """What is said of a face or an image."""

    FAKE = "fake"
    REAL = "real"
    UNCERTAIN = "uncertain"
    NO_FACE = "no_face"


@dataclass(frozen=True)
class Reason:
    """Why a verdict is what it is, or how far to trust it."""

    code: str  # stable, for programs and translations
    message: str  # plain English


@dataclass(frozen=True)
class Heatmap:
    """Where in a face the evidence lies."""

    box: Box  # the square of the image that the grid covers
    grid: "NDArray[np.float32]"  # rows x columns, 0 (speaks for real) to 1 (speaks for fake), .5 neutral

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready copy."""
        return {"box": self.box.to_list(), "grid": [[round(float(v), 4) for v in row] for row in self.grid]}


@dataclass(frozen=True)
class FaceResult:
    """One face of an image and what is said of it."""

    box: Box  # the face as the face detector sees it
    landmarks: tuple[tuple[float, float], ...]  # eyes, nose, mouth corners: x, y in image pixels
    detection_score: float  # how sure the face detector is that this is a face, 0 to 1
    p_fake: float | None  # calibrated probability that the face is fake, 0 real to 1 fake; None: not judged
    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    heatmap: Heatmap | None = None

    def to_dict(self, *, heatmap: bool = True) -> dict[str, Any]:
        """A JSON-ready copy, with the heatmap where there is one and it is asked for."""
        answer: dict[str, Any] = {
            "box": self.box.to_list(),
            "landmarks": [[round(x, 1), round(y, 1)] for x, y in self.landmarks],
            "detection_score": round(self.detection_score, 4),
            "p_fake": None if self.p_fake is None else round(self.p_fake, 6),
            "verdict": self.verdict.value,
            "reasons": [{"code": r.code, "message": r.message} for r in self.reasons],
        }
        if heatmap and self.heatmap is not None:
            answer["heatmap"] = self.heatmap.to_dict()
        return answer


@dataclass(frozen=True)
class DetectionResult:
    """What is said of an image, with all its faces, largest first."""

    verdict: Verdict
    p_fake: float | None  # the largest of the judged faces'; None where no face was judged
    faces: tuple[FaceResult, ...]
    reasons: tuple[Reason, ...]
    width: int  # of the upright image, px
    height: int  # of the upright image, px
    format: str  # "JPEG", "PNG", ...; "pixels" for an array or a PIL image in memory
    model: dict[str, str]  # name, version and sha256 of the classifier
    thresholds: dict[str, float]  # p_fake at or below "real" is real, at or above "fake" is fake
    timing_ms: dict[str, float] = field(compare=False)  # decode, faces, model, total
    provenance: "Provenance | None" = None  # what the file claims; None: not asked for, or there is no file

    def to_dict(self, *, heatmap: bool = True) -> dict[str, Any]:
        """A JSON-ready copy, with the provenance where it was asked for."""
        answer = {
            "verdict": self.verdict.value,
            "p_fake": None if self.p_fake is None else round(self.p_fake, 6),
            "faces": [face.to_dict(heatmap=heatmap) for face in self.faces],
            "reasons": [{"code": r.code, "message": r.message} for r in self.reasons],
            "width": self.width,
            "height": self.height,
            "format": self.format,
            "model": dict(self.model),
            "thresholds": dict(self.thresholds),
            "timing_ms": {stage: round(ms, 2) for stage, ms in self.timing_ms.items()},
        }
        if self.provenance is not None:
            answer["provenance"] = self.provenance.to_dict()
        return answer
