"""Gray TIFF files of scanners and cameras: 8, 12 and 16 bits, in both byte orders and both polarities."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tests.hostile.makers import grey_tiff, tiff, tiff_end
from tests.sample_images import difference, encode, portrait
from veraface.errors import UnsupportedImageError
from veraface.imaging.decode import ImageFile

SIDE = 64


def packed(levels: np.ndarray, bits: int, order: str) -> bytes:
    """Return rows of gray levels as a TIFF stores them."""
    if bits == 12:  # two levels in three bytes, in either byte order
        first, second = levels[:, ::2], levels[:, 1::2]
        parts = (first >> 4, (first & 15) << 4 | second >> 8, second & 255)
        return np.stack(parts, axis=-1).astype(np.uint8).tobytes()
    return levels.astype(f"{order}u{bits // 8}").tobytes()


def gray_tiff(bits: int, order: str, white_is_zero: bool) -> bytes:
    levels = np.asarray(portrait(SIDE).convert("L")).astype(np.uint32) * (2**bits - 1) // 255
    pixels = packed(2**bits - 1 - levels if white_is_zero else levels, bits, order)
    # The value of a field that is shorter than its place stands first, in either byte order.
    shift = 16 if order == ">" else 0
    more = [(258, 3, 1, bits << shift), (262, 3, 1, (0 if white_is_zero else 1) << shift)]
    more += [(278, 4, 1, SIDE), (279, 4, 1, len(pixels)), (277, 3, 1, 1 << shift), (259, 3, 1, 1 << shift)]
    entries = grey_tiff(SIDE, *more, (273, 4, 1, tiff_end(9)))
    assert len(entries) == 9
    return tiff(entries, pixels, order)


@pytest.mark.parametrize("white_is_zero", [False, True])
@pytest.mark.parametrize(("bits", "order"), [(8, "<"), (8, ">"), (12, "<"), (16, "<"), (16, ">")])
def test_gray_levels_are_decoded_rightly(bits: int, order: str, white_is_zero: bool) -> None:
    data = gray_tiff(bits, order, white_is_zero)
    expected = portrait(SIDE).convert("L").convert("RGB")
    assert difference(ImageFile(data).decode(), expected) < 1
    if (bits, order) == (16, "<"):
        assert difference(ImageFile(Image.open(BytesIO(data))).decode(), expected) < 1


@pytest.mark.parametrize("method", ["tiff_lzw", "tiff_adobe_deflate"])
def test_compressed_gray_levels_are_decoded_rightly(method: str) -> None:
    levels = np.asarray(portrait(SIDE).convert("L")).astype(np.uint16) * 257
    data = bytearray(encode(Image.fromarray(65535 - levels), "TIFF", compression=method))
    at = data.index(b"\x06\x01\x03\0\x01\0\0\0\x01")
    data[at + 8] = 0  # white is zero
    assert difference(ImageFile(bytes(data)).decode(), portrait(SIDE).convert("L").convert("RGB")) < 1


@pytest.mark.parametrize(
    ("tag", "value", "message"),
    [(258, 24, "1 samples of 24 bits"), (262, 32803, "color space 32803"), (259, 33003, "method 33003")],
)
def test_unknown_kinds_of_pixels_are_refused_by_name(tag: int, value: int, message: str) -> None:
    entries = [entry for entry in grey_tiff(SIDE, (278, 4, 1, SIDE)) if entry[0] != tag]
    entries += [(tag, 3, 1, value), (279, 4, 1, SIDE * SIDE), (273, 4, 1, tiff_end(9))]
    with pytest.raises(UnsupportedImageError, match=f"{message}.*save it as"):
        ImageFile(tiff(entries, bytes(SIDE * SIDE)))
