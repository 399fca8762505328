"""Reconstructions pasted back: only the face changes, whatever is pasted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.datasets.sample_shapes import shapes_of
from tests.datasets.test_blending import BOX, SEEDS, images_and_boxes
from tests.examples import examples
from tests.sample_data import face
from tests.sample_images import difference, noise
from veraface.datasets.synthesis.blending import restore
from veraface.datasets.synthesis.reconstruction import paste_reconstruction
from veraface.geometry import Box

SQUARE = Box(15.5, 16.2, 62, 62)


def reconstruction(image: Image.Image, square: Box, side: int) -> Image.Image:
    """Return the square as an autoencoder of that size would: with less detail."""
    edges = (square.x, square.y, square.x + square.width, square.y + square.height)
    small = image.resize((3 * side // 4, 3 * side // 4), Image.Resampling.BILINEAR, box=edges)
    return small.resize((side, side), Image.Resampling.BICUBIC)


@given(
    case=images_and_boxes(),
    square=st.tuples(st.floats(-60, 90), st.floats(-60, 90), st.floats(1, 150)),
    side=st.integers(1, 256),
    seed=SEEDS,
)
@settings(max_examples=examples(120), deadline=60_000)
def test_takes_any_square_of_any_image(
    case: tuple[tuple[int, int], Box], square: tuple[float, float, float], side: int, seed: int
) -> None:
    (width, height), box = case
    image, x, y, wide = noise(width, height, seed), *square
    before = image.tobytes()
    results = [
        paste_reconstruction(
            image, box, noise(side, side, 1), Box(x, y, wide, wide), np.random.default_rng(seed)
        )
        for _ in range(2)
    ]
    assert (results[0].mode, results[0].size) == ("RGB", image.size)
    assert results[0].tobytes() == results[1].tobytes()
    assert image.tobytes() == before, "the original stays as it was"


@given(seed=SEEDS, dense=st.booleans())
@settings(max_examples=examples(80), deadline=None)
def test_outside_the_square_the_image_stays_to_the_last_bit(seed: int, dense: bool) -> None:
    image = face(0, fake=False)
    pasted = paste_reconstruction(
        image, BOX, noise(64, 64), SQUARE, np.random.default_rng(seed), shapes_of(BOX) if dense else None
    )
    changed = (np.asarray(pasted) != np.asarray(image)).any(axis=2)
    assert changed[21:73, 25:66].any()
    changed[16:79, 15:78] = False
    assert not changed.any()


@pytest.mark.parametrize("side", [48, 64, 256])
def test_a_good_reconstruction_falls_where_it_was_taken(side: int) -> None:
    """What is pasted agrees with the face beneath but for the detail; shifted, it would not."""
    image, part = face(0, fake=False), (25, 21, 66, 73)

    def change(square: Box) -> float:
        taken = reconstruction(image, SQUARE, side)
        pasted = [
            paste_reconstruction(image, BOX, taken, square, np.random.default_rng(i)) for i in range(30)
        ]
        return float(np.median([difference(p.crop(part), image.crop(part)) for p in pasted]))

    right, wrong = change(SQUARE), change(Box(SQUARE.x + 6, SQUARE.y + 5, SQUARE.width, SQUARE.height))
    assert 0 < right < 8
    assert wrong > 1.3 * right


def test_a_square_outside_the_image_changes_nothing() -> None:
    image = face(0, fake=False)
    pasted = paste_reconstruction(image, BOX, noise(64, 64), Box(200, 0, 60, 60), np.random.default_rng(0))
    assert pasted.tobytes() == image.tobytes()


def test_restorers_remove_grain_and_exaggerate_edges() -> None:
    grain = np.random.default_rng(0).normal(0, 3, (128, 128, 3))
    halves = np.where(np.arange(128)[None, :, None] < 64, 80, 180) + grain
    image = Image.fromarray(np.clip(halves, 0, 255).astype(np.uint8))
    for seed in range(8):
        after = np.asarray(restore(image, Box(0, 0, 128, 128), np.random.default_rng(seed)), float)
        assert after[:, :50].std() < 0.75 * np.asarray(image, float)[:, :50].std()
        assert np.ptp(after.mean(axis=(0, 2))) > 104, "the edge overshoots"
