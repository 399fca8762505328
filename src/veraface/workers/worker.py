"""A worker process: runs tasks on the files that arrive over its connection, inside the sandbox."""

import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from typing import Any

from veraface.errors import ImageError, ImageTooLargeError
from veraface.workers import protocol
from veraface.workers.sandbox import WorkerLimits, allow_cpu_time, confine, die_with_parent
from veraface.workers.tasks import TASKS, TaskContext


def work(connection: socket.socket, context: TaskContext, limits: WorkerLimits) -> None:
    """Run tasks until the connection is closed, or until this process has grown too large.

    Memory freed inside a heap does not return to the system, so a worker that large images have grown is
    replaced by a new one, which takes milliseconds.
    """
    die_with_parent()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the pool stops its workers when they are done
    protocol.send(connection, {"enforced": confine(limits)})
    max_bytes = _peak_bytes() + limits.growth_bytes

    def report(progress: bytes) -> None:
        protocol.send(connection, {"kind": "progress"}, progress)

    last = False
    while not last:
        try:
            job, content = protocol.receive(connection)
        except (EOFError, OSError):
            return
        allow_cpu_time(job["cpu_s"])
        header, body = _run(context, job, content, report)
        last = _peak_bytes() > max_bytes
        protocol.send(connection, {**header, "last": last}, body)


def _run(
    context: TaskContext, job: dict[str, Any], content: bytes, progress: Callable[[bytes], None]
) -> protocol.Message:
    try:
        result = TASKS[job["task"]](context, content, job["options"], progress)
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


def _peak_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
