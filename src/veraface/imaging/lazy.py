"""Decoding on demand: no larger than each step needs, and no more often than necessary."""

from time import perf_counter

import numpy as np
from PIL import Image

from veraface.imaging.decode import ImageFile

# Counterclockwise, by the number of quarters
QUARTER_TURNS = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}


class LazyImage:
    """An image decoded at the scale that each step asks for. Not thread-safe; do not change its pixels.

    Attributes:
        file: the opened image file.
        width: at full size, px.
        height: at full size, px.
        longest_side: at full size, px.
        seconds: spent on decoding so far.
    """

    def __init__(self, image: ImageFile | Image.Image) -> None:
        """Wrap an opened file, or an RGB image that is already decoded."""
        self.file = image if isinstance(image, ImageFile) else ImageFile(image)
        self._decoded = None if isinstance(image, ImageFile) else image
        self.width, self.height = self.file.width, self.file.height
        self.longest_side = self.file.longest_side
        self.seconds = 0.0

    def decode(self, side: float) -> Image.Image:
        """Return the upright RGB image, its longest side at least `side` px or at full size."""
        if self._decoded is None or max(self._decoded.size) < min(side, self.longest_side):
            started = perf_counter()
            self._decoded = self.file.decode(min_side=side)
            self.seconds += perf_counter() - started
        return self._decoded

    def turned(self, turns: int) -> "LazyImage":
        """Return the image turned counterclockwise by quarters, 1 to 3; it is decoded once for both."""
        return _TransposedImage(self, QUARTER_TURNS[turns])

    def mirrored(self) -> "LazyImage":
        """Return the mirror image; it is decoded once for both."""
        return _TransposedImage(self, Image.Transpose.FLIP_LEFT_RIGHT)


class _TransposedImage(LazyImage):
    def __init__(self, image: LazyImage, transpose: Image.Transpose) -> None:
        turned = transpose in (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270)
        self.file, self.longest_side = image.file, image.longest_side
        self.width, self.height = (image.height, image.width) if turned else (image.width, image.height)
        self.seconds = 0.0  # decoding is counted by the image that was transposed
        self._decoded = None
        self._image, self._transpose = image, transpose
        self._original: Image.Image | None = None

    def decode(self, side: float) -> Image.Image:
        original = self._image.decode(side)
        if self._decoded is None or original is not self._original:
            self._original, self._decoded = original, original.transpose(self._transpose)
        return self._decoded


def is_heavier_left(image: Image.Image) -> bool:
    """Return whether the left half of an RGB image is brighter; never true of its mirror image too.

    Each column is weighted by its distance from the middle, in whole numbers, so that the two moments of an
    image and its mirror image differ in nothing but the sign.
    """
    # First over whole rows, each of them contiguous: ten times as fast as over rows and channels at once.
    rows = np.asarray(image).reshape(image.height, -1)
    columns = rows.sum(axis=0, dtype=np.uint32).reshape(-1, 3).sum(axis=1, dtype=np.int64)
    return int(columns @ (2 * np.arange(image.width) + 1 - image.width)) < 0
