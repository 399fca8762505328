"""Routes that analyze a video and report progress as server-sent events."""

import asyncio
import contextlib
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.routing import APIRoute
from starlette.types import Message, Receive, Scope, Send

from veraface.server.errors import ApiError
from veraface.server.event_stream import VideoEventStream, VideoJob
from veraface.server.openapi import Responses, error_responses, form
from veraface.server.routes import AppState, State
from veraface.server.schemas import DetectVideoResponse, video_response
from veraface.workers.messages import VideoAnalysis

_MAX_DRAIN_S = 20.0
_MAX_DRAIN_BYTES = 512 * 2**20
_UPLOAD_TOO_SLOW = 408  # the status of a request that is not read any further


class _DrainOnReject(APIRoute):
    """A route that reads on for a while after it has rejected a request before its end.

    Most clients send a whole video before they read the response. If the connection were closed meanwhile,
    they would report a connection error instead of the response.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        received_all = False
        status = 0

        async def observed_receive() -> Message:
            nonlocal received_all
            message = await receive()
            received_all = message["type"] != "http.request" or not message.get("more_body", False)
            return message

        async def draining_send(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            is_last = message["type"] == "http.response.body" and not message.get("more_body", False)
            if not is_last or received_all or status == _UPLOAD_TOO_SLOW:
                await send(message)
                return
            await send({**message, "more_body": True})
            left = _MAX_DRAIN_BYTES
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_MAX_DRAIN_S):
                    while not received_all and left > 0:
                        left -= len((await observed_receive()).get("body", b""))
            await send({"type": "http.response.body", "body": b""})

        await super().handle(scope, observed_receive, draining_send)


router = APIRouter(route_class=_DrainOnReject, tags=["detect"])

_FORM = form(["video"], video={"type": "string", "format": "binary", "description": "the video file"})
_EVENTS = (
    "Server-sent events, each with JSON as its data. `progress`: `done` and `total` frames, `time` (s) and "
    "`p_fake` of the newest. Then one `result` (verdict, label, p_fake, tracks, timeline with thumbnails as "
    "data URLs, reasons, duration, rate, rotation, thresholds, model, timing_ms, findings; of MP4, MOV and "
    "animated images the same `provenance` as of an image; audit_entry if there is an audit log), or one "
    "`error` in the form of other error responses."
)
_ERRORS = {
    400: "not a well-formed multipart form with one file in `video`",
    408: "the video arrived too slowly or not completely",
    413: "too many bytes, pixels, seconds or packets",
    415: "not a video of a supported format, or one without a video stream",
    422: "a broken video or an invalid parameter",
    500: "internal error of the server",
    501: "this server accepts no videos",
    503: "the model is not loaded, all video slots are taken, or the worker was stopped; see Retry-After",
    504: "the first frame took too long",
}
_RESPONSES: Responses = {
    200: {"description": _EVENTS, "content": {"text/event-stream": {"schema": {"type": "string"}}}},
    **error_responses(_ERRORS),
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
    resources = contextlib.AsyncExitStack()
    job = VideoJob(resources)
    try:
        upload = await resources.enter_async_context(state.videos.read(request))
        _ensure_free_slot(state)
        await resources.enter_async_context(state.video_slots)
        options = {"frames": frames, "thumbnails": thumbnails, "max_pixels": settings.max_pixels}
        work = _analyze(request, state, upload.content, options, job)
        await job.start(work, state.observe)
    except BaseException:
        await job.close()
        raise
    return VideoEventStream(job, request.scope)


async def _analyze(
    request: Request, state: AppState, content: bytes, options: dict[str, Any], job: VideoJob
) -> DetectVideoResponse:
    """Return the result for a video, once it is in the audit log."""
    async with state.audit.failure(request, content):
        result = await state.service.run(VideoAnalysis, request, content, options, job.report)
    entry = await state.audit.add_analysis(request, content, result)
    return video_response(result, state.settings.wording, entry)


def _ensure_free_slot(state: AppState) -> None:
    if state.video_slots.locked():
        message = "this server is busy with other videos; try again in a moment"
        raise ApiError(503, "overloaded", message, retry_after_s=5)
