"""Workers behind a bounded queue: each gets one image at a time, and those that end are replaced."""

import asyncio
import contextlib
import logging
import math
import signal
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from veraface.errors import (
    ModelError,
    UnreadableImageError,
    UnreadableVideoError,
    VerafaceError,
    image_error,
)
from veraface.workers import protocol as frames
from veraface.workers.launcher import ForkServerClient, ModelInfo, Worker, WorkerSettings

_log = logging.getLogger("veraface.workers")

_MAX_FAILED_STARTS = 3  # in a row, before any has succeeded
_MAX_PAUSE_S = 30  # between starts that fail
_WORTH_ENDING = {"video"}  # tasks that take so long that they are stopped once nobody waits for them
_NOUNS: defaultdict[str, str] = defaultdict(lambda: "picture", video="clip")
_SMOOTHING = 0.1  # weight of the newest image in the running mean of the time that one takes
# How a worker ends where its image is to blame: a fault in a codec, or too much processor time.
_PICTURE_TO_BLAME = {
    *(signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT, signal.SIGTRAP),
    *(signal.SIGPROF, signal.SIGSYS),
}


class QueueFullError(VerafaceError):
    """As many images wait as may; `retry_after_s` says when to come back."""

    code = "overloaded"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("more images are waiting than this server takes; try again in a moment")
        self.retry_after_s = retry_after_s


class DeadlineExceededError(VerafaceError):
    """An image was not judged within its time; whatever worked on it was stopped."""

    code = "too_slow"


class WorkerLostError(VerafaceError):
    """The worker ended while it judged, for reasons outside the image."""

    code = "worker_lost"


class WorkerFaultError(Exception):
    """A fault in the code that judges; the text says where, without anything of the image."""


