"""Images in other color spaces are converted to sRGB; those in sRGB are not touched."""

from io import BytesIO
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from tests.sample_colors import exif_of_adobe_rgb, icc_profile, linear, stored_in
from tests.sample_images import encode, portrait
from veraface import Detector, detect
from veraface.imaging.decode import ImageFile

SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# Colors are compared that every space can hold, at a size at which compression matters little.
COLORS = portrait(256).resize((64, 64), Image.Resampling.BOX).resize((256, 256), Image.Resampling.NEAREST)
BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])


def difference(content: bytes | Image.Image, expected: Image.Image = COLORS) -> float:
    """Return the mean difference of a decoded image, levels of 255."""
    decoded = np.asarray(ImageFile(content).decode(), np.int16)
    return float(np.abs(decoded - np.asarray(expected, np.int16)).mean())


def png_with(kind: bytes, content: bytes, image: Image.Image) -> bytes:
    chunks = PngInfo()
    chunks.add(kind, content)
    return encode(image, "PNG", pnginfo=chunks)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_an_image_with_a_profile_of_srgb_is_not_touched(kind: str) -> None:
    with_profile = ImageFile(encode(COLORS, kind, icc_profile=SRGB_PROFILE)).decode()
    assert with_profile.tobytes() == ImageFile(encode(COLORS, kind)).decode().tobytes()


@pytest.mark.parametrize("space", ["Display P3", "Adobe RGB", "ProPhoto"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_an_image_with_a_profile_is_converted(kind: str, space: str) -> None:
    stored = stored_in(COLORS, space)
    options: dict[str, Any] = {} if kind in ("PNG", "TIFF") else {"quality": 95}
    content = encode(stored, kind, icc_profile=icc_profile(space), **options)
    without = difference(encode(stored, kind, **options))
    assert difference(content) < min(3.0, 0.5 * without)


def test_a_pil_image_with_a_profile_is_converted_like_its_file() -> None:
    stored = stored_in(COLORS, "Display P3")
    stored.info["icc_profile"] = icc_profile("Display P3")
    before = stored.tobytes()
    assert difference(stored) < 1
    assert stored.tobytes() == before


def test_a_profile_for_another_kind_of_pixels_is_ignored() -> None:
    for_gray = SRGB_PROFILE[:16] + b"GRAY" + SRGB_PROFILE[20:]
    for mode, profile in (("CMYK", icc_profile("Display P3")), ("RGB", for_gray)):
        image = COLORS.convert(mode)
        assert difference(encode(image, "TIFF", icc_profile=profile), image.convert("RGB")) == 0


def test_a_png_is_converted_by_its_gamma() -> None:
    dark = Image.fromarray((255 * linear(COLORS) + 0.5).astype(np.uint8))
    assert difference(png_with(b"gAMA", (100_000).to_bytes(4), dark)) < 2
    assert difference(dark) > 20


def test_a_png_with_the_gamma_of_srgb_is_not_touched() -> None:
    assert difference(png_with(b"gAMA", (45_455).to_bytes(4), COLORS)) == 0


def test_the_code_points_of_a_png_are_followed() -> None:
    stored = stored_in(COLORS, "Display P3")
    assert difference(png_with(b"cICP", bytes((12, 4, 0, 1)), stored)) < 1
    assert difference(png_with(b"cICP", bytes((1, 13, 0, 1)), COLORS)) == 0


def test_the_code_points_of_an_avif_are_followed() -> None:
    content = encode(stored_in(COLORS, "Display P3"), "AVIF", quality=95)
    assert difference(content.replace(b"nclx\0\1\0\x0d", b"nclx\0\x0c\0\x04")) < 0.5 * difference(content)


def hdr(transfer: int) -> bytes:
    """Return the image as a HEIC of 10 bits in BT.2100, with diffuse white at 203 cd/m2."""
    light = linear(COLORS) @ BT2020.T * 203
    if transfer == 16:
        y = (light / 10_000) ** (2610 / 16384)
        levels = ((3424 / 4096 + 2413 / 128 * y) / (1 + 2392 / 128 * y)) ** (2523 / 32)
    else:
        luminance = light @ [0.2627, 0.6780, 0.0593] / 1000
        scene = light / 1000 * np.maximum(luminance, 1e-9)[..., np.newaxis] ** (-0.2 / 1.2)
        log = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
        levels = np.where(scene <= 1 / 12, np.sqrt(3 * scene), log)
    pixels = (65535 * levels + 0.5).astype(np.uint16).tobytes()
    image = pillow_heif.from_bytes(mode="RGB;16", size=COLORS.size, data=pixels)
    codes = {"color_primaries": 9, "transfer_characteristics": transfer, "matrix_coefficients": 9}
    file = BytesIO()
    image.save(file, quality=98, full_range_flag=1, **codes)
    return file.getvalue()


@pytest.mark.parametrize("transfer", [16, 18], ids=["PQ", "HLG"])
def test_hdr_is_converted(transfer: int) -> None:
    assert difference(hdr(transfer)) < 4


def test_adobe_rgb_by_exif_is_converted() -> None:
    stored = stored_in(COLORS, "Adobe RGB")
    content = encode(stored, "JPEG", quality=98, exif=exif_of_adobe_rgb())
    assert difference(content) < 0.5 * difference(encode(stored, "JPEG", quality=98))


def test_a_profile_that_cannot_be_read_is_a_reason() -> None:
    content = encode(portrait(), "JPEG", icc_profile=b"not a profile" * 20)
    assert difference(content, ImageFile(encode(portrait(), "JPEG")).decode()) == 0
    result = detect(content)
    assert result.reasons[-1].code == "color_not_converted"
    assert result.p_fake == detect(encode(portrait(), "JPEG")).p_fake


def test_the_same_photo_gets_nearly_the_same_score_in_every_color_space() -> None:
    detector = Detector(threads=1)
    expected = detector.detect(portrait(), heatmap=False).p_fake
    for space in ("Display P3", "Adobe RGB", "ProPhoto"):
        content = encode(stored_in(portrait(), space), "PNG", icc_profile=icc_profile(space))
        assert detector.detect(content, heatmap=False).p_fake == pytest.approx(expected, abs=0.05)
