"""Measure the time to read a file's claims: milliseconds for a 2-megapixel JPEG, by level and content."""

import sys
from io import BytesIO
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from PIL import Image

from veraface.imaging.decode import ImageFile
from veraface.provenance import Level
from veraface.provenance.credentials import CredentialReader
from veraface.provenance.reading import read_provenance

ROUNDS = 30


def milliseconds(content: bytes, level: Level | None) -> float:
    """Return the median time to open an image and read its claims; to open it only if `level` is None."""
    reader, times = CredentialReader(), []
    for _ in range(ROUNDS + 3):
        started = perf_counter()
        image = ImageFile(content)
        if level is not None:
            read_provenance(image, reader, level=level)
        times.append(1000 * (perf_counter() - started))
    return median(times[3:])


def main() -> None:
    """Print one line per case."""
    sys.path.append(str(Path(__file__).parents[1]))  # the tests create such files
    from tests.provenance.credentials import sign
    from tests.provenance.files import AI_PACKET, camera_exif

    grid = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    image = Image.fromarray(grid).resize((1632, 1224), Image.Resampling.BICUBIC)
    buffers = {}
    for name, options in (("plain", {}), ("with EXIF and XMP", {"exif": camera_exif(), "xmp": AI_PACKET})):
        buffer = BytesIO()
        image.save(buffer, "JPEG", quality=90, **options)
        buffers[name] = buffer.getvalue()
    buffers["with Content Credentials"] = sign(buffers["plain"])
    for name, content in buffers.items():
        opening, quick, full = (milliseconds(content, level) for level in (None, "quick", "full"))
        more = f"quick +{quick - opening:.2f} ms, full +{full - opening:.2f} ms"
        print(f"{name}: opening {opening:.2f} ms, {more}")


if __name__ == "__main__":
    main()
