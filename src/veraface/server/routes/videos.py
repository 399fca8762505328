"""Routes that analyze a video and report progress as server-sent events."""

from contextlib import AsyncExitStack
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from veraface.server.drain import DrainOnReject
from veraface.server.errors import ApiError
from veraface.server.event_stream import VideoEventStream, VideoJob
from veraface.server.openapi import Responses, error_responses, form
from veraface.server.state import AppState, State
from veraface.server.uploads import wait_for_disconnect
from veraface.workers.messages import VideoOptions

router = APIRouter(route_class=DrainOnReject, tags=["detect"])

_FORM = form(["video"], video={"type": "string", "format": "binary", "description": "the video file"})
_EVENTS = (
    "Server-sent events, each with JSON as its data. `progress`: `done` and `total` frames, `time` (s) and "
    "`p_fake` of the newest. Then one `result` (verdict, p_fake, tracks, timeline with thumbnails as data "
    "URLs, reasons, duration, rate, rotation, thresholds, model, timing_ms), or one `error` in the form of "
    "other error responses."
)
_RESPONSES: Responses = {
    200: {"description": _EVENTS, "content": {"text/event-stream": {"schema": {"type": "string"}}}},
    **error_responses(
        {
            400: "not a well-formed multipart form with one file in `video`",
            408: "the video arrived too slowly or not completely",
            413: "too many bytes, pixels, seconds or packets",
            415: "not a video of a supported format, or one without a video stream",
            422: "a broken video or an invalid parameter",
            500: "internal error of the server",
            501: "this server accepts no videos",
            503: "the model is not loaded, all slots for videos are taken, or the worker was stopped; see "
            "Retry-After",
            504: "the first frame took too long",
        }
    ),
}
_ROUTE: dict[str, Any] = {"response_class": Response, "responses": _RESPONSES, "openapi_extra": _FORM}

Frames = Annotated[int, Query(ge=1, le=128, description="how many frames to sample, spread over the video")]
# Thumbnails have about 10 kB each.
Thumbnails = Annotated[int, Query(ge=0, le=64, description="for how many of them to send thumbnails")]


@router.post("/api/v1/detect-video", summary="Detect forged faces in a video", **_ROUTE)
@router.post(
    "/api/predict-video", summary="Detect forged faces in a video; the same as /api/v1/detect-video", **_ROUTE
)
async def detect_video(
    request: Request, state: State, frames: Frames = 32, thumbnails: Thumbnails = 0
) -> Response:
    """Detect forged faces in one video. It stays in memory for this request and is never stored or logged."""
    settings = state.settings
    if not settings.accepts_videos:
        message = "this server accepts no videos; it needs the extra veraface[video] and VERAFACE_VIDEO=true"
        raise ApiError(501, "video_not_available", message)
    state.service.ensure_capacity()  # before the video is received
    _ensure_free_slot(state)
    resources = AsyncExitStack()
    job = VideoJob(resources)
    try:
        upload = await resources.enter_async_context(state.videos.read(request))
        _ensure_free_slot(state)
        await resources.enter_async_context(state.video_slots)
        options = VideoOptions(frames, thumbnails, settings.max_pixels)
        disconnected = partial(wait_for_disconnect, request)
        work = state.service.detect_video(upload.content, options, disconnected, job.report)
        await job.start(work, state.observe)
    except BaseException:
        await job.close()
        raise
    return VideoEventStream(job, request.scope)


def _ensure_free_slot(state: AppState) -> None:
    if state.video_slots.locked():
        message = "this server is busy with other videos; try again in a moment"
        raise ApiError(503, "overloaded", message, retry_after_s=5)
