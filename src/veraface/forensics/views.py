"""Views of an image's own traces that a person can look at: error levels, noise, the grid of JPEG blocks.

They are shown beside the verdict and never become part of it. Each is an 8-bit gray image of a stated
meaning, made from the full-size pixels: what they show lives in single pixels and in blocks of 8 x 8 px,
and is gone from any smaller copy. So the image is gone through whole, in strips that keep memory small, and
only what is found is then shrunk (by the mean) until no side is over 1,024 px. Equal pixels give equal views.
"""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from veraface.imaging.decode import recompress

Grey = NDArray[np.uint8]

MAX_SIDE = 1024  # px of a view
_STRIP_PIXELS = 1_000_000  # of the image, worked on at a time

# As in Krawetz, "A Image's Worth... Digital Image Analysis and Forensics", Black Hat 2007. Measured on
# images saved at 75 to 95 with a patch that was not: at 95 it is 3.2 times as bright as its place was
# before, at 90 2.5 times, at 75 1.9 times (benchmarks/results/evidence.md).
RESAVED_QUALITY = 95
ERROR_GAIN = 40  # times: 6 levels of error are white
NOISE_GAIN = 12  # times: 21 levels of residual are white

_BLOCK = 8  # px; ITU-T T.81
_CELL = 16  # px of the image for one value of the grid view
_REACH = 3  # cells to each side that are looked at together: 112 x 112 px
_FLOOR = 6.0  # standard deviations below which a grid is an accident
_CLEAR = 18.0  # standard deviations from which it is beyond doubt
_NOTHING, _STEPS = 128, 127  # gray levels: no grid, and how far the two ends are from it


@dataclass(frozen=True)
class Kind:
    """What a view is and how to take it, in words for its reader."""

    name: str  # stable, for programs
    title: str
    meaning: str  # of black and white
    reading: str  # how to read it
    misleading: str  # how it misleads


KINDS = (
    Kind(
        "error_levels",
        "Error levels",
        f"How much each place changes when the image is saved again as JPEG of quality {RESAVED_QUALITY}: "
        f"black not at all, white by {255 / ERROR_GAIN:.0f} levels of 256 or more.",
        "Look for a part that is brighter or darker than others of the same kind: edge with edge, skin with "
        "skin. It may have been saved another number of times than the rest.",
        "Sharp edges, fine texture and strong colors are always bright, and an image that was saved once "
        "more as a whole looks even everywhere, altered or not.",
    ),
    Kind(
        "noise",
        "Noise",
        "What is left of the brightness once each pixel's surroundings are taken away: black nothing, white "
        f"{255 / NOISE_GAIN:.0f} levels of 256 or more.",
        "A camera leaves much the same grain on surfaces alike. A part that is much smoother or rougher than "
        "its like may come from elsewhere.",
        "Edges and hair are no noise but show; blur, make-up, beauty filters, dark and overexposed parts are "
        "smooth in honest images too.",
    ),
    Kind(
        "grid",
        "JPEG grid",
        "Where JPEG's blocks of 8 x 8 px lie: black as in most of the image, gray no blocks to be seen, "
        "white in another place.",
        "White parts with clear outlines may have been pasted from another JPEG, or moved within this one. "
        "Grey parts among black ones may have been painted or generated over it.",
        "Plain and overexposed parts are gray in any image, regular patterns can look like blocks, and "
        "an image that was resized or hardly compressed shows no grid at all.",
    ),
)


@dataclass(frozen=True)
class Grid:
    """The grid of JPEG blocks that most of an image follows."""

    view: Grey  # see the meaning of its `Kind`
    offset: (
        tuple[int, int] | None
    )  # x, y of the first corner of a block, 0 to 7 px; None: no grid in the image


