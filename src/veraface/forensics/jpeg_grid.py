"""Where the 8 x 8 px blocks of an earlier JPEG compression lie.

Brightness jumps more between two blocks than on either side of the jump (Fan and de Queiroz, "Identification
of Bitmap Compression History", IEEE Transactions on Image Processing 12, 2003; as a map: Li, Yuan and Yu,
"Passive detection of doctored JPEG image via block artifact grid extraction", Signal Processing 89, 2009).
Each such place casts a vote for its position modulo 8, so that a strong edge weighs no more than a faint one.
Votes are counted in windows of 112 x 112 px and compared with chance by the binomial distribution (as in
Nikoukhah et al., "JPEG Grid Detection based on the Number of DCT Zeros", CVPR Workshops 2019).
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

from veraface.forensics.strips import JPEG_BLOCK, GrayImage, iter_strips, view_size

_CELL = 16  # px of the image for one value of the map
_REACH = 3  # cells to each side that are counted together: 112 x 112 px
_MIN_DEVIATION = 6.0  # standard deviations up to which a grid is taken for chance
_MAX_DEVIATION = 18.0  # standard deviations from which a grid is certain
_NO_GRID, _RANGE = 128, 127  # gray levels: no grid, and how far the two extremes are from it


@dataclass(frozen=True)
class JpegGrid:
    """The grid of JPEG blocks in an image."""

    view: GrayImage
    """black where blocks lie as in most of the image, gray where there are none, white elsewhere"""
    offset: tuple[int, int] | None
    """x, y of the first corner of a block, 0 to 7 px; None if most of the image follows no grid"""


def find_jpeg_grid(image: Image.Image) -> JpegGrid:
    """Find the grid that an RGB image follows as a whole, and the parts that follow another one or none."""
    down, across = _votes(image)
    offset = _main_offset(across, down)
    columns, rows = (_deviations(_window_sums(votes)) for votes in (across, down))
    here, elsewhere = _strongest(columns, rows, offset)
    shown = np.where(elsewhere > here, _certainty(elsewhere), -_certainty(here))
    levels = Image.fromarray(np.rint(_NO_GRID + _RANGE * shown).astype(np.uint8))
    # Cells at the right and lower edge may reach beyond the image.
    box = (0.0, 0.0, image.width / _CELL, image.height / _CELL)
    view = levels.resize(view_size(image.size), Image.Resampling.BILINEAR, box=box)
    return JpegGrid(np.asarray(view), offset)


def _votes(image: Image.Image) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the jumps down and across in each cell by their position modulo 8: shape (rows, columns, 8)."""
    down, across = [], []
    for strip, inner in iter_strips(image, _CELL, margin=2):
        gray = np.asarray(strip.convert("L")).astype(np.int16)
        down.append(_count(_jumps(gray.T)[:, inner]).swapaxes(0, 1))
        across.append(_count(_jumps(gray)[inner]))
    return np.concatenate(down), np.concatenate(across)


def _jumps(gray: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Mark where brightness changes more from the previous column to this one than just before and after."""
    jumps = np.zeros(gray.shape, bool)
    steps = np.abs(np.diff(gray, axis=1))  # steps[:, i] leads to column i + 1
    if steps.shape[1] >= 3:
        jump, before, after = steps[:, 1:-1], steps[:, :-2], steps[:, 2:]
        # Any soft gradient consists of steps of one level, whose places may depend on JPEG's cosines.
        jumps[:, 2:-1] = (jump > before) & (jump > after) & (jump > 1)
    return jumps


def _count(jumps: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count jumps in each cell by their column modulo 8."""
    height, width = jumps.shape
    whole = np.pad(jumps, ((0, -height % _CELL), (0, -width % _CELL)))
    parts = whole.reshape(len(whole) // _CELL, _CELL, -1, _CELL // JPEG_BLOCK, JPEG_BLOCK)
    # Faster than both axes at once.
    counted: NDArray[np.int64] = parts.sum(1, dtype=np.uint8).sum(2, dtype=np.int64)
    return counted


def _window_sums(votes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add to each cell those within reach, as far as the image has them."""
    padded = np.pad(votes, ((_REACH, _REACH), (_REACH, _REACH), (0, 0)))
    for axis in (0, 1):
        padded = sliding_window_view(padded, 2 * _REACH + 1, axis).sum(-1)
    return padded


def _deviations(votes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return by how many standard deviations each position has more votes than by chance; 0 without votes."""
    total = votes.sum(axis=-1, keepdims=True)
    spread = np.sqrt(np.maximum(total, 1) * (1 / JPEG_BLOCK) * (1 - 1 / JPEG_BLOCK))
    return np.where(total > 0, (votes - total / JPEG_BLOCK) / spread, 0.0)


def _main_offset(across: NDArray[np.int64], down: NDArray[np.int64]) -> tuple[int, int] | None:
    """Return the offset with the most votes in the whole image; None if it may be chance."""
    x, y = (_deviations(votes.sum(axis=(0, 1))) for votes in (across, down))
    if max(x.max(), y.max()) <= _MIN_DEVIATION:
        return None
    return int(x.argmax()), int(y.argmax())


def _strongest(
    columns: NDArray[np.float64], rows: NDArray[np.float64], offset: tuple[int, int] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the deviations of the grid of that offset, and of any other grid, in each cell.

    A grid has columns and rows: the weaker of the two counts, as regular patterns often have only one.
    Where another grid shares the rows or the columns of the main one, its others stand out alone. Where a
    pattern inside the blocks stands out, so does the main grid, whose deviation is subtracted.
    """
    any_column, any_row = columns.max(axis=2), rows.max(axis=2)
    if offset is None:
        return np.zeros_like(any_column), np.minimum(any_column, any_row)
    own_column, own_row = columns[:, :, offset[0]], rows[:, :, offset[1]]
    other_column = np.delete(columns, offset[0], axis=2).max(axis=2) - np.maximum(own_column, 0)
    other_row = np.delete(rows, offset[1], axis=2).max(axis=2) - np.maximum(own_row, 0)
    elsewhere = np.maximum(np.minimum(other_column, any_row), np.minimum(any_column, other_row))
    return np.minimum(own_column, own_row), elsewhere


def _certainty(deviations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map deviations to 0 for chance up to 1 for certain."""
    return np.clip((deviations - _MIN_DEVIATION) / (_MAX_DEVIATION - _MIN_DEVIATION), 0, 1)
