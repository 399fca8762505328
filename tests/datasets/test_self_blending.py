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
@settings(max_examples=examples(100), deadline=5000)
def test_takes_any_box_in_any_image(case: tuple[tuple[int, int], Box], gray: bool, seed: int) -> None:
    (width, height), box = case
    image = noise(width, height, seed)
    if gray:
        image = image.convert("L").convert("RGB")
    before = image.tobytes()
    blended = self_blend(image, box, np.random.default_rng(seed))
    assert (blended.mode, blended.size) == ("RGB", image.size)
    assert image.tobytes() == before, "the original stays as it was"
    assert self_blend(image, box, np.random.default_rng(seed)).tobytes() == blended.tobytes()


@given(seed=SEEDS)
@settings(max_examples=examples(40), deadline=None)
def test_only_the_face_and_its_edge_are_blended(seed: int) -> None:
    """Beyond half a face around the box a blend is the image, or the image changed as a whole.

    Then what the face looks like changes nothing there, but for a grain: contrast hangs on the mean, and
    recompression may make more of a step of one.
    """
    image, box = portrait(), Box(178, 58, 95, 122)
    other = image.copy()
    other.paste((90, 90, 90), (210, 100, 240, 140))
    one, two = (np.asarray(self_blend(p, box, np.random.default_rng(seed)), int) for p in (image, other))
    apart = np.abs(one - two).max(axis=2)
    assert apart[58:180, 178:273].max() > 20, "on the face they differ"
    outside = np.ones(apart.shape, bool)
    outside[:241, 130:321] = False
    assert apart[outside].mean() < 2
    assert np.quantile(apart[outside], 0.99) <= 12


def test_half_of_the_blends_leave_the_surroundings_alone() -> None:
    image, random = face(0, fake=False), np.random.default_rng
    kept = sum(
        difference(np.asarray(self_blend(image, BOX, random(i)))[:4], np.asarray(image)[:4]) == 0
        for i in range(200)
    )
    assert kept == pytest.approx(100, abs=35)


def test_something_changes_within_the_face() -> None:
    image = face(0, fake=False)
    inside = image.crop((25, 21, 66, 73))
    changes = [
        difference(
            self_blend(image, BOX, np.random.default_rng(i)).crop((25, 21, 66, 73)),
            inside,
        )
        for i in range(100)
    ]
    assert min(changes) > 0
    assert np.median(changes) > 1
    assert max(changes) < 60


def test_faces_larger_than_the_image_change_too() -> None:
    """Sources that come cropped tightly would else lend their reals to be called fakes."""
    image = portrait().crop((190, 80, 260, 150))
    changes = [
        difference(self_blend(image, Box(-600, -600, 1300, 1300), np.random.default_rng(i)), image)
        for i in range(40)
    ]
    assert sum(change > 0.3 for change in changes) > 30


def test_flat_image_shows_the_mask() -> None:
    """Around the face the flat color stays, or is another flat one; what differs lies on the face."""
    flat = Image.new("RGB", (96, 96), (120, 110, 100))
    seen = 0
    for i in range(60):
        pixels = np.asarray(self_blend(flat, BOX, np.random.default_rng(i)), int)
        border = np.concatenate([pixels[0], pixels[-1]])
        spread = np.ptp(border, axis=0).max()
        if spread == 0 and not (pixels == border[0]).all():
            rows, columns = np.nonzero((pixels != border[0]).any(axis=2))
            assert 21 <= rows.mean() <= 73
            assert 25 <= columns.mean() <= 66
            seen += 1
    assert seen > 20
