"""The pixels of one picture, decoded no larger than each step needs and no more often than that takes."""

from time import perf_counter

from PIL import Image

from veraface.imaging.decode import Picture


class Pixels:
    """Decodes a picture on demand; for one thread. What it gives out must not be changed."""

    def __init__(self, picture: Picture | Image.Image) -> None:
        """Take a picture to be decoded, or pixels that are all there is."""
        self.picture = picture if isinstance(picture, Picture) else Picture(picture)
        self._decoded = None if isinstance(picture, Picture) else picture
        self.longest_side = self.picture.longest_side
        self.seconds = 0.0  # that decoding has taken

    def at_least(self, side: float) -> Image.Image:
        """The picture with a longest side of `side` px or more, or in full where it has fewer.

        Raises:
            ImageError: its data are cut off or corrupt.
        """
        if self._decoded is None or max(self._decoded.size) < min(side, self.longest_side):
            started = perf_counter()
            self._decoded = self.picture.pixels(at_least=side)
            self.seconds += perf_counter() - started
        return self._decoded