class WorkerPool:
    """A fixed number of workers behind a bounded queue. All of it runs on one event loop.

    Args:
        settings: What each worker is started with.
        workers: How many there are; each judges one image at a time.
        queue: How many images may wait while all are at work.
    """

    def __init__(self, settings: WorkerSettings, *, workers: int, queue: int) -> None:
        self._settings = settings
        self._count = workers
        self._queue = queue
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        self._launcher: ForkServerClient | None = None
        self._waiting = 0
        self._busy = 0
        self._living = 0
        self._seconds_each = 0.1  # running mean
        self._running: asyncio.Task[None] | None = None
        self._jobs: set[asyncio.Task[dict[str, Any]]] = set()
        self._settled = asyncio.Event()
        self._warned = False
        self.greeting: ModelInfo | None = None
        self.failure: str | None = None  # why no worker could ever be started
        self.on_failure: Callable[[], None] = lambda: None

    @property
    def waiting(self) -> int:
        """Pictures that wait for a worker."""
        return self._waiting

    @property
    def busy(self) -> int:
        """Workers that judge an image now."""
        return self._busy

    @property
    def alive(self) -> int:
        """Workers that are ready or at work."""
        return self._living

    async def start(self) -> None:
        """Starts all workers; returns once one is ready, or none could be started (see `failure`)."""
        self._running = asyncio.create_task(self._keep_template())
        await self._settled.wait()

    async def close(self) -> None:
        """Ends all workers, after what they have begun."""
        if self._jobs:
            await asyncio.wait(self._jobs)
        if self._running:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def ensure_capacity(self) -> None:
        """Whether one more image could wait now.

        Raises:
            QueueFullError: None could.
        """
        if self._waiting >= self._queue and self._idle.empty():
            rounds = (self._waiting + self._busy) / self._count
            raise QueueFullError(max(1, math.ceil(rounds * self._seconds_each)))

    async def run(
        self,
        task: str,
        content: bytes,
        *,
        options: dict[str, Any],
        timeout_s: float,
        progress: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> dict[str, Any]:
        """Has a worker do something with one file.

        Args:
            task: One of `veraface.workers.tasks.TASKS`.
            content: The bytes of the file.
            options: JSON-ready; what the task takes.
            timeout_s: Seconds until the work is stopped, waiting included.
            progress: Is called with what the task tells meanwhile.

        Returns:
            What the task returns, with the time waited as "queue" among its times and in their total.

        Raises:
            QueueFullError: The queue is full.
            DeadlineExceededError: The time ran out.
            WorkerLostError: The worker was stopped from outside.
            ImageError: The image could not be turned into pixels.
            WorkerFaultError: A fault in the code that judges.
        """
        self.ensure_capacity()
        started = time.perf_counter()
        deadline = asyncio.get_running_loop().time() + timeout_s
        worker = await self._next_worker(deadline)
        waited_ms = round(1000 * (time.perf_counter() - started), 2)
        # Goes on where the client hangs up meanwhile: a worker has to be heard out, or ended.
        job = asyncio.create_task(self._run(worker, deadline, task, content, options, progress))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        job.add_done_callback(_retrieve)
        try:
            result = await asyncio.shield(job)
        except asyncio.CancelledError:
            if task in _WORTH_ENDING:
                self._kill(worker)
            raise
        times = result["timing_ms"]
        result["timing_ms"] = times | {"total": round(times["total"] + waited_ms, 2), "queue": waited_ms}
        return result

    async def _next_worker(self, deadline: float) -> Worker:
        self._waiting += 1
        try:
            async with asyncio.timeout_at(deadline):
                while (worker := await self._idle.get()).ended:
                    pass
                return worker
        except TimeoutError:
            raise DeadlineExceededError("no worker became free in time; try again in a moment") from None
        finally:
            self._waiting -= 1

    async def _run(self, worker: Worker, deadline: float, task: str, *ask: Any) -> dict[str, Any]:
        self._busy += 1
        started = time.perf_counter()
        try:
            async with asyncio.timeout_at(deadline):
                answer = await worker.ask(task, *ask)
        except TimeoutError:
            self._kill(worker)
            message = f"judging this {_NOUNS[task]} took too long and was stopped; send it smaller"
            raise DeadlineExceededError(message) from None
        except (EOFError, OSError):
            raise await self._why_lost(worker, task) from None
        except frames.FrameError as error:
            self._kill(worker)
            raise WorkerLostError("the worker gave no proper answer; try again") from error
        finally:
            self._busy -= 1
        if not answer.pop("last", False):
            self._idle.put_nowait(worker)
        if task == "detect":
            self._seconds_each += _SMOOTHING * (time.perf_counter() - started - self._seconds_each)
        return _result(answer)

    def _kill(self, worker: Worker) -> None:
        if self._launcher:
            self._launcher.kill(worker)

    async def _why_lost(self, worker: Worker, task: str) -> VerafaceError:
        worker.close()
        self._kill(worker)  # where it only closed its connection
        status = await asyncio.shield(worker.status)
        if -status in _PICTURE_TO_BLAME:
            kind = UnreadableVideoError if task == "video" else UnreadableImageError
            return kind(f"the {_NOUNS[task]} made its decoder fail; save or export it again")
        return WorkerLostError(f"what judged this {_NOUNS[task]} was stopped in the middle; try again")

    async def _keep_template(self) -> None:
        """Keeps a template running, and copies of it."""
        failed = 0
        while self.failure is None:
            launcher = await ForkServerClient.start(self._settings)
            keepers: list[asyncio.Task[None]] = []
            try:
                greeting = await launcher.greeting()
                self._launcher = launcher
                for _ in range(self._count):
                    keepers.append(asyncio.create_task(self._keep_worker(launcher, greeting)))
                failed = 0
                status = await launcher.wait()
                _log.error("the workers' template ended (%s) and is started anew", _in_words(status))
            except ModelError as error:
                self._fail(str(error))
            except (EOFError, OSError, TimeoutError, frames.FrameError, KeyError) as error:
                failed += 1
                _log.error("the workers' template could not be started (%s)", type(error).__name__)
                if failed >= _MAX_FAILED_STARTS:
                    self._fail("the workers that judge images do not start")
                await asyncio.sleep(min(2.0**failed / 4, _MAX_PAUSE_S))
            finally:
                self._launcher = None
                for keeper in keepers:
                    keeper.cancel()
                await asyncio.gather(*keepers, return_exceptions=True)
                await asyncio.shield(launcher.close())

    async def _keep_worker(self, launcher: ForkServerClient, greeting: ModelInfo) -> None:
        """Keeps one place filled: makes a worker, waits for its end, makes the next."""
        failed = 0
        while True:
            worker = await launcher.new_worker()
            try:
                self._welcome(await worker.limits(), greeting)
                failed = 0
            except (EOFError, OSError, TimeoutError, frames.FrameError) as error:
                failed += 1
                _log.error("a worker could not be started (%s)", type(error).__name__)
                launcher.kill(worker)
                await asyncio.sleep(min(2.0**failed / 4, _MAX_PAUSE_S))
                continue
            self._living += 1
            self._idle.put_nowait(worker)
            try:
                status = await asyncio.shield(worker.status)
            finally:
                self._living -= 1
                worker.close()
            if status:
                _log.warning("a worker ended (%s) and is replaced", _in_words(status))

    def _welcome(self, enforced: list[str], greeting: ModelInfo) -> None:
        missing = [name for name in ("memory", "system calls") if name not in enforced]
        if missing and not self._warned:
            _log.warning("this system does not limit %s of workers", " and ".join(missing))
            self._warned = True
        self.greeting = greeting
        self._settled.set()

    def _fail(self, reason: str) -> None:
        """Gives up, but only where no worker ever was ready: what worked once may work again."""
        if self.greeting is None and self.failure is None:
            self.failure = reason
            self._settled.set()
            self.on_failure()


def _result(answer: dict[str, Any]) -> dict[str, Any]:
    if "refused" in answer:
        raise image_error(answer["refused"], answer["message"])
    if "broken" in answer:
        raise WorkerFaultError(answer["broken"])
    result: dict[str, Any] = answer["result"]
    return result


def _retrieve(job: "asyncio.Task[dict[str, Any]]") -> None:
    """Hears what a job says whose client is gone, as asyncio would complain otherwise."""
    if not job.cancelled():
        job.exception()


def _in_words(status: int) -> str:
    if status >= 0:
        return f"status {status}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-status).name
    return f"signal {-status}"
