"""Images for tests: real photographs from scikit-image, and synthetic ones."""

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image
from skimage import data

pillow_heif.register_heif_opener()  # so that Image.save writes HEIF

ORIENTATION_TAG = 0x0112

# How a camera stores an upright image for each EXIF orientation: the inverse of the viewer's transpose.
_STORED = {
    **{2: Image.Transpose.FLIP_LEFT_RIGHT, 4: Image.Transpose.FLIP_TOP_BOTTOM},
    **{5: Image.Transpose.TRANSPOSE, 7: Image.Transpose.TRANSVERSE},
    **{3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270},
}


def portrait(side: int = 512) -> Image.Image:
    """Return Eileen Collins (NASA, public domain): one face, about 100 px high at 512 px, left of center."""
    image = Image.fromarray(data.astronaut())
    return image if side == image.width else image.resize((side, side), Image.Resampling.LANCZOS)


def close_up(brightness: int) -> Image.Image:
    """Return a face that takes the middle half, its colors around a brightness, 40 to 215."""
    face = portrait().crop((95, 5, 355, 265))
    return face.point(lambda value: round(brightness + (value - 128) / 4))


def cat() -> Image.Image:
    """Return Chelsea the cat: a face that is not human."""
    return Image.fromarray(data.chelsea())


def noise(width: int = 256, height: int = 256, seed: int = 0) -> Image.Image:
    """Return uniform random colors."""
    generator = np.random.default_rng(seed)
    return Image.fromarray(generator.integers(0, 256, (height, width, 3), dtype=np.uint8))


def quadrants(width: int = 64, height: int = 48) -> Image.Image:
    """Return red, green, blue and yellow quarters: all rotations and flips differ."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[: height // 2, : width // 2] = (255, 0, 0)
    pixels[: height // 2, width // 2 :] = (0, 255, 0)
    pixels[height // 2 :, : width // 2] = (0, 0, 255)
    pixels[height // 2 :, width // 2 :] = (255, 255, 0)
    return Image.fromarray(pixels)


def encode(image: Image.Image, format: str, **options: Any) -> bytes:  # noqa: A002 - Pillow's name
    """Return the bytes of an image file."""
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def exif_with(orientation: int) -> Image.Exif:
    """Return an EXIF block with only an orientation."""
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    return exif


def as_stored(upright: Image.Image, orientation: int) -> Image.Image:
    """Return the pixels that a camera stores for an upright image with that EXIF orientation."""
    turn = _STORED.get(orientation)
    return upright if turn is None else upright.transpose(turn)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Return one PNG chunk with its checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of_size(width: int, height: int, extra: bytes = b"") -> bytes:
    """Return a PNG of a few bytes that declares a size; `extra` chunks precede its pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (
        png_chunk(b"IHDR", header) + extra + png_chunk(b"IDAT", zlib.compress(b"")) + png_chunk(b"IEND", b"")
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


def difference(one: Any, other: Any) -> float:
    """Return the mean absolute difference of two images or arrays of one size, 0 to 255."""
    a, b = np.asarray(one).astype(int), np.asarray(other).astype(int)
    assert a.shape == b.shape
    return float(np.abs(a - b).mean())
