"""Images of each supported format are decoded to the right upright RGB pixels."""

import struct
import zlib
from io import BytesIO
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.sample_images import (
    ORIENTATION_TAG,
    as_stored,
    difference,
    encode,
    exif_with,
    png_chunk,
    portrait,
    quadrants,
)
from veraface.errors import UnreadableImageError, UnsupportedImageError
from veraface.imaging.decode import ImageFile, recompress

SECOND = portrait(64).transpose(Image.Transpose.ROTATE_180)
FORMATS = [
    pytest.param("JPEG", {"quality": 95}, "JPEG", id="jpeg"),
    pytest.param("JPEG", {"quality": 95, "progressive": True}, "JPEG", id="progressive-jpeg"),
    pytest.param("MPO", {"quality": 95, "save_all": True, "append_images": [SECOND]}, "JPEG", id="mpo"),
    pytest.param("PNG", {}, "PNG", id="png"),
    pytest.param("PNG", {"save_all": True, "append_images": [SECOND]}, "PNG", id="apng"),
    pytest.param("WEBP", {"quality": 95}, "WEBP", id="webp"),
    pytest.param("WEBP", {"lossless": True}, "WEBP", id="lossless-webp"),
    pytest.param(
        "WEBP", {"quality": 95, "save_all": True, "append_images": [SECOND]}, "WEBP", id="moving-webp"
    ),
    pytest.param("AVIF", {"quality": 95}, "AVIF", id="avif"),
    pytest.param("HEIF", {"quality": 95}, "HEIF", id="heic"),
    pytest.param("GIF", {}, "GIF", id="gif"),
    pytest.param("GIF", {"save_all": True, "append_images": [SECOND]}, "GIF", id="moving-gif"),
    pytest.param("BMP", {}, "BMP", id="bmp"),
    pytest.param("TIFF", {}, "TIFF", id="tiff"),
    pytest.param("TIFF", {"compression": "tiff_lzw"}, "TIFF", id="lzw-tiff"),
    pytest.param("TIFF", {"compression": "tiff_adobe_deflate"}, "TIFF", id="deflate-tiff"),
]
LOSSLESS = [("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})]


@pytest.mark.parametrize(("kind", "options", "name"), FORMATS)
def test_each_format_decodes_to_the_saved_image(kind: str, options: dict[str, Any], name: str) -> None:
    saved = portrait(64)
    image = ImageFile(encode(saved, kind, **options))
    assert (image.format, image.width, image.height) == (name, 64, 64)
    # Palettes and color subsampling cost some; another frame or a turned one would differ by over 60.
    assert difference(image.decode(), saved) < 12


def test_format_is_detected_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encode(quadrants(), "PNG"))
    assert ImageFile(path).format == "PNG"


# --- orientation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("kind", "options"), LOSSLESS)
def test_all_orientations_give_the_same_pixels(kind: str, options: dict[str, Any], orientation: int) -> None:
    upright = quadrants()
    stored = as_stored(upright, orientation)
    image = ImageFile(encode(stored, kind, exif=exif_with(orientation), **options))
    assert (image.width, image.height) == upright.size
    assert difference(image.decode(), upright) == 0


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("min_side", [None, 128, 64])
def test_all_orientations_of_a_jpeg_give_the_same_pixels(orientation: int, min_side: int | None) -> None:
    # Whole blocks, no color subsampling, the same quantization in x and y: rotation commutes with encoding.
    upright = portrait(512).crop((0, 0, 512, 256))
    stored = as_stored(upright, orientation)
    data = encode(stored, "JPEG", quality=100, subsampling=0, exif=exif_with(orientation))
    image = ImageFile(data)
    assert (image.width, image.height) == (512, 256)
    plain = ImageFile(encode(upright, "JPEG", quality=100, subsampling=0)).decode(min_side)
    assert image.decode(min_side).size == plain.size == (min_side or 512, (min_side or 512) // 2)
    assert difference(image.decode(min_side), plain) < 0.6  # rounding inside libjpeg


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_avif_and_heic_are_rotated_exactly_once(kind: str, orientation: int) -> None:
    upright = quadrants()
    stored = as_stored(upright, orientation).copy()
    # From here, both encoders write it as the container's own property beside the EXIF tag.
    stored.info["exif"] = exif_with(orientation).tobytes()
    data = encode(stored, kind, quality=95, exif=stored.info["exif"])
    assert orientation == 1 or b"irot" in data or b"imir" in data
    image = ImageFile(data)
    assert (image.width, image.height) == upright.size
    assert difference(image.decode(), upright) < 6


def test_exif_alone_does_not_rotate_a_heic() -> None:
    # ISO/IEC 23008-12 leaves turning to the container; its EXIF is information only.
    data = encode(quadrants(), "HEIF", quality=95, exif=exif_with(6))
    assert b"irot" not in data
    assert difference(ImageFile(data).decode(), quadrants()) < 6


@pytest.mark.parametrize("value", [0, 9, 255, 65535])
def test_invalid_orientation_is_ignored(value: int) -> None:
    data = encode(quadrants(), "PNG", exif=exif_with(value))
    assert difference(ImageFile(data).decode(), quadrants()) == 0


def test_exif_behind_the_pixels_of_a_png_applies() -> None:
    plain = encode(as_stored(quadrants(), 6), "PNG")
    exif = exif_with(6).tobytes().removeprefix(b"Exif\0\0")
    end = plain.index(b"IEND") - 4
    image = ImageFile(plain[:end] + png_chunk(b"eXIf", exif) + plain[end:])
    assert (image.width, image.height) == quadrants().size
    assert difference(image.decode(), quadrants()) == 0


def test_pil_image_is_rotated_by_its_exif_without_changing_it() -> None:
    data = encode(as_stored(quadrants(), 6), "PNG", exif=exif_with(6))
    source = Image.open(BytesIO(data))
    before = Image.open(BytesIO(data)).tobytes()
    image = ImageFile(source)
    assert difference(image.decode(), quadrants()) == 0
    image.decode().putpixel((0, 0), (1, 2, 3))
    assert (source.size, source.mode, source.tobytes()) == ((48, 64), "RGB", before)
    assert source.getexif()[ORIENTATION_TAG] == 6


@pytest.mark.parametrize("mode", ["RGB", "P", "L", "CMYK"])
def test_changing_the_result_does_not_change_the_source(mode: str) -> None:
    source = quadrants().convert(mode)
    before = source.tobytes()
    ImageFile(source).decode().paste((9, 9, 9), (0, 0, 64, 48))
    assert (source.mode, source.tobytes()) == (mode, before)


# --- colors --------------------------------------------------------------------------------------

RED, WHITE = (255, 0, 0), (255, 255, 255)


def middle_color(data: Any) -> tuple[int, ...]:
    """Return the color of the middle pixel."""
    image = ImageFile(data).decode()
    assert image.mode == "RGB"
    return image.getpixel((image.width // 2, image.height // 2))


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_colors(kind: str) -> None:
    # Pillow writes CMYK JPEGs inverted and marks them so, as Adobe's programs do.
    cyan = Image.new("CMYK", (32, 32), (255, 0, 0, 0))
    assert np.abs(np.array(middle_color(encode(cyan, kind))) - (0, 255, 255)).max() < 6


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(("stored", "shown"), [(0, 0), (32768, 127), (65535, 255)])
def test_16_bit_gray_keeps_its_range(kind: str, stored: int, shown: int) -> None:
    gray = Image.fromarray(np.full((8, 8), stored, dtype=np.uint16))
    assert middle_color(encode(gray, kind)) == (shown,) * 3


def test_16_bit_rgb_png() -> None:
    row = b"\0" + struct.pack(">HHH", 0xFFFF, 0x8000, 0x0000) * 4
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0))
    body = png_chunk(b"IDAT", zlib.compress(row * 4)) + png_chunk(b"IEND", b"")
    assert middle_color(b"\x89PNG\r\n\x1a\n" + header + body) == (255, 128, 0)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF"])
def test_palettes(kind: str) -> None:
    image = quadrants().convert("P", palette=Image.Palette.ADAPTIVE)
    assert difference(ImageFile(encode(image, kind)).decode(), quadrants()) < 2


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_transparent_palette_entry_becomes_white(kind: str) -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((0, 0), 0)
    assert middle_color(encode(image, kind)) == (0, 0, 255)
    assert middle_color(encode(image, kind, transparency=1)) == WHITE


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "HEIF", "TIFF"])
def test_transparency_is_blended_with_white(kind: str) -> None:
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    assert middle_color(encode(clear, kind)) == WHITE
    half = Image.new("RGBA", (64, 64), (255, 0, 0, 128))
    assert np.abs(np.array(middle_color(encode(half, kind, quality=95))) - (255, 127, 127)).max() < 8


