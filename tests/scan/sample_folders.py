"""Small images that differ, for scans: a face in each, unless it says otherwise."""

import io
from pathlib import Path

from PIL import Image, ImageEnhance

from tests.sample_images import encode, portrait


def face(number: int = 0) -> bytes:
    """A JPEG whose bytes differ from those of every other number."""
    return encode(
        ImageEnhance.Brightness(portrait(256)).enhance(0.6 + 0.02 * (number % 40)), "JPEG", quality=80
    ) + (b"" if number < 40 else str(number).encode())


def empty() -> bytes:
    return encode(Image.new("RGB", (120, 90), "teal"), "PNG")


def folder(path: Path, count: int) -> Path:
    """So many images with a face each, face-000.jpg and on."""
    path.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (path / f"face-{number:03}.jpg").write_bytes(face(number))
    return path


def resized(content: bytes, side: int, quality: int) -> bytes:
    """The same image as another file would hold it."""
    with Image.open(io.BytesIO(content)) as image:
        return encode(image.convert("RGB").resize((side, side)), "JPEG", quality=quality)
