"""`python -m veraface.workers FD`: the template that all workers are copies of.

It loads and warms everything once, then makes a worker of itself (fork) whenever the server asks for one over
the inherited connection FD: that takes milliseconds, and workers share the memory that they do not write to.
It has one thread, as a copy of several would lack the others; and it never sees an image.
"""

import contextlib
import ctypes
import gc
import os
import selectors
import signal
import socket
import sys
from importlib.util import find_spec
from io import BytesIO

import numpy as np
from PIL import Image
from pillow_heif import from_pillow

from veraface.analysis import analyze
from veraface.detector import Detector
from veraface.errors import VerafaceError
from veraface.imaging.decode import ImageLimits
from veraface.imaging.formats import FORMATS
from veraface.models.onnx_session import use_shared_arena
from veraface.provenance.credentials import CredentialReader
from veraface.workers import protocol as frames
from veraface.workers import tasks
from veraface.workers.sandbox import WorkerLimits, die_with_parent
from veraface.workers.worker import work


def main(server: socket.socket) -> int:
    """Serves until the server closes the connection; returns the exit status."""
    die_with_parent()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        order, _ = frames.receive(server)
    except EOFError:  # the server has ended before it asked for anything
        return 0
    use_shared_arena()
    try:
        detector = Detector(
            order["model"],
            limits=ImageLimits(**order["picture_limits"]),
            threads=1,
        )
        context = tasks.TaskContext(detector, CredentialReader(order["trust_anchors"]))
        _warm(context)
        _warm_video(detector)
    except VerafaceError as error:
        frames.send(server, {"failed": str(error)})
        return 1
    _silence()
    detector.release_memory()  # what each worker would take anew anyway
    gc.collect()
    _give_back_memory()
    gc.freeze()  # so that no copy writes to what all share, only to look for garbage
    frames.send(server, {"card": detector.card.to_dict(), "model": detector.model_info})
    Template(server, context, WorkerLimits(**order["limits"])).serve()
    return 0


class Template:
    """Makes workers, tells the server of their ends, and ends them where it says so."""

    def __init__(self, server: socket.socket, context: tasks.TaskContext, limits: WorkerLimits) -> None:
        self._server = server
        self._context = context
        self._limits = limits
        self._names: dict[int, int] = {}  # by process id: what the server calls a worker

    def serve(self) -> None:
        """Until the server closes the connection."""
        ended, wake = socket.socketpair()
        for end in (ended, wake):
            end.setblocking(False)
        signal.set_wakeup_fd(wake.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler nothing wakes
        with selectors.DefaultSelector() as selector:
            selector.register(self._server, selectors.EVENT_READ)
            selector.register(ended, selectors.EVENT_READ)
            with contextlib.suppress(EOFError, OSError):
                while True:
                    ready = [key.fileobj for key, _ in selector.select()]
                    if ended in ready:
                        ended.recv(4096)
                        self._tell_ends()
                    if self._server in ready:
                        self._obey()
        for pid in self._names:
            os.kill(pid, signal.SIGKILL)

    def _obey(self) -> None:
        asked, connection = frames.receive_with_socket(self._server)
        if "kill" in asked:
            for pid, name in self._names.items():
                if name == asked["kill"]:
                    os.kill(pid, signal.SIGKILL)
        elif connection is not None:
            with connection:
                self._start(asked["start"], connection)

    def _start(self, name: int, connection: socket.socket) -> None:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                self._server.close()
                work(connection, self._context, self._limits)
                status = 0
            finally:
                os._exit(status)
        self._names[pid] = name

    def _tell_ends(self) -> None:
        while self._names:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            name = self._names.pop(pid)
            frames.send(self._server, {"ended": name, "status": os.waitstatus_to_exitcode(status)})


def _warm(context: tasks.TaskContext) -> None:
    """Runs everything once: behind the filter on system calls, nothing more can be loaded."""
    context.detector.warm_up()
    for kind in FORMATS:
        buffer = BytesIO()
        image = Image.new("RGB", (64, 64), "grey")
        from_pillow(image).save(buffer) if kind == "HEIF" else image.save(buffer, kind)
        analyze(
            buffer.getvalue(),
            context.detector,
            heatmap=False,
            provenance="full",
            credentials=context.credentials,
        ).to_dict()
    tasks.warm(context, buffer.getvalue())


def _warm_video(detector: Detector) -> None:
    """Loads what videos need, where it is installed, and judges one."""
    if find_spec("av") is None:
        return
    import av

    from veraface.video import detect_video

    av.logging.set_level(None)  # nothing of a video to any log
    buffer = BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream("mpeg4", rate=2, options={"threads": "1"})
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        container.mux(stream.encode())
    detect_video(detector, buffer.getvalue(), frames=2, thumbnails=1).to_dict()


def _give_back_memory() -> None:
    """Gives back to the system what loading took and has freed, where the C library can do that (glibc)."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _silence() -> None:
    """Nothing more to stdout and stderr: some codecs print what they find wrong with an image."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main(socket.socket(fileno=int(sys.argv[1]))))
