"""Group photos, long screenshots and collages composed of face chips, so that every face's box is known."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, exp, log, sqrt

import numpy as np
import skimage.data
from face_sets import Chip, Sample, clouds, jpeg, text_page
from PIL import Image, ImageDraw, ImageFilter

from veraface.geometry import Box

_PHOTOS_PER_MEGAPIXELS = {0.3: 8, 1: 8, 2: 8, 5: 6, 12: 8, 24: 3, 48: 3}
_SCREENSHOTS, _SCREENSHOT_SIZE = 8, (1080, 12000)
_COLLAGES = 8
_ASPECTS = (4 / 3, 3 / 4, 3 / 2, 16 / 9)
_FACE_SIDES = (24, 1000)  # px
_MIN_COMMON_SIDE = 30  # px
_FACES = (2, 60)
_SPREAD = (0.6, 1.6)  # of the sizes of faces in one image, around a common size
_MAX_FILLED = 0.45  # share of the image that chips may cover
_BACKGROUNDS = ("brick", "coffee", "grass", "gravel", "rocket", "hubble_deep_field")
_FEATHER = 0.06  # width of a chip's soft edge, as a share of its side
_QUALITY = 90


@dataclass(frozen=True)
class Scene:
    """What to compose.

    Attributes:
        kind: "photo", "screenshot" or "collage".
        megapixels: of a photo or a collage.
        seed: of all that is drawn at random.
    """

    kind: str
    megapixels: float
    seed: int


def scenes(pool: Sequence[Chip], step: int = 1) -> Iterator[Sample]:
    """Compose the images, or every `step`-th of them; each is the same in every run.

    Args:
        pool: chips to take faces from; those whose face box leaves the chip are not used.
        step: 1 for all of the images.
    """
    whole = [chip for chip in pool if _is_whole(chip)]
    plan = [("photo", size) for size, count in _PHOTOS_PER_MEGAPIXELS.items() for _ in range(count)]
    width, height = _SCREENSHOT_SIZE
    plan += [("screenshot", width * height / 1e6)] * _SCREENSHOTS
    plan += [("collage", size) for size in (0.5, 1, 1, 2, 2, 4, 8, 12)][:_COLLAGES]
    random.Random(0).shuffle(plan)
    for seed, (kind, megapixels) in list(enumerate(plan))[step // 2 :: step]:
        yield _compose(Scene(kind, megapixels, seed), whole)


def _is_whole(chip: Chip) -> bool:
    with Image.open(chip.path) as image:
        width, height = image.size
    box = chip.box
    inside = min(box.x, box.y, width - box.x - box.width, height - box.y - box.height)
    return inside > 0.1 * min(width, height)


def _compose(scene: Scene, pool: Sequence[Chip]) -> Sample:
    chance = random.Random(scene.seed)
    faces: list[Box] = []
    chips: list[Box] = []
    if scene.kind == "collage":
        canvas = _collage(scene, pool, chance, faces, chips)
        size = ""
    else:
        canvas = _photo(scene, chance) if scene.kind == "photo" else _screenshot(scene)
        size = _paste_faces(canvas, scene, pool, chance, faces, chips)
    name = f"{scene.kind} {scene.seed}, {scene.megapixels:g} MP, {len(faces)} faces{size}"
    kind = f"{scene.megapixels:g} MP" if scene.kind == "photo" else f"{scene.kind}s"
    return Sample(name, jpeg(canvas, _QUALITY), tuple(faces), ignored=tuple(chips), kinds=(kind,))


def _photo(scene: Scene, chance: random.Random) -> Image.Image:
    """Return a background: a texture or photo, repeated in mirrored tiles, or smooth noise."""
    aspect = chance.choice(_ASPECTS)
    width = round(sqrt(scene.megapixels * 1e6 * aspect))
    height = round(width / aspect)
    name = chance.choice((*_BACKGROUNDS, "clouds", "clouds"))
    if name == "clouds":
        return clouds(np.random.default_rng(scene.seed), (width, height))
    tile = Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
    factor = max(width, height) / chance.uniform(1, 3) / max(tile.size)
    tile = tile.resize((ceil(tile.width * factor), ceil(tile.height * factor)), Image.Resampling.BICUBIC)
    canvas = Image.new("RGB", (width, height))
    for row in range(ceil(height / tile.height)):
        for column in range(ceil(width / tile.width)):
            part = tile.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if column % 2 else tile
            part = part.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if row % 2 else part
            canvas.paste(part, (column * tile.width, row * tile.height))
    return canvas


def _screenshot(scene: Scene) -> Image.Image:
    """Return a long page of text."""
    return text_page(np.random.default_rng(scene.seed), _SCREENSHOT_SIZE)


def _paste_faces(
    canvas: Image.Image,
    scene: Scene,
    pool: Sequence[Chip],
    chance: random.Random,
    faces: list[Box],
    chips: list[Box],
) -> str:
    """Paste faces of a common size without overlap; add their boxes; return the size in words."""
    low, high = _FACE_SIDES
    common = _log_uniform(chance, _MIN_COMMON_SIDE, min(high / _SPREAD[1], min(canvas.size) / 3))
    room = _MAX_FILLED * canvas.width * canvas.height
    wanted = round(_log_uniform(chance, *_FACES))
    shape = chance.choice(("rectangle", "ellipse"))
    for chip in chance.choices(pool, k=wanted):
        factor = common * chance.uniform(*_SPREAD) / chip.box.max_side
        factor = max(low, min(high, factor * chip.box.max_side)) / chip.box.max_side
        with Image.open(chip.path) as image:
            side = round(image.width * factor), round(image.height * factor)
            if side[0] * side[1] > room or max(side) >= min(canvas.size):
                continue
            place = _free_place(canvas.size, side, chips, chance)
            if place is None:
                continue
            pasted = image.convert("RGB").resize(side, Image.Resampling.LANCZOS)
        room -= side[0] * side[1]
        canvas.paste(pasted, place, _mask(side, shape))
        chips.append(Box(*place, *side))
        faces.append(_moved(chip.box.scaled(factor), *place))
    return f" of about {common:.0f} px"


def _collage(
    scene: Scene, pool: Sequence[Chip], chance: random.Random, faces: list[Box], chips: list[Box]
) -> Image.Image:
    """Return a grid of square chips; add the boxes of their faces."""
    columns, rows = chance.randint(2, 8), chance.randint(1, 7)
    gap = chance.choice((0, 0, 4, 20))
    cell = round(sqrt(scene.megapixels * 1e6 / (columns * rows)))
    size = columns * (cell + gap) + gap, rows * (cell + gap) + gap
    canvas = Image.new("RGB", size, chance.choice(("white", "black")))
    for row in range(rows):
        for column in range(columns):
            chip = chance.choice(pool)
            place = gap + column * (cell + gap), gap + row * (cell + gap)
            with Image.open(chip.path) as image:
                factor = cell / image.width
                pasted = image.convert("RGB").resize((cell, cell), Image.Resampling.LANCZOS)
            canvas.paste(pasted, place)
            chips.append(Box(*place, cell, cell))
            faces.append(_moved(chip.box.scaled(factor), *place))
    return canvas


def _free_place(
    size: tuple[int, int], side: tuple[int, int], taken: list[Box], chance: random.Random
) -> tuple[int, int] | None:
    """Return a random place for a rectangle that overlaps no other; None if 200 tries find none."""
    for _ in range(200):
        x, y = chance.randrange(size[0] - side[0]), chance.randrange(size[1] - side[1])
        if all(
            x + side[0] <= box.x or box.x + box.width <= x or y + side[1] <= box.y or box.y + box.height <= y
            for box in taken
        ):
            return x, y
    return None


def _mask(size: tuple[int, int], shape: str) -> Image.Image:
    """Return the opacity of a chip: a rectangle or an ellipse with soft edges."""
    small = (256, 256)
    feather = _FEATHER * small[0]
    mask = Image.new("L", small)
    corners = (feather, feather, small[0] - feather, small[1] - feather)
    draw = ImageDraw.Draw(mask)
    (draw.ellipse if shape == "ellipse" else draw.rectangle)(corners, 255)
    return mask.filter(ImageFilter.GaussianBlur(feather / 2)).resize(size, Image.Resampling.BILINEAR)


def _moved(box: Box, x: float, y: float) -> Box:
    return Box(box.x + x, box.y + y, box.width, box.height)


def _log_uniform(chance: random.Random, low: float, high: float) -> float:
    return exp(chance.uniform(log(low), log(max(low, high))))
