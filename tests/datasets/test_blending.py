"""Blend masks and appearance changes, for any face box of any image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.examples import examples
from tests.sample_data import face
from tests.sample_images import difference, noise, quadrants
from veraface.datasets.synthesis.blending import (
    blend_mask,
    feather_coverage,
    jitter_appearance,
    paste,
    random_bend,
    rerender,
    warp,
)
from veraface.geometry import Box

BOX = Box(25, 21, 41, 52)
SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def images_and_boxes(draw: st.DrawFn) -> tuple[tuple[int, int], Box]:
    """A size, and a box whose middle lies in it: inside, over an edge, or far larger than the image."""
    width, height = draw(st.integers(1, 90)), draw(st.integers(1, 90))
    sides = st.floats(1, 120) | st.sampled_from([1.0, 3_000.0, 50_000.0])
    box_width = draw(sides)
    box_height = box_width * draw(st.floats(0.6, 1.6))
    x, y = (draw(st.floats(0, side)) for side in (width, height))
    return (width, height), Box(x - box_width / 2, y - box_height / 2, box_width, box_height)


@given(case=images_and_boxes(), seed=SEEDS)
@settings(max_examples=examples(150), deadline=60_000)
def test_masks_fit_any_box_in_any_image(case: tuple[tuple[int, int], Box], seed: int) -> None:
    size, box = case
    mask = blend_mask(size, box, np.random.default_rng(seed))
    assert mask.shape == size[::-1]
    assert mask.dtype == np.float32
    assert 0 <= mask.min() <= mask.max() <= 1
    y, x = np.mgrid[: size[1], : size[0]]
    # A part of the face and its soft edge reach half a face beyond the box at most.
    off = (x < box.x - box.width / 2 - 1) | (x > box.x + 1.5 * box.width + 1)
    off |= (y < box.y - box.height / 2 - 1) | (y > box.y + 1.5 * box.height + 1)
    assert not mask[off].any()


@given(seed=SEEDS)
@settings(max_examples=examples(100), deadline=None)
def test_masks_cover_some_of_the_face_but_not_all_around_it(seed: int) -> None:
    mask = blend_mask((96, 96), BOX, np.random.default_rng(seed))
    inside = mask[21:73, 25:66]
    assert inside.max() > 0.5
    assert 0.01 < inside.mean() < 0.97
    assert mask.sum() - inside.sum() < 0.35 * BOX.area
    assert not mask[0].any()
    assert not mask[:, 0].any()


@pytest.mark.parametrize("larger", [1, 4, 40])
def test_masks_of_a_face_that_fills_more_than_the_image(larger: int) -> None:
    """What is seen of them is the middle of the mask of a whole face, as if the rest had been cut off."""
    whole = blend_mask((60 * larger, 60 * larger), Box(0, 0, 60 * larger, 60 * larger), _random())
    start = 30 * (larger - 1)
    box = Box(-start, -start, 60 * larger, 60 * larger)
    cut = blend_mask((60, 60), box, _random())
    assert cut.max() > 0.5
    assert np.abs(cut - whole[start : start + 60, start : start + 60]).max() <= 2 / 255


def _random() -> np.random.Generator:
    return np.random.default_rng(1)


def test_masks_take_the_whole_face_and_parts_of_it() -> None:
    areas = [float(blend_mask((96, 96), BOX, np.random.default_rng(i)).sum()) / BOX.area for i in range(200)]
    assert min(areas) < 0.2
    assert max(areas) > 0.6
    assert len({round(area, 4) for area in areas}) > 150


@given(
    width=st.integers(1, 60),
    height=st.integers(1, 60),
    side=st.floats(1, 5000),
    gray=st.booleans(),
    seed=SEEDS,
)
@settings(max_examples=examples(120), deadline=60_000)
def test_appearance_changes_on_any_image(width: int, height: int, side: float, gray: bool, seed: int) -> None:
    image = noise(width, height, seed)
    if gray:
        image = image.convert("L").convert("RGB")
    before = image.tobytes()
    after = jitter_appearance(image, Box(0, 0, side, side), np.random.default_rng(seed))
    again = jitter_appearance(image, Box(0, 0, side, side), np.random.default_rng(seed))
    assert (after.mode, after.size) == ("RGB", image.size)
    assert after.tobytes() == again.tobytes()
    assert image.tobytes() == before, "the original stays as it was"


def test_appearance_changes_are_visible_but_bounded() -> None:
    changes = [
        difference(jitter_appearance(face(0, fake=False), BOX, np.random.default_rng(i)), face(0, fake=False))
        for i in range(100)
    ]
    assert sum(change > 0.5 for change in changes) > 90
    assert max(changes) < 60
    assert len({round(change, 3) for change in changes}) > 80


def test_rerendering_loses_detail_and_keeps_the_light() -> None:
    image = noise(200, 200)
    for seed in range(10):
        after = rerender(image, Box(0, 0, 200, 200), np.random.default_rng(seed))
        assert after.size == image.size
        assert np.asarray(after, float).std() < 0.9 * np.asarray(image, float).std()
        assert np.asarray(after, float).mean() == pytest.approx(np.asarray(image, float).mean(), abs=2)


def test_warping_returns_its_coverage() -> None:
    """A shift by ten pixels: the image, and ten columns that show nothing of it."""
    image = quadrants()
    moved, covered = warp(image, np.array([[1.0, 0, 10], [0, 1, 0]]), image.size)
    assert difference(moved.crop((0, 0, 54, 48)), image.crop((10, 0, 64, 48))) < 1
    assert covered[:, :53].min() == 1
    assert covered[:, 55:].max() == 0
    assert np.asarray(moved)[:, 55:].max() == 0


def test_the_edge_of_a_coverage_is_softened_towards_its_inside() -> None:
    covered = np.zeros((60, 60), np.float32)
    covered[:, :40] = 1
    soft = feather_coverage(covered, Box(0, 0, 100, 100))
    assert (soft <= covered).all()
    assert soft[:, :25].min() > 0.99
    assert np.abs(np.diff(soft[30])).max() < 0.4
    assert feather_coverage(np.ones((4, 4), np.float32), BOX).min() == 1


def test_elastic_warps_move_features_apart_and_stay_smooth() -> None:
    """By less than three pixels; without a bend, a grid of cells is the affine transform itself."""
    image, identity = face(0, fake=False), np.eye(2, 3)
    straight, covered = warp(image, identity, image.size, np.zeros((5, 4, 2)))
    assert difference(straight, image) < 0.5
    assert covered.min() == 1
    part = (25, 21, 66, 73)  # around it, the image's edge moves in
    shifted, _ = warp(image, np.array([[1.0, 0, 3], [0, 1, 3]]), image.size)
    most = difference(shifted.crop(part), image.crop(part))
    for seed in range(10):
        bend = random_bend(image.size, BOX, np.random.default_rng(seed), 0.02)
        assert 0 < np.abs(bend).max() <= 0.04 * BOX.max_side + 1e-9
        moved, _ = warp(image, identity, image.size, bend)
        assert 0.2 < difference(moved.crop(part), image.crop(part)) < most


def test_pasting_follows_the_mask() -> None:
    black, white = Image.new("RGB", (4, 1)), Image.new("RGB", (4, 1), (255, 255, 255))
    mask = np.array([[0, 0.25, 0.5, 1]], np.float32)
    pasted = np.asarray(paste(white, black, mask))
    assert pasted[0, :, 0].tolist() == pytest.approx([0, 64, 128, 255], abs=1)
