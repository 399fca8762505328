"""Synthesized fakes differ from their reals on the face only, by simple statistics too."""

import csv
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from tests.datasets.sample_shapes import shapes_of
from tests.datasets.test_blending import BOX
from tests.datasets.test_face_swap import POINTS
from tests.datasets.test_reconstruction import reconstruction
from tests.programs import load_program
from tests.sample_images import portrait
from veraface.datasets.degradations import Degradations
from veraface.datasets.synthesis.blending import jitter_appearance
from veraface.datasets.synthesis.face_swap import swap_face
from veraface.datasets.synthesis.reconstruction import paste_reconstruction
from veraface.datasets.synthesis.self_blending import self_blend
from veraface.geometry import Box
from veraface.imaging.decode import recompress
from veraface.models.crop import CropSettings, crop_face

leaks = load_program("benchmarks/leak_checks.py")
MARGIN = 0.3
PAIRS = 80
Real = tuple[Image.Image, Box]
Pair = tuple[Image.Image, Image.Image]  # fake and real
Kind = Callable[[Image.Image, Box, np.random.Generator], Pair]


def self_blended(image: Image.Image, box: Box, random: np.random.Generator) -> Pair:
    return self_blend(image, box, random, shapes_of(box))


def kept(image: Image.Image, box: Box, random: np.random.Generator) -> Pair:
    return self_blend(image, box, random, shapes_of(box), keep_target=True)


def reconstructed(image: Image.Image, box: Box, random: np.random.Generator) -> Pair:
    side = 1.2 * box.max_side
    square = Box(box.x + (box.width - side) / 2, box.y + (box.height - side) / 2, side, side)
    inside = Box(max(0, square.x), max(0, square.y), 0, 0)
    right, bottom = min(image.width, square.x + side), min(image.height, square.y + side)
    square = Box(inside.x, inside.y, right - inside.x, bottom - inside.y)
    taken = reconstruction(image, square, int(random.integers(64, 160)))
    return paste_reconstruction(image, box, taken, square, random, shapes_of(box)), image


@cache
def mirrored() -> Image.Image:
    person = portrait().crop((120, 10, 340, 230)).resize((192, 192), Image.Resampling.LANCZOS)
    return person.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def swapped(image: Image.Image, box: Box, random: np.random.Generator) -> Pair:
    landmarks = (POINTS - (BOX.x, BOX.y)) / (BOX.width, BOX.height) * (box.width, box.height)
    fake = swap_face(
        image,
        box,
        landmarks + (box.x, box.y),
        mirrored(),
        (192 - 2 * POINTS[:, 0])[:, None] * (1, 0) + 2 * POINTS * (0, 1),
        random,
        shapes_of(box),
    )
    return fake, image


def leaking(image: Image.Image, box: Box, random: np.random.Generator) -> Pair:
    """Change the look of the whole fake, but not of its real."""
    return jitter_appearance(image, box, random), image


KINDS: dict[str, Kind] = {
    "self-blend": self_blended,
    "self-blend of a kept target": kept,
    "reconstruction": reconstructed,
    "swap": swapped,
}


@pytest.fixture(scope="module")
def made() -> list[Real]:
    """One person at many sizes, in many lights, more or less sharp, compressed in many ways."""
    people = []
    person = portrait()
    for number in range(PAIRS):
        random = np.random.default_rng(number)
        side = int(random.integers(96, 161))
        left, top = (int(v) for v in random.integers(-12, 13, 2))
        image = person.crop((120 + left, 10 + top, 340 + left, 230 + top))
        image = image.resize((side, side), Image.Resampling.LANCZOS)
        light = random.uniform(0.6, 1.2) * np.asarray(image, float) + random.uniform(-20, 20, 3)
        image = Image.fromarray(np.clip(light, 0, 255).astype(np.uint8))
        image = image.filter(ImageFilter.GaussianBlur(float(random.uniform(0, 1.2))))
        if random.random() < 0.7:
            image = recompress(image, int(random.integers(30, 96)))
        moved = Box(BOX.x - left * 96 / 220, BOX.y - top * 96 / 220, BOX.width, BOX.height)
        people.append((image, moved.scaled(side / 96)))
    return people


