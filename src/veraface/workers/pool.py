"""The server's side of the workers: starts them, hands each one picture at a time, replaces the fallen."""

import asyncio
import contextlib
import logging
import math
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from veraface.errors import ImageError, ModelError, VerafaceError
from veraface.workers import frames
from veraface.workers.sandbox import WorkerLimits

_log = logging.getLogger("veraface.workers")

_START_PATIENCE_S = 60
_MOST_FAILED_STARTS = 3  # in a row, before any has succeeded
_LONGEST_PAUSE_S = 30  # between starts that fail
# How a worker ends where its picture is to blame: a fault in a codec, or too much processor time.
_PICTURE_TO_BLAME = {
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGILL,
    signal.SIGFPE,
    signal.SIGABRT,
    signal.SIGXCPU,
}
_PICTURE_TO_BLAME |= {signal.SIGSYS, signal.SIGTRAP}
_SMOOTHING = 0.1  # weight of the newest picture in the running mean of the time that one takes


class OverloadedError(VerafaceError):
    """As many pictures wait as may; `retry_after_s` says when to come back."""

    code = "overloaded"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("more pictures are waiting than this server takes; try again in a moment")
        self.retry_after_s = retry_after_s


class TooSlowError(VerafaceError):
    """A picture was not judged within its time; whatever worked on it was stopped."""

    code = "too_slow"


class WorkerLostError(VerafaceError):
    """The worker ended while it judged, for reasons outside the picture."""

    code = "worker_lost"


class DecoderCrashedError(ImageError):
    """The picture made its decoder crash or run without end; only its own worker was lost."""

    code = "unreadable_image"


class WorkerFaultError(Exception):
    """A fault in the code that judges; the text says where, without anything of the picture."""


@dataclass(frozen=True)
class WorkerSettings:
    """What every worker is started with."""

    model: Path | None = None  # the shipped one if None
    max_bytes: int = 25 * 2**20  # of a file
    max_pixels: int = 50_000_000
    threads: int = 1  # that ONNX Runtime uses in one worker
    limits: WorkerLimits = field(default_factory=WorkerLimits)

    def order(self) -> dict[str, Any]:
        """JSON-ready: the first frame to a worker."""
        return {
            "model": None if self.model is None else str(self.model),
            "picture_limits": {"max_bytes": self.max_bytes, "max_pixels": self.max_pixels},
            "threads": self.threads,
            "limits": asdict(self.limits),
        }


@dataclass(frozen=True)
class Greeting:
    """What a worker says of itself once it is ready."""

    card: dict[str, Any]  # the classifier's model card
    model: dict[str, str]  # its name, version and sha256
    enforced: list[str]  # which limits this system holds it to


