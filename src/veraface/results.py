"""Result types of a detection, shared by every surface."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from veraface.geometry import Box

if TYPE_CHECKING:  # the server process loads no NumPy
    import numpy as np
    from numpy.typing import NDArray


class Verdict(StrEnum):
    """The outcome for a face or an image."""

    FAKE = "fake"
    REAL = "real"
    UNCERTAIN = "uncertain"
    NO_FACE = "no_face"


@dataclass(frozen=True)
class Reason:
    """Why a verdict is what it is, or how far to trust it.

    Attributes:
        code: stable, for programs and translations.
        message: in plain English.
    """

    code: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """Return a JSON-ready copy."""
        return {"code": self.code, "message": self.message}


@dataclass(frozen=True)
class Heatmap:
    """Which parts of a face speak for fake.

    Attributes:
        box: the square of the image that the grid covers.
        grid: rows x columns of p_fake, 0 real to 1 fake, 0.5 neutral.
    """

    box: Box
    grid: "NDArray[np.float32]"

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready copy, rounded to four digits."""
        return {"box": self.box.to_list(), "grid": [[round(float(v), 4) for v in row] for row in self.grid]}


@dataclass(frozen=True)
class FaceResult:
    """One face of an image.

    Attributes:
        box: the face in pixels of the upright image.
        landmarks: eyes, nose and mouth corners; x, y in pixels of the upright image.
        detection_score: confidence of the face detector that this is a face, 0 to 1.
        p_fake: calibrated probability that the face is fake, 0 real to 1 fake; None if it was not classified.
        verdict: fake, real or uncertain.
        reasons: why, most important first.
        heatmap: None if it was not asked for, or the face was not classified.
    """

    box: Box
    landmarks: tuple[tuple[float, float], ...]
    detection_score: float
    p_fake: float | None
    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    heatmap: Heatmap | None = None

    def to_dict(self, *, heatmap: bool = True) -> dict[str, Any]:
        """Return a JSON-ready copy, with the heatmap if there is one and `heatmap` is true."""
        found: dict[str, Any] = {
            "box": self.box.to_list(),
            "landmarks": [[round(x, 1), round(y, 1)] for x, y in self.landmarks],
            "detection_score": round(self.detection_score, 4),
            "p_fake": None if self.p_fake is None else round(self.p_fake, 6),
            "verdict": self.verdict.value,
            "reasons": [reason.to_dict() for reason in self.reasons],
        }
        if heatmap and self.heatmap is not None:
            found["heatmap"] = self.heatmap.to_dict()
        return found


@dataclass(frozen=True)
class DetectionResult:
    """An image with all its faces.

    Attributes:
        verdict: fake if any face is fake, else uncertain if any is uncertain; no_face if there is none.
        p_fake: the largest of the classified faces; None if no face was classified.
        faces: largest first.
        reasons: why, and what limits the verdict.
        width: of the upright image, px.
        height: of the upright image, px.
        format: "JPEG", "PNG", ...; "pixels" for an array or a PIL image in memory.
        model: name, version and sha256 of the classifier.
        thresholds: p_fake at or below "real" is real, at or above "fake" is fake.
        timing_ms: milliseconds by stage: decode, faces, model, total.
    """

    verdict: Verdict
    p_fake: float | None
    faces: tuple[FaceResult, ...]
    reasons: tuple[Reason, ...]
    width: int
    height: int
    format: str
    model: dict[str, str]
    thresholds: dict[str, float]
    timing_ms: dict[str, float] = field(compare=False)

    def to_dict(self, *, heatmap: bool = True) -> dict[str, Any]:
        """Return a JSON-ready copy, with heatmaps if there are any and `heatmap` is true."""
        return {
            "verdict": self.verdict.value,
            "p_fake": None if self.p_fake is None else round(self.p_fake, 6),
            "faces": [face.to_dict(heatmap=heatmap) for face in self.faces],
            "reasons": [reason.to_dict() for reason in self.reasons],
            "width": self.width,
            "height": self.height,
            "format": self.format,
            "model": dict(self.model),
            "thresholds": dict(self.thresholds),
            "timing_ms": {stage: round(ms, 2) for stage, ms in self.timing_ms.items()},
        }
