"""One image, analyzed in full: detection, provenance and forensic views. CLI, API and report share it."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from veraface.findings import GradedFinding, collect_findings
from veraface.provenance import Provenance
from veraface.results import DetectionResult, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from veraface.detector import Detector
    from veraface.forensics.trustmark import BitReader
    from veraface.forensics.views import ForensicViews
    from veraface.imaging.decode import ImageSource
    from veraface.imaging.lazy import LazyImage
    from veraface.provenance import Level
    from veraface.provenance.credentials import CredentialReader
else:  # the server process loads no NumPy; forensic views reach it as `ForensicsResult`
    ForensicViews = Any


@dataclass(frozen=True)
class Analysis(Result):
    """Everything Veraface finds out about one image.

    Attributes:
        detection: faces, their p_fake and verdicts.
        provenance: what the file claims about itself; None if not requested, or if there is no file.
        forensics: views for a person to check; None if not requested.
    """

    _omitted_if_none: ClassVar[tuple[str, ...]] = ("forensics",)

    detection: DetectionResult
    provenance: Provenance | None = None
    forensics: "ForensicViews | None" = None

    @property
    def findings(self) -> tuple[GradedFinding, ...]:
        """Everything that was found, each with how it is known and what limits it."""
        return collect_findings(self.detection, self.provenance, self.forensics)

    def to_dict(self, *, heatmap: bool = True) -> dict[str, Any]:
        """Return the detection, JSON-ready, with the findings, and the provenance if present."""
        found = self.detection.to_dict(heatmap=heatmap)
        found["findings"] = [finding.to_dict() for finding in self.findings]
        if self.provenance is not None:
            found["provenance"] = self.provenance.to_dict()
        return found


def analyze(
    source: "ImageSource | LazyImage",
    detector: "Detector | None" = None,
    *,
    heatmap: bool = True,
    provenance: "Level | Literal['off'] | None" = "quick",
    credentials: "CredentialReader | None" = None,
    forensics: bool = False,
    trustmark: "Sequence[BitReader]" = (),
) -> Analysis:
    """Analyze one image.

    Args:
        source: anything that `Detector.detect` takes.
        detector: the detector to use; one with the default models if None.
        heatmap: keep the heatmap of each face in the result.
        provenance: "quick" reads what the file contains; "full" also decodes a JPEG to look for traces of an
            earlier compression; "off" or None skips provenance. It has no influence on the verdict.
        credentials: reads C2PA Content Credentials and holds the trust lists; the default ones if None.
        forensics: compute the forensic views.
        trustmark: decoders of the TrustMark watermark, as `veraface.models.load_trustmark` returns them.

    Raises:
        ImageError: the image is unsupported, unreadable or too large; see `veraface.errors`.
        ValueError: `provenance` is none of these.
        TypeError: `detector` is not a `Detector`.
    """
    from veraface.imaging.lazy import LazyImage

    if provenance not in (None, "off", "quick", "full"):
        raise ValueError(f"provenance must be 'quick', 'full', 'off' or None, not {provenance!r}")
    started = perf_counter()
    detector = check_detector(detector)
    image = source if isinstance(source, LazyImage) else detector.open(source)
    opened = perf_counter()
    detection = detector.detect(image, heatmap=heatmap)
    claims = views = None
    if provenance is not None and provenance != "off":
        from veraface.provenance.reading import read_provenance

        claims = read_provenance(
            image.file, credentials, level=provenance, decode=image.decode, trustmark=trustmark
        )
    if forensics:
        from veraface.forensics.views import forensic_views

        views = forensic_views(image.decode(image.longest_side))
    timing = {**detection.timing_ms, "total": 1000 * (perf_counter() - started)}
    timing["decode"] += 1000 * (opened - started)
    return Analysis(replace(detection, timing_ms=timing), claims, views)


def detect(source: "ImageSource | Path", *, heatmap: bool = True) -> DetectionResult:
    """Detect forged faces in one image with the default models, which are loaded at the first call.

    Arguments and errors as in `Detector.detect`.

    Example:
        >>> import veraface
        >>> result = veraface.detect("photo.jpg")
        >>> print(result.verdict, result.p_fake)
    """
    return _default_detector().detect(source, heatmap=heatmap)


def check_detector(detector: object) -> "Detector":
    """Return the detector, or the one with the default models if None.

    Raises:
        TypeError: it is not a `Detector`.
    """
    from veraface.detector import Detector

    if not isinstance(detector, Detector | None):
        raise TypeError(f"detector must be a veraface.Detector, not {type(detector).__name__}")
    return detector or _default_detector()


@cache
def _default_detector() -> "Detector":
    from veraface.detector import Detector

    return Detector()
