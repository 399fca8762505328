"""Perceptual hash: finds scaled and recompressed copies. ImageHash has the same, but depends on SciPy."""

import numpy as np
from PIL import Image

_SIDE = 32  # px of the gray copy whose frequencies are taken
_KEPT = 8  # frequencies kept in each direction: 64 bits
# Of the 63 frequencies other than the mean, at least 16 must have an amplitude of an eighth of a gray level.
# Otherwise the hash depends on rounding, and all plain images, gradients and halves look the same.
_MIN_COUNT, _MIN_STRENGTH = 16, _SIDE * _SIDE / 2 / 8
# The lowest rows of the discrete cosine transform of type II.
_COSINES = np.cos(np.pi / _SIDE * np.arange(_KEPT)[:, None] * (np.arange(_SIDE) + 0.5)[None])


def perceptual_hash(image: Image.Image) -> str | None:
    """Compute the pHash of an RGB image: which of the lowest 64 frequencies of a gray copy exceed the median.

    As in C. Zauner, "Implementation and benchmarking of perceptual image hash functions" (2010). Copies that
    were scaled or recompressed differ in a few bits, other images in about 32; `scan.duplicates` has the
    threshold. Returns 16 hexadecimal digits; None for an image with too little content.
    """
    small = image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0).convert("L")
    # Rounded, so that no bit depends on the order of additions.
    frequencies = (_COSINES @ np.asarray(small, np.float64) @ _COSINES.T).round(6)
    bits = frequencies > np.median(frequencies)
    if np.count_nonzero(np.abs(frequencies.flat[1:]) > _MIN_STRENGTH) < _MIN_COUNT:
        return None
    return np.packbits(bits).tobytes().hex()
