"""Routes that analyze an image."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from veraface.analysis import Analysis
from veraface.server.errors import ApiError
from veraface.server.openapi import IMAGE_ERRORS, IMAGE_FORM, UNDECIDED, error_responses
from veraface.server.routes import State
from veraface.server.schemas import DetectResponse, EvidenceResponse, PredictResponse, predict_response
from veraface.workers.messages import ForensicsResult

router = APIRouter(tags=["detect"], responses=error_responses(IMAGE_ERRORS))

_UNDECIDED_FIELDS = ("faces", "width", "height", "format", "model", "timing_ms", "provenance")

Level = Literal["off", "quick", "full"]
Heatmap = Annotated[bool, Query(description="include the heatmap of each face")]
_ABOUT_PROVENANCE = (
    "how closely to read what the file claims about its origin; full also decodes a JPEG in full, for traces "
    "of an earlier compression"
)
ProvenanceLevel = Annotated[Level, Query(description=_ABOUT_PROVENANCE)]


@router.post(
    "/api/v1/detect",
    responses=error_responses({422: "broken image or invalid parameter"}),
    openapi_extra=IMAGE_FORM,
    summary="Detect forged faces in an image",
)
async def detect(
    request: Request, state: State, heatmap: Heatmap = False, provenance: ProvenanceLevel = "quick"
) -> DetectResponse:
    """Detect forged faces in one image. It stays in memory for this request and is never stored or logged.

    An image without a face has the verdict `no_face`.
    """
    analysis, _, entry = await _analyze(request, state, heatmap, provenance)
    found = vars(analysis.detection)
    return DetectResponse(**found, provenance=analysis.provenance, audit_entry=entry)


@router.post(
    "/api/predict",
    responses=UNDECIDED,
    openapi_extra=IMAGE_FORM,
    summary="Detect forged faces in an image, as one of two classes",
)
async def predict(
    request: Request, state: State, heatmap: Heatmap = False, provenance: ProvenanceLevel = "quick"
) -> PredictResponse:
    """Detect forged faces in one image. It stays in memory for this request and is never stored or logged.

    An image without a classified face is an error with status 422.
    """
    analysis, filename, entry = await _analyze(request, state, heatmap, provenance)
    detection = analysis.detection
    if detection.p_fake is not None:
        return predict_response(analysis, filename, entry)
    reasons = detection.faces[0].reasons if detection.faces else detection.reasons
    code = reasons[0].code  # without faces no_face, or why there may be some
    if detection.faces or code == "faces_too_small":
        code = "face_too_small"
    found = analysis.to_dict()
    details = {name: found[name] for name in _UNDECIDED_FIELDS if name in found}
    raise ApiError(422, code, "; ".join(reason.message for reason in reasons), **details)


@router.post(
    "/api/v1/forensics",
    openapi_extra=IMAGE_FORM,
    summary="Compute forensic views of an image: error levels, noise, the JPEG grid",
)
async def forensics(request: Request, state: State) -> ForensicsResult:
    """Compute forensic views of one image, with or without faces. It is never stored or logged."""
    state.service.ensure_capacity()  # before the image is received
    async with state.images.read(request) as upload:
        return await state.service.run(ForensicsResult, request, upload.content, {})


@router.post(
    "/api/evidence",
    openapi_extra=IMAGE_FORM,
    summary="Compute forensic views of an image; the same as /api/v1/forensics",
)
async def evidence(request: Request, state: State) -> EvidenceResponse:
    """Compute forensic views of one image, with or without faces. It is never stored or logged."""
    return EvidenceResponse(success=True, **vars(await forensics(request, state)))


async def _analyze(
    request: Request, state: State, heatmap: bool, provenance: Level
) -> tuple[Analysis, str, str | None]:
    """Return the analysis of the uploaded image, its file name, and the hash of its audit entry."""
    state.service.ensure_capacity()  # before the image is received
    async with state.images.read(request) as upload:
        options = {"heatmap": heatmap, "provenance": provenance}
        try:
            analysis = await state.service.run(Analysis, request, upload.content, options)
        except ApiError as error:
            await state.audit.add_failure(request, upload.content, error)
            raise
        entry = await state.audit.add_analysis(request, upload.content, analysis.detection)
    state.observe(analysis.detection)
    return analysis, upload.filename, entry
