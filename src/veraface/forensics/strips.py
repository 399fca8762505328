"""Work on images in strips, so that large ones need little more memory than their pixels."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GrayImage = NDArray[np.uint8]

MAX_VIEW_SIDE = 1024  # px
JPEG_BLOCK = 8  # px; ITU-T T.81
_STRIP_PIXELS = 1_000_000  # of the image, worked on at a time


def view_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return width and height of the view of an image of this size, in pixels."""
    factor = _reduction(size)
    return -(-size[0] // factor), -(-size[1] // factor)


def iter_strips(image: Image.Image, multiple: int, margin: int) -> Iterator[tuple[Image.Image, slice]]:
    """Yield the image in strips, of a height that is a multiple of `multiple`, and the rows of each to use.

    The others are `margin` rows above and below, for work that depends on neighbors.
    """
    width, height = image.size
    rows = max(1, _STRIP_PIXELS // (width * multiple)) * multiple
    for top in range(0, height, rows):
        above, end = max(0, top - margin), min(height, top + rows)
        strip = image.crop((0, above, width, min(height, end + margin)))
        yield strip, slice(top - above, end - above)


def map_strips(
    image: Image.Image, work: Callable[[Image.Image, slice], Image.Image], margin: int
) -> GrayImage:
    """Apply `work` to all strips, reduce its results by the mean to the size of a view, and join them."""
    factor = _reduction(image.size)
    multiple = int(np.lcm(JPEG_BLOCK, factor))
    reduced = [work(strip, rows).reduce(factor) for strip, rows in iter_strips(image, multiple, margin)]
    return np.concatenate([np.asarray(part) for part in reduced])


def _reduction(size: tuple[int, int]) -> int:
    """Return how many pixels of the image become one of a view, along each side."""
    return -(-max(size) // MAX_VIEW_SIDE)
