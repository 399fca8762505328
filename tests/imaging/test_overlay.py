from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from tests.sample_images import encode
from veraface.errors import VerafaceError
from veraface.geometry import Box
from veraface.imaging.overlay import draw_overlay, write_overlay
from veraface.results import DetectionResult, FaceResult, Heatmap, Verdict

FACE = Box(30, 30, 40, 40)


def result(
    grid: np.ndarray, verdict: Verdict = Verdict.FAKE, box: Box = FACE, angle: float = 0.0
) -> DetectionResult:
    face = FaceResult(box, ((0, 0),) * 5, 0.9, 0.5, verdict, (), Heatmap(Box(20, 20, 60, 60), grid, angle))
    return DetectionResult(verdict, 0.5, (face,), (), 100, 100, "PNG", {}, {}, {})


def test_heatmap_is_drawn_in_place_and_neutral_cells_are_not() -> None:
    gray = Image.new("RGB", (100, 100), (128, 128, 128))
    grid = np.full((4, 4), 0.5, np.float32)
    neutral = np.asarray(draw_overlay(gray, result(grid)), int)
    grid[:, :2] = 1.0  # the left half is evidence of fake
    marked = np.asarray(draw_overlay(gray, result(grid)), int)
    difference = np.abs(marked - neutral).sum(axis=2)
    assert difference[25:75, 22:45].mean() > 60
    assert difference[:, 85:].max() == 0
    assert (neutral[50, 50] == 128).all()


def test_the_heatmap_of_a_leaning_face_is_turned_with_it() -> None:
    gray = Image.new("RGB", (100, 100), (128, 128, 128))
    grid = np.zeros((4, 4), np.float32)
    grid[:, :2] = 1.0  # the left half of the upright face, above after a quarter turn clockwise

    def redness(angle: float) -> np.ndarray:
        pixels = np.asarray(draw_overlay(gray, result(grid, angle=angle)), int)
        return pixels[..., 0] - pixels[..., 2]

    quarter = redness(90)
    assert quarter[22:45, 25:75].mean() > 30 > -30 > quarter[60:78, 25:75].mean()
    tilted = redness(45)
    assert tilted[12:18, 48:52].mean() > 10  # the corner of the square, above it now
    assert tilted[75:, 75:].max() == 0


def test_fake_and_real_have_different_colors() -> None:
    gray = Image.new("RGB", (100, 100), (128, 128, 128))
    overlay = draw_overlay(gray, result(np.array([[1, 0], [1, 0]], np.float32)))
    red, _, blue = overlay.getpixel((35, 50))
    assert red > blue
    red, _, blue = overlay.getpixel((65, 50))
    assert blue > red


def test_a_heatmap_that_is_fake_all_over_shows_where_it_is_most_so() -> None:
    gray = Image.new("RGB", (100, 100), (128, 128, 128))
    overlay = draw_overlay(gray, result(np.array([[0.99, 0.8], [0.99, 0.8]], np.float32)))
    (red, _, blue), (other_red, _, other_blue) = (overlay.getpixel((x, 50)) for x in (35, 65))
    assert red > blue
    assert other_red < other_blue


@pytest.mark.parametrize("box", [Box(-10, -10, 60, 60), Box(90, 90, 50, 50), Box(0, 0, 100, 100)])
def test_faces_at_the_edge_are_drawn(box: Box) -> None:
    overlay = draw_overlay(Image.new("RGB", (100, 100)), result(np.ones((2, 2), np.float32), box=box))
    assert overlay.size == (100, 100)
    assert np.asarray(overlay).any()


def test_source_is_not_changed_and_large_images_are_reduced() -> None:
    image = Image.new("RGB", (5000, 2500))
    overlay = draw_overlay(image, result(np.ones((2, 2), np.float32)))
    assert overlay.size == (2000, 1000)
    assert image.size == (5000, 2500)
    assert not np.asarray(image).any()


def test_overlay_is_written_atomically(tmp_path: Path) -> None:
    image = Image.new("RGB", (100, 100))
    write_overlay(image, result(np.ones((2, 2), np.float32)), tmp_path / "a.png")
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    with pytest.raises(VerafaceError, match=r"b\.png: cannot be written"):
        write_overlay(image, result(np.ones((2, 2), np.float32)), tmp_path / "none" / "b.png")


CANARY = b"Canary, made up for this test, "


def with_metadata(kind: str) -> bytes:
    exif, texts = Image.Exif(), PngImagePlugin.PngInfo()
    exif[0x010E] = CANARY.decode()  # ImageDescription
    texts.add_text("parameters", CANARY.decode())
    more = {"pnginfo": texts} if kind == "PNG" else {"comment": CANARY, "xmp": CANARY}
    data = encode(
        Image.new("RGB", (100, 100), "grey"), kind, exif=exif, icc_profile=CANARY * 20, dpi=(77, 77), **more
    )
    assert CANARY in data
    return data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_overlay_contains_only_pixels_of_its_image(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "overlay.png"
    write_overlay(with_metadata(kind), result(np.ones((2, 2), np.float32)), out)
    data, chunks, at = out.read_bytes(), [], 8
    while at < len(data):
        chunks.append(data[at + 4 : at + 8])
        at += 12 + int.from_bytes(data[at : at + 4])
    assert sorted(set(chunks)) == [b"IDAT", b"IEND", b"IHDR"]