@pytest.fixture(scope="module")
def chips(data: Path) -> list[Real]:
    """Real faces of many sources."""
    people = []
    for folder in ("faces", "faces2"):
        with (data / folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["label"] == "real"]
        for index in np.random.default_rng(0).permutation(len(rows))[:50]:
            box = Box(*map(float, rows[index]["box"].split()))
            with Image.open(data / folder / rows[index]["path"]) as image:
                if leaks.outside(image.size, box, MARGIN).mean() > 0.05:
                    people.append((image.convert("RGB"), box))
    return people


def outside(kind: Kind, people: list[Real], *, degraded: bool) -> float:
    """Return the AUC on pixels outside the face, with both of a pair degraded alike or not at all."""
    sides: tuple[list[NDArray[np.float64]], ...] = ([], [])
    degradations = Degradations() if degraded else Degradations(untouched=1)
    for number, (image, box) in enumerate(people):
        for side, one in zip(sides, kind(image, box, np.random.default_rng([1, number])), strict=True):
            shown, moved = degradations.apply(one, box, np.random.default_rng([2, number]))
            side.append(leaks.pixel_statistics(shown, leaks.outside(shown.size, moved, MARGIN)))
    return leaks.separability(*map(np.array, sides))


@pytest.mark.parametrize("degraded", [False, True])
@pytest.mark.parametrize("name", KINDS)
def test_pixels_outside_the_face_do_not_tell_fakes_from_reals(
    made: list[Real], name: str, degraded: bool
) -> None:
    assert outside(KINDS[name], made, degraded=degraded) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("name", KINDS)
def test_nor_do_they_on_real_data(chips: list[Real], name: str) -> None:
    assert outside(KINDS[name], chips, degraded=True) == pytest.approx(0.5, abs=0.03)


def test_a_leak_is_noticed(made: list[Real]) -> None:
    assert outside(leaking, made, degraded=False) > 0.56


@pytest.mark.parametrize("name", KINDS)
def test_trivial_properties_hardly_tell_fakes_from_reals(made: list[Real], name: str) -> None:
    """Of crops as the network sees them; a reconstruction or a swap is a little less sharp."""
    sides: tuple[list[NDArray[np.float64]], ...] = ([], [])
    for number, (image, box) in enumerate(made):
        for side, one in zip(sides, KINDS[name](image, box, np.random.default_rng([1, number])), strict=True):
            shown, moved = Degradations().apply(one, box, np.random.default_rng([2, number]))
            crop = crop_face(shown, moved, CropSettings(96, 1.35))
            side.append(leaks.trivial_features(Image.fromarray(crop)))
    fakes, reals = map(np.array, sides)
    areas = dict(zip(leaks.TRIVIAL, map(leaks.auc, fakes.T, reals.T), strict=True))
    assert areas["width"] == areas["height"] == 0.5
    assert areas == pytest.approx(dict.fromkeys(leaks.TRIVIAL, 0.5), abs=0.15)


def test_statistics_ignore_what_lies_within() -> None:
    image, box = portrait(), Box(178, 58, 95, 122)
    where = leaks.outside(image.size, box, 0.1)
    assert not where[58:180, 178:273].any()
    assert where[:40].all()
    changed = image.copy()
    changed.paste((0, 255, 0), (178, 58, 273, 180))
    before, after = (leaks.pixel_statistics(p, where) for p in (image, changed))
    assert np.array_equal(before, after)
    everywhere = np.ones_like(where)
    assert not np.allclose(
        leaks.pixel_statistics(image, everywhere), leaks.pixel_statistics(changed, everywhere)
    )


def test_blockiness_of_jpeg_is_noticed_at_any_offset() -> None:
    for offset in (0, 3):
        rough = recompress(portrait(), 15).crop((offset, offset, 400, 400))
        fine = portrait().crop((offset, offset, 400, 400))
        everywhere = np.ones(rough.size[::-1], bool)
        blocky, smooth = (leaks.pixel_statistics(p, everywhere)[-2:] for p in (rough, fine))
        assert (blocky > smooth + 0.1).all()


def test_separability_is_the_area_under_the_curve() -> None:
    random = np.random.default_rng(0)
    reals = random.normal(0, 1, (300, 4))
    assert leaks.separability(reals, reals) == 0.5
    assert leaks.separability(random.normal(0, 1, (300, 4)), reals) == pytest.approx(0.5, abs=0.05)
    assert leaks.separability(reals + (0, 3, 0, 0), reals) > 0.95
    assert leaks.separability(reals - (0, 3, 0, 0), reals) > 0.95
    assert leaks.auc([1, 2, 3], [0, 2, 2]) == pytest.approx(6 / 9)
