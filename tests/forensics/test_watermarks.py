"""Open watermarks, written by an encoder of the tests after the description of the method."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tests.provenance.files import read
from tests.sample_images import cat, encode, noise, portrait
from veraface.forensics.watermarks import KNOWN_MARKS, KnownMark, find_watermarks


def mark(image: Image.Image, message: str) -> Image.Image:
    """Write a message like invisible-watermark's dwtDct: only the chroma channel U is changed."""
    rgb = np.asarray(image.convert("RGB"), np.float64)
    luma = rgb @ (0.299, 0.587, 0.114)
    u, v = (rgb[..., 2] - luma) * 0.492 + 128, (rgb[..., 0] - luma) * 0.877
    rows, columns = u.shape[0] // 8, u.shape[1] // 8
    number = 0
    for row in range(rows):
        for column in range(columns):
            square = u[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
            band = (square[::2, ::2] + square[1::2, ::2] + square[::2, 1::2] + square[1::2, 1::2]) / 2
            place = int(np.abs(band.ravel()[1:]).argmax()) + 1
            y, x = divmod(place, 4)
            bit = int(message[number % len(message)])
            change = (band[y, x] // 36 + 0.25 + 0.5 * bit) * 36 - band[y, x]
            square[2 * y : 2 * y + 2, 2 * x : 2 * x + 2] += change / 2
            number += 1
    blue = luma + (u - 128) / 0.492
    red = luma + v / 0.877
    green = (luma - 0.299 * red - 0.114 * blue) / 0.587
    return Image.fromarray(np.clip(np.rint(np.stack((red, green, blue), axis=2)), 0, 255).astype(np.uint8))


def names(image: Image.Image) -> list[str]:
    return [found.name for found in find_watermarks(image)]


def soft(image: Image.Image) -> Image.Image:
    """Lower the contrast, so that no changed color is cut off."""
    return image.point([48 + value * 160 // 255 for value in range(256)] * 3)


@pytest.mark.parametrize("known", KNOWN_MARKS, ids=[known.name for known in KNOWN_MARKS])
def test_each_mark_is_read(known: KnownMark) -> None:
    marked = mark(soft(portrait()), known.bits)
    assert names(marked) == [known.name]
    found = read(encode(marked, "PNG"), level="full")
    assert [(claim.code, claim.message) for claim in found.claims] == [
        ("watermark", f"pixels carry the invisible mark of {known.name}")
    ]
    assert found.watermarks[0].agreement > 0.9
    assert read(encode(marked, "PNG")).watermarks == ()  # costs a full decode


def test_a_good_jpeg_keeps_a_mark_and_a_resize_removes_it() -> None:
    marked = mark(soft(portrait()), KNOWN_MARKS[2].bits)
    saved = BytesIO()
    marked.save(saved, "JPEG", quality=95, subsampling=0)
    with Image.open(saved) as opened:
        assert names(opened.convert("RGB")) == [KNOWN_MARKS[2].name]
    assert names(marked.resize((400, 400))) == []


def test_other_messages_and_images_have_no_known_mark() -> None:
    other = "".join(str(bit) for bit in np.random.default_rng(5).integers(0, 2, 48))
    for image in (portrait(), cat().resize((512, 512)), noise(300, 300), mark(soft(portrait()), other)):
        assert names(image) == []
    for color in ("black", "white", "gray", "blue"):
        assert names(Image.new("RGB", (512, 512), color)) == []


@pytest.mark.parametrize("size", [(1, 1), (65536, 1), (1, 65536), (3, 30000), (255, 256), (257, 259)])
def test_odd_sizes_do_no_harm(size: tuple[int, int]) -> None:
    assert names(Image.new("RGB", size, "gray")) == []
