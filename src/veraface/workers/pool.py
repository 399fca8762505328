"""A pool of workers behind a bounded queue. Workers that exit are replaced."""

import asyncio
import contextlib
import logging
import math
import signal
import time
from collections.abc import Awaitable, Callable

from veraface import errors
from veraface.utils import available_cores
from veraface.workers import protocol
from veraface.workers.client import ForkServerClient, Worker, WorkerSettings
from veraface.workers.messages import ModelInfo, OnProgress, Options, Reply, Task, WorkerFaultError

_log = logging.getLogger("veraface.workers")

_MAX_FAILED_STARTS = 3  # in a row, before any has succeeded
_MAX_PAUSE_S = 30  # between failed starts
_SMOOTHING = 0.1  # weight of the newest task in the moving average of their time
# Signals that end a worker because of its file: a crash in a codec, or its limit on CPU time (SIGPROF).
_CRASH_SIGNALS = {
    signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT, signal.SIGTRAP,
    signal.SIGPROF, signal.SIGSYS,
}  # fmt: skip
# What is raised where a process exits, does not respond in time, or sends something that is not a message.
_START_ERRORS = (EOFError, OSError, protocol.ProtocolError, KeyError)
_LastMessage = Awaitable[protocol.Message]


class WorkerPool:
    """A fixed number of workers behind a bounded queue. All of it runs on one event loop."""

    def __init__(self, settings: WorkerSettings, *, workers: int, queue: int) -> None:
        self._settings = settings
        self._count = workers
        self._queue = queue  # how many tasks may wait while all workers are busy
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        self._fork_server: ForkServerClient | None = None
        self._seconds_each = 0.1  # moving average over tasks that are not cancellable, which are short
        self._running: asyncio.Task[None] | None = None
        self._jobs: set[asyncio.Task[bytes]] = set()
        self._settled = asyncio.Event()
        self.waiting = 0  # tasks that wait for a worker
        self.busy = 0  # workers that run a task
        self.alive = 0  # workers that are ready or busy
        self.model: ModelInfo | None = None  # the loaded classifier
        self.failure: str | None = None  # why the classifier could not be loaded
        self.on_failure: Callable[[], None] = lambda: None  # called when `failure` is set

    async def start(self) -> None:
        """Start all workers; return once one is ready, or none could be started (see `failure`)."""
        self._running = asyncio.create_task(self._keep_fork_server())
        await self._settled.wait()

    async def close(self) -> None:
        """Finish running tasks and stop all workers."""
        if self._jobs:
            await asyncio.wait(self._jobs)
        if self._running:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def ensure_capacity(self) -> None:
        """Raise QueueFullError if no further task can wait."""
        if self.waiting >= self._queue and self._idle.empty():
            rounds = (self.waiting + self.busy) / self._count
            raise errors.QueueFullError(max(1, math.ceil(rounds * self._seconds_each)))

    async def run(
        self, task: Task, content: bytes, options: Options, progress: OnProgress = lambda _: None
    ) -> Reply:
        """Run a task on the bytes of one file.

        Raise QueueFullError, DeadlineExceededError, WorkerCrashedError (because of the file), WorkerLostError
        (killed from outside), WorkerFaultError, or ImageError if the file could not be decoded.
        """
        self.ensure_capacity()
        started = time.perf_counter()
        deadline = asyncio.get_running_loop().time() + task.timeout_s
        worker = await self._next_worker(deadline)
        queued_s = time.perf_counter() - started
        cpu_s = min(self._settings.limits.cpu_s, math.ceil(task.timeout_s) * available_cores())
        # Runs on if the caller is cancelled: the worker must finish or be killed.
        messages = worker.run(task, content, options, cpu_s, progress)
        job = asyncio.create_task(self._finish(task, worker, messages, deadline))
        self._jobs.add(job)
        job.add_done_callback(self._forget)
        try:
            return Reply(await asyncio.shield(job), queued_s)
        except asyncio.CancelledError:
            if task.cancellable:
                self._kill(worker)
            raise

    def _forget(self, job: "asyncio.Task[bytes]") -> None:
        self._jobs.discard(job)
        if not job.cancelled():
            job.exception()  # retrieved, so that asyncio does not warn about that of an abandoned job

    async def _next_worker(self, deadline: float) -> Worker:
        self.waiting += 1
        try:
            async with asyncio.timeout_at(deadline):
                while (worker := await self._idle.get()).status.done():
                    pass
                return worker
        except TimeoutError:
            message = "no worker became free in time; try again in a moment"
            raise errors.DeadlineExceededError(message) from None
        finally:
            self.waiting -= 1

    async def _finish(self, task: Task, worker: Worker, last: _LastMessage, deadline: float) -> bytes:
        """Wait for the last message of a running task, and return the result in it."""
        self.busy += 1
        started = time.perf_counter()
        try:
            async with asyncio.timeout_at(deadline):
                header, body = await last
        except TimeoutError:
            self._kill(worker)
            message = "analyzing this file took too long and was stopped; send a smaller one"
            raise errors.DeadlineExceededError(message) from None
        except (EOFError, OSError):
            worker.close()
            self._kill(worker)  # in case it only closed its connection
            if -await asyncio.shield(worker.status) in _CRASH_SIGNALS:
                message = "the file made its decoder fail; save or export it again"
                raise errors.WorkerCrashedError(message) from None
            message = "the worker was stopped while it analyzed this file; try again"
            raise errors.WorkerLostError(message) from None
        except protocol.ProtocolError as error:
            self._kill(worker)
            raise errors.WorkerLostError("the worker sent an invalid response; try again") from error
        finally:
            self.busy -= 1
        if not header.get("last"):
            self._idle.put_nowait(worker)
        if not task.cancellable:
            self._seconds_each += _SMOOTHING * (time.perf_counter() - started - self._seconds_each)
        if header.get("kind") == "result":
            return body
        if header.get("kind") == "refused":
            raise errors.image_error(str(header.get("code")), str(header.get("message")))
        raise WorkerFaultError(str(header.get("message")))

    def _kill(self, worker: Worker) -> None:
        if self._fork_server:
            self._fork_server.kill(worker)

    async def _keep_fork_server(self) -> None:
        """Keep a fork server running, and its workers."""
        failed = 0
        while self.failure is None:
            fork_server = await ForkServerClient.start(self._settings)
            keepers: list[asyncio.Task[None]] = []
            try:
                model = await fork_server.loaded_model()
                self._fork_server = fork_server
                for _ in range(self._count):
                    keepers.append(asyncio.create_task(self._keep_worker(fork_server, model)))
                failed = 0
                status = await fork_server.process.wait()
                _log.error("the fork server of the workers exited (%s) and is restarted", _in_words(status))
            except errors.ModelError as error:
                self._fail(str(error))
            except _START_ERRORS as error:
                failed += 1
                _log.error("the fork server of the workers could not be started (%s)", type(error).__name__)
                if failed >= _MAX_FAILED_STARTS:
                    self._fail("the worker processes do not start")
                await asyncio.sleep(min(2.0**failed / 4, _MAX_PAUSE_S))
            finally:
                self._fork_server = None
                for keeper in keepers:
                    keeper.cancel()
                await asyncio.gather(*keepers, return_exceptions=True)
                await asyncio.shield(fork_server.close())

    async def _keep_worker(self, fork_server: ForkServerClient, model: ModelInfo) -> None:
        """Keep one worker running: start it, wait for its exit, start the next."""
        failed = 0
        while True:
            worker = await fork_server.new_worker()
            try:
                enforced = await worker.limits()
            except _START_ERRORS as error:
                failed += 1
                _log.error("a worker could not be started (%s)", type(error).__name__)
                fork_server.kill(worker)
                await asyncio.sleep(min(2.0**failed / 4, _MAX_PAUSE_S))
                continue
            failed = 0
            missing = [name for name in ("memory", "system calls") if name not in enforced]
            if missing and self.model is None:
                _log.warning("this system does not limit %s of workers", " and ".join(missing))
            self.model = model
            self._settled.set()
            self.alive += 1
            self._idle.put_nowait(worker)
            try:
                status = await asyncio.shield(worker.status)
            finally:
                self.alive -= 1
                worker.close()
            if status:
                _log.warning("a worker exited (%s) and is replaced", _in_words(status))

    def _fail(self, reason: str) -> None:
        """Give up if no worker was ever ready; otherwise the next start may succeed."""
        if self.model is None and self.failure is None:
            self.failure = reason
            self._settled.set()
            self.on_failure()


def _in_words(status: int) -> str:
    if status >= 0:
        return f"status {status}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-status).name
    return f"signal {-status}"
