"""One worker: judges the images that come over its connection, confined, until that ends."""

import resource
import signal
import socket
import sys
import traceback
from typing import Any

from veraface.errors import ImageError, ImageTooLargeError
from veraface.workers import protocol as frames
from veraface.workers.sandbox import WorkerLimits, allow_cpu_time, confine, die_with_parent
from veraface.workers.tasks import TASKS, Progress, TaskContext


def work(connection: socket.socket, context: TaskContext, limits: WorkerLimits) -> None:
    """Judges images until the server closes the connection, or this process has grown too large to go on.

    A worker that large images have made grow is replaced: what is freed in the middle of a heap does not go
    back to the system, and a new worker costs milliseconds.
    """
    die_with_parent()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the server ends its workers when they are done
    enforced = confine(limits)
    frames.send(connection, {"ready": True, "enforced": enforced})
    small = _peak_bytes() + limits.growth_bytes
    while True:
        try:
            job, content = frames.receive(connection)
        except (EOFError, OSError):
            return
        allow_cpu_time(limits.video_cpu_s if job["task"] == "video" else limits.cpu_s)
        answer = _answer(context, job, content, lambda told: frames.send(connection, {"progress": told}))
        last = _peak_bytes() > small
        frames.send(connection, {**answer, "last": last})
        if last:
            return


def _answer(context: TaskContext, job: dict[str, Any], content: bytes, progress: Progress) -> dict[str, Any]:
    try:
        return {"result": TASKS[job["task"]](context, content, job["options"], progress)}
    except ImageError as error:
        return {"refused": error.code, "message": str(error)}
    except MemoryError:
        message = "judging it takes more memory than this server gives one file; send it smaller"
        return {"refused": ImageTooLargeError.code, "message": message}
    except Exception as error:
        # Without the error's own text: a decoder may quote the image's metadata in it.
        where = "".join(traceback.format_tb(error.__traceback__))
        return {"broken": f"{type(error).__name__}\n{where}"}


def _peak_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
