"""The only way from a request to a verdict: hands images to what judges them, says failures as answers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from veraface.errors import ImageError
from veraface.provenance import Level
from veraface.server.errors import INTERNAL_ERROR, ApiError, from_image_error
from veraface.workers.launcher import ModelInfo
from veraface.workers.pool import DeadlineExceededError, QueueFullError, WorkerFaultError, WorkerLostError

_log = logging.getLogger("veraface.server")


class Judge(Protocol):
    """What judges images; see `WorkerPool`, which is one."""

    greeting: ModelInfo | None
    failure: str | None
    on_failure: Callable[[], None]

    @property
    def waiting(self) -> int:
        """Images that wait for a worker."""

    @property
    def busy(self) -> int:
        """Workers that process an image."""

    @property
    def alive(self) -> int:
        """Workers that are ready or busy."""

    async def start(self) -> None:
        """Returns once images can be judged, or never will be."""

    async def close(self) -> None:
        """Ends, after what has begun."""

    def ensure_capacity(self) -> None:
        """Raises QueueFullError where no further image could wait."""

    async def run(
        self,
        task: str,
        content: bytes,
        *,
        options: dict[str, Any],
        timeout_s: float,
        progress: Callable[[dict[str, Any]], None] = ...,
    ) -> dict[str, Any]:
        """What a task of `veraface.workers.tasks` makes of the bytes of a file."""


class Inference:
    """Judges images for routes, which know nothing of where the work is done.

    Args:
        judge: What judges them.
        deadline_s: Seconds for one image, waiting included.
    """

    def __init__(self, judge: Judge, deadline_s: float) -> None:
        self._judge = judge
        self._deadline_s = deadline_s

    @property
    def ready(self) -> bool:
        """Whether the model is loaded and warm."""
        return self._judge.greeting is not None

    @property
    def failed(self) -> bool:
        """Whether the model could not be loaded and never will be."""
        return self._judge.failure is not None

    @property
    def model(self) -> ModelInfo:
        """The loaded model: its card, and its name, version and sha256.

        Raises:
            ApiError: 503 while it is loading or where it could not be loaded.
        """
        if self._judge.greeting is not None:
            return self._judge.greeting
        if self.failed:
            raise ApiError(503, "model_unavailable", "the model could not be loaded; see the server's log")
        raise ApiError(503, "not_ready", "the model is still loading; try again in a moment", retry_after_s=1)

    def about(self) -> dict[str, str]:
        """Name, version and sha256 of the model; nothing while there is none."""
        return self._judge.greeting.model if self._judge.greeting else {}

    def stop_on_failure(self, stop: Callable[[], None]) -> None:
        """Has `stop` called where the model cannot be loaded."""
        self._judge.on_failure = stop

    async def start(self) -> None:
        """Loads and warms the model; a failure is logged and kept in `failed`."""
        await self._judge.start()
        if self._judge.failure is not None:
            _log.error("the model could not be loaded: %s", self._judge.failure)
        elif self.ready:
            _log.info("model %(name)s %(version)s is loaded", self.model.model)

    async def close(self) -> None:
        """Ends what judges, after what has begun."""
        await self._judge.close()

    def ensure_capacity(self) -> None:
        """Turns an image away before it is sent, where it could not be judged now.

        Raises:
            ApiError: 503 while the model is not loaded, or too many images wait.
        """
        _ = self.model
        try:
            self._judge.ensure_capacity()
        except QueueFullError as error:
            raise _overloaded(error) from None

    async def detect(
        self,
        image: bytes,
        *,
        heatmap: bool,
        gone: Callable[[], Awaitable[None]],
        provenance: Level | None = None,
    ) -> dict[str, Any]:
        """Judges one image.

        Args:
            image: The bytes of its file.
            heatmap: Whether the answer holds the evidence in each face.
            gone: A coroutine function that returns once the client is gone: then the image no longer waits.
            provenance: How closely to read what the file claims of itself; None for not at all.

        Returns:
            `DetectionResult.to_dict()`.

        Raises:
            ApiError: The image could not be turned into pixels, or not be judged now, or not in time.
        """
        options = {"heatmap": heatmap, "provenance": provenance}
        return await self.run("detect", image, options=options, gone=gone)

    async def run(
        self,
        task: str,
        content: bytes,
        *,
        options: dict[str, Any],
        gone: Callable[[], Awaitable[None]],
        timeout_s: float | None = None,
        progress: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> dict[str, Any]:
        """Has something done with one file, without blocking the event loop.

        Args:
            task: One of `veraface.workers.tasks.TASKS`.
            content: The bytes of the file.
            options: JSON-ready; what the task takes.
            gone: A coroutine function that returns once the client is gone: then the file no longer waits.
            timeout_s: Seconds until the work is stopped, waiting included; those for one image if None.
            progress: Is called with what the task tells meanwhile.

        Raises:
            ApiError: It could not be done with this file, or not now, or not in time.
        """
        _ = self.model
        timeout_s = self._deadline_s if timeout_s is None else timeout_s
        work = self._judge.run(task, content, options=options, timeout_s=timeout_s, progress=progress)
        try:
            return await _unless(gone, work)
        except ImageError as error:
            raise from_image_error(error) from None
        except QueueFullError as error:
            raise _overloaded(error) from None
        except DeadlineExceededError as error:
            raise ApiError(504, error.code, str(error)) from None
        except WorkerLostError as error:
            raise ApiError(503, error.code, str(error), retry_after_s=1) from None
        except WorkerFaultError as error:
            _log.error("a fault while judging: %s", error)
            raise ApiError(500, *INTERNAL_ERROR) from None


async def _unless(gone: Callable[[], Awaitable[None]], work: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """The outcome of `work`, which is canceled once `gone` returns."""
    job, leaving = asyncio.ensure_future(work), asyncio.ensure_future(gone())
    try:
        await asyncio.wait((job, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not job.done():
            raise ApiError(400, "incomplete_upload", "the client did not wait for the answer")
        return await job
    finally:
        job.cancel()
        leaving.cancel()
        await asyncio.gather(job, leaving, return_exceptions=True)


def _overloaded(error: QueueFullError) -> ApiError:
    return ApiError(503, error.code, str(error), retry_after_s=error.retry_after_s)