@dataclass(frozen=True)
class Evidence:
    """All views of one image; they are of one size, by the name of their `Kind`."""

    views: dict[str, Grey]
    grid_offset: tuple[int, int] | None  # see `Grid`

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready copy, each view as the bytes of a WebP in base64."""
        return {
            "views": [
                {
                    "name": kind.name,
                    "media_type": "image/webp",
                    "width": self.views[kind.name].shape[1],
                    "height": self.views[kind.name].shape[0],
                    "data": base64.b64encode(encoded(self.views[kind.name])).decode("ascii"),
                }
                for kind in KINDS
            ],
            "resaved_quality": RESAVED_QUALITY,
            "grid_offset": None if self.grid_offset is None else list(self.grid_offset),
        }


def examine(image: Image.Image) -> Evidence:
    """All views of an image.

    Args:
        image: RGB, upright, at full size.
    """
    grid = jpeg_grid(image)
    views = {"error_levels": error_levels(image), "noise": noise_residual(image), "grid": grid.view}
    return Evidence(views, grid.offset)


def encoded(view: Grey) -> bytes:
    """A view as the bytes of a WebP, of quality 90: nothing but its pixels is in it."""
    buffer = BytesIO()
    Image.fromarray(view).save(buffer, "WEBP", quality=90, method=2)
    return buffer.getvalue()


def error_levels(image: Image.Image) -> Grey:
    """Error level analysis: the difference to the image saved again as JPEG (Krawetz 2007).

    It is saved without reduced color (4:4:4), as otherwise every edge between colors would light up; blocks
    are then independent of each other. Of the three colors, the one that changes most counts.

    Args:
        image: RGB.

    Returns:
        See the meaning of its `Kind`; no side over 1,024 px.
    """

    def difference(strip: Image.Image, _: slice) -> Image.Image:
        again = recompress(strip, RESAVED_QUALITY, subsampling=0)
        red, green, blue = ImageChops.difference(strip, again).split()
        largest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
        return largest.point([min(255, ERROR_GAIN * value) for value in range(256)])

    return _in_strips(image, difference, around=0)


def noise_residual(image: Image.Image) -> Grey:
    """Brightness minus its median of 3 x 3 px, without its sign.

    The median takes out grain and keeps edges (Tukey, "Exploratory Data Analysis", 1977); that grain differs
    between cameras and what is pasted in: Mahdian and Saic, "Using noise inconsistencies for blind image
    forensics", Image and Vision Computing 27, 2009.

    Args:
        image: RGB.

    Returns:
        See the meaning of its `Kind`; no side over 1,024 px.
    """

    def residual(strip: Image.Image, inner: slice) -> Image.Image:
        gray = np.asarray(strip.convert("L"))
        middle = _median_of_nine(np.pad(gray, 1, mode="edge"))
        left = np.maximum(gray, middle) - np.minimum(gray, middle)
        louder = np.minimum(left, 255 // NOISE_GAIN + 1).astype(np.uint16) * NOISE_GAIN
        return Image.fromarray(np.minimum(louder, 255).astype(np.uint8)[inner])

    return _in_strips(image, residual, around=1)


def jpeg_grid(image: Image.Image) -> Grid:
    """Where the blocks of an earlier JPEG lie, and where they lie elsewhere or nowhere.

    Between two blocks brightness jumps more than on either side of the jump (Fan and de Queiroz,
    "Identification of Bitmap Compression History", IEEE Transactions on Image Processing 12, 2003; as a map:
    Li, Yuan and Yu, "Passive detection of doctored JPEG image via block artifact grid extraction", Signal
    Processing 89, 2009). Each place where it does casts a vote for its position modulo 8, so that a strong
    edge weighs no more than a faint one; votes are counted in windows of 112 x 112 px and held against
    chance, by the binomial distribution (as in Nikoukhah et al., "JPEG Grid Detection based on the Number of
    DCT Zeros", CVPR Workshops 2019).

    Args:
        image: RGB.

    Returns:
        The view, no side over 1,024 px, and the offset of the grid that the whole image follows.
    """
    down, across = _votes(image)
    offset = _main_offset(across, down)
    columns, rows = (_deviations(_summed_around(votes)) for votes in (across, down))
    here, elsewhere = _clearest(columns, rows, offset)
    shown = np.where(elsewhere > here, _clearness(elsewhere), -_clearness(here))
    levels = np.rint(_NOTHING + _STEPS * shown).astype(np.uint8)
    size = _view_size(image.size)
    # Cells at the right and lower edge may reach beyond the image.
    box = (0.0, 0.0, image.width / _CELL, image.height / _CELL)
    return Grid(np.asarray(Image.fromarray(levels).resize(size, Image.Resampling.BILINEAR, box=box)), offset)


def _factor(size: tuple[int, int]) -> int:
    """How many pixels of the image become one of a view, along each side."""
    return -(-max(size) // MAX_SIDE)


def _view_size(size: tuple[int, int]) -> tuple[int, int]:
    factor = _factor(size)
    return -(-size[0] // factor), -(-size[1] // factor)


def _strips(image: Image.Image, multiple: int, around: int) -> Iterator[tuple[Image.Image, slice]]:
    """The image in strips of a multiple of so many rows, and which rows of each strip are its own.

    `around` more rows stand above and below them, where there are any, for what looks at neighbors.
    """
    width, height = image.size
    rows = max(1, _STRIP_PIXELS // (width * multiple)) * multiple
    for top in range(0, height, rows):
        above, end = max(0, top - around), min(height, top + rows)
        strip = image.crop((0, above, width, min(height, end + around)))
        yield strip, slice(top - above, end - above)


def _in_strips(image: Image.Image, work: Callable[[Image.Image, slice], Image.Image], around: int) -> Grey:
    """What `work` makes of the strips, shrunk by the mean and put together."""
    factor = _factor(image.size)
    multiple = int(np.lcm(_BLOCK, factor))
    shrunk = [work(strip, rows).reduce(factor) for strip, rows in _strips(image, multiple, around)]
    return np.concatenate([np.asarray(part) for part in shrunk])


def _median_of_nine(padded: Grey) -> Grey:
    """The median of each 3 x 3 px, by sorting columns first.

    As in Smith, "Implementing median filters in XC4000E FPGAs", XCell 23, 1996.
    """
    above, middle, below = padded[:-2], padded[1:-1], padded[2:]
    low, high = np.minimum(above, middle), np.maximum(above, middle)
    rest = np.minimum(high, below)
    high = np.maximum(high, below)
    low, center = np.minimum(low, rest), np.maximum(low, rest)

    def three(values: Grey) -> tuple[Grey, Grey, Grey]:
        return values[:, :-2], values[:, 1:-1], values[:, 2:]

    a, b, c = three(low)
    highest_low = np.maximum(np.maximum(a, b), c)
    a, b, c = three(high)
    lowest_high = np.minimum(np.minimum(a, b), c)
    middle_centre = _median_of_three(*three(center))
    return _median_of_three(highest_low, middle_centre, lowest_high)


def _median_of_three(a: Grey, b: Grey, c: Grey) -> Grey:
    return np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))


def _votes(image: Image.Image) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many jumps there are in each cell by their position modulo 8: of rows, and of columns.

    Shapes: (rows of cells, columns of cells, 8).
    """
    columns = -(-image.width // _CELL)
    down, across = [], []
    for strip, inner in _strips(image, _CELL, around=2):
        gray = np.asarray(strip.convert("L")).astype(np.int16)
        down.append(_counted(_jumps(gray.T).T[inner], columns, axis=0))
        across.append(_counted(_jumps(gray)[inner], columns, axis=1))
    return np.concatenate(down), np.concatenate(across)


def _jumps(gray: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Whether from the column before to this one brightness jumps by more than just before and just after."""
    jumps = np.zeros(gray.shape, bool)
    steps = np.abs(np.diff(gray, axis=1))  # steps[:, i] leads to column i + 1
    if steps.shape[1] >= 3:
        jump, before, after = steps[:, 1:-1], steps[:, :-2], steps[:, 2:]
        # A step of one level is what any soft gradient is made of, at places that JPEG's waves may choose.
        jumps[:, 2:-1] = (jump > before) & (jump > after) & (jump > 1)
    return jumps


def _counted(jumps: NDArray[np.bool_], columns: int, axis: int) -> NDArray[np.int64]:
    """Jumps in each cell by their position along an axis, modulo 8: (rows of cells, columns of cells, 8)."""
    height, width = jumps.shape
    rows = -(-height // _CELL)
    whole = np.zeros((rows * _CELL, columns * _CELL), np.int64)
    whole[:height, :width] = jumps
    halves = _CELL // _BLOCK
    counted: NDArray[np.int64]
    if axis == 0:
        counted = whole.reshape(rows, halves, _BLOCK, columns, _CELL).sum((1, 4)).transpose(0, 2, 1)
    else:
        counted = whole.reshape(rows, _CELL, columns, halves, _BLOCK).sum((1, 3))
    return counted


def _summed_around(votes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each cell and those around it, as far as there are some."""
    for axis in (0, 1):
        size = votes.shape[axis]
        sums = np.concatenate([np.zeros_like(votes.take([0], axis)), votes.cumsum(axis=axis)], axis=axis)
        first = np.maximum(np.arange(size) - _REACH, 0)
        end = np.minimum(np.arange(size) + _REACH + 1, size)
        votes = sums.take(end, axis) - sums.take(first, axis)
    return votes


def _deviations(votes: NDArray[np.int64]) -> NDArray[np.float64]:
    """By how many standard deviations each position has more votes than by chance; 0 where there are none."""
    total = votes.sum(axis=-1, keepdims=True)
    spread = np.sqrt(np.maximum(total, 1) * (1 / _BLOCK) * (1 - 1 / _BLOCK))
    return np.where(total > 0, (votes - total / _BLOCK) / spread, 0.0)


def _main_offset(across: NDArray[np.int64], down: NDArray[np.int64]) -> tuple[int, int] | None:
    """The offset that stands out in the whole image; None where none does."""
    x, y = (_deviations(votes.sum(axis=(0, 1))) for votes in (across, down))
    if max(x.max(), y.max()) <= _FLOOR:
        return None
    return int(x.argmax()), int(y.argmax())


def _clearest(
    columns: NDArray[np.float64], rows: NDArray[np.float64], offset: tuple[int, int] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How clearly each cell shows the grid of that offset, and how clearly any other.

    A grid has columns and rows: the fainter ones of the two count, as regular patterns often have but one of
    them. Where the other grid shares rows or columns with this one, its own stand out by themselves; of
    a pattern within the blocks, this grid's stand out as well, and are taken off.
    """
    any_column, any_row = columns.max(axis=2), rows.max(axis=2)
    if offset is None:
        return np.zeros_like(any_column), np.minimum(any_column, any_row)
    own = [of[:, :, main] for of, main in zip((columns, rows), offset, strict=True)]
    others = [
        np.delete(of, main, axis=2).max(axis=2) - np.maximum(of[:, :, main], 0)
        for of, main in zip((columns, rows), offset, strict=True)
    ]
    elsewhere = np.maximum(np.minimum(others[0], any_row), np.minimum(any_column, others[1]))
    return np.minimum(*own), elsewhere


def _clearness(deviations: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 for an accident to 1 for beyond doubt."""
    return np.clip((deviations - _FLOOR) / (_CLEAR - _FLOOR), 0, 1)
