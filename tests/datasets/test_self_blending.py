"""Self-blended images of real faces."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.datasets.test_blending import BOX, SEEDS, images_and_boxes
from tests.examples import examples
from tests.sample_data import face
from tests.sample_images import difference, noise, portrait
from veraface.datasets.synthesis.self_blending import self_blend
from veraface.geometry import Box


@given(case=images_and_boxes(), gray=st.booleans(), seed=SEEDS)
@settings(max_examples=examples(100), deadline=60_000)
def test_takes_any_box_in_any_image(case: tuple[tuple[int, int], Box], gray: bool, seed: int) -> None:
    (width, height), box = case
    image = noise(width, height, seed)
    if gray:
        image = image.convert("L").convert("RGB")
    before = image.tobytes()
    fake, real = self_blend(image, box, np.random.default_rng(seed))
    assert (fake.mode, fake.size) == (real.mode, real.size) == ("RGB", image.size)
    assert image.tobytes() == before, "the original stays as it was"
    again = self_blend(image, box, np.random.default_rng(seed))
    assert [p.tobytes() for p in again] == [fake.tobytes(), real.tobytes()]


@given(seed=SEEDS)
@settings(max_examples=examples(40), deadline=None)
def test_outside_the_face_and_its_edge_both_of_a_pair_are_the_same(seed: int) -> None:
    fake, real = self_blend(portrait(), Box(178, 58, 95, 122), np.random.default_rng(seed))
    changed = (np.asarray(fake) != np.asarray(real)).any(axis=2)
    assert changed[58:180, 178:273].any()
    changed[27:212, 153:298] = False  # a quarter of the box for the soft edge
    assert not changed.any()


def test_half_of_the_reals_are_changed_as_a_whole() -> None:
    image, random = face(0, fake=False), np.random.default_rng
    kept = sum(self_blend(image, BOX, random(i))[1] is image for i in range(200))
    assert kept == pytest.approx(100, abs=35)


def test_a_kept_target_is_the_image_itself() -> None:
    image = face(0, fake=False)
    for i in range(20):
        fake, real = self_blend(image, BOX, np.random.default_rng(i), keep_target=True)
        assert real is image
        assert fake.tobytes() != image.tobytes()


def test_something_changes_within_the_face() -> None:
    image, part = face(0, fake=False), (25, 21, 66, 73)
    changes = []
    for i in range(100):
        fake, real = self_blend(image, BOX, np.random.default_rng(i))
        changes.append(difference(fake.crop(part), real.crop(part)))
    assert min(changes) > 0
    assert np.median(changes) > 1
    assert max(changes) < 60


def test_faces_larger_than_the_image_change_too() -> None:
    """Sources that come cropped tightly would otherwise lend their reals to be called fakes."""
    image = portrait().crop((190, 80, 260, 150))
    pairs = [self_blend(image, Box(-600, -600, 1300, 1300), np.random.default_rng(i)) for i in range(40)]
    assert sum(difference(fake, real) > 0.3 for fake, real in pairs) > 30


def test_the_mask_lies_on_the_face() -> None:
    flat = Image.new("RGB", (96, 96), (120, 110, 100))
    seen = 0
    for i in range(60):
        fake, real = self_blend(flat, BOX, np.random.default_rng(i))
        changed = (np.asarray(fake) != np.asarray(real)).any(axis=2)
        if changed.any():
            rows, columns = np.nonzero(changed)
            assert 21 <= rows.mean() <= 73
            assert 25 <= columns.mean() <= 66
            seen += 1
    assert seen > 20
