"""Runs the tasks of routes and turns their errors into API errors."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from fastapi import Request
from pydantic import ValidationError

from veraface import errors
from veraface.analysis import Analysis
from veraface.results import Result
from veraface.server.errors import ApiError, from_error, internal_error
from veraface.server.settings import Settings
from veraface.workers import messages
from veraface.workers.pool import WorkerPool

_log = logging.getLogger("veraface.server")


class InferenceService:
    """Runs tasks on a backend for routes, with the timeouts of the settings."""

    def __init__(self, backend: WorkerPool, settings: Settings) -> None:
        self._backend = backend
        self._tasks: dict[type[Result], messages.Task] = {
            Analysis: messages.Task("detect", settings.deadline_s),
            messages.ForensicsResult: messages.Task("forensics", settings.deadline_s),
            messages.ReportMaterial: messages.Task("report_material", settings.deadline_s),
            messages.VideoAnalysis: messages.Task("video", settings.video_deadline_s, cancellable=True),
        }

    @property
    def failed(self) -> bool:
        """Whether the model could not be loaded."""
        return self._backend.failure is not None

    def require_model(self) -> messages.ModelInfo:
        """Return the loaded model; raise an ApiError of status 503 if there is none, or not yet."""
        if self._backend.model is not None:
            return self._backend.model
        if self.failed:
            raise ApiError(503, "model_unavailable", "the model could not be loaded; see the server's log")
        raise ApiError(503, "not_ready", "the model is still loading; try again in a moment", retry_after_s=1)

    def model_info(self) -> dict[str, str]:
        """Return name, version and sha256 of the model; an empty dictionary before it is loaded."""
        return self._backend.model.model if self._backend.model else {}

    def stop_on_failure(self, stop: Callable[[], None]) -> None:
        """Have `stop` called if the model cannot be loaded."""
        self._backend.on_failure = stop

    async def start(self) -> None:
        """Load the model and warm it up; a failure is logged."""
        await self._backend.start()
        if self._backend.failure is not None:
            _log.error("the model could not be loaded: %s", self._backend.failure)
        elif self._backend.model:
            _log.info("model %(name)s %(version)s is loaded", self.model_info())

    async def close(self) -> None:
        """Finish running tasks and stop the backend."""
        await self._backend.close()

    def ensure_capacity(self) -> None:
        """Reject a file that could not be processed now with an ApiError of status 503."""
        self.require_model()
        try:
            self._backend.ensure_capacity()
        except errors.QueueFullError as error:
            raise from_error(error) from None

    async def run(
        self,
        kind: type[messages.TimedResult],
        request: Request,
        content: bytes,
        options: messages.Options,
        progress: messages.OnProgress = lambda _: None,
    ) -> messages.TimedResult:
        """Run the task with this kind of result on a file; raise an ApiError if it fails.

        The task is cancelled if the client disconnects.
        """
        self.require_model()
        task = self._tasks[kind]
        try:
            reply = await _unless_disconnected(request, self._backend.run(task, content, options, progress))
        except errors.WorkerCrashedError as error:
            is_video = kind is messages.VideoAnalysis
            unreadable = errors.UnreadableVideoError if is_video else errors.UnreadableImageError
            raise from_error(unreadable(str(error))) from None
        except errors.VerafaceError as error:
            raise from_error(error) from None
        except messages.WorkerFaultError as error:
            _log.error("an exception in the task %s: %s", task.name, error)
            raise internal_error() from None
        try:
            return messages.decode_reply(kind, reply)
        except (ValueError, KeyError) as error:  # a bug, or a compromised worker
            _log.error("invalid result of the task %s: %s", task.name, _invalid_fields(error))
            message = "the worker sent an invalid response; try again"
            raise from_error(errors.WorkerLostError(message)) from None


def _invalid_fields(error: Exception) -> str:
    """Return which fields are invalid and why, without their values, which may be from an image."""
    if not isinstance(error, ValidationError):
        return type(error).__name__
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return ", ".join(
        sorted({f"{fault['loc'][0] if fault['loc'] else 'all'}: {fault['type']}" for fault in found})
    )


async def _unless_disconnected(request: Request, work: Awaitable[messages.Reply]) -> messages.Reply:
    """Return the result of `work`, which is cancelled if the client disconnects; its body has been read."""
    job, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_disconnect(request))
    try:
        await asyncio.wait((job, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not job.done():
            raise ApiError(400, "incomplete_upload", "the client disconnected before the response")
        return await job
    finally:
        job.cancel()
        leaving.cancel()
        await asyncio.gather(job, leaving, return_exceptions=True)


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
