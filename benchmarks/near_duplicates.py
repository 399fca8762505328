"""Measure the Hamming distances between perceptual hashes of copies, and of different images.

    python benchmarks/near_duplicates.py IMAGES [--out benchmarks/results/near_duplicates.md]

Each image in the folder is scaled, recompressed, brightened, marked and cropped.
"""

import argparse
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

from PIL import Image, ImageDraw, ImageEnhance
from tables import publish, table

from veraface.imaging.decode import ImageFile, recompress
from veraface.imaging.perceptual_hash import perceptual_hash


def half(image: Image.Image) -> Image.Image:
    """Return the image at half the width and height."""
    return image.resize((max(1, image.width // 2), max(1, image.height // 2)), Image.Resampling.BICUBIC)


def marked(image: Image.Image) -> Image.Image:
    """Return the image with a white mark of a tenth of its width in a corner."""
    copy = image.copy()
    side = image.width // 10
    ImageDraw.Draw(copy).rectangle((5, 5, 5 + side, 5 + side // 2), fill="white")
    return copy


def cropped(image: Image.Image) -> Image.Image:
    """Return the image without 2% at each edge."""
    x, y = image.width // 50, image.height // 50
    return image.crop((x, y, image.width - x, image.height - y))


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG of quality 50": lambda image: recompress(image, 50),
    "half the size, JPEG of quality 70": lambda image: recompress(half(image), 70),
    "WebP of quality 50": lambda image: recompress(image, 50, "WEBP"),
    "brighter by 15%": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "mark in a corner": marked,
    "2% cropped at each edge": cropped,
}


def distances(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """Yield each change with the Hamming distance per image; pairs of different images last."""
    images = [
        ImageFile(path).decode() for path in sorted(folder.rglob("*")) if path.suffix in (".jpg", ".png")
    ]
    hashes = [int(perceptual_hash(image), 16) for image in images]
    for name, change in COPIES.items():
        changed = [int(perceptual_hash(change(image)), 16) for image in images]
        yield name, [(one ^ other).bit_count() for one, other in zip(hashes, changed, strict=True)]
    yield "two different images", [(one ^ other).bit_count() for one, other in combinations(hashes, 2)]


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    arguments = parser.parse_args()
    rows = []
    for name, bits in distances(arguments.images):
        shares = [100 * sum(b <= most for b in bits) / len(bits) for most in (0, 2, 4, 6, 8, 10, 12)]
        rows.append([name, len(bits), *shares])
    headings = ("copy", "pairs", *(f"within {most}" for most in (0, 2, 4, 6, 8, 10, 12)))
    text = (
        "# Hamming distance of perceptual hashes\n\nPercentage of pairs within a distance, of 64 bits.\n\n"
        f"{table(headings, rows)}"
    )
    publish(text, arguments.out)


if __name__ == "__main__":
    main()
