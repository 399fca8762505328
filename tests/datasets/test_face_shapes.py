"""Contours of faces: storage, moves, regions, and the masks that are drawn from them."""

import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image

from tests.datasets.sample_shapes import shapes_of
from tests.datasets.test_blending import BOX, SEEDS, images_and_boxes
from tests.datasets.test_face_swap import POINTS, checks, turned
from tests.examples import examples
from tests.sample_data import face
from tests.sample_images import difference, noise
from veraface.datasets.synthesis.blending import blend_mask
from veraface.datasets.synthesis.face_shapes import REGIONS, FaceShapes
from veraface.datasets.synthesis.face_swap import swap_face
from veraface.datasets.synthesis.self_blending import self_blend
from veraface.geometry import Box

SHAPES = shapes_of(BOX)


def test_shapes_are_stored_as_one_array() -> None:
    stored = SHAPES.to_array()
    assert (stored.shape, stored.dtype) == ((110, 2), np.float32)
    assert all(map(np.array_equal, FaceShapes.from_array(stored), SHAPES))
    with pytest.raises(ValueError, match=r"shape \(110, 2\), not \(5, 2\)"):
        FaceShapes.from_array(stored[:5])


def test_shapes_move_and_scale_with_their_image() -> None:
    moved = SHAPES.moved(10, -3).to_array() - SHAPES.to_array()
    assert moved == pytest.approx(np.tile([10, -3], (110, 1)), abs=1e-4)
    assert SHAPES.scaled(2).to_array() == pytest.approx(2 * SHAPES.to_array(), rel=1e-5)


def test_regions_lie_in_the_face() -> None:
    """The upper part of the oval is cut off at the brows or in the middle of the face."""
    tops = {name: min(float(o[:, 1].min()) for o in SHAPES.region(name)) for name in REGIONS}
    bottoms = {name: max(float(o[:, 1].max()) for o in SHAPES.region(name)) for name in REGIONS}
    eyes, mouth = BOX.y + 0.4 * BOX.height, BOX.y + 0.8 * BOX.height
    assert tops["face"] < tops["no_forehead"] < eyes < tops["lower"] < mouth
    assert bottoms["face"] == bottoms["no_forehead"] == bottoms["lower"]
    assert tops["nose"] < bottoms["eyes"] < tops["mouth"]


def test_half_of_the_masks_follow_the_shapes() -> None:
    """The shapes of a face a fifth further right than its box."""
    shapes = SHAPES.moved(8, 0)
    middles = []
    for seed in range(200):
        mask = blend_mask((96, 96), BOX, np.random.default_rng(seed), shapes, whole=1.0)
        middles.append(float((mask.sum(axis=0) * np.arange(96)).sum() / mask.sum()))
    shifted = np.abs(np.array(middles) - (BOX.x + BOX.width / 2 + 8)) < 1.5
    assert np.mean(shifted) == pytest.approx(0.5, abs=0.12)


@given(case=images_and_boxes(), seed=SEEDS)
@settings(max_examples=examples(80), deadline=60_000)
def test_masks_fit_any_shapes_in_any_image(case: tuple[tuple[int, int], Box], seed: int) -> None:
    size, box = case
    random = np.random.default_rng(seed)
    shapes = FaceShapes.from_array(random.normal(0, 100, (110, 2))) if seed % 2 else shapes_of(box)
    mask = blend_mask(size, box, random, shapes)
    assert mask.shape == size[::-1]
    assert 0 <= mask.min() <= mask.max() <= 1
    fake, real = self_blend(noise(*size, seed), box, random, shapes)
    assert fake.size == real.size == size


def test_masks_of_shapes_take_the_whole_face_and_parts_of_it() -> None:
    areas = [
        float(blend_mask((96, 96), BOX, np.random.default_rng(i), SHAPES).sum()) / BOX.area
        for i in range(200)
    ]
    assert min(areas) < 0.06
    assert max(areas) > 0.65
    assert min(areas) > 0.005


def test_swaps_fit_the_shapes_of_both_faces() -> None:
    """The same person twice as large, whose five landmarks are wrong: the contours still fit."""
    target = face(0, fake=False)
    large = target.resize((192, 192), Image.Resampling.BICUBIC)
    part = (25, 21, 66, 73)

    def change(both: bool) -> float:
        wrong = turned(2 * POINTS, 40, 1.0, (30, 0))
        swaps = [
            swap_face(
                target,
                BOX,
                POINTS,
                large,
                wrong,
                np.random.default_rng(seed),
                SHAPES,
                SHAPES.scaled(2) if both else None,
            )
            for seed in range(30)
        ]
        return float(np.median([difference(swap.crop(part), target.crop(part)) for swap in swaps]))

    assert change(both=True) < 3
    assert change(both=False) > 2.5 * change(both=True)


@given(seed=SEEDS)
@settings(max_examples=examples(60), deadline=None)
def test_swaps_take_any_shapes(seed: int) -> None:
    """Also flat, mirrored and random ones."""
    random = np.random.default_rng(seed)
    scale = random.choice([0.0, 1.0, -1.0, 40.0], 2)
    other = FaceShapes.from_array(SHAPES.to_array() * scale + random.normal(0, np.abs(scale).max(), (110, 2)))
    swapped = swap_face(face(0, fake=False), BOX, POINTS, checks(), POINTS, random, SHAPES, other)
    assert swapped.size == (96, 96)
