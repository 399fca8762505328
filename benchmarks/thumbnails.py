"""Measure how often an embedded thumbnail is called different, on images whose thumbnails are made from them.

    python benchmarks/thumbnails.py FOLDER

The first rows change only what a thumbnail does not show, so that every hit is a false alarm; the last ones
change the image.
"""

import random
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageEnhance

from veraface.forensics.thumbnails import compare_thumbnail
from veraface.imaging.decode import recompress

Pair = tuple[Image.Image, Image.Image]  # thumbnail, image
DCF = (160, 120)  # px


def main(folder: Path) -> None:
    """Print one row per kind of change: pairs compared, and the share called different."""
    rng = random.Random(1)  # noqa: S311
    images = [
        Image.open(path).convert("RGB")
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".jpg", ".png")
    ]
    kinds: dict[str, Callable[[Image.Image], Pair]] = {
        "rescaled": lambda image: (small(image), image.resize((image.width * 2 // 3, image.height * 2 // 3))),
        "JPEG quality 30": lambda image: (small(image), recompress(image, 30)),
        "bars to 4:3": lambda image: (with_bars(image), image),
        "brighter, more contrast": lambda image: (small(image), toned(image)),
        "cropped to 60%": lambda image: (small(image), cropped(image, 0.6, rng)),
        "another image": lambda image: (small(rng.choice([i for i in images if i is not image])), image),
        "20% replaced": lambda image: (small(image), pasted(image, 0.2, rng.choice(images), rng)),
        "30% replaced": lambda image: (small(image), pasted(image, 0.3, rng.choice(images), rng)),
    }
    for name, change in kinds.items():
        compared = [found for image in images if (found := compare_thumbnail(*change(image)))]
        share = sum(found.differs for found in compared) / max(1, len(compared))
        print(f"{name:24} {len(compared):4} pairs  {share:.1%} called different")


def small(image: Image.Image) -> Image.Image:
    """Return a thumbnail as cameras make it."""
    copy = image.copy()
    copy.thumbnail((160, 160))
    return recompress(copy, 75)


def with_bars(image: Image.Image) -> Image.Image:
    """Return a thumbnail with black bars, as DCF prescribes."""
    copy, canvas = image.copy(), Image.new("RGB", DCF)
    copy.thumbnail(DCF)
    canvas.paste(copy, ((DCF[0] - copy.width) // 2, (DCF[1] - copy.height) // 2))
    return recompress(canvas, 75)


def toned(image: Image.Image) -> Image.Image:
    """Return the image brighter and with more contrast, which clips highlights."""
    return ImageEnhance.Contrast(ImageEnhance.Brightness(image).enhance(1.2)).enhance(1.2)


def cropped(image: Image.Image, share: float, rng: random.Random) -> Image.Image:
    """Return a random part with this share of each side."""
    width, height = round(image.width * share), round(image.height * share)
    x, y = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
    return image.crop((x, y, x + width, y + height))


def pasted(image: Image.Image, share: float, other: Image.Image, rng: random.Random) -> Image.Image:
    """Return the image with a square of this share of its shorter side replaced."""
    side, copy = round(min(image.size) * share), image.copy()
    place = rng.randint(0, image.width - side), rng.randint(0, image.height - side)
    copy.paste(other.resize((side, side)), place)
    return copy


if __name__ == "__main__":
    main(Path(sys.argv[1]))
