"""Routes that analyze an image."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from veraface.analysis import Analysis
from veraface.server.errors import ApiError
from veraface.server.routes.forms import IMAGE_ERRORS, IMAGE_FORM, UNDECIDED
from veraface.server.schemas import (
    DetectResponse,
    EvidenceResponse,
    PredictResponse,
    detect_response,
    error_responses,
    evidence_response,
    predict_response,
    undecided_details,
)
from veraface.server.state import AppState, State
from veraface.server.uploads import wait_for_disconnect
from veraface.workers.messages import DetectOptions, ForensicsResult

router = APIRouter(tags=["detect"])

_ERRORS = error_responses(IMAGE_ERRORS)

Heatmap = Annotated[bool, Query(description="include the heatmap of each face")]
ProvenanceLevel = Annotated[
    Literal["off", "quick", "full"],
    Query(
        description="how closely to read what the file claims about its origin; full also decodes a JPEG "
        "in full, for traces of an earlier compression"
    ),
]


@router.post(
    "/api/v1/detect",
    responses={**_ERRORS, 422: {**_ERRORS[422], "description": "broken image or invalid parameter"}},
    openapi_extra=IMAGE_FORM,
    summary="Detect forged faces in an image",
)
async def detect(
    request: Request, state: State, heatmap: Heatmap = False, provenance: ProvenanceLevel = "quick"
) -> DetectResponse:
    """Detect forged faces in one image. It stays in memory for this request and is never stored or logged.

    An image without a face has the verdict `no_face`.
    """
    analysis, _ = await _analyze(request, state, heatmap, provenance)
    return detect_response(analysis)


@router.post(
    "/api/predict",
    responses={**_ERRORS, **UNDECIDED},
    openapi_extra=IMAGE_FORM,
    summary="Detect forged faces in an image, as one of two classes",
)
async def predict(
    request: Request, state: State, heatmap: Heatmap = False, provenance: ProvenanceLevel = "quick"
) -> PredictResponse:
    """Detect forged faces in one image. It stays in memory for this request and is never stored or logged.

    An image without a classified face is an error with status 422.
    """
    analysis, filename = await _analyze(request, state, heatmap, provenance)
    detection = analysis.detection
    if detection.p_fake is None:
        code = "face_too_small" if detection.faces else "no_face"
        reasons = detection.faces[0].reasons if detection.faces else detection.reasons
        message = "; ".join(reason.message for reason in reasons)
        raise ApiError(422, code, message, **undecided_details(analysis))
    return predict_response(analysis, filename)


@router.post(
    "/api/v1/forensics",
    responses=_ERRORS,
    openapi_extra=IMAGE_FORM,
    summary="Compute forensic views of an image: error levels, noise, the JPEG grid",
)
async def forensics(request: Request, state: State) -> ForensicsResult:
    """Compute forensic views of one image, with or without faces. It is never stored or logged."""
    return await _forensics(request, state)


@router.post(
    "/api/evidence",
    responses=_ERRORS,
    openapi_extra=IMAGE_FORM,
    summary="Compute forensic views of an image; the same as /api/v1/forensics",
)
async def evidence(request: Request, state: State) -> EvidenceResponse:
    """Compute forensic views of one image, with or without faces. It is never stored or logged."""
    return evidence_response(await _forensics(request, state))


async def _analyze(
    request: Request, state: AppState, heatmap: bool, provenance: Literal["off", "quick", "full"]
) -> tuple[Analysis, str]:
    """Return the analysis of the uploaded image, and its file name."""
    options = DetectOptions(heatmap, None if provenance == "off" else provenance)
    state.service.ensure_capacity()  # before the image is received
    async with state.images.read(request) as upload:
        disconnected = partial(wait_for_disconnect, request)
        analysis = await state.service.detect(upload.content, options, disconnected)
    state.observe_image(analysis.detection)
    return analysis, upload.filename


async def _forensics(request: Request, state: AppState) -> ForensicsResult:
    state.service.ensure_capacity()  # before the image is received
    async with state.images.read(request) as upload:
        return await state.service.forensics(upload.content, partial(wait_for_disconnect, request))