class _Worker:
    """One process and the connection to it."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls, order: dict[str, Any]) -> "_Worker":
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "veraface.workers", str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                env={name: value for name, value in os.environ.items() if not name.startswith("VERAFACE_")},
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        worker = cls(process, reader, writer)
        worker._writer.write(frames.pack(order))
        return worker

    async def greeting(self) -> Greeting:
        """Waits until the worker has loaded the model.

        Raises:
            ModelError: It cannot be loaded.
            EOFError, OSError, FrameError, TimeoutError: The worker ended or does not answer.
        """
        async with asyncio.timeout(_START_PATIENCE_S):
            said = await frames.read(self._reader)
        if "failed" in said:
            raise ModelError(str(said["failed"]))
        return Greeting(said["card"], said["model"], said["enforced"])

    async def ask(self, picture: bytes, *, heatmap: bool) -> dict[str, Any]:
        self._writer.write(frames.pack({"heatmap": heatmap}, len(picture)))
        self._writer.write(picture)
        await self._writer.drain()
        return await frames.read(self._reader)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    @property
    def ended(self) -> bool:
        return self.process.returncode is not None

    async def close(self) -> int:
        """Lets it end, by force where it does not; returns its exit status, negative for a signal."""
        self._writer.close()
        try:
            async with asyncio.timeout(2):
                return await self.process.wait()
        except TimeoutError:
            self.kill()
            return await self.process.wait()


class WorkerPool:
    """A fixed number of workers behind a bounded queue. All of it runs on one event loop.

    Args:
        settings: What each worker is started with.
        workers: How many there are; each judges one picture at a time.
        queue: How many pictures may wait while all are at work.
    """

    def __init__(self, settings: WorkerSettings, *, workers: int, queue: int) -> None:
        self._settings = settings
        self._count = workers
        self._queue = queue
        self._idle: asyncio.Queue[_Worker] = asyncio.Queue()
        self._waiting = 0
        self._busy = 0
        self._seconds_each = 0.1  # running mean
        self._keepers: list[asyncio.Task[None]] = []
        self._jobs: set[asyncio.Task[dict[str, Any]]] = set()
        self._living: set[_Worker] = set()
        self._greeted = asyncio.Event()
        self.greeting: Greeting | None = None
        self.failure: str | None = None  # why no worker could ever be started
        self.on_failure: Callable[[], None] = lambda: None

    @property
    def waiting(self) -> int:
        """Pictures that wait for a worker."""
        return self._waiting

    @property
    def busy(self) -> int:
        """Workers that judge a picture now."""
        return self._busy

    @property
    def living(self) -> int:
        """Workers that are ready or at work."""
        return len(self._living)

    async def start(self) -> None:
        """Starts all workers; returns once one is ready, or none could be started (see `failure`)."""
        self._keepers = [asyncio.create_task(self._keep_one()) for _ in range(self._count)]
        await self._greeted.wait()

    async def close(self) -> None:
        """Ends all workers, after what they have begun."""
        if self._jobs:
            await asyncio.wait(self._jobs)
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    def check_room(self) -> None:
        """Whether one more picture could wait now.

        Raises:
            OverloadedError: None could.
        """
        if self._waiting >= self._queue and self._idle.empty():
            rounds = (self._waiting + self._busy) / self._count
            raise OverloadedError(max(1, math.ceil(rounds * self._seconds_each)))

    async def judge(self, picture: bytes, *, heatmap: bool, within_s: float) -> dict[str, Any]:
        """Has a worker judge one picture.

        Args:
            picture: The bytes of its file.
            heatmap: Whether the answer holds the evidence in each face.
            within_s: Seconds until the work is stopped, waiting included.

        Returns:
            `DetectionResult.to_dict()`, with the time waited as "queue" among its times and in their total.

        Raises:
            OverloadedError: The queue is full.
            TooSlowError: The time ran out.
            WorkerLostError: The worker was stopped from outside.
            ImageError: The picture could not be turned into pixels.
            WorkerFaultError: A fault in the code that judges.
        """
        self.check_room()
        started = time.perf_counter()
        deadline = asyncio.get_running_loop().time() + within_s
        worker = await self._next_worker(deadline)
        waited_ms = round(1000 * (time.perf_counter() - started), 2)
        # Goes on where the client hangs up meanwhile: a worker has to be heard out, or ended.
        job = asyncio.create_task(self._run(worker, picture, heatmap, deadline))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        job.add_done_callback(_retrieve)
        result = await asyncio.shield(job)
        times = result["timing_ms"]
        result["timing_ms"] = times | {"total": round(times["total"] + waited_ms, 2), "queue": waited_ms}
        return result

    async def _next_worker(self, deadline: float) -> _Worker:
        self._waiting += 1
        try:
            async with asyncio.timeout_at(deadline):
                while (worker := await self._idle.get()).ended:
                    pass
                return worker
        except TimeoutError:
            raise TooSlowError("no worker became free in time; try again in a moment") from None
        finally:
            self._waiting -= 1

    async def _run(self, worker: _Worker, picture: bytes, heatmap: bool, deadline: float) -> dict[str, Any]:
        self._busy += 1
        started = time.perf_counter()
        try:
            async with asyncio.timeout_at(deadline):
                answer = await worker.ask(picture, heatmap=heatmap)
        except TimeoutError:
            worker.kill()
            raise TooSlowError(
                "judging this picture took too long and was stopped; send it smaller"
            ) from None
        except (EOFError, OSError):
            raise await _why_lost(worker) from None
        except frames.FrameError as error:
            worker.kill()
            raise WorkerLostError("the worker gave no proper answer; try again") from error
        finally:
            self._busy -= 1
        self._idle.put_nowait(worker)
        self._seconds_each += _SMOOTHING * (time.perf_counter() - started - self._seconds_each)
        return _result(answer)

    async def _keep_one(self) -> None:
        """Keeps one place filled: starts a worker, waits for its end, starts the next."""
        failed = 0
        while True:
            worker = await _Worker.start(self._settings.order())
            try:
                greeting = await worker.greeting()
                failed = 0
                self._living.add(worker)
                self._idle.put_nowait(worker)
                self._welcome(greeting)
                status = await worker.process.wait()
                _log.warning("a worker ended (%s) and is replaced", _in_words(status))
            except ModelError as error:
                self._fail(str(error))
            except (EOFError, OSError, TimeoutError, frames.FrameError, KeyError) as error:
                failed += 1
                _log.error("a worker could not be started (%s)", type(error).__name__)
                if failed >= _MOST_FAILED_STARTS:
                    self._fail("the workers that judge pictures do not start")
                await asyncio.sleep(min(2.0**failed / 4, _LONGEST_PAUSE_S))
            finally:
                self._living.discard(worker)
                await asyncio.shield(worker.close())
            if self.failure:
                return

    def _welcome(self, greeting: Greeting) -> None:
        if self.greeting is None:
            missing = [name for name in ("memory", "system calls") if name not in greeting.enforced]
            if missing:
                _log.warning("this system does not limit %s of workers", " and ".join(missing))
        self.greeting = greeting
        self._greeted.set()

    def _fail(self, reason: str) -> None:
        """Gives up, but only where no worker ever was ready: what worked once may work again."""
        if self.greeting is None and self.failure is None:
            self.failure = reason
            self._greeted.set()
            self.on_failure()


async def _why_lost(worker: _Worker) -> VerafaceError:
    status = await worker.close()
    if -status in _PICTURE_TO_BLAME:
        return DecoderCrashedError("the picture made its decoder fail; save or export it again")
    return WorkerLostError("what judged this picture was stopped in the middle; try again")


def _result(answer: dict[str, Any]) -> dict[str, Any]:
    if "refused" in answer:
        kinds = {kind.code: kind for kind in ImageError.__subclasses__() if kind is not DecoderCrashedError}
        raise kinds.get(answer["refused"], ImageError)(answer["message"])
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
