"""Progress and result of a video as server-sent events (WHATWG HTML, section 9.2)."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Literal

from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import AppStatus, SendTimeoutError
from starlette.types import Receive, Scope, Send

from veraface.results import Result
from veraface.server.errors import FAULT, ApiError, internal_error
from veraface.video.results import VideoResult
from veraface.workers.messages import VideoProgress

_log = logging.getLogger("veraface.server")

KEEP_ALIVE_S = 10.0  # interval of comments, so that proxies do not close an idle connection
SEND_TIMEOUT_S = 20.0  # for one chunk; slower clients are disconnected
CHUNK_BYTES = 32 * 1024

_Event = tuple[Literal["progress", "result", "error"], Result | ApiError]

# sse-starlette would end all streams as soon as the server receives the signal to stop. Videos may finish
# within Uvicorn's timeout for a graceful shutdown.
AppStatus.enable_automatic_graceful_drain = False


class VideoJob:
    """A running task and its events: progress, then the result or an error."""

    def __init__(self, resources: contextlib.AsyncExitStack) -> None:
        self._resources = resources  # released once the task has ended, however slow the client reads
        self._queue: asyncio.Queue[_Event] = asyncio.Queue()
        self._first: _Event | None = None
        self._task: asyncio.Task[None] | None = None

    def report(self, progress: bytes) -> None:
        """Add an event for a worker's `VideoProgress`, before the first frame and after each."""
        with contextlib.suppress(ValueError):  # invalid JSON, from a compromised worker
            self._queue.put_nowait(("progress", VideoProgress.from_json(progress)))

    async def start(self, work: Awaitable[VideoResult], observe: Callable[[VideoResult], None]) -> None:
        """Start the work and wait for its first event; raise the ApiError that comes instead of progress."""
        self._task = asyncio.create_task(self._run(work, observe))
        self._first = await self._queue.get()
        if isinstance(self._first[1], ApiError):
            raise self._first[1]

    async def close(self) -> None:
        """Stop the task if it is still running."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._resources.aclose()  # if the task never started

    async def events(self, scope: Scope) -> AsyncIterator[bytes]:
        """Yield all events in chunks, and comments while there is none."""
        event = self._first
        while True:
            if event is None:
                yield ServerSentEvent(comment="keep-alive", sep="\n").encode()
            else:
                encoded = _encode(event, scope)
                for start in range(0, len(encoded), CHUNK_BYTES):
                    yield encoded[start : start + CHUNK_BYTES]
                if event[0] != "progress":
                    return
            event = None
            with contextlib.suppress(TimeoutError):
                event = await asyncio.wait_for(self._queue.get(), KEEP_ALIVE_S)

    async def _run(self, work: Awaitable[VideoResult], observe: Callable[[VideoResult], None]) -> None:
        try:
            async with self._resources:
                result = await work
            observe(result)
            self._queue.put_nowait(("result", result))
        except ApiError as error:
            self._queue.put_nowait(("error", error))
        except Exception as error:  # its text may quote the video
            _log.error("%s in the task of a video", type(error).__name__)
            self._queue.put_nowait(("error", internal_error()))


def _encode(event: _Event, scope: Scope) -> bytes:
    name, content = event
    if isinstance(content, ApiError):
        scope[FAULT] = content.code
        data = json.dumps({**content.content(), "status": content.status}, separators=(",", ":"))
    else:
        data = content.to_json().decode()
    return ServerSentEvent(data, event=name, sep="\n").encode()


class VideoEventStream(EventSourceResponse):
    """Response with the events of a job, which ends with the response."""

    def __init__(self, job: VideoJob, scope: Scope) -> None:
        # The job sends keep-alive comments itself: a `ping` could fall between two chunks of an event.
        super().__init__(job.events(scope), ping=0, send_timeout=SEND_TIMEOUT_S)
        self._job = job

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all events to a client that reads them."""
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:  # the server closes the connection of an unfinished response
            scope[FAULT] = "answer_not_read"
        finally:
            await self._job.close()
