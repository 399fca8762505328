"""Routes about the model and the state of the server."""

from typing import Any

from fastapi import APIRouter

from veraface.server import schemas
from veraface.server.compression import CompressedRoute
from veraface.server.openapi import NOT_READY
from veraface.server.routes import State

router = APIRouter(tags=["info"])
_cards = APIRouter(tags=["info"], route_class=CompressedRoute)


@router.get("/api/v1/status", response_model_exclude_unset=True, summary="State of the model, and limits")
@router.get(
    "/api/model-status",
    response_model_exclude_unset=True,
    summary="State of the model, and limits; the same as /api/v1/status",
)
async def model_status(state: State) -> schemas.ModelStatusResponse:
    """Return whether the model is loaded and which it is, the limits on uploads, and how to show verdicts."""
    settings, model = state.settings, state.service.model_info()
    limits = schemas.LimitsResponse(
        max_upload_bytes=settings.max_upload_bytes,
        max_pixels=settings.max_pixels,
        links=settings.fetch_links,
        video=settings.accepts_videos,
        max_video_bytes=settings.video_max_bytes,
        feedback=settings.feedback_folder is not None,
        reports=settings.makes_reports,
    )
    wording = schemas.WordingResponse.model_validate(settings.wording, from_attributes=True)
    return schemas.ModelStatusResponse(loaded=bool(model), limits=limits, wording=wording, **model)


@_cards.get(
    "/api/v1/model", responses=NOT_READY, response_model=schemas.ModelCardResponse, summary="The model card"
)
async def model_card(state: State) -> dict[str, Any]:
    """Return the whole model card."""
    card = state.service.require_model().card
    return {name: value for name, value in card.items() if name not in ("licence", "normalisation")}


@_cards.get(
    "/api/model",
    responses=NOT_READY,
    response_model=schemas.CompatibleModelCardResponse,
    summary="The model card, with its deprecated names too",
)
async def compatible_model_card(state: State) -> dict[str, Any]:
    """Return the whole model card."""
    return state.service.require_model().card


router.include_router(_cards)


@router.get("/healthz", responses=NOT_READY, summary="Whether the server is alive")
async def healthz(state: State) -> schemas.HealthResponse:
    """Return an error only if the model could not be loaded."""
    if state.service.failed:
        state.service.require_model()
    return schemas.HealthResponse(status="ok")


@router.get("/readyz", responses=NOT_READY, summary="Whether images can be processed now")
async def readyz(state: State) -> schemas.HealthResponse:
    """Return an error while the model is not loaded."""
    state.service.require_model()
    return schemas.HealthResponse(status="ready")
