"""From logits to verdicts: calibration, thresholds and the decision rule shared by every surface."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veraface.results import FaceResult, Reason, Verdict

WORST_FIRST = (Verdict.FAKE, Verdict.UNCERTAIN, Verdict.REAL, Verdict.NO_FACE)
# Codes of the reasons why only a part of an image was checked; such an image is never real.
PARTIAL = ("first_frame_only", "too_many_faces", "search_incomplete")
# Reasons why a face was not classified, the image's reason, and what its message states about the faces.
_NOT_CLASSIFIED = (
    ("face_obscured", "face_obscured", "covered or blurred, so it was not classified"),
    ("face_too_small", "faces_too_small", "too small to classify"),
)
MIN_FACE = 40  # px, longer side of the face box at full size; smaller faces are reported, not classified


@dataclass(frozen=True)
class Calibration:
    """Maps logits to probabilities: p_fake = sigmoid(slope x logit + intercept).

    Platt, "Probabilistic Outputs for Support Vector Machines", 1999; fitted on the validation split.
    """

    slope: float
    intercept: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.slope) and math.isfinite(self.intercept) and self.slope > 0):
            raise ValueError(f"calibration needs a finite positive slope, not {self.slope}, {self.intercept}")

    def probability(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return p_fake, 0 real to 1 fake, for logits of any shape."""
        scaled = self.slope * np.asarray(logits, dtype=np.float64) + self.intercept
        # Clipped so that p_fake stays within (0, 1): with a threshold of 1, nothing is called fake.
        return 1.0 / (1.0 + np.exp(-np.clip(scaled, -30, 30)))


@dataclass(frozen=True)
class Thresholds:
    """Bounds of the uncertain band, as p_fake; fitted on validation data (see the model card).

    Attributes:
        real: at or below, the verdict is real.
        fake: at or above, the verdict is fake.
    """

    real: float
    fake: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.real <= self.fake <= 1.0:
            values = f"real={self.real}, fake={self.fake}"
            raise ValueError(f"thresholds need 0 <= real <= fake <= 1, not {values}")

    def decide(self, p_fake: float) -> Verdict:
        """Return the verdict for a probability; with equal thresholds, fake wins the tie."""
        if p_fake >= self.fake:
            return Verdict.FAKE
        return Verdict.REAL if p_fake <= self.real else Verdict.UNCERTAIN


def decide_face(
    p_fake: float, saved_again: float, thresholds: Thresholds
) -> tuple[Verdict, tuple[Reason, ...]]:
    """Decide the verdict of one face.

    It is uncertain unless `p_fake` and `saved_again`, the same of the image saved again as JPEG, lie beyond
    the same threshold.
    """
    verdict = thresholds.decide(p_fake)
    if verdict is Verdict.UNCERTAIN:
        message = "the model sees no clear sign of either a real or a fake face"
        return verdict, (Reason("weak_evidence", message),)
    if thresholds.decide(saved_again) is not verdict:
        message = f"would be {verdict.value}, but the verdict changes after recompression"
        return Verdict.UNCERTAIN, (Reason("changes_under_recompression", message),)
    return verdict, ()


def image_range(faces: Sequence[FaceResult]) -> tuple[float, float] | None:
    """Return the range of an image's p_fake: the largest lower and the largest upper end of its faces.

    It lies beyond a threshold exactly if the faces decide so: all of it above if one face is fake, all of it
    below if all are real. None: no face was classified.
    """
    ranges = [face.p_fake_range for face in faces if face.p_fake_range is not None]
    return (max(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else None


def decide_image(
    faces: Sequence[FaceResult], doubts: Sequence[Reason] = ()
) -> tuple[Verdict, float | None, tuple[Reason, ...]]:
    """Decide the verdict of an image from its faces: one fake face makes the image fake.

    Args:
        faces: all that were found.
        doubts: reasons why only a part of the image was checked. It is then neither real nor without a face.

    Returns:
        The verdict, the largest p_fake of the classified faces (None if there are none), and the reasons.
    """
    verdict, p_fake, reasons = _decide_faces(faces)
    if doubts and verdict is Verdict.NO_FACE:
        return Verdict.UNCERTAIN, None, tuple(doubts)
    if doubts and verdict is Verdict.REAL:
        verdict = Verdict.UNCERTAIN
    return verdict, p_fake, (*doubts, *reasons)


def _decide_faces(faces: Sequence[FaceResult]) -> tuple[Verdict, float | None, tuple[Reason, ...]]:
    if not faces:
        message = f"no face of {MIN_FACE} px or more was found; Veraface checks faces only"
        return Verdict.NO_FACE, None, (Reason("no_face", message),)
    classified = [face for face in faces if face.p_fake is not None]
    reasons: list[Reason] = []
    for code, image_code, problem in _NOT_CLASSIFIED:
        if count := sum(any(reason.code == code for reason in face.reasons) for face in faces):
            what = "1 face is" if count == 1 else f"{count} faces are"
            reasons.append(Reason(image_code, f"{what} {problem}"))
    if not classified:
        return Verdict.UNCERTAIN, None, tuple(reasons)
    # A covered face may hide a forgery; one that is too small is not what the image shows.
    obscured = [face for face in faces if any(reason.code == "face_obscured" for reason in face.reasons)]
    verdicts = {face.verdict for face in (*classified, *obscured)}
    verdict = next(v for v in WORST_FIRST if v in verdicts)
    if len(verdicts) > 1:
        reasons.append(Reason("faces_disagree", "the faces of this image have different verdicts"))
    top = max(classified, key=lambda face: face.p_fake or 0.0)
    reasons += [r for r in top.reasons if r.code not in {x.code for x in reasons}]
    return verdict, top.p_fake, tuple(reasons)
