"""`python -m veraface.workers.fork_server FD`: the process that all workers are forked from.

It loads and warms up the models once and forks a worker whenever the pool asks for one over the inherited
connection FD. That takes milliseconds, and workers share all memory that they do not write to. It has one
thread, since a forked process would lack the others, and it never decodes a file.
"""

import contextlib
import ctypes
import gc
import os
import resource
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from typing import Any

from veraface.detector import Detector
from veraface.errors import ImageError, ImageTooLargeError, VerafaceError
from veraface.imaging.decode import ImageLimits
from veraface.models.onnx_session import use_shared_arena
from veraface.models.registry import card_sha256
from veraface.models.trustmark import load_trustmark
from veraface.provenance.credentials import CredentialReader
from veraface.workers import protocol
from veraface.workers.messages import OnProgress
from veraface.workers.sandbox import WorkerLimits, allow_cpu_time, confine, die_with_parent
from veraface.workers.tasks import TASKS, TaskContext, warm_up

# A worker without a task for this long returns the memory that it keeps for the next one: after portraits of
# 2 megapixels, 44 MB of its own shrink to 10.
_IDLE_MS = 1000
_RELEASE_CPU_S = 10  # for a run of the networks, which may come after a task that has used up its own


def main(pool: socket.socket) -> int:
    """Serve until the pool closes the connection; return the exit status."""
    die_with_parent()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        settings, _ = protocol.receive(pool)
    except EOFError:  # the pool has ended before it sent anything
        return 0
    use_shared_arena()
    try:
        image_limits = ImageLimits(max_bytes=settings["max_bytes"], max_pixels=settings["max_pixels"])
        detector = Detector(
            settings["model"], limits=image_limits, max_faces=settings["max_faces"], threads=1
        )
        reader = CredentialReader(settings["trust_anchors"], trust_lists=settings["trust_lists"])
        decoders = load_trustmark(settings["trustmark"], threads=1)
        context = TaskContext(detector, reader, card_sha256(settings["model"], detector.card), decoders)
        warm_up(context)
    except VerafaceError as error:
        protocol.send(pool, {"failed": str(error)})
        return 1
    devnull = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # some codecs print what they find wrong with an image
        os.dup2(devnull, stream)
    os.close(devnull)
    detector.release_memory()  # each worker would allocate it again anyway
    gc.collect()
    _return_freed_memory()
    gc.freeze()  # garbage collection must not write to shared pages
    protocol.send(pool, {"card": detector.card.to_dict(), "model": detector.model_info})
    ForkServer(pool, context, WorkerLimits(**settings["limits"])).serve()
    return 0


class ForkServer:
    """Forks workers, kills them on request, and reports when they exit."""

    def __init__(self, pool: socket.socket, context: TaskContext, limits: WorkerLimits) -> None:
        self._pool = pool
        self._context = context
        self._limits = limits
        self._names: dict[int, int] = {}  # of workers, by process id

    def serve(self) -> None:
        """Handle requests until the pool closes the connection."""
        ended, wake = socket.socketpair()
        for end in (ended, wake):
            end.setblocking(False)
        signal.set_wakeup_fd(wake.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler it does not wake the selector
        with contextlib.suppress(EOFError, OSError):
            while True:
                ready, _, _ = select.select([self._pool, ended], [], [])
                if ended in ready:
                    ended.recv(4096)
                    self._report_exits()
                if self._pool in ready:
                    self._handle()
        for pid in self._names:
            os.kill(pid, signal.SIGKILL)

    def _handle(self) -> None:
        request, connection = protocol.receive_with_socket(self._pool)
        for pid, name in self._names.items():
            if name == request.get("kill"):
                os.kill(pid, signal.SIGKILL)
        if connection is not None:
            with connection:
                self._start(request["start"], connection)

    def _start(self, name: int, connection: socket.socket) -> None:
        pid = os.fork()
        if pid:
            self._names[pid] = name
            return
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._pool.close()
            _work(connection, self._context, self._limits)
            status = 0
        finally:
            os._exit(status)

    def _report_exits(self) -> None:
        while self._names:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            name = self._names.pop(pid)
            protocol.send(self._pool, {"exited": name, "status": os.waitstatus_to_exitcode(status)})


def _work(connection: socket.socket, context: TaskContext, limits: WorkerLimits) -> None:
    """Run tasks until the connection is closed, or until this process has grown too large."""
    die_with_parent()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the pool stops its workers when they are done
    own_bytes = _memory_meter()
    protocol.send(connection, {"enforced": confine(limits)})
    max_bytes = own_bytes() + limits.growth_bytes

    def send_progress(content: bytes) -> None:
        protocol.send(connection, {"kind": "progress"}, content)

    wait = select.poll()
    wait.register(connection, select.POLLIN)
    last = False
    while not last:
        try:
            job, content = protocol.receive(connection)
        except (EOFError, OSError):
            return
        allow_cpu_time(job["cpu_s"])
        header, body = _run_task(context, job, content, send_progress)
        if own_bytes() > max_bytes:
            _return_freed_memory()
            last = own_bytes() > max_bytes
        protocol.send(connection, {**header, "last": last}, body)
        if not last and not wait.poll(_IDLE_MS):
            allow_cpu_time(_RELEASE_CPU_S)
            context.detector.release_memory()
            _return_freed_memory()


def _run_task(
    context: TaskContext, job: dict[str, Any], content: bytes, progress: OnProgress
) -> protocol.Message:
    try:
        result = TASKS[job["task"]](context, content, progress, **job["options"])
        return {"kind": "result"}, result.to_json()
    except ImageError as error:
        return {"kind": "refused", "code": error.code, "message": str(error)}, b""
    except MemoryError:
        message = "analyzing it takes more memory than allowed for one file; send a smaller file"
        return {"kind": "refused", "code": ImageTooLargeError.code, "message": message}, b""
    except Exception as error:
        # Without the text of the exception: a decoder may quote the file's metadata in it.
        where = "".join(traceback.format_tb(error.__traceback__))
        return {"kind": "fault", "message": f"{type(error).__name__}\n{where}"}, b""


def _memory_meter() -> Callable[[], int]:
    """Return a function that measures this process: bytes in memory that are of no file.

    Code of libraries is shared by all workers, and is in the memory of a worker only once it was used.
    """
    try:
        statm = os.open("/proc/self/statm", os.O_RDONLY)  # while the sandbox still allows it
    except OSError:  # not Linux: the peak
        unit = 1 if sys.platform == "darwin" else 1024
        return lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

    def measure() -> int:
        os.lseek(statm, 0, os.SEEK_SET)
        _, resident, of_files, *_ = map(int, os.read(statm, 128).split())
        return (resident - of_files) * resource.getpagesize()

    return measure


def _return_freed_memory() -> None:
    """Return memory that was freed inside heaps to the system, which only glibc can."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


if __name__ == "__main__":
    sys.exit(main(socket.socket(fileno=int(sys.argv[1]))))
