"""The result types that every surface consumes, and the one rule that turns a probability into a verdict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the server, which has no numbers to crunch, needs no NumPy
    import numpy as np
    from numpy.typing import NDArray

    from veraface.provenance import Provenance


class Verdict(StrEnum):
    """What is said of a face or a picture."""

    FAKE = "fake"
    REAL = "real"
    UNCERTAIN = "uncertain"
    NO_FACE = "no_face"


@dataclass(frozen=True)
class Box:
    """An upright rectangle in pixels of the upright, full-size picture."""

    x: float  # left edge
    y: float  # top edge
    width: float
    height: float

    @property
    def longer_side(self) -> float:
        """The larger of width and height, in pixels."""
        return max(self.width, self.height)

    @property
    def area(self) -> float:
        """Width times height, in square pixels."""
        return self.width * self.height

    def scaled(self, factor: float) -> "Box":
        """The same rectangle in a picture whose sides are `factor` times as long."""
        return Box(self.x * factor, self.y * factor, self.width * factor, self.height * factor)

    def overlap(self, other: "Box") -> float:
        """Intersection over union, 0 for apart to 1 for the same rectangle."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(0.0, width) * max(0.0, height)
        return shared / (self.area + other.area - shared) if shared else 0.0

    def to_list(self) -> list[float]:
        """x, y, width, height, rounded to a tenth of a pixel."""
        return [round(float(v), 1) for v in (self.x, self.y, self.width, self.height)]


@dataclass(frozen=True)
class Reason:
    """Why a verdict is what it is, or how far to trust it."""

    code: str  # stable, for programs and translations
    message: str  # plain English


@dataclass(frozen=True)
class Heatmap:
    """Where in a face the evidence lies."""

    box: Box  # the square of the picture that the grid covers
    grid: "NDArray[np.float32]"  # rows x columns, 0 (speaks for real) to 1 (speaks for fake), .5 neutral

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready copy."""
        return {"box": self.box.to_list(), "grid": [[round(float(v), 4) for v in row] for row in self.grid]}


@dataclass(frozen=True)
class FaceResult:
    """One face of a picture and what is said of it."""

    box: Box  # the face as the face detector sees it
    landmarks: tuple[tuple[float, float], ...]  # eyes, nose, mouth corners: x, y in picture pixels
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
    """What is said of a picture, with all its faces, largest first."""

    verdict: Verdict
    p_fake: float | None  # the largest of the judged faces'; None where no face was judged
    faces: tuple[FaceResult, ...]
    reasons: tuple[Reason, ...]
    width: int  # of the upright picture, px
    height: int  # of the upright picture, px
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


@dataclass(frozen=True)
class Thresholds:
    """The two bounds of the uncertain band, as p_fake; fitted on validation data (see the model card)."""

    real: float  # at or below: real
    fake: float  # at or above: fake

    def __post_init__(self) -> None:
        if not 0.0 <= self.real <= self.fake <= 1.0:
            raise ValueError(
                f"thresholds need 0 <= real <= fake <= 1, not real={self.real}, fake={self.fake}"
            )

    def decide(self, p_fake: float) -> Verdict:
        """The verdict for a probability. Equal thresholds leave no uncertain band; fake wins the tie."""
        if p_fake >= self.fake:
            return Verdict.FAKE
        return Verdict.REAL if p_fake <= self.real else Verdict.UNCERTAIN


def judge_face(
    p_fake: float, recompressed: Callable[[], float], thresholds: Thresholds
) -> tuple[Verdict, tuple[Reason, ...]]:
    """The verdict on one face from its p_fake and that of its recompressed copy.

    A "fake" or "real" that does not survive the kind of recompression every messenger applies is no
    evidence, so it becomes "uncertain".

    Args:
        p_fake: of the face.
        recompressed: gives that of the copy; called only where the verdict depends on it.
        thresholds: of the model.
    """
    verdict = thresholds.decide(p_fake)
    if verdict is Verdict.UNCERTAIN:
        return verdict, (Reason("weak_evidence", "the evidence points neither way clearly enough"),)
    if thresholds.decide(recompressed()) is not verdict:
        message = f"would be called {verdict.value}, but not after recompression, so it is left open"
        return Verdict.UNCERTAIN, (Reason("changes_under_recompression", message),)
    return verdict, ()


def judge_picture(faces: Sequence[FaceResult]) -> tuple[Verdict, float | None, tuple[Reason, ...]]:
    """The verdict on a picture from those on its faces: one fake face makes the picture fake.

    Returns:
        The verdict, the largest p_fake of the judged faces (None if there is none), and the reasons.
    """
    if not faces:
        return Verdict.NO_FACE, None, (Reason("no_face", "no face was found; Veraface judges faces only"),)
    judged = [face for face in faces if face.p_fake is not None]
    reasons: list[Reason] = []
    if skipped := len(faces) - len(judged):
        what = "1 face is" if skipped == 1 else f"{skipped} faces are"
        reasons.append(Reason("faces_too_small", f"{what} too small to judge"))
    if not judged:
        return Verdict.UNCERTAIN, None, tuple(reasons)
    verdicts = {face.verdict for face in judged}
    verdict = next(v for v in (Verdict.FAKE, Verdict.UNCERTAIN, Verdict.REAL) if v in verdicts)
    if len(verdicts) > 1:
        reasons.append(Reason("faces_disagree", "the faces of this picture do not all get the same verdict"))
    top = max(judged, key=lambda face: face.p_fake or 0.0)
    reasons += [r for r in top.reasons if r.code not in {x.code for x in reasons}]
    return verdict, top.p_fake, tuple(reasons)
