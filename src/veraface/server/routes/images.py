"""Routes that analyze an image."""

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from veraface.analysis import Analysis
from veraface.results import Verdict
from veraface.server.errors import ApiError
from veraface.server.openapi import IMAGE_ERRORS, IMAGE_FORM, UNDECIDED, error_responses
from veraface.server.routes import State
from veraface.server.schemas import (
    DetectResponse,
    EvidenceResponse,
    PredictResponse,
    image_response,
    predict_response,
)
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
_ABOUT_CLASS = "include one of two classes; clients that show `label` leave it out"
WithClass = Annotated[bool, Query(description=_ABOUT_CLASS)]


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
    found, _ = await _analyze(request, state, heatmap, provenance)
    return found


@router.post(
    "/api/predict",
    responses=UNDECIDED,
    openapi_extra=IMAGE_FORM,
    summary="Detect forged faces in an image, as one of two classes",
)
async def predict(
    request: Request,
    state: State,
    heatmap: Heatmap = False,
    provenance: ProvenanceLevel = "quick",
    prediction: WithClass = True,
) -> PredictResponse:
    """Detect forged faces in one image. It stays in memory for this request and is never stored or logged.

    An image without a classified face is an error with status 422. So is one that would be called Real on a
    server that never says real, unless the class is left out.
    """
    found, filename = await _analyze(request, state, heatmap, provenance)
    if found.p_fake is None:
        reasons = found.faces[0].reasons if found.faces else found.reasons
        code = reasons[0].code  # without faces no_face, or why there may be some
        raise _undecided(found, code, "; ".join(reason.message for reason in reasons))
    response = predict_response(found, filename)
    if not prediction:
        return replace(response, prediction=None)
    if state.settings.never_say_real and response.prediction and response.prediction.class_ == "Real":
        if found.verdict is Verdict.REAL:
            code, message = "no_sign_of_forgery", "no sign of forgery was found"
        else:
            code, message = "uncertain", "no verdict is possible"
        why = "this server calls no image real, so use /api/v1/detect or prediction=false"
        raise _undecided(found, code, f"{message}; {why}")
    return response


def _undecided(found: DetectResponse, code: str, message: str) -> ApiError:
    """Return the error for an image that has neither of two classes."""
    fields = found.to_dict()
    details = {name: fields[name] for name in _UNDECIDED_FIELDS if name in fields}
    return ApiError(422, code, message, **details)


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
) -> tuple[DetectResponse, str]:
    """Return the response for the uploaded image, and its file name."""
    state.service.ensure_capacity()  # before the image is received
    async with state.images.read(request) as upload:
        options = {"heatmap": heatmap, "provenance": provenance}
        async with state.audit.failure(request, upload.content):
            analysis = await state.service.run(Analysis, request, upload.content, options)
        entry = await state.audit.add_analysis(request, upload.content, analysis.detection)
    state.observe(analysis.detection)
    return image_response(analysis, state.settings.wording, entry), upload.filename
