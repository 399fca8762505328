"""Make tiny labeled data sets: one face under varying light; every fake has magenta cheeks."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tests.sample_images import portrait

SIDE = 96  # px of every image
BOX = "25 21 41 52"  # of the face in every image
COLUMNS = ("path", "label", "source", "group", "split", "box", "generator")
SPLITS = {"train": 24, "val": 24, "test": 8}


@cache
def _base() -> Image.Image:
    return portrait().crop((120, 10, 340, 230)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def face(number: int, *, fake: bool) -> Image.Image:
    """Return one face of 96 px; `number` seeds the light, and a fake has magenta cheeks."""
    random = np.random.default_rng(number)
    light = random.uniform(0.85, 1.15) * np.asarray(_base(), np.float64) + random.uniform(-8, 8, 3)
    if fake:  # skin shows through, or the face would count as covered
        cheeks = Image.new("L", (SIDE, SIDE))
        for left in (28, 50):
            ImageDraw.Draw(cheeks).ellipse((left, 46, left + 12, 58), fill=255)
        light += np.asarray(cheeks.filter(ImageFilter.GaussianBlur(1)))[..., None] / 255 * (50, -75, 65)
    return Image.fromarray(np.clip(light, 0, 255).astype(np.uint8))


def make_rows(
    folder: Path, splits: Mapping[str, int] = SPLITS, sources: Sequence[str] = ("left", "right")
) -> list[dict[str, str]]:
    """Write images, half of each class, and return the rows of a manifest for them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, str]] = []
    for split, count in splits.items():
        for index in range(count):
            fake, number = index % 2 == 1, len(rows)
            path = folder / f"{number:03}.png"
            face(number, fake=fake).save(path, compress_level=1)
            rows.append(
                {
                    "path": path.name,
                    "label": "fake" if fake else "real",
                    "source": sources[(index // 2) % len(sources)],
                    "group": f"person {number}",
                    "split": split,
                    "box": BOX,
                    "generator": "cheeks" if fake else "",
                }
            )
    return rows


def write_csv(path: Path, rows: Iterable[Mapping[str, object]], columns: Sequence[str] = COLUMNS) -> Path:
    """Write a manifest."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def make_dataset(
    folder: Path, splits: Mapping[str, int] = SPLITS, sources: Sequence[str] = ("left", "right")
) -> Path:
    """Make a folder with images and `manifest.csv`, and return it."""
    write_csv(folder / "manifest.csv", make_rows(folder, splits, sources))
    return folder


def make_sources(folder: Path) -> Path:
    """Make a folder with a manifest of two sources with fakes and one, "street", without; return it.

    The images of the test split are unreadable.
    """
    rows = make_rows(folder, {"train": 72, "val": 66, "test": 6}, ("lab", "street", "web"))
    for row in rows:
        if row["split"] == "test":
            (folder / row["path"]).write_bytes(b"closed")
    kept = [row for row in rows if (row["source"], row["label"]) != ("street", "fake")]
    write_csv(folder / "manifest.csv", kept)
    return folder


def make_folders(folder: Path, names: Mapping[str, int]) -> Path:
    """Make a folder of class folders such as "Train/Real" with a number of images each; return it."""
    for name, count in names.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        fake = name.lower().endswith("fake")
        for number in range(count):
            face(number, fake=fake).save(folder / name / f"{number}.png", compress_level=1)
    return folder
