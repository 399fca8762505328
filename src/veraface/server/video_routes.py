"""The route for videos: judged by one worker each, told of frame by frame as server-sent events."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from starlette.types import Message, Receive, Scope, Send

from veraface.server import schemas as answers
from veraface.server.errors import FAULT, INTERNAL_ERROR, ApiError, fault_content
from veraface.server.inference import Inference
from veraface.server.security import AccessPolicy
from veraface.server.settings import Settings
from veraface.server.uploads import CLIP, MAX_OTHER_FIELD_BYTES, MAX_OTHER_FIELDS, Uploads, until_gone

_log = logging.getLogger("veraface.server")

_SILENCE_S = 10.0  # after which a line is sent that says nothing, so that no proxy takes the work for dead
_MAX_SEND_S = 20.0  # for a piece of the answer; who does not take it in that time gets no more of it
_PIECE = 32 * 1024  # characters of an answer that are sent at once
_DRAINED_S = 20.0  # for what is still to come of a request that was refused already,
_DRAINED_BYTES = 512 * 2**20  # and how much of it is read at most
_TOO_SLOW = 408  # the status of what is not waited for any longer
_COME_BACK_S = 5  # where all places for videos are taken
_MAX_FRAMES = 128
_THUMBNAILS = 64  # of about 10 kB each
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "video": {"type": "string", "format": "binary", "description": "the video's file"}
                    },
                    "additionalProperties": {"type": "string", "maxLength": MAX_OTHER_FIELD_BYTES // 4},
                    "maxProperties": 1 + MAX_OTHER_FIELDS,
                    "required": ["video"],
                }
            }
        },
    }
}
_EVENTS = (
    "Server-sent events, each with JSON as its data. `progress`: `done` and `total` frames, `time` (s) and "
    "`p_fake` of the newest. Then one `result` (verdict, p_fake, tracks, timeline with small images as "
    "data URLs, reasons, duration, rate, rotation, thresholds, model, timing_ms), or one `error` as any "
    "failed answer has it."
)
_FAILURES: dict[int, str] = {
    400: "no well-formed multipart form with one file in `video`",
    408: "the video came too slowly, or not to its end",
    413: "too many bytes, pixels, seconds or packets",
    415: "not a video of a supported format, or one without an image",
    422: "a broken video, or a parameter that makes no sense",
    500: "a fault of the server",
    501: "this server judges no videos",
    503: "the model is not loaded (yet), as many videos are judged as may be, or what judged it was "
    "stopped; Retry-After says when to come back",
    504: "judging the video took too long before the first frame",
}

_Work = Coroutine[Any, Any, dict[str, Any]]


def video_routes(
    inference: Inference,
    settings: Settings,
    gates: AccessPolicy,
    judged: Callable[[dict[str, Any]], None] | None = None,
) -> APIRouter:
    """The route for videos.

    Args:
        inference: Judges videos.
        settings: The limits on them.
        gates: Who is let in to have one judged.
        judged: Is told of every result.
    """
    router = APIRouter(route_class=_PatientRoute)
    uploads = Uploads(settings, kind=CLIP)
    places = _Places(settings.concurrent_videos)
    failures: dict[int | str, dict[str, Any]] = {
        status: {"model": answers.ErrorAnswer, "description": words} for status, words in _FAILURES.items()
    }
    for status, words in gates.failures().items():
        failures[int(status.removeprefix("on_"))] = {"model": answers.ErrorAnswer, "description": words}
    failures[200] = {"description": _EVENTS, "content": {"text/event-stream": {"schema": {"type": "string"}}}}

    @router.post(
        "/api/predict-video",
        dependencies=[*gates.key, *gates.rate],
        response_class=Response,
        responses=failures,
        openapi_extra=_BODY,
        tags=["judge"],
        summary="Judge the faces in a video",
    )
    async def predict_video(
        request: Request,
        frames: Annotated[
            int, Query(ge=1, le=_MAX_FRAMES, description="how many to look at, spread over the video")
        ] = 32,
        thumbnails: Annotated[
            int, Query(ge=0, le=_THUMBNAILS, description="of how many of them to send small images")
        ] = 0,
    ) -> Response:
        """Judges one video. It is held in memory for this request only and never stored or logged."""
        if not settings.accepts_videos:
            message = (
                "this server judges no videos; it needs the extra veraface[video] and VERAFACE_VIDEO=true"
            )
            raise ApiError(501, "video_not_available", message)
        inference.ensure_capacity()  # before the video is sent
        places.check()
        held = AsyncExitStack()  # until the work has ended
        events = _Events(held)
        try:
            upload = await held.enter_async_context(uploads.read(request))
            held.enter_context(places.taken())
            work = inference.run(
                "video",
                upload.content,
                options={"frames": frames, "thumbnails": thumbnails, "max_pixels": settings.max_pixels},
                gone=partial(until_gone, request),
                timeout_s=settings.video_deadline_s,
                progress=events.tell,
            )
            events.follow(work, judged)
            await events.begun()
        except BaseException:
            await events.close()
            raise
        return _EventStream(events)

    return router


class _Places:
    """For videos that are judged at the same time; the workers beside them are left to images."""

    def __init__(self, count: int) -> None:
        self._free = count

    def check(self) -> None:
        """Refuses a video that could not be judged now."""
        if self._free < 1:
            message = "this server judges as many videos as it may; try again in a moment"
            raise ApiError(503, "overloaded", message, retry_after_s=_COME_BACK_S)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Takes one for as long as the context lasts."""
        self.check()
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


