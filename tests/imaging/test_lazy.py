"""Pixels are decoded on demand, no larger than needed, and once."""

import pytest
from PIL import Image

from tests.sample_images import encode, portrait
from veraface.imaging.decode import ImageFile
from veraface.imaging.lazy import LazyImage


def test_jpeg_is_decoded_again_only_for_a_larger_size() -> None:
    pixels = LazyImage(ImageFile(encode(portrait(800), "JPEG")))
    assert pixels.seconds == 0
    small = pixels.decode(150)
    assert small.size == (200, 200)
    assert pixels.decode(200) is small
    large = pixels.decode(300)
    assert large.size == (400, 400)
    assert pixels.decode(150) is large
    assert pixels.decode(5000).size == (800, 800)
    assert pixels.seconds > 0


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_formats_without_scaled_decoding_are_decoded_once(kind: str) -> None:
    pixels = LazyImage(ImageFile(encode(portrait(300), kind)))
    full = pixels.decode(50)
    assert full.size == (300, 300)
    assert pixels.decode(1000) is full


def test_decoded_pixels_are_used_as_they_are() -> None:
    image = Image.new("RGB", (30, 40))
    pixels = LazyImage(image)
    assert pixels.longest_side == 40
    assert pixels.decode(100) is image
    assert pixels.seconds == 0
