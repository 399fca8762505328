"""Forensic views show altered parts and nothing else."""

import base64
import json
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.examples import examples
from tests.sample_images import encode, noise, portrait
from veraface.forensics import (
    VIEW_GUIDES,
    error_levels,
    find_jpeg_grid,
    forensic_views,
    noise_residual,
    strips,
)
from veraface.forensics.guides import ERROR_GAIN, NOISE_GAIN, RESAVED_QUALITY
from veraface.imaging.decode import ImageFile, recompress

PATCH = (200, 120, 360, 280)  # left, upper, right, lower
INSIDE = (slice(140, 260), slice(220, 340))  # rows and columns of the patch, away from its edge
QUICK = settings(max_examples=examples(40), deadline=None)


def photo() -> Image.Image:
    """Return an image without traces of JPEG compression."""
    return portrait().resize((704, 704), Image.Resampling.LANCZOS).crop((0, 0, 640, 480))


def patched(image: Image.Image, patch: Image.Image) -> Image.Image:
    copy = image.copy()
    copy.paste(patch, PATCH)
    return copy


def around(view: np.ndarray) -> np.ndarray:
    """Return all values far from the patch."""
    far = np.ones(view.shape, bool)
    far[60:340, 140:420] = False
    return view[far]


def test_patch_without_earlier_compression_is_bright_in_error_levels() -> None:
    saved = recompress(photo(), 80)
    before, after = error_levels(saved), error_levels(patched(saved, photo().crop(PATCH)))
    assert after[INSIDE].mean() > 2 * before[INSIDE].mean()
    assert np.abs(around(after).astype(int) - around(before)).max() == 0  # and nothing else changes


def test_smooth_patch_is_dark_and_grainy_patch_is_bright_in_noise() -> None:
    generator = np.random.default_rng(1)
    pixels = np.full((480, 640), 120) + generator.normal(0, 4, (480, 640))
    pixels[120:280, 200:360] = 120 + generator.normal(0, 0.4, (160, 160))
    view = noise_residual(Image.fromarray(np.rint(pixels).astype(np.uint8)).convert("RGB"))
    assert view[INSIDE].mean() < around(view).mean() / 4
    pixels[120:280, 200:360] = 120 + generator.normal(0, 12, (160, 160))
    view = noise_residual(Image.fromarray(np.rint(pixels).astype(np.uint8)).convert("RGB"))
    assert view[INSIDE].mean() > 2 * around(view).mean()


def test_noise_is_the_difference_to_the_median() -> None:
    image = noise(23, 17)
    gray = np.asarray(image.convert("L")).astype(int)
    padded = np.pad(gray, 1, mode="edge")
    nine = np.stack([padded[y : y + 17, x : x + 23] for y in range(3) for x in range(3)])
    expected = np.minimum(NOISE_GAIN * np.abs(gray - np.median(nine, axis=0)), 255)
    assert (noise_residual(image) == expected).all()


@pytest.mark.parametrize("offset", [(0, 0), (3, 5), (7, 1), (0, 4)])
def test_grid_offset_is_found(offset: tuple[int, int]) -> None:
    """Cropping a JPEG shifts its grid."""
    x, y = offset
    cropped = recompress(photo(), 75).crop(((8 - x) % 8, (8 - y) % 8, 600, 440))
    grid = find_jpeg_grid(cropped)
    assert grid.offset == offset
    assert np.median(grid.view) < 40  # in place nearly everywhere
    assert grid.view.max() <= 135


@pytest.mark.parametrize("shift", [(3, 5), (4, 0), (0, 2)])
def test_patch_with_a_shifted_grid_is_white_and_one_without_is_gray(shift: tuple[int, int]) -> None:
    saved = recompress(photo(), 80)
    left, upper, right, lower = PATCH
    source = photo().transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    moved = recompress(source, 80).crop(
        (left + shift[0], upper + shift[1], right + shift[0], lower + shift[1])
    )
    view = find_jpeg_grid(patched(saved, moved)).view
    assert view[180:220, 260:300].mean() > 190
    assert np.median(around(view)) < 70
    view = find_jpeg_grid(patched(saved, photo().crop(PATCH))).view
    assert 110 < view[180:220, 260:300].mean() < 150


def test_image_without_jpeg_compression_has_no_grid() -> None:
    for image in (photo(), noise(300, 200)):
        grid = find_jpeg_grid(image)
        assert grid.offset is None
        assert np.percentile(np.abs(grid.view.astype(int) - 128), 99) < 30


