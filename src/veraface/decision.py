"""The decision rule: from probabilities to verdicts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from veraface.results import FaceResult, Reason, Verdict


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


def decide_face(
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


def decide_image(faces: Sequence[FaceResult]) -> tuple[Verdict, float | None, tuple[Reason, ...]]:
    """The verdict on an image from those on its faces: one fake face makes the image fake.

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
        reasons.append(Reason("faces_disagree", "the faces of this image do not all get the same verdict"))
    top = max(judged, key=lambda face: face.p_fake or 0.0)
    reasons += [r for r in top.reasons if r.code not in {x.code for x in reasons}]
    return verdict, top.p_fake, tuple(reasons)
