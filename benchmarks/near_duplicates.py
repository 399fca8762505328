"""In how many bits the perceptual hashes of copies differ, and those of different images.

    python benchmarks/near_duplicates.py PICTURES [--out benchmarks/results/near_duplicates.md]

Each image in the folder is scaled, recompressed, brightened, marked and cropped as the web does it.
"""

import argparse
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

from PIL import Image, ImageDraw, ImageEnhance
from tables import table

from veraface.imaging.decode import ImageFile, recompress
from veraface.imaging.perceptual_hash import perceptual_hash


def half(image: Image.Image) -> Image.Image:
    """Half as wide and high."""
    return image.resize((max(1, image.width // 2), max(1, image.height // 2)), Image.Resampling.BICUBIC)


def marked(image: Image.Image) -> Image.Image:
    """With a white mark over a tenth of the width in a corner."""
    copy = image.copy()
    side = image.width // 10
    ImageDraw.Draw(copy).rectangle((5, 5, 5 + side, 5 + side // 2), fill="white")
    return copy


def cropped(image: Image.Image) -> Image.Image:
    """Without 2 % at each edge."""
    x, y = image.width // 50, image.height // 50
    return image.crop((x, y, image.width - x, image.height - y))


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG of quality 50": lambda picture: recompress(picture, 50),
    "half the size, JPEG of quality 70": lambda picture: recompress(half(picture), 70),
    "WebP of quality 50": lambda picture: recompress(picture, 50, "WEBP"),
    "brighter by 15 %": lambda picture: ImageEnhance.Brightness(picture).enhance(1.15),
    "a mark in the corner": marked,
    "2 % cut off each edge": cropped,
}


def distances(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """Name of the change, and the bits changed in each image; pairs of different images last."""
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
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    arguments = parser.parse_args()
    rows = []
    for name, bits in distances(arguments.pictures):
        shares = [100 * sum(b <= most for b in bits) / len(bits) for most in (0, 2, 4, 6, 8, 10, 12)]
        rows.append([name, len(bits), *shares])
    headings = ("copy", "pairs", *(f"within {most}" for most in (0, 2, 4, 6, 8, 10, 12)))
    text = (
        "# Bits in which perceptual hashes differ\n\nShare of pairs within so many of the 64 bits, in %.\n\n"
        f"{table(headings, rows)}"
    )
    print(text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
