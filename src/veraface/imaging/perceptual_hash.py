"""A fingerprint of how an image looks, by which copies of it are found again."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SIDE = 32  # px of the gray copy whose frequencies are taken
_KEPT = 8  # frequencies kept in each direction: 64 bits
# Of the 63 that are no mean, so many have to be there, each of more than an eighth of a gray level: else the
# hash tells of nothing but rounding, and all plain images, gradients and halves look the same.
_MIN_COUNT, _MIN_STRENGTH = 16, _SIDE * _SIDE / 2 / 8


def perceptual_hash(image: Image.Image) -> str | None:
    """pHash: which of the lowest 64 frequencies of a small gray copy lie above their median.

    As C. Zauner, "Implementation and benchmarking of perceptual image hash functions" (2010), describes it
    and the package ImageHash computes it. Copies that were scaled or recompressed differ in a few bits, other
    images in about 32; see `scan.duplicates` for where the line is drawn.

    Args:
        image: RGB, of any size.

    Returns:
        16 hexadecimal digits; None for an image with next to nothing in it.
    """
    small = image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0).convert("L")
    cosines = _cosines()
    frequencies = (cosines @ np.asarray(small, np.float64) @ cosines.T).round(
        6
    )  # so that no bit hangs on rounding
    bits = frequencies > np.median(frequencies)
    if np.count_nonzero(np.abs(frequencies.flat[1:]) > _MIN_STRENGTH) < _MIN_COUNT:
        return None
    return np.packbits(bits).tobytes().hex()


@cache
def _cosines() -> NDArray[np.float64]:
    """The lowest rows of the discrete cosine transform of type II."""
    at = np.arange(_SIDE) + 0.5
    cosines: NDArray[np.float64] = np.cos(np.pi / _SIDE * np.arange(_KEPT)[:, None] * at[None])
    return cosines
