"""Images for face_detectors.py: labeled faces of the data sets, and images without a human face."""

import csv
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_sample_image

from veraface.geometry import Box

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
_SAMPLES = {
    "textures": "brick cell checkerboard grass gravel immunohistochemistry microaneurysms page retina text",
    "photos": "clock coffee coins colorwheel hubble_deep_field moon rocket",
    "animals": "chelsea",
    "statues and drawings": "horse logo",
}  # of scikit-image
_LIKENESSES = "statues and drawings"  # may show faces, but none of a living human
_GENERATED_PER_KIND = 6


@dataclass(frozen=True)
class Chip:
    """A face chip of a manifest: a square image around one face.

    Attributes:
        source: the data set it came from.
        path: its file.
        box: of the face, in its pixels; may reach over its edge.
    """

    source: str
    path: Path
    box: Box


@dataclass(frozen=True)
class Sample:
    """An encoded image with what is known about its faces.

    Attributes:
        name: file name or description.
        data: bytes of the encoded image.
        faces: boxes to be found.
        clear: for each face, whether it is sharp, unoccluded and in a typical pose; empty if not labeled.
        ignored: regions in which further detections are not counted as false.
        kinds: groups that the image is counted in, the narrowest first.
    """

    name: str
    data: bytes
    faces: tuple[Box, ...] = ()
    clear: tuple[bool, ...] = ()
    ignored: tuple[Box, ...] = ()
    kinds: tuple[str, ...] = ()