def test_color_key_becomes_white() -> None:
    image = Image.new("RGB", (8, 8), (10, 20, 30))
    assert middle_color(encode(image, "PNG", transparency=(10, 20, 30))) == WHITE


@pytest.mark.parametrize(
    ("mode", "value", "shown"),
    [("1", 1, WHITE), ("1", 0, (0, 0, 0)), ("L", 77, (77, 77, 77)), ("LA", (77, 255), (77, 77, 77))],
)
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_gray_and_bilevel_images(kind: str, mode: str, value: Any, shown: tuple[int, ...]) -> None:
    assert middle_color(encode(Image.new(mode, (16, 16), value), kind)) == shown


@pytest.mark.parametrize("mode", ["F", "I", "LAB", "HSV"])
def test_modes_without_a_clear_color_are_refused(mode: str) -> None:
    with pytest.raises(UnsupportedImageError, match="8-bit RGB"):
        ImageFile(Image.new(mode, (8, 8))).decode()


@pytest.mark.parametrize("missing", [1, 2])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_without_its_end_marker_is_decoded(mode: str, missing: int) -> None:
    data = encode(portrait(200).convert(mode), "JPEG")
    assert difference(ImageFile(data[:-missing]).decode(), ImageFile(data).decode()) == 0
    assert difference(ImageFile(data[:-missing]).decode(50), ImageFile(data).decode(50)) == 0


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_jpeg_without_some_of_its_pixels_is_not(options: dict[str, Any]) -> None:
    data = encode(portrait(200), "JPEG", **options)
    for kept in (len(data) - 12, len(data) // 2):
        with pytest.raises(UnreadableImageError, match="cut off"):
            ImageFile(data[:kept]).decode()


# --- reduced decoding -----------------------------------------------------------------------------


@pytest.mark.parametrize(("min_side", "longest"), [(1, 100), (100, 100), (101, 200), (400, 400), (401, 800)])
def test_jpeg_is_decoded_at_the_smallest_sufficient_scale(min_side: int, longest: int) -> None:
    data = encode(portrait(800).crop((0, 0, 800, 403)), "JPEG")
    assert max(ImageFile(data).decode(min_side).size) == longest


def test_min_side_never_enlarges() -> None:
    data = encode(portrait(64), "JPEG")
    assert ImageFile(data).decode(min_side=1000).size == (64, 64)


def test_reduced_decoding_looks_the_same() -> None:
    data = encode(portrait(512), "JPEG", quality=95)
    assert difference(ImageFile(data).decode(min_side=128), portrait(128)) < 8


def test_reduced_decoding_is_faster() -> None:
    image = ImageFile(encode(portrait(4000), "JPEG"))

    def cost(min_side: int | None) -> float:
        times = []
        for _ in range(3):
            started = process_time()
            image.decode(min_side)
            times.append(process_time() - started)
        return min(times)

    assert cost(500) < 0.8 * cost(None)  # measured: about a quarter


def test_the_header_alone_is_read_first() -> None:
    image = ImageFile(encode(portrait(64), "PNG")[:-3000])
    assert image.width == 64
    with pytest.raises(UnreadableImageError, match="cut off or corrupt"):
        image.decode()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_recompress_keeps_the_size_and_loses_little(kind: str) -> None:
    again = recompress(portrait(128), 60, kind)
    assert (again.size, again.mode) == ((128, 128), "RGB")
    assert 0 < difference(again, portrait(128)) < 8
