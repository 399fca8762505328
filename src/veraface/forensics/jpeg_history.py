"""Traces of an earlier JPEG compression in the coefficients of a JPEG.

An image that was compressed with coarser steps, decoded and compressed again with finer ones has gaps and
peaks in the histograms of its coefficients (Popescu and Farid, "Statistical tools for digital forensics",
2004). Finer steps before coarser ones, the same steps twice, and a crop or resize in between leave few.
"""

from io import BytesIO
from statistics import median

import numpy as np
from numpy.typing import NDArray
from PIL import JpegImagePlugin

from veraface.imaging.decode import JpegInfo

# Row and column of the coefficients used: the lowest AC coefficients, whose histograms are widest.
_COEFFICIENTS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1), (0, 3), (3, 0))
_MAX_SIZE = 24  # bins on each side of zero
_MAX_BLOCKS = 40_000  # 2.5 megapixels; of more, every n-th is used, which does not change the result
_MIN_BLOCKS = 15  # in the neighbors of a bin; fewer are dominated by chance
# Roughness above which there is a trace. Of 46 photographs, scaled down to remove their own traces, 38 had
# enough data: 0.18 to 0.38 when compressed once at quality 75 to 95, 1.9 to 6.9 when compressed at a quality
# lower by 10 to 25 before (benchmarks/recompression.py).
_MAX_SINGLE_ROUGHNESS = 1.0


def compressed_twice(data: bytes, jpeg: JpegInfo) -> bool | None:
    """Return whether a JPEG has traces of an earlier, coarser compression; None if it has too few data."""
    value = roughness(brightness(data), jpeg.tables[0]) if jpeg.tables else None
    return None if value is None else value > _MAX_SINGLE_ROUGHNESS


def roughness(image: NDArray[np.float32], steps: tuple[int, ...]) -> float | None:
    """Measure how far the histograms of coefficients are from smooth: log of a bin over its neighbors' mean.

    Takes brightness, height x width, and the 64 steps of the quantization table. Returns the mean of the
    roughest quarter of the bins, median over the coefficients; None if there is too little.
    """
    coefficients = _transformed_blocks(image)
    found = []
    for row, column in _COEFFICIENTS:
        step = max(1, steps[8 * row + column])
        size = np.abs(np.rint(coefficients[:, row, column] / step)).astype(np.int64)
        bins = np.bincount(size[size <= _MAX_SIZE], minlength=_MAX_SIZE + 1)[1:] + 0.5
        neighbors = np.sqrt(bins[:-2] * bins[2:])
        usable = neighbors > _MIN_BLOCKS
        if np.count_nonzero(usable) < 4:
            continue
        off = np.sort(np.abs(np.log(bins[1:-1] / neighbors))[usable])
        found.append(float(off[-max(1, len(off) // 4) :].mean()))
    return median(found) if len(found) >= 3 else None


def brightness(data: bytes) -> NDArray[np.float32]:
    """Return the brightness of a JPEG as it was encoded, height x width, around 0."""
    image = JpegImagePlugin.JpegImageFile(BytesIO(data))
    image.draft("L", image.size)  # the luma channel as it was encoded, without a conversion to RGB
    return np.asarray(image.convert("L"), dtype=np.float32) - np.float32(128)


def _transformed_blocks(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the DCT (T.81, A.3.3) of each block."""
    rows, columns = image.shape[0] // 8, image.shape[1] // 8
    whole = image[: 8 * rows, : 8 * columns]
    blocks = whole.reshape(rows, 8, columns, 8).swapaxes(1, 2).reshape(-1, 8, 8)
    blocks = blocks[:: max(1, -(-len(blocks) // _MAX_BLOCKS))]
    k = np.arange(8)
    basis = 0.5 * np.cos((2 * k[None] + 1) * k[:, None] * np.pi / 16)
    basis[0] /= np.sqrt(2)
    matrix = basis.astype(np.float32)
    return np.asarray(matrix @ blocks @ matrix.T, dtype=np.float32)
