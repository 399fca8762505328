"""The pool's side of the fork server and of its workers."""

import asyncio
import contextlib
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path

from veraface.errors import ModelError
from veraface.imaging.limits import MAX_PIXELS
from veraface.workers import protocol
from veraface.workers.messages import ModelInfo, OnProgress, Options, Task
from veraface.workers.sandbox import WorkerLimits

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_START_TIMEOUT_S = 300  # ends what hangs; a busy machine has needed more than 60 s
# What Python and its libraries need to start. Other variables may hold keys and tokens, which must not reach
# a process that decodes untrusted files.
_NEEDED = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "VIRTUAL_ENV")
_NEEDED_PREFIXES = ("PYTHON", "LC_", "LD_", "DYLD_", "OPENBLAS_")
# Threads of OpenBLAS would be missing after a fork, and a single thread needs a single malloc arena.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}


@dataclass(frozen=True)
class WorkerSettings:
    """Settings of all workers of a pool."""

    model: str | Path | None = None
    """name of a classifier or path of an `.onnx` file; the default classifier if None"""
    max_bytes: int = 25 * 2**20
    """limit on the bytes of an image file"""
    max_pixels: int = MAX_PIXELS
    """limit on the pixels of an image"""
    max_faces: int = 64
    """how many faces of an image are classified"""
    limits: WorkerLimits = field(default_factory=WorkerLimits)
    trust_anchors: Path | None = None
    """PEM file of the authorities whose signers of Content Credentials are trusted"""
    trust_lists: bool = True
    """whether signers on the public trust lists are recognized"""
    trustmark: Path | None = None
    """decoder of TrustMark, or folder of decoders"""


class Worker:
    """One worker process and the connection to it; `status` is its exit status, once it has exited.

    Methods raise EOFError, OSError or ProtocolError if it exits, does not respond, or sends no valid message.
    """

    def __init__(self, name: int, streams: _Streams) -> None:
        self.name = name
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._reader, self._writer = streams

    async def limits(self) -> list[str]:
        """Wait until it is ready and return which limits the system enforces."""
        header, _ = await asyncio.wait_for(protocol.read(self._reader), _START_TIMEOUT_S)
        return [str(name) for name in header.get("enforced", ())]

    async def run(
        self, task: Task, content: bytes, options: Options, cpu_s: float, progress: OnProgress
    ) -> protocol.Message:
        """Run a task and return its last message; `progress` is called with those before it."""
        job = {"task": task.name, "options": dict(options), "cpu_s": cpu_s}
        self._writer.write(protocol.pack(job, len(content)))
        self._writer.write(content)
        await self._writer.drain()
        while True:
            header, body = await protocol.read(self._reader)
            if header.get("kind") != "progress":
                return header, body
            progress(body)

    def close(self) -> None:
        """Close the connection, after which it exits."""
        self._writer.close()


class ForkServerClient:
    """The fork server's process; forks and kills workers. Methods raise what those of `Worker` do."""

    def __init__(self, process: Process, control: socket.socket, streams: _Streams) -> None:
        self.process = process
        self._control = control  # the connection of the streams, which cannot pass sockets
        self._reader, self._writer = streams
        self._names = count()
        self._workers: dict[int, Worker] = {}
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, settings: WorkerSettings) -> "ForkServerClient":
        """Start the process; it is ready once `loaded_model` returns."""
        needed = {k: v for k, v in os.environ.items() if k in _NEEDED or k.startswith(_NEEDED_PREFIXES)}
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                # -P: Python must not import modules from the current folder.
                *(sys.executable, "-P", "-m", "veraface.workers.fork_server", str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=DEVNULL,
                env={**needed, **_ONE_THREAD},
            )
        control = ours.dup()
        client = cls(process, control, await asyncio.open_connection(sock=ours))
        message = {k: str(v) if isinstance(v, Path) else v for k, v in asdict(settings).items()}
        client._writer.write(protocol.pack(message))
        return client

    async def loaded_model(self) -> ModelInfo:
        """Wait until the classifier is loaded and warmed up; raise ModelError if it cannot be loaded."""
        header, _ = await asyncio.wait_for(protocol.read(self._reader), _START_TIMEOUT_S)
        if "failed" in header:
            raise ModelError(str(header["failed"]))
        self._listening = asyncio.create_task(self._listen())
        return ModelInfo(header["card"], header["model"])

    async def new_worker(self) -> Worker:
        """Have a worker forked; it is ready once its `limits` return."""
        ours, theirs = socket.socketpair()
        with theirs:
            worker = Worker(next(self._names), await asyncio.open_connection(sock=ours))
            self._workers[worker.name] = worker
            try:
                message = protocol.pack({"start": worker.name})
                socket.send_fds(self._control, [message], [theirs.fileno()])
            except OSError:
                self._exited(worker.name, -1)
                raise
        return worker

    def kill(self, worker: Worker) -> None:
        """Kill a worker."""
        with contextlib.suppress(OSError):
            self._control.sendall(protocol.pack({"kill": worker.name}))

    async def close(self) -> None:
        """Stop the fork server and all workers that are left."""
        self._writer.close()
        self._control.close()
        try:
            await asyncio.wait_for(self.process.wait(), 2)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
        if self._listening:
            await self._listening

    async def _listen(self) -> None:
        try:
            while True:
                header, _ = await protocol.read(self._reader)
                self._exited(header["exited"], header["status"])
        except (EOFError, OSError, protocol.ProtocolError):
            for name in list(self._workers):  # the system kills them with the fork server
                self._exited(name, -1)

    def _exited(self, name: int, status: int) -> None:
        if worker := self._workers.pop(name, None):
            worker.status.set_result(status)
            worker.close()
