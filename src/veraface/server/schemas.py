"""Response models of the API. Results are the library's own types; only what the API adds is defined here."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from veraface import results
from veraface.analysis import Analysis
from veraface.findings import GradedFinding, collect_findings
from veraface.provenance import Provenance
from veraface.wording import Wording
from veraface.workers.messages import ForensicsResult, VideoAnalysis


@dataclass(frozen=True, kw_only=True)
class _Answer(results.Result):
    _omitted_if_none: ClassVar[tuple[str, ...]] = ("provenance", "audit_entry")

    label: str = ""
    """the verdict in the words to show, by the server's settings"""
    findings: tuple[GradedFinding, ...] = ()
    """what was found, each with how it is known and what limits it"""
    audit_entry: str | None = None
    """hash of the entry in the server's audit log; absent if it keeps none"""


@dataclass(frozen=True)
class DetectResponse(_Answer, results.DetectionResult):
    """Result for an image."""

    provenance: Provenance | None = None
    """what the file claims about its origin, without influence on the verdict; absent with provenance=off"""


@dataclass(frozen=True)
class DetectVideoResponse(_Answer, VideoAnalysis):
    """Result for a video."""


class Prediction(BaseModel):
    """Legacy: the verdict as one of two classes, for older clients. Use `verdict` and `p_fake_range`."""

    class_: Literal["Fake", "Real"] = Field(alias="class")
    confidence: Annotated[float, results.Digits(4)] = Field(description="probability of that class, percent")
    raw_score: Annotated[float, results.Digits(6)] = Field(
        description="legacy: 1 - p_fake, so 0 is fake; use `p_fake`"
    )
    filename: str = Field(description="name of the file as sent by the client")


@dataclass(frozen=True, kw_only=True)
class _Succeeded(results.Result):
    success: Literal[True]


@dataclass(frozen=True, kw_only=True)
class _Predicted(_Succeeded):
    prediction: Prediction | None
    """absent with prediction=false"""


@dataclass(frozen=True)
class PredictResponse(_Predicted, DetectResponse):
    """Result for an image in which a face was classified."""

    _omitted_if_none: ClassVar[tuple[str, ...]] = (*DetectResponse._omitted_if_none, "prediction")


@dataclass(frozen=True)
class EvidenceResponse(ForensicsResult, _Succeeded):
    """Forensic views of one image; docs/forensics.md explains how to read them."""


class ErrorDetail(BaseModel):
    """What was wrong and what to do."""

    code: str = Field(description="stable name, for programs")
    message: str
    request_id: str = Field(description="identifies this request in the server's log")


class ErrorResponse(BaseModel):
    """Response to a failed request."""

    success: Literal[False]
    error: ErrorDetail


class UndecidedResponse(ErrorResponse):
    """Response for an image without a classified face; the optional fields are present if it was decoded."""

    faces: list[results.FaceResult] | None = Field(None, description="the faces that were too small, if any")
    width: int | None = None
    height: int | None = None
    format: str | None = None
    model: results.ClassifierInfo | None = None
    timing_ms: dict[str, results.Milliseconds] | None = None
    provenance: Provenance | None = None


class LimitsResponse(BaseModel):
    """Limits on uploads."""

    max_upload_bytes: int
    max_pixels: int
    links: bool = Field(description="whether the field `url` with a link to an image is accepted")
    video: bool = Field(description="whether videos are accepted")
    max_video_bytes: int
    reports: bool = Field(description="whether signed reports can be requested")
    feedback: bool = Field(description="whether /api/v1/feedback keeps images with a wrong verdict")


class WordingResponse(BaseModel):
    """How clients are to show verdicts."""

    words_only: bool = Field(description="show words and no probabilities")
    never_say_real: bool = Field(description="call the verdict real `no sign of forgery found`")
    labels: dict[str, str] = Field(description="English words for each verdict")


class ModelStatusResponse(BaseModel):
    """Whether the model is loaded, which one it is, the limits on uploads, and how to show verdicts."""

    loaded: bool
    limits: LimitsResponse
    wording: WordingResponse
    name: str | None = None
    version: str | None = None
    sha256: str | None = None


class ModelCardResponse(BaseModel):
    """Model card: preprocessing, calibration, thresholds and measured performance."""

    model_config = ConfigDict(extra="allow")

    name: str
    version: str
    sha256: str
    license: str = Field(description="terms of the weights")
    normalization: dict[str, Any] = Field(description="mean and standard deviation of RGB in 0..1")


class CompatibleModelCardResponse(ModelCardResponse):
    """Model card with its deprecated names."""

    licence: str = Field(description="use `license`", deprecated=True)
    normalisation: dict[str, Any] = Field(description="use `normalization`", deprecated=True)


class ReportVerificationResponse(BaseModel):
    """Whether a report is as it was when it was signed."""

    intact: bool = Field(description="whether the report and its signature are unchanged")
    own_key: bool = Field(description="whether this server's key signed it")
    fingerprint: str = Field(description="SHA-256 of the key in the report, which signed it if it is intact")
    name: str | None = Field(default=None, description="of the image file; null if changed, as below")
    sha256: str | None = Field(default=None, description="of the image file")
    time: str | None = Field(default=None, description="when it was made, by the clock of its maker")
    verdict: results.Verdict | None = None


class HealthResponse(BaseModel):
    """State of the server."""

    status: Literal["ok", "ready"]


def image_response(analysis: Analysis, wording: Wording, audit_entry: str | None) -> DetectResponse:
    """Return the response for an image."""
    detection = analysis.detection
    faces = tuple(replace(face, reasons=_in_words(face.reasons, wording)) for face in detection.faces)
    return DetectResponse(
        **{**vars(detection), "faces": faces, "reasons": _in_words(detection.reasons, wording)},
        label=wording.label(detection.verdict),
        findings=collect_findings(detection, analysis.provenance, wording=wording),
        provenance=analysis.provenance,
        audit_entry=audit_entry,
    )


def video_response(result: VideoAnalysis, wording: Wording, audit_entry: str | None) -> DetectVideoResponse:
    """Return the response for a video."""
    tracks = tuple(replace(track, reasons=_in_words(track.reasons, wording)) for track in result.tracks)
    return DetectVideoResponse(
        **{**vars(result), "tracks": tracks, "reasons": _in_words(result.reasons, wording)},
        label=wording.label(result.verdict),
        findings=collect_findings(result, result.provenance, wording=wording),
        audit_entry=audit_entry,
    )


def _in_words(reasons: tuple[results.Reason, ...], wording: Wording) -> tuple[results.Reason, ...]:
    return tuple(replace(reason, message=wording.message(reason.message)) for reason in reasons)


def predict_response(found: DetectResponse, filename: str) -> PredictResponse:
    """Return the compatible response for an image; raise ValueError if no face was classified."""
    p_fake = found.p_fake
    if p_fake is None:
        raise ValueError("no face was classified")
    uncertain_but_closer_to_fake = found.verdict == results.Verdict.UNCERTAIN and p_fake >= 0.5
    is_fake = found.verdict == results.Verdict.FAKE or uncertain_but_closer_to_fake
    prediction = Prediction.model_validate(
        {
            "class": "Fake" if is_fake else "Real",
            "confidence": 100 * (p_fake if is_fake else 1 - p_fake),
            "raw_score": 1 - p_fake,
            "filename": filename,
        }
    )
    return PredictResponse(success=True, prediction=prediction, **vars(found))
