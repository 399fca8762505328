"""Decoding on demand: no larger than each step needs, and no more often than necessary."""

from time import perf_counter

from PIL import Image

from veraface.imaging.decode import ImageFile


class LazyImage:
    """An image decoded at the scale that each step asks for. Not thread-safe; do not change its pixels.

    Attributes:
        file: the opened image file.
        longest_side: at full size, px.
        seconds: spent on decoding so far.
    """

    def __init__(self, image: ImageFile | Image.Image) -> None:
        """Wrap an opened file, or an RGB image that is already decoded."""
        self.file = image if isinstance(image, ImageFile) else ImageFile(image)
        self._decoded = None if isinstance(image, ImageFile) else image
        self.longest_side = self.file.longest_side
        self.seconds = 0.0

    def decode(self, side: float) -> Image.Image:
        """Return the upright RGB image, its longest side at least `side` px or at full size."""
        if self._decoded is None or max(self._decoded.size) < min(side, self.longest_side):
            started = perf_counter()
            self._decoded = self.file.decode(min_side=side)
            self.seconds += perf_counter() - started
        return self._decoded