@pytest.mark.parametrize("color", ["black", "white", "grey", (200, 30, 90)])
@pytest.mark.parametrize("size", [(300, 200), (1, 1), (7, 1), (1, 40), (8, 8), (17, 33)])
def test_uniform_image_shows_nothing(color: object, size: tuple[int, int]) -> None:
    found = forensic_views(Image.new("RGB", size, color))
    assert found.grid_offset is None
    assert found.views["error_levels"].max() <= ERROR_GAIN * 2  # its color may be rounded
    assert np.ptp(found.views["error_levels"]) == 0
    assert found.views["noise"].max() == 0
    assert (found.views["grid"] == 128).all()


@QUICK
@given(
    st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32 - 1), st.sampled_from(["noise", "levels"])
)
def test_any_image_gives_three_views_of_its_size(width: int, height: int, seed: int, kind: str) -> None:
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 256 if kind == "noise" else 4, (height, width, 3), dtype=np.uint8)
    found = forensic_views(Image.fromarray(pixels))
    assert set(found.views) == {guide.name for guide in VIEW_GUIDES}
    for view in found.views.values():
        assert view.shape == (height, width)
        assert view.dtype == np.uint8
    assert json.loads(json.dumps(found.to_dict()))["views"][0]["width"] == width


@QUICK
@given(st.integers(8, 60), st.integers(8, 60), st.integers(1, 7), st.integers(0, 99))
def test_strip_size_does_not_change_the_views(width: int, height: int, rows: int, seed: int) -> None:
    """Views computed in strips equal those of the whole image."""
    image = noise(width, height, seed)
    whole = forensic_views(image)
    kept = strips._STRIP_PIXELS
    try:
        strips._STRIP_PIXELS = width * 8 * rows
        parts = forensic_views(image)
    finally:
        strips._STRIP_PIXELS = kept
    assert whole.grid_offset == parts.grid_offset
    for name, view in whole.views.items():
        assert (view == parts.views[name]).all(), name


@pytest.mark.parametrize("size", [(1024, 300), (1025, 300), (2500, 1999), (20_000, 3), (3, 9001)])
def test_large_images_are_analyzed_at_full_size(size: tuple[int, int]) -> None:
    factor = -(-max(size) // 1024)
    expected = tuple(-(-side // factor) for side in reversed(size))
    image = noise(*size)
    found = forensic_views(image)
    assert {view.shape for view in found.views.values()} == {expected}
    # A smaller copy has lost most of it.
    assert found.views["noise"].mean() > 60


def test_position_is_kept_in_the_view_of_a_large_image() -> None:
    saved = recompress(photo().resize((2560, 1920), Image.Resampling.LANCZOS), 85)
    grainy = noise(200, 200, seed=3)
    saved.paste(grainy, (2000, 400))
    view = forensic_views(saved).views["noise"]
    rows, columns = np.nonzero(view > 150)
    assert view.shape == (640, 854)
    assert (abs(columns.mean() * 3 - 2100), abs(rows.mean() * 3 - 500)) < (20, 20)


def test_equal_pixels_give_equal_views() -> None:
    one, other = forensic_views(photo()), forensic_views(Image.fromarray(np.asarray(photo())))
    assert one.to_dict() == other.to_dict()


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "CMYK"])
def test_views_of_other_pixel_modes(mode: str) -> None:
    kind = "TIFF" if mode == "CMYK" else "PNG"
    content = encode(photo().resize((64, 48)).convert(mode), kind)
    found = forensic_views(ImageFile(content).decode())
    assert found.views["noise"].shape == (48, 64)


def test_encoded_views_contain_nothing_of_the_input() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    profile = b"ICC-secret" * 20
    content = encode(photo(), "JPEG", exif=exif, icc_profile=profile, comment=b"a secret word")
    answer = forensic_views(ImageFile(content).decode()).to_dict()
    assert [view["name"] for view in answer["views"]] == ["error_levels", "noise", "grid"]
    for view in answer["views"]:
        file = base64.b64decode(view["data"], validate=True)
        assert b"ecret" not in file
        with Image.open(BytesIO(file)) as opened:
            assert (opened.format, opened.size) == ("WEBP", (view["width"], view["height"]))
            assert not {"exif", "icc_profile", "xmp"} & set(opened.info)
    assert answer["resaved_quality"] == RESAVED_QUALITY


def test_each_view_has_a_guide() -> None:
    for guide in VIEW_GUIDES:
        assert "black" in guide.meaning
        assert len(guide.reading) > 60
        assert len(guide.misleading) > 60
