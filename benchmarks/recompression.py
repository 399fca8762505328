"""Measure the detection of an earlier JPEG compression: `python benchmarks/recompression.py FOLDER`."""

import random
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from veraface.forensics.jpeg_history import brightness, roughness
from veraface.imaging.decode import ImageFile

SCALE = 0.6  # downscaling removes the traces of a photo's original compression


def encode(image: Image.Image, quality: int) -> bytes:
    """Return the bytes of a JPEG."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def again(content: bytes, quality: int) -> bytes:
    """Decode a JPEG and encode it at another quality."""
    return encode(Image.open(BytesIO(content)).convert("RGB"), quality)


def main(folder: Path) -> None:
    """Print the distribution of the roughness for each kind of history."""
    random.seed(1)
    rows: dict[str, list[float | None]] = {
        name: [] for name in ("once", "coarser before", "finer", "the same")
    }
    for path in sorted(folder.rglob("*.jpg")):
        image = Image.open(path).convert("RGB")
        image = image.resize((int(SCALE * image.width), int(SCALE * image.height)), Image.Resampling.LANCZOS)
        quality = random.choice((75, 80, 85, 90, 92, 95))
        coarser, finer = (
            quality - random.choice((10, 15, 20, 25)),
            min(98, quality + random.choice((5, 8, 12))),
        )
        for name, content in (
            ("once", encode(image, quality)),
            ("coarser before", again(encode(image, coarser), quality)),
            ("finer", again(encode(image, finer), quality)),
            ("the same", again(encode(image, quality), quality)),
        ):
            jpeg = ImageFile(content).jpeg
            assert jpeg is not None
            rows[name].append(roughness(brightness(content), jpeg.tables[0]))
    for name, values in rows.items():
        measured = [value for value in values if value is not None]
        parts = ", ".join(f"{value:.2f}" for value in np.percentile(measured, (0, 5, 50, 95, 100)))
        over = sum(value > 1 for value in measured)
        print(
            f"{name}: {len(measured)} of {len(values)} measured, {over} detected; 0, 5, 50, 95, 100%: {parts}"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