def jpeg(image: Image.Image, quality: int = 95) -> bytes:
    """Encode as JPEG."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def chips(data: Path, per_source: int) -> list[Chip]:
    """Return up to `per_source` chips of the validation and test splits of each source."""
    by_source: dict[str, list[Chip]] = defaultdict(list)
    for folder in ("faces", "faces2"):
        with (data / folder / "manifest.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                if row["split"] != "train":
                    box = Box(*map(float, row["box"].split()))
                    by_source[row["source"]].append(Chip(row["source"], data / folder / row["path"], box))
    return [
        chip
        for _, rows in sorted(by_source.items())
        for chip in random.Random(0).sample(rows, min(per_source, len(rows)))
    ]


def photos(data: Path) -> list[Path]:
    """Return the files of the whole photos."""
    return sorted(path for path in (data / "photos").rglob("*") if path.suffix.lower() in _SUFFIXES)


def wider(folder: Path) -> Iterator[Sample]:
    """Yield images of WIDER FACE (Yang et al. 2016), validation split, with the official boxes.

    Args:
        folder: has `wider_face_split/wider_face_val_bbx_gt.txt` and `WIDER_val/images/`, or some of them.
    """
    lines = iter((folder / "wider_face_split" / "wider_face_val_bbx_gt.txt").read_text().splitlines())
    for name in lines:
        count = int(next(lines))
        rows = [[int(value) for value in next(lines).split()] for _ in range(max(1, count))]
        path = folder / "WIDER_val" / "images" / name
        if not path.is_file():
            continue
        faces, clear, ignored = [], [], []
        for x, y, width, height, blur, _, _, invalid, occlusion, pose in rows:
            if invalid or min(width, height) < 1:
                ignored.append(Box(x, y, width, height))
            else:
                faces.append(Box(x, y, width, height))
                clear.append((blur, occlusion, pose) == (0, 0, 0))
        yield Sample(name, path.read_bytes(), tuple(faces), tuple(clear), tuple(ignored))


def without_faces(folder: Path | None) -> Iterator[Sample]:
    """Yield images without a human face: generated, of scikit-image and scikit-learn, and of a folder.

    Args:
        folder: one subfolder for each kind of image, whose name is reported, such as "animals" or "statues
            and drawings" (counted apart); None for the other images alone.
    """
    for kind, names in _SAMPLES.items():
        for name in names.split():
            pixels = np.asarray(getattr(skimage.data, name)())
            if pixels.dtype == bool:
                pixels = pixels.astype(np.uint8) * 255
            yield _without(name, jpeg(Image.fromarray(pixels).convert("RGB")), kind)
    yield _without("flower", jpeg(Image.fromarray(load_sample_image("flower.jpg"))), "photos")
    for number in range(_GENERATED_PER_KIND):
        for name, draw in _GENERATORS.items():
            image = draw(np.random.default_rng(number))
            yield _without(f"{name} {number}", jpeg(image, quality=90), "generated")
    for path in sorted(folder.glob("*/*")) if folder else ():
        if path.suffix.lower() in _SUFFIXES:
            yield _without(path.name, path.read_bytes(), path.parent.name)


def _without(name: str, data: bytes, kind: str) -> Sample:
    return Sample(name, data, kinds=(kind,) if kind == _LIKENESSES else (kind, f"all but {_LIKENESSES}"))


def noise(generator: np.random.Generator) -> Image.Image:
    """Return independent random pixels."""
    width, height = generator.integers(64, 1200, 2)
    return Image.fromarray(generator.integers(0, 256, (height, width, 3), dtype=np.uint8))


def clouds(generator: np.random.Generator, size: tuple[int, int] | None = None) -> Image.Image:
    """Return smooth noise of several octaves, similar to Perlin noise, in random colors."""
    width, height = size or generator.integers(300, 2000, 2)
    total = np.zeros((height, width), np.float32)
    for octave in range(6):
        cells = generator.random((3 * 2**octave, 4 * 2**octave), np.float32)
        layer = Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(layer) / 1.7**octave
    total = (total - total.min()) / np.ptp(total)
    dark, light = generator.integers(0, 256, (2, 3)).astype(np.float32)
    return Image.fromarray((dark + total[..., np.newaxis] * (light - dark)).astype(np.uint8))


def stripes(generator: np.random.Generator) -> Image.Image:
    """Return the product of two gratings."""
    width, height = generator.integers(300, 2000, 2)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = np.ones((height, width), np.float32)
    for _ in range(2):
        angle, period = generator.uniform(0, np.pi), generator.uniform(4, 120)
        waves *= 0.5 + 0.5 * np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
    colors = generator.integers(0, 256, (2, 3)).astype(np.float32)
    return Image.fromarray((colors[0] + waves[..., np.newaxis] * (colors[1] - colors[0])).astype(np.uint8))


def gradient(generator: np.random.Generator) -> Image.Image:
    """Return a linear or radial gradient between two colors."""
    width, height = generator.integers(300, 3000, 2)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    slope = x * generator.uniform() + y if generator.random() < 0.5 else np.hypot(x - 0.5, y - 0.5)
    slope = (slope / slope.max())[..., np.newaxis]
    first, last = generator.integers(0, 256, (2, 3))
    return Image.fromarray((first + slope * (last - first)).astype(np.uint8))


def text_page(generator: np.random.Generator, size: tuple[int, int] | None = None) -> Image.Image:
    """Return lines of random words, as in a scanned page or a chat."""
    width, height = size or (int(generator.integers(500, 1700)), int(generator.integers(500, 2300)))
    image = Image.new("RGB", (width, height), "white")
    draw, y = ImageDraw.Draw(image), 20
    while y < height - 20:
        points = int(generator.choice([14, 18, 18, 18, 36]))
        words = ("".join(chr(97 + letter) for letter in generator.integers(0, 26, n))
                 for n in generator.integers(1, 11, width // (5 * points)))  # fmt: skip
        draw.text((20, y), " ".join(words), "black", ImageFont.load_default(points))
        y += round(points * 1.5)
    return image


def shapes(generator: np.random.Generator) -> Image.Image:
    """Return a drawing of random ellipses, rectangles and lines."""
    width, height = (int(side) for side in generator.integers(300, 1600, 2))
    image = Image.new("RGB", (width, height), tuple(generator.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for _ in range(60):
        x, y = int(generator.integers(0, width)), int(generator.integers(0, height))
        across, down = generator.integers(5, 200, 2).tolist()
        color = tuple(generator.integers(0, 256, 3).tolist())
        corners = (x, y, x + across, y + down)
        kind = generator.integers(3)
        if kind == 0:
            draw.ellipse(corners, color)
        elif kind == 1:
            draw.rectangle(corners, color)
        else:
            draw.line(corners, color, width=5)
    return image


_GENERATORS = {
    "noise": noise,
    "clouds": clouds,
    "stripes": stripes,
    "gradient": gradient,
    "text": text_page,
    "shapes": shapes,
}
