"""The server's handle on the template process, and on the workers that are copies of it."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from veraface.errors import ModelError
from veraface.workers import protocol as frames
from veraface.workers.sandbox import WorkerLimits

_START_PATIENCE_S = 60


@dataclass(frozen=True)
class WorkerSettings:
    """What every worker is started with."""

    model: Path | None = None  # the shipped one if None
    max_bytes: int = 25 * 2**20  # of a file
    max_pixels: int = 50_000_000
    limits: WorkerLimits = field(default_factory=WorkerLimits)
    trust_anchors: Path | None = None  # PEM: who vouches for signers of Content Credentials

    def order(self) -> dict[str, Any]:
        """JSON-ready: the first frame to the template."""
        return {
            "model": None if self.model is None else str(self.model),
            "picture_limits": {"max_bytes": self.max_bytes, "max_pixels": self.max_pixels},
            "limits": asdict(self.limits),
            "trust_anchors": None if self.trust_anchors is None else str(self.trust_anchors),
        }


@dataclass(frozen=True)
class ModelInfo:
    """What the template says of itself once it is ready."""

    card: dict[str, Any]  # the classifier's model card
    model: dict[str, str]  # its name, version and sha256


class Worker:
    """One worker and the connection to it."""

    def __init__(self, name: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.name = name
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._reader = reader
        self._writer = writer

    @property
    def ended(self) -> bool:
        """Whether it is known to have ended."""
        return self.status.done()

    async def limits(self) -> list[str]:
        """Waits until it is ready; which limits the system holds it to.

        Raises:
            EOFError, OSError, FrameError, TimeoutError: It ended or does not answer.
        """
        async with asyncio.timeout(_START_PATIENCE_S):
            said = await frames.read(self._reader)
        return [str(name) for name in said.get("enforced", ())]

    async def ask(
        self, task: str, content: bytes, options: dict[str, Any], progress: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any]:
        """Has it do one of the `tasks`; `progress` is called with what it tells meanwhile.

        Raises:
            EOFError, OSError, FrameError: It ended, or gives no proper answer.
        """
        self._writer.write(frames.pack({"task": task, "options": options}, len(content)))
        self._writer.write(content)
        await self._writer.drain()
        while "progress" in (answer := await frames.read(self._reader)):
            progress(answer["progress"])
        return answer

    def close(self) -> None:
        """Tells it that no more images come."""
        self._writer.close()


class ForkServerClient:
    """The template process; makes workers, ends them, and learns how they end."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        control: socket.socket,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._control = control  # the same connection, as streams cannot hand over sockets
        self._reader = reader
        self._writer = writer
        self._names = count()
        self._workers: dict[int, Worker] = {}
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, settings: WorkerSettings) -> "ForkServerClient":
        """Starts the process; it is ready once `greeting` returns."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                # -P: or Python would import what lies in the folder that it happens to be started in.
                *(sys.executable, "-P", "-m", "veraface.workers", str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                env=_environment(),
            )
        control = ours.dup()
        reader, writer = await asyncio.open_connection(sock=ours)
        writer.write(frames.pack(settings.order()))
        return cls(process, control, reader, writer)

    async def greeting(self) -> ModelInfo:
        """Waits until the model is loaded and warm.

        Raises:
            ModelError: It cannot be loaded.
            EOFError, OSError, FrameError, TimeoutError: The process ended or does not answer.
        """
        async with asyncio.timeout(_START_PATIENCE_S):
            said = await frames.read(self._reader)
        if "failed" in said:
            raise ModelError(str(said["failed"]))
        self._listening = asyncio.create_task(self._listen())
        return ModelInfo(said["card"], said["model"])

    async def new_worker(self) -> Worker:
        """Makes a worker, which is ready once its `limits` return.

        Raises:
            OSError: The template is gone.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_connection(sock=ours)
            worker = Worker(next(self._names), reader, writer)
            self._workers[worker.name] = worker
            try:
                frames.send_with_socket(self._control, {"start": worker.name}, theirs)
            except OSError:
                self._end(worker.name, -1)
                raise
        return worker

    def kill(self, worker: Worker) -> None:
        """Ends a worker at once."""
        with contextlib.suppress(OSError):
            self._control.sendall(frames.pack({"kill": worker.name}))

    async def wait(self) -> int:
        """The exit status of the template, once it ends."""
        return await self._process.wait()

    async def close(self) -> None:
        """Ends the template, and with it any worker that is left."""
        self._writer.close()
        self._control.close()
        try:
            async with asyncio.timeout(2):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._listening:
            await self._listening

    async def _listen(self) -> None:
        try:
            while True:
                said = await frames.read(self._reader)
                self._end(said["ended"], said["status"])
        except (EOFError, OSError, frames.FrameError):
            for name in list(self._workers):  # the system ends them with the template
                self._end(name, -1)

    def _end(self, name: int, status: int) -> None:
        worker = self._workers.pop(name, None)
        if worker:
            worker.status.set_result(status)
            worker.close()


# What Python and its libraries need to start. The rest may hold keys and tokens, of the server or of others,
# which are no business of a process that decodes.
_NEEDED = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "VIRTUAL_ENV")
_NEEDED_PREFIXES = ("PYTHON", "LC_", "LD_", "DYLD_", "OPENBLAS_")
# Threads of NumPy's library would be missing in a copy, and one malloc arena serves one thread.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}


def _environment() -> dict[str, str]:
    needed = {
        name: value
        for name, value in os.environ.items()
        if name in _NEEDED or name.startswith(_NEEDED_PREFIXES)
    }
    return {**needed, **_ONE_THREAD}
