"""Pixels are decoded on demand, no larger than needed, and once."""

import numpy as np
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


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_image_is_the_same_decode_turned(turns: int) -> None:
    image = LazyImage(ImageFile(encode(portrait(800).crop((0, 0, 800, 600)), "JPEG")))
    turned = image.turned(turns)
    assert (turned.width, turned.height) == ((600, 800) if turns % 2 else (800, 600))
    assert turned.longest_side == image.longest_side == 800
    small = turned.decode(150)
    assert small.size == ((150, 200) if turns % 2 else (200, 150))
    assert (np.asarray(small) == np.rot90(np.asarray(image.decode(150)), turns)).all()
    assert image.seconds > 0
    seconds = image.seconds
    turned.decode(200)
    assert image.seconds == seconds
