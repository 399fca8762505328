"""Backends that replace the worker processes when a test runs the application in its own process."""

import asyncio
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import anyio.to_thread

from veraface.detector import Detector
from veraface.provenance.credentials import CredentialReader
from veraface.results import Result
from veraface.workers.messages import ModelInfo, OnProgress, Options, Reply, Task
from veraface.workers.tasks import TASKS, TaskContext


@cache
def shared_detector() -> Detector:
    """The shipped detector with the fast model, loaded once."""
    return Detector("fast")


class InProcess:
    """Runs tasks in threads of this process, without queue and limits."""

    waiting = busy = alive = 0

    def __init__(self, detector: Detector) -> None:
        self._context = TaskContext(detector, CredentialReader())
        self.model: ModelInfo | None = None
        self.failure: str | None = None
        self.on_failure: Callable[[], None] = lambda: None

    async def start(self) -> None:
        detector = self._context.detector
        self.model = ModelInfo(detector.card.to_dict(), detector.model_info)

    async def close(self) -> None:
        pass

    def ensure_capacity(self) -> None:
        pass

    async def run(
        self, task: Task, content: bytes, options: Options, progress: OnProgress = lambda _: None
    ) -> Reply:
        loop = asyncio.get_running_loop()

        def report_soon(done: bytes) -> None:
            loop.call_soon_threadsafe(progress, done)

        work = partial(TASKS[task.name], self._context, content, report_soon, **options)
        result = await anyio.to_thread.run_sync(work)
        return Reply(result.to_json())


class Scripted(InProcess):
    """Returns the given result for every task, after the given progress."""

    def __init__(self, result: Result, progress: Sequence[Result] = ()) -> None:
        super().__init__(shared_detector())
        self._result = result
        self._progress = progress

    async def run(
        self, task: Task, content: bytes, options: Options, progress: OnProgress = lambda _: None
    ) -> Reply:
        for done in self._progress:
            progress(done.to_json())
        return Reply(self._result.to_json())


class Broken(InProcess):
    """Raises an exception with a text that must not reach clients or logs."""

    text = "secret from /home/somebody/image.jpg"

    def __init__(self) -> None:
        super().__init__(shared_detector())

    async def run(self, task: Task, content: bytes, options: Options, progress: Any = None) -> Reply:
        raise RuntimeError(self.text)
