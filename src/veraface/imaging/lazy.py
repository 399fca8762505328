"""The pixels of one image, decoded no larger than each step needs and no more often than that takes."""

from time import perf_counter

from PIL import Image

from veraface.imaging.decode import ImageFile


class LazyImage:
    """Decodes an image on demand; for one thread. What it gives out must not be changed."""

    def __init__(self, image: ImageFile | Image.Image) -> None:
        """Take an image to be decoded, or pixels that are all there is."""
        self.file = image if isinstance(image, ImageFile) else ImageFile(image)
        self._decoded = None if isinstance(image, ImageFile) else image
        self.longest_side = self.file.longest_side
        self.seconds = 0.0  # that decoding has taken

    def decode(self, side: float) -> Image.Image:
        """The image with a longest side of `side` px or more, or in full where it has fewer.

        Raises:
            ImageError: its data are cut off or corrupt.
        """
        if self._decoded is None or max(self._decoded.size) < min(side, self.longest_side):
            started = perf_counter()
            self._decoded = self.file.decode(min_side=side)
            self.seconds += perf_counter() - started
        return self._decoded
