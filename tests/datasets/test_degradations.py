"""Degradations: reproducible, with their probabilities, and safe on any image."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.examples import examples
from tests.sample_data import face
from veraface.datasets import degradations as d
from veraface.datasets.degradations import Degradations
from veraface.geometry import Box

ALWAYS = Degradations(
    untouched=0,
    rescale=1,
    blur=1,
    noise=1,
    color=1,
    grayscale=1,
    recompress=1,
    recompress_again=1,
    occlude=1,
    smooth=1,
    sharpen=1,
    messenger=0,
    screenshot=0,
    video=0,
)
BOX = Box(25, 21, 41, 52)

PRIMITIVES: dict[str, Callable[[Image.Image, np.random.Generator], Image.Image]] = {
    "rescale": lambda p, r: d.rescale(p, float(r.uniform(0.01, 2)), Image.Resampling.LANCZOS),
    "blur": lambda p, r: d.blur(p, 1.8),
    "noise": lambda p, r: d.add_noise(p, 0.05, r),
    "greyscale": lambda p, r: d.grayscale(p),
    "smooth": lambda p, r: d.smooth(p, float(r.uniform(0, 1))),
    "sharpen": lambda p, r: d.sharpen(p, float(r.uniform(1, 3))),
    "colour": d.shift_color,
    "occlude": lambda p, r: d.occlude(p, Box(-1, 0, p.width, p.height + 3), r),
}


def noise_image(width: int, height: int, seed: int, *, gray: bool = False) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 1 if gray else 3), dtype=np.uint8)
    return Image.fromarray(np.repeat(pixels, 3, axis=2) if gray else pixels)


@pytest.mark.parametrize("name", PRIMITIVES)
@given(
    width=st.integers(1, 40), height=st.integers(1, 40), gray=st.booleans(), seed=st.integers(0, 2**32 - 1)
)
@settings(max_examples=examples(25), deadline=None)
def test_every_primitive_takes_every_image(name: str, width: int, height: int, gray: bool, seed: int) -> None:
    image = noise_image(width, height, seed, gray=gray)
    before = image.tobytes()
    after = PRIMITIVES[name](image, np.random.default_rng(seed))
    assert after.mode == "RGB"
    assert min(after.size) >= 1
    assert name == "rescale" or after.size == image.size
    assert image.tobytes() == before, "the original stays as it was"


@given(
    width=st.integers(1, 150),
    height=st.integers(1, 150),
    box=st.tuples(st.floats(-20, 150), st.floats(-20, 150), st.floats(0.5, 300), st.floats(0.5, 300)),
    seed=st.integers(0, 2**32 - 1),
    always=st.booleans(),
)
@settings(max_examples=examples(80), deadline=None)
def test_any_image_and_box_get_through_in_proportion(
    width: int, height: int, box: tuple[float, float, float, float], seed: int, always: bool
) -> None:
    chosen = ALWAYS if always else Degradations()
    before = Box(*box)
    image, after = chosen.apply(noise_image(width, height, 0), before, np.random.default_rng(seed))
    factor = after.max_side / before.max_side
    assert 0 < factor <= 1.4  # screenshots may enlarge
    for value, scaled in zip(before.to_list(), after.to_list(), strict=True):
        assert scaled == pytest.approx(value * factor, abs=0.11)  # lists are rounded to a tenth
    assert image.mode == "RGB"
    # A forwarded image is rescaled, and so rounded to whole pixels, twice.
    assert abs(image.width - max(1, width * factor)) <= (0.5 if always else 1)
    assert abs(image.height - max(1, height * factor)) <= (0.5 if always else 1)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=examples(20), deadline=None)
def test_same_random_state_same_degradations(seed: int) -> None:
    image = face(0, fake=False)
    one, one_box = Degradations().apply(image, BOX, np.random.default_rng(seed))
    two, two_box = Degradations().apply(image, BOX, np.random.default_rng(seed))
    assert one.tobytes() == two.tobytes()
    assert one_box == two_box


NOTHING = Degradations(
    **dict.fromkeys(
        (
            "untouched",
            "rescale",
            "blur",
            "noise",
            "color",
            "grayscale",
            "recompress",
            "occlude",
            "smooth",
            "sharpen",
            "messenger",
            "screenshot",
            "video",
        ),
        0.0,
    )
)


@pytest.mark.parametrize(
    "name",
    [
        *("rescale", "blur", "noise", "color", "recompress", "occlude", "smooth", "sharpen"),
        *("messenger", "screenshot", "video"),
    ],
)
def test_every_degradation_changes_the_image_and_depends_on_the_seed(name: str) -> None:
    image = face(0, fake=False)
    box = Box(8, 8, 80, 80)  # larger than the smallest side, so that it can be rescaled
    chosen = replace(NOTHING, **{name: 1.0})
    degraded = [chosen.apply(image, box, np.random.default_rng(seed))[0] for seed in range(3)]
    assert image.tobytes() not in [outcome.tobytes() for outcome in degraded]
    assert len({outcome.tobytes() for outcome in degraded}) == 3


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_a_frame_of_a_video_is_the_image_with_the_loss_of_its_quality(codec: str) -> None:
    image = face(0, fake=False).resize((97, 131))  # odd sides, which 4:2:0 cannot have
    before = np.asarray(image, float)
    good, bad = (np.asarray(d.compress_as_frame(image, codec, quality), float) for quality in (3, 31))
    assert good.shape == bad.shape == before.shape
    assert np.abs(good - before).mean() < np.abs(bad - before).mean() < 25


def test_grayscale_removes_the_color() -> None:
    image, _ = replace(NOTHING, grayscale=1.0).apply(face(0, fake=True), BOX, np.random.default_rng(0))
    red, green, blue = image.split()
    assert red.tobytes() == green.tobytes() == blue.tobytes()


def test_untouched_has_its_probability() -> None:
    image = face(0, fake=False)
    same = sum(
        Degradations(untouched=0.5).apply(image, BOX, np.random.default_rng(i))[0] is image
        for i in range(400)
    )
    assert 160 < same < 240
    assert Degradations(untouched=1).apply(image, BOX, np.random.default_rng(0)) == (image, BOX)


def test_faces_shrink_to_the_smallest_side_and_no_further() -> None:
    sides = [
        Degradations(untouched=0, rescale=1)
        .apply(noise_image(256, 256, 0), Box(0, 0, 200, 180), np.random.default_rng(i))[1]
        .max_side
        for i in range(60)
    ]
    assert min(sides) >= 60 - 1e-6
    assert min(sides) < 75
    assert max(sides) > 160


def test_messengers_shrink_faces_and_compress_them() -> None:
    """A face of 600 px never arrives larger than the limit of the photo allows, and as JPEG."""
    chosen = replace(NOTHING, messenger=1.0)
    image, box = noise_image(700, 700, 0), Box(50, 50, 600, 500)
    sent = [chosen.apply(image, box, np.random.default_rng(i)) for i in range(20)]
    sides = [after.max_side for _, after in sent]
    assert 64 - 1e-6 <= min(sides) < 250
    assert max(sides) <= 600
    small = Box(20, 20, 60, 60)
    kept = [chosen.apply(noise_image(100, 100, 0), small, np.random.default_rng(i)) for i in range(20)]
    assert all(after == small for _, after in kept), "faces below the smallest side are only compressed"
    assert all(pixels.tobytes() != noise_image(100, 100, 0).tobytes() for pixels, _ in kept)


def test_screenshots_are_resampled_by_any_factor() -> None:
    chosen = replace(NOTHING, screenshot=1.0)
    sizes = [
        chosen.apply(noise_image(256, 256, 0), Box(40, 40, 160, 180), np.random.default_rng(i))[0].width
        for i in range(40)
    ]
    assert min(sizes) < 150
    assert max(sizes) > 300
    assert len(set(sizes)) > 30


def test_primitives_match_their_names() -> None:
    random = np.random.default_rng(0)
    image = face(0, fake=True)
    pixels = np.asarray(image, np.float64)
    gray = np.asarray(d.grayscale(image))
    assert (gray[..., 0] == gray[..., 1]).all()
    assert (gray[..., 0] == gray[..., 2]).all()
    assert d.rescale(image, 0.5, Image.Resampling.BOX).size == (48, 48)
    assert np.asarray(d.blur(image, 2), np.float64).std() < pixels.std()
    flat = Image.new("RGB", (96, 96), (128, 128, 128))
    spread = [np.asarray(d.add_noise(flat, 0.04, random), np.float64).std() for _ in range(4)]
    assert spread == pytest.approx([255 * 0.04] * 4, rel=0.05)
    changed = (np.asarray(d.occlude(image, BOX, random)) != pixels).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert 0 < changed.sum() <= 0.33**2 * BOX.area
    assert (rows.min(), columns.min()) >= (BOX.y - 1, BOX.x - 1)
    assert (rows.max(), columns.max()) <= (BOX.y + BOX.height, BOX.x + BOX.width)


def unevenness(image: Image.Image) -> float:
    """Mean difference of neighbors."""
    return float(np.abs(np.diff(np.asarray(image, np.float64), axis=1)).mean())


def test_smoothing_reduces_and_sharpening_increases_contrast() -> None:
    """Each by how much it is asked for, down to nothing at all, and without a change of light."""
    image = face(0, fake=False)
    assert d.smooth(image, 0).tobytes() == d.sharpen(image, 1).tobytes() == image.tobytes()
    smoothed = [unevenness(d.smooth(image, share)) for share in (0, 0.3, 0.6, 0.9)]
    sharpened = [unevenness(d.sharpen(image, factor)) for factor in (1, 1.5, 2, 2.5)]
    assert smoothed == sorted(smoothed, reverse=True)
    assert sharpened == sorted(sharpened)
    assert smoothed[-1] < 0.8 * smoothed[0]
    assert sharpened[-1] > 1.2 * sharpened[0]
    for changed in (d.smooth(image, 0.9), d.sharpen(image, 2.5)):
        assert np.asarray(changed, float).mean() == pytest.approx(np.asarray(image, float).mean(), abs=2)


def test_smoothing_keeps_edges() -> None:
    """Unlike a blur: what is softened is skin, not the outline of the eyes."""
    halves = Image.new("RGB", (40, 20), (40, 40, 40))
    halves.paste((200, 200, 200), (20, 0, 40, 20))
    assert d.smooth(halves, 1).tobytes() == halves.tobytes()
    assert d.blur(halves, 1).tobytes() != halves.tobytes()


@pytest.mark.parametrize("name", ["smooth", "sharpen"])
def test_smoothing_and_sharpening_have_their_probability(name: str) -> None:
    chosen = replace(NOTHING, **{name: 0.3})
    image = face(0, fake=False)
    changed = [
        chosen.apply(image, BOX, np.random.default_rng(i))[0].tobytes() != image.tobytes() for i in range(300)
    ]
    assert np.mean(changed) == pytest.approx(0.3, abs=0.1)
