"""Small images for scans, each with a face unless noted."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from PIL import Image, ImageEnhance

from tests.sample_images import encode, portrait
from tests.waiting import wait_until


def face(number: int = 0) -> bytes:
    """Return a JPEG whose bytes are different for every number."""
    return encode(
        ImageEnhance.Brightness(portrait(256)).enhance(0.6 + 0.02 * (number % 40)), "JPEG", quality=80
    ) + (b"" if number < 40 else str(number).encode())


def empty() -> bytes:
    return encode(Image.new("RGB", (120, 90), "teal"), "PNG")


def folder(path: Path, count: int) -> Path:
    """Write `count` images with a face each, face-000.jpg and so on; return the folder."""
    path.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (path / f"face-{number:03}.jpg").write_bytes(face(number))
    return path


def resized(content: bytes, side: int, quality: int) -> bytes:
    """Return the same image at another size and quality."""
    with Image.open(io.BytesIO(content)) as image:
        return encode(image.convert("RGB").resize((side, side)), "JPEG", quality=quality)


@contextmanager
def blocked_reader(pipe: Path, timeout_s: float = 300) -> Iterator[None]:
    """Wait until a process reads a named pipe, and keep it waiting for data within the `with` block."""
    writers: list[int] = []

    def opened() -> bool:
        with suppress(OSError):  # while there is no reader
            writers.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        return bool(writers)

    wait_until(opened, timeout_s)
    try:
        yield
    finally:
        os.close(writers[0])
