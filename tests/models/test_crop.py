"""The face crop: position, scale and border."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.examples import examples
from tests.sample_images import difference, portrait
from veraface.geometry import Box
from veraface.imaging.lazy import QUARTER_TURNS
from veraface.models.crop import CropSettings, FaceViews, crop_box, crop_face, level_angle

FACE = Box(180, 70, 80, 110)  # of the portrait
DEFAULT = CropSettings()


def pattern(width: int = 400, height: int = 300) -> Image.Image:
    """Return an image whose red increases by one per pixel to the right, and green downward."""
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([x % 256, y % 256, np.zeros_like(x)], axis=-1).astype(np.uint8))


@pytest.mark.parametrize("size", [16, 160, 224])
def test_crop_shape_and_type(size: int) -> None:
    crop = crop_face(portrait(), FACE, CropSettings(size=size))
    assert crop.shape == (size, size, 3)
    assert crop.dtype == np.uint8


def test_the_square_is_centered_on_the_box_and_scaled_by_the_margin() -> None:
    square = crop_box(Box(10, 20, 30, 50), CropSettings(margin=1.4))
    assert (square.width, square.height) == pytest.approx((70, 70))
    assert (square.x + 35, square.y + 35) == pytest.approx((25, 45))


def test_a_crop_without_scaling_copies_the_pixels() -> None:
    image = pattern()
    crop = crop_face(image, Box(60, 80, 40, 100), CropSettings(size=100, margin=1.0))
    assert difference(crop, image.crop((30, 80, 130, 180))) == 0


def test_center_and_scale() -> None:
    # A square of 64 px around (100, 90), resized to 160: 2.5 output pixels per image pixel.
    crop = crop_face(pattern(), Box(68, 58, 64, 64), CropSettings(size=160, margin=1.0)).astype(float)
    columns, rows = crop[10:150, 10:150, 0].mean(axis=0), crop[10:150, 10:150, 1].mean(axis=1)
    outputs = np.arange(10, 150) + 0.5
    assert np.abs(columns - (68 + outputs / 2.5 - 0.5)).max() < 0.75
    assert np.abs(rows - (58 + outputs / 2.5 - 0.5)).max() < 0.75


@pytest.mark.parametrize(
    ("box", "outside"),
    [
        (Box(-50, 100, 100, 100), np.s_[:, :50]),
        (Box(350, 100, 100, 100), np.s_[:, 50:]),
        (Box(150, -50, 100, 100), np.s_[:50, :]),
        (Box(150, 250, 100, 100), np.s_[50:, :]),
    ],
    ids=["left", "right", "top", "bottom"],
)
def test_edge_pixels_are_repeated_outside_the_image(box: Box, outside: tuple[slice, slice]) -> None:
    image = np.asarray(pattern())
    crop = crop_face(Image.fromarray(image), box, CropSettings(size=100, margin=1.0))
    ys = np.clip(np.arange(box.y, box.y + 100), 0, 299).astype(int)
    xs = np.clip(np.arange(box.x, box.x + 100), 0, 399).astype(int)
    expected = image[ys][:, xs]
    assert difference(crop[outside], expected[outside]) == 0
    assert difference(crop, expected) == 0


def test_an_image_of_twice_the_size_gives_nearly_the_same_crop() -> None:
    image = portrait()
    twice = image.resize((1024, 1024), Image.Resampling.BICUBIC)
    assert difference(crop_face(image, FACE, DEFAULT), crop_face(twice, FACE.scaled(2), DEFAULT)) < 3


def test_the_image_is_not_modified() -> None:
    image = portrait()
    before = image.tobytes()
    crop_face(image, FACE, DEFAULT).copy().fill(0)
    assert image.tobytes() == before


@pytest.mark.parametrize(
    "box",
    [Box(-500, 0, 100, 100), Box(0, -500, 100, 100), Box(600, 0, 50, 50), Box(0, 600, 50, 50)],
)
def test_a_box_outside_the_image_is_refused(box: Box) -> None:
    with pytest.raises(ValueError, match="outside the image"):
        crop_face(portrait(), box, DEFAULT)


@pytest.mark.parametrize(
    "box",
    [
        Box(5, 5, 0, 0),
        Box(5, 5, -3, -3),
        Box(float("nan"), 0, 9, 9),
        Box(0, 0, float("inf"), 9),
    ],
    ids=["empty", "negative", "nan", "infinite"],
)
def test_an_invalid_box_is_refused(box: Box) -> None:
    with pytest.raises(ValueError, match="box"):
        crop_face(portrait(), box, DEFAULT)


@pytest.mark.parametrize("roll", [0, 30, 90, 180, 200])
def test_a_turned_box_outside_the_image_is_refused(roll: float) -> None:
    with pytest.raises(ValueError, match="outside the image"):
        crop_face(portrait(), Box(900, 0, 100, 100), DEFAULT, roll)


@pytest.mark.parametrize("box", [FACE, Box(-20, 30, 90, 120), Box(440, 400, 80, 120)], ids=str)
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_quarter_turn_gives_exactly_the_same_crop(turns: int, box: Box) -> None:
    turned = portrait().transpose(QUARTER_TURNS[turns])
    crop = crop_face(turned, box.turned(turns, 512, 512), DEFAULT, -90.0 * turns)
    assert difference(crop, crop_face(portrait(), box, DEFAULT)) == 0


@pytest.mark.parametrize("roll", [-120, -30, 30, 45, 100])
def test_a_leaning_face_is_leveled(roll: float) -> None:
    center = FACE.x + FACE.width / 2, FACE.y + FACE.height / 2
    # Turned clockwise around the center of the box, which stays where it is.
    leaning = portrait().rotate(-roll, Image.Resampling.BICUBIC, center=center)
    upright = crop_face(portrait(), FACE, DEFAULT)
    assert difference(crop_face(leaning, FACE, DEFAULT, roll), upright) < 4
    assert difference(crop_face(leaning, FACE, DEFAULT), upright) > 15


@pytest.mark.parametrize(
    ("roll", "angle"), [(-6.9, 0), (6.9, 0), (7.1, 7.1), (84, 90), (-173.5, -180), (60, 60)]
)
def test_faces_that_hardly_lean_are_not_turned(roll: float, angle: float) -> None:
    assert level_angle(roll) == angle
    assert (
        difference(crop_face(portrait(), FACE, DEFAULT, roll), crop_face(portrait(), FACE, DEFAULT, angle))
        == 0
    )


@settings(max_examples=examples(150), deadline=60_000)
@given(
    x=st.floats(-3000, 3000),
    y=st.floats(-3000, 3000),
    width=st.floats(1e-6, 1e7),
    height=st.floats(1e-6, 1e7),
    image_size=st.sampled_from([(1, 1), (1, 500), (500, 1), (64, 48)]),
    roll=st.sampled_from([0, 90, 45, -170]),
)
def test_extreme_boxes_give_a_crop_or_a_value_error(
    x: float, y: float, width: float, height: float, image_size: tuple[int, int], roll: float
) -> None:
    image = Image.new("RGB", image_size, (10, 20, 30))
    try:
        crop = crop_face(image, Box(x, y, width, height), DEFAULT, roll)
    except ValueError as error:
        assert "outside the image" in str(error)  # noqa: PT017 - either outcome is right
        return
    assert crop.shape == (160, 160, 3)
    assert np.unique(crop.reshape(-1, 3), axis=0).tolist() == [[10, 20, 30]]


@pytest.mark.parametrize("roll", [0, 45, 225])
def test_every_allowed_margin_gives_a_crop_and_a_wide_view(roll: float) -> None:
    """Also of leaning faces, whose crop is cut out of a larger square."""
    views = FaceViews(portrait(), FACE, CropSettings(size=160, margin=4.0), roll)
    assert views.as_is().shape == views.saved_again().shape == (160, 160, 3)
    assert np.array_equal(FaceViews(portrait(), FACE, DEFAULT, roll).wide(4.0), views.as_is())


@pytest.mark.parametrize("values", [{"size": 15}, {"size": 1025}, {"margin": 0.9}, {"margin": 4.1}])
def test_invalid_settings_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="16..1024"):
        CropSettings(**values)


def test_settings_are_equal_after_conversion_to_a_dict() -> None:
    settings_ = CropSettings(size=192, margin=1.5)
    assert CropSettings(**asdict(settings_)) == settings_
