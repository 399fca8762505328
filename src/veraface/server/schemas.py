"""The shapes of all answers, as the OpenAPI document states them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from veraface.results import Verdict
from veraface.server.provenance_schemas import ProvenanceAnswer

_PROVENANCE = "what the file claims of itself; no part of the verdict, and absent with provenance=off"


class ReasonAnswer(BaseModel):
    """Why a verdict is what it is, or how far to trust it."""

    code: str = Field(description="stable name, for programs")
    message: str = Field(description="plain English")


class HeatmapAnswer(BaseModel):
    """Where in a face the evidence lies."""

    box: list[float] = Field(description="x, y, width, height of the square the grid covers, pixels")
    grid: list[list[float]] = Field(description="0 speaks for real, .5 is neutral, 1 speaks for fake")


class FaceAnswer(BaseModel):
    """One face and what is said of it."""

    box: list[float] = Field(description="x, y, width, height in pixels of the upright image")
    landmarks: list[list[float]] = Field(description="x, y of eyes, nose and mouth corners")
    detection_score: float = Field(description="how sure it is that this is a face, 0 to 1")
    p_fake: float | None = Field(description="calibrated probability of fake; null: not judged")
    verdict: Verdict
    reasons: list[ReasonAnswer]
    heatmap: HeatmapAnswer | None = Field(None, description="only where asked for with heatmap=true")


class ModelAnswer(BaseModel):
    """Which classifier judged."""

    model_config = ConfigDict(extra="allow")

    name: str
    version: str
    sha256: str


class ThresholdsAnswer(BaseModel):
    """The bounds of the uncertain band, as p_fake."""

    real: float = Field(description="at or below: real")
    fake: float = Field(description="at or above: fake")


class PredictionAnswer(BaseModel):
    """The verdict in the two classes that older clients know."""

    model_config = ConfigDict(populate_by_name=True)

    class_: Literal["Fake", "Real"] = Field(alias="class")
    confidence: float = Field(ge=0, le=100, description="probability of that class, percent")
    raw_score: float = Field(ge=0, le=1, description="1 - p_fake")
    filename: str = Field(description="as the client named the file")


class PredictAnswer(BaseModel):
    """A judged image."""

    success: Literal[True]
    prediction: PredictionAnswer
    verdict: Verdict
    p_fake: float = Field(ge=0, le=1, description="calibrated probability that a face is fake")
    faces: list[FaceAnswer] = Field(description="largest first")
    reasons: list[ReasonAnswer]
    width: int = Field(description="of the upright image, pixels")
    height: int = Field(description="of the upright image, pixels")
    format: str
    model: ModelAnswer
    thresholds: ThresholdsAnswer
    timing_ms: dict[str, float] = Field(description="milliseconds by stage")
    provenance: ProvenanceAnswer | None = Field(None, description=_PROVENANCE)


class FaultAnswer(BaseModel):
    """What was wrong and what to do."""

    code: str = Field(description="stable name, for programs")
    message: str
    request_id: str = Field(description="what the server's log calls this request")


class ErrorAnswer(BaseModel):
    """Any failed request."""

    success: Literal[False]
    error: FaultAnswer


class UnjudgedAnswer(ErrorAnswer):
    """An image that could not be judged; the further fields are there once it could be decoded."""

    faces: list[FaceAnswer] | None = Field(None, description="the faces that were too small, if any")
    width: int | None = None
    height: int | None = None
    format: str | None = None
    model: ModelAnswer | None = None
    timing_ms: dict[str, float] | None = None
    provenance: ProvenanceAnswer | None = Field(None, description=_PROVENANCE)


class LimitsAnswer(BaseModel):
    """What the server takes."""

    max_upload_bytes: int
    max_pixels: int
    links: bool = Field(description="whether links to images are taken, in the field `url`")
    video: bool = Field(description="whether videos are judged")
    max_video_bytes: int


class ModelStatusAnswer(BaseModel):
    """Whether images can be judged, and by what."""

    loaded: bool
    limits: LimitsAnswer
    name: str | None = None
    version: str | None = None
    sha256: str | None = None


class HealthAnswer(BaseModel):
    """A sign of life."""

    status: Literal["ok", "ready"]


class ViewAnswer(BaseModel):
    """One view of an image's own traces, as an image file."""

    name: Literal["error_levels", "noise", "grid"]
    media_type: Literal["image/webp"]
    width: int = Field(description="of the view, pixels; 1,024 at most")
    height: int
    data: str = Field(description="the file, in base64; nothing of the input but what the view shows")


class EvidenceAnswer(BaseModel):
    """What a person can look at beside the verdict; docs/evidence.md says how to read it."""

    success: Literal[True]
    views: list[ViewAnswer]
    resaved_quality: int = Field(description="of the JPEG that error levels are the difference to")
    grid_offset: list[int] | None = Field(
        description="x, y (0 to 7) of the first corner of a JPEG block in most of the image; null: no grid"
    )
    width: int = Field(description="of the upright image, pixels")
    height: int
    format: str
    timing_ms: dict[str, float] = Field(description="milliseconds by stage")


def predict_answer(result: dict[str, Any], filename: str) -> dict[str, Any]:
    """The answer for an image with at least one judged face.

    Args:
        result: As `DetectionResult.to_dict` makes it.
        filename: As the client named the file.
    """
    p_fake = result["p_fake"]
    if p_fake is None:
        raise ValueError("an image without a judged face has no prediction; see unjudged_details")
    open_but_closer_to_fake = result["verdict"] == Verdict.UNCERTAIN and p_fake >= 0.5
    is_fake = result["verdict"] == Verdict.FAKE or open_but_closer_to_fake
    prediction = {
        "class": "Fake" if is_fake else "Real",
        "confidence": round(100 * (p_fake if is_fake else 1 - p_fake), 4),
        "raw_score": round(1 - p_fake, 6),
        "filename": filename,
    }
    return {"success": True, "prediction": prediction, **result}


def unjudged_details(result: dict[str, Any]) -> dict[str, Any]:
    """What is known of an image of which no face could be judged."""
    names = ("faces", "width", "height", "format", "model", "timing_ms", "provenance")
    return {name: result[name] for name in names if name in result}
