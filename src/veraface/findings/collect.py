"""Collect the findings about an image: of the model, in what the file claims, and of the forensics."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from veraface.findings.grades import GRADES, UNKNOWN, Grade
from veraface.provenance.claims import CredentialState, Provenance
from veraface.results import DetectionResult, Reliability, Result, Verdict
from veraface.utils import listed
from veraface.wording import PLAIN, Wording

if TYPE_CHECKING:
    from veraface.forensics.views import ForensicViews
else:  # the server process loads no NumPy
    ForensicViews = Any

Origin = Literal["model", "provenance", "forensics"]


@dataclass(frozen=True)
class GradedFinding(Result):
    """One finding about an image, with how it is known and what limits it."""

    _omitted_if_none: ClassVar[tuple[str, ...]] = ("error_rates",)

    origin: Origin
    """what it comes from"""
    code: str
    """stable name, for programs and translations"""
    grade: Grade
    """observed: read from the file; derived: computed from it; inferred: a conclusion that can be wrong"""
    message: str
    """plain English"""
    limitation: str
    """what it does not show, in plain English"""
    error_rates: Reliability | None = None
    """of the model's verdict: how often it is right on faces of this size; absent for other findings"""


class DetectionInVideo(Protocol):
    """Result for a video, as `veraface.video.results.VideoResult` is."""

    @property
    def verdict(self) -> Verdict:
        """Of the whole video."""

    @property
    def p_fake(self) -> float | None:
        """The largest of its faces."""

    @property
    def tracks(self) -> Sequence[object]:
        """Its faces."""


def collect_findings(
    detection: DetectionResult | DetectionInVideo,
    provenance: Provenance | None = None,
    forensics: "ForensicViews | None" = None,
    wording: Wording = PLAIN,
) -> tuple[GradedFinding, ...]:
    """Return all findings about an image or video, the model's first.

    Args:
        detection: the verdict.
        provenance: what the file claims; None if it was not read.
        forensics: the forensic views; None if they were not computed.
        wording: the words for the verdict.
    """
    verdict = detection.verdict.value
    if isinstance(detection, DetectionResult):
        faces, rates = len(detection.faces), detection.reliability
    else:
        faces, rates = len(detection.tracks), None
    words = _verdict(detection.verdict, detection.p_fake, faces, wording)
    found = [_graded("model", f"verdict_{verdict}", words, rates)]
    if provenance is not None:
        found += [_graded("provenance", code, message) for code, message in _provenance(provenance)]
        if provenance.encoder is not None and provenance.encoder.compressed_twice:
            message = "traces of an earlier, stronger compression"
            found.append(_graded("forensics", "compressed_twice", message))
    if forensics is not None:
        if forensics.grid_offset is not None:
            x, y = forensics.grid_offset
            message = f"traces of an earlier JPEG grid that begins at {x}, {y} px: cropped since"
            found.append(_graded("forensics", "jpeg_grid", message))
        found.append(_graded("forensics", "forensic_views", "error levels, noise and JPEG grid as images"))
    return tuple(found)


def describe_rates(rates: Mapping[str, Any]) -> str:
    """Return the fields of a `Reliability` in words, without percentages: how often the model is right."""
    size = "" if rates["face_size"] == "all" else f" of {rates['face_size']}"
    place = f" in {listed(rates['formats'])} images" if rates["formats"] else ""
    fpr, recall, fnr = (
        round(1000 * rates[name]) for name in ("false_positive_rate", "recall", "false_negative_rate")
    )
    worth = {0: "fewer than 1", 100: "more than 99"}.get(rates["fake_of_100"], rates["fake_of_100"])
    return (
        f"of 100 test faces with this verdict, {worth} were fake; called fake: {fpr} of 1,000 real ones{size}"
        f"{place} and {recall} of 1,000 fake ones; called real: {fnr} of 1,000 fake ones (measured on "
        f"{rates['real']:,} real and {rates['fake']:,} fake)"
    )


def _graded(origin: Origin, code: str, message: str, error_rates: Reliability | None = None) -> GradedFinding:
    grade, limitation = GRADES.get(code, UNKNOWN)
    return GradedFinding(origin, code, grade, message, limitation, error_rates)


def _verdict(verdict: Verdict, p_fake: float | None, faces: int, wording: Wording) -> str:
    label = wording.label(verdict)
    about = f"{label} (of {faces} faces)" if faces > 1 else label
    return about if wording.words_only or p_fake is None else f"{about}, p_fake {p_fake:.3f}"


def _provenance(provenance: Provenance) -> Iterator[tuple[str, str]]:
    """Yield code and message of what the file claims, and of what does not fit together in it."""
    credentials = provenance.credentials
    if credentials.state is not CredentialState.NOT_INSTALLED:
        yield f"credentials_{credentials.state.value}", credentials.message
    for signal in credentials.signals:
        part = "an image in it: " if signal.of_ingredient else ""
        yield signal.code, f"Content Credentials: {part}{signal.message}"
    for claim in provenance.claims:
        yield claim.code, claim.message
    for finding in (*provenance.findings, *provenance.hints):
        yield finding.code, finding.message
