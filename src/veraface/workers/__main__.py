"""`python -m veraface.workers FD`: judges what comes over an inherited connection, until that ends."""

import contextlib
import os
import signal
import socket
import sys
import traceback
from io import BytesIO
from typing import Any

from PIL import Image
from pillow_heif import from_pillow

from veraface.detector import Detector
from veraface.errors import ImageError, ImageTooLargeError, VerafaceError
from veraface.formats import OPENERS
from veraface.image import ImageLimits
from veraface.workers import frames
from veraface.workers.sandbox import WorkerLimits, allow_cpu_time, confine, die_with_parent

_NICE = 5  # so that the server answers those it must turn away, however much there is to judge


def main(connection: socket.socket) -> int:
    """Judges pictures until the server closes the connection; returns the exit status."""
    die_with_parent()
    os.nice(_NICE)
    order, _ = frames.receive(connection)
    try:
        detector = Detector(
            order["model"], limits=ImageLimits(**order["picture_limits"]), threads=order["threads"]
        )
        _warm(detector)
    except VerafaceError as error:
        with contextlib.suppress(OSError):  # another worker may have said so already
            frames.send(connection, {"failed": str(error)})
        return 1
    limits = WorkerLimits(**order["limits"])
    _silence()
    enforced = confine(limits)
    card, info = detector.card.to_dict(), detector.model_info
    frames.send(connection, {"ready": True, "card": card, "model": info, "enforced": enforced})
    while True:
        try:
            job, picture = frames.receive(connection)
        except EOFError:
            return 0
        allow_cpu_time(limits.cpu_s)
        frames.send(connection, _answer(detector, picture, heatmap=job["heatmap"]))


def _answer(detector: Detector, picture: bytes, *, heatmap: bool) -> dict[str, Any]:
    try:
        return {"result": detector.detect(picture, heatmap=heatmap).to_dict(heatmap=heatmap)}
    except ImageError as error:
        return {"refused": error.code, "message": str(error)}
    except MemoryError:
        message = "judging the picture takes more memory than this server gives one; send it smaller"
        return {"refused": ImageTooLargeError.code, "message": message}
    except Exception as error:
        # Without the error's own text: a decoder may quote the picture's metadata in it.
        where = "".join(traceback.format_tb(error.__traceback__))
        return {"broken": f"{type(error).__name__}\n{where}"}


def _warm(detector: Detector) -> None:
    """Runs everything once: behind the filter on system calls, nothing more can be loaded."""
    detector.warm()
    for kind in OPENERS:
        buffer = BytesIO()
        picture = Image.new("RGB", (64, 64), "grey")
        from_pillow(picture).save(buffer) if kind == "HEIF" else picture.save(buffer, kind)
        detector.detect(buffer.getvalue(), heatmap=False)


def _silence() -> None:
    """Nothing more to stdout and stderr: some codecs print what they find wrong with a picture."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the server ends its workers when they are done
    sys.exit(main(socket.socket(fileno=int(sys.argv[1]))))