class _Events:
    """What the work tells, in order: progress, then its result or the error that it ends with.

    Args:
        held: What the work needs; let go as soon as it has ended, whether anybody listens or not.
    """

    def __init__(self, held: AsyncExitStack) -> None:
        self._held = held
        self._queue: asyncio.Queue[dict[str, Any] | ApiError] = asyncio.Queue()
        self._first: dict[str, Any] | ApiError | None = None
        self._task: asyncio.Task[None] | None = None

    def tell(self, progress: dict[str, Any]) -> None:
        """Takes how far the work is."""
        self._queue.put_nowait({"progress": progress})

    def follow(self, work: _Work, judged: Callable[[dict[str, Any]], None] | None) -> None:
        """Begins the work."""
        self._task = asyncio.create_task(self._follow(work, judged))

    async def begun(self) -> None:
        """Waits until the video is open and its first frame is looked at.

        Raises:
            ApiError: It never came to that, which is an answer with a status of its own.
        """
        self._first = await self._queue.get()
        if isinstance(self._first, ApiError):
            raise self._first

    async def written(self, scope: Scope) -> AsyncIterator[str]:
        """All events as the stream has them (WHATWG HTML, 9.2.6)."""
        said: dict[str, Any] | ApiError | None = self._first
        while said is not None:
            if isinstance(said, ApiError):
                scope[FAULT] = said.code
                fault = fault_content(said.code, said.message, status=said.status, **said.details)
                yield _written("error", fault)
                return
            ((name, data),) = said.items()
            for piece in _pieces(_written(name, data)):
                yield piece
            if name == "result":
                return
            while (said := await self._next()) is None:
                yield ": still at work\n\n"

    async def close(self) -> None:
        """Ends the work where it still goes on."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._held.aclose()  # where the work never began

    async def _next(self) -> dict[str, Any] | ApiError | None:
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(self._queue.get(), _SILENCE_S)
        return None

    async def _follow(self, work: _Work, judged: Callable[[dict[str, Any]], None] | None) -> None:
        try:
            async with self._held:
                result = await work
            if judged:
                judged(result)
            self._queue.put_nowait({"result": result})
        except ApiError as error:
            self._queue.put_nowait(error)
        except Exception as error:  # its text may quote the video
            _log.error("%s while a video was judged", type(error).__name__)
            self._queue.put_nowait(ApiError(500, *INTERNAL_ERROR))


class _EventStream(StreamingResponse):
    """The answer; whatever becomes of it, the work has ended with it."""

    def __init__(self, events: _Events) -> None:
        # nginx would keep what is written until it has a bufferful.
        super().__init__((), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends all events, to who takes them. The work itself listens for the client to hang up."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(_MAX_SEND_S):
                await send(message)

        self.body_iterator = self._events.written(scope)
        try:
            await self.stream_response(send_in_time)
        except TimeoutError:  # an answer that ends here has the server close the connection
            scope[FAULT] = "answer_not_read"
        finally:
            await self._events.close()


class _PatientRoute(APIRoute):
    """A route that reads on for a while where it refuses a request before all of it has come.

    Most clients send a whole video before they look for an answer. Were the connection closed meanwhile, they
    would be told of that, and never of what was wrong.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        has_ended = False
        status = 0

        async def watched() -> Message:
            nonlocal has_ended
            message = await receive()
            has_ended = message["type"] != "http.request" or not message.get("more_body", False)
            return message

        async def patient(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            is_last = message["type"] == "http.response.body" and not message.get("more_body", False)
            if not is_last or has_ended or status == _TOO_SLOW:
                await send(message)
                return
            await send({**message, "more_body": True})
            await drained()
            await send({"type": "http.response.body", "body": b""})

        async def drained() -> None:
            left = _DRAINED_BYTES
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DRAINED_S):
                    while not has_ended and left > 0:
                        left -= len((await watched()).get("body", b""))

        await super().handle(scope, watched, patient)


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))


def _written(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"
