"""Compare an embedded thumbnail with the image, beyond what scaling, cropping and tone changes explain."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy import fft  # now, as a sandboxed worker cannot load modules later
from numpy.typing import NDArray
from PIL import Image

Gray = NDArray[np.float32]

_SIDE = 96  # px of the longer side that is compared; thumbnails have 160 and more
_MIN_SIDE = 24  # px of the shorter side, below which a thumbnail shows too little to compare
_MIN_SHARE = 0.35  # of a side that is left after the strongest crop that is looked for
_SCALE_STEP = 0.93
_WINDOW = 9  # px; differences are averaged over a square of this side
_MAX_ASPECT_DIFFERENCE = 0.03
_TONES = 12  # of a fitted tone curve
_BLACK = 24  # gray level
# Measured on 137 images, with thumbnails made from them: a correlation of 0.937 or more and a difference
# of at most 5.7 where only scale, quality, bars, rotation, a gamma curve or a crop differed; a square of a
# fifth of the shorter side pasted over gave a difference of 33 (median).
# Clipped highlights gave more than 10 for 2% to 11%.
MIN_CORRELATION = 0.9
MAX_DIFFERENCE = 10.0
_FLAT = 4.0  # gray levels; an image with less contrast correlates with any image


@dataclass(frozen=True)
class Comparison:
    """How a thumbnail relates to the image.

    Attributes:
        correlation: of the best match, -1 to 1.
        difference: mean difference in the most different place, in gray levels (0 to 255).
        relation: what explains the thumbnail best: the same view, or that one of the two was cropped.
    """

    correlation: float
    difference: float
    relation: Literal["same", "image_cropped", "thumbnail_cropped"]

    @property
    def differs(self) -> bool:
        """Whether neither scaling nor a crop explains the thumbnail."""
        return self.correlation < MIN_CORRELATION or self.difference > MAX_DIFFERENCE


def compare_thumbnail(thumbnail: Image.Image, image: Image.Image) -> Comparison | None:
    """Compare a thumbnail with the upright image it should show; None if one of them shows too little.

    The thumbnail may be turned by quarters and have the black bars of DCF, and either may be a crop of the
    other. Brightness and contrast do not count, as editors leave thumbnails as they were.
    """
    whole, pixels = _gray(image, _SIDE), np.asarray(thumbnail.convert("L"))
    views = [_gray(_without_bars(np.rot90(pixels, turns), image.size), _SIDE) for turns in range(4)]
    if min(*views[0].shape, *whole.shape) < _MIN_SIDE or min(views[0].std(), whole.std()) < _FLAT:
        return None
    alike = [view for view in views if _same_shape(view, whole)]
    found = [_compare(view, _resized(whole, view.shape), "same") for view in alike]
    if all(comparison.differs for comparison in found):
        found += [_compare(*match, "image_cropped") for match in _matches(whole, views[0])]
        found += [_compare(*match[::-1], "thumbnail_cropped") for match in _matches(views[0], whole)]
    return max(found, key=lambda comparison: comparison.correlation)


def _same_shape(first: Gray, second: Gray) -> bool:
    ratio = (first.shape[1] / first.shape[0]) / (second.shape[1] / second.shape[0])
    return bool(abs(np.log(ratio)) < _MAX_ASPECT_DIFFERENCE)


def _matches(part: Gray, scene: Gray) -> Iterator[tuple[Gray, Gray]]:
    """Yield the best place of `part` in `scene`: that place, and `part` at its size."""
    fit = min(scene.shape[0] / part.shape[0], scene.shape[1] / part.shape[1])
    scales = fit * _SCALE_STEP ** np.arange(int(np.log(_MIN_SHARE) / np.log(_SCALE_STEP)))
    best = max((_search(part, scene, scale) for scale in scales), default=None)
    if best is None:
        return
    finer = best[1] * np.linspace(_SCALE_STEP, min(1 / _SCALE_STEP, fit / best[1]), 9)
    _, scale, row, column = max(best, *(_search(part, scene, scale) for scale in finer))
    template = _resized(part, _size(part, scale))
    yield scene[row : row + template.shape[0], column : column + template.shape[1]], template


def _size(part: Gray, scale: float) -> tuple[int, int]:
    return max(8, round(part.shape[0] * scale)), max(8, round(part.shape[1] * scale))


def _search(part: Gray, scene: Gray, scale: float) -> tuple[float, float, int, int]:
    """Return the highest normalized cross-correlation (Lewis, 1995), the scale, row and column."""
    height, width = (min(side, limit) for side, limit in zip(_size(part, scale), scene.shape, strict=True))
    template = _resized(part, (height, width))
    template = template - template.mean()
    padded = (scene.shape[0] + height, scene.shape[1] + width)
    spectrum = fft.rfft2(scene, padded)
    cross = fft.irfft2(spectrum * np.conj(fft.rfft2(template, padded)), padded)
    rows, columns = scene.shape[0] - height + 1, scene.shape[1] - width + 1
    sums, squares = (_window_sums(values, height, width) for values in (scene, scene**2))
    variance = np.maximum(squares - sums**2 / (height * width), 1.0)
    scores = cross[:rows, :columns] / np.sqrt(variance * max(float((template**2).sum()), 1.0))
    row, column = np.unravel_index(int(scores.argmax()), scores.shape)
    return float(scores[row, column]), float(scale), int(row), int(column)


def _window_sums(values: Gray, height: int, width: int) -> NDArray[np.float64]:
    """Return the sum of each window of a size."""
    total = np.pad(values.astype(np.float64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    return np.asarray(
        total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    )


def _compare(
    first: Gray, second: Gray, relation: Literal["same", "image_cropped", "thumbnail_cropped"]
) -> Comparison:
    """Compare two views of the same size, whatever the tone curve between them."""
    covariance = float(((first - first.mean()) * (second - second.mean())).mean())
    correlation = covariance / max(float(first.std()) * float(second.std()), 1e-6)
    difference = min(_difference(first, second), _difference(second, first))  # either may be overexposed
    return Comparison(correlation, difference, relation)


def _difference(first: Gray, second: Gray) -> float:
    """Return the mean difference in the most different window, with the tones of the second view fitted."""
    gain = float(((first - first.mean()) * (second - second.mean())).mean() / max(second.var(), 1e-6))
    line = (second - second.mean()) * gain + first.mean()
    bins = np.array_split(np.argsort(second, axis=None), _TONES)
    tones = [float(second.ravel()[members].mean()) for members in bins]
    curve = np.interp(second, tones, [float(np.median(first.ravel()[members])) for members in bins])
    curve += gain * (second - np.clip(second, tones[0], tones[-1]))  # beyond its ends the curve is straight
    return min(_largest_excess(first, np.asarray(fitted, np.float32)) for fitted in (line, curve))


def _largest_excess(first: Gray, second: Gray) -> float:
    # Where brightness changes fast, a shift by a pixel differs as much as a change of the content.
    steps = sum(np.abs(np.gradient(view, axis=axis)) for view in (first, second) for axis in (0, 1))
    excess = np.maximum(np.abs(first - second) - steps, 0)
    window = min(_WINDOW, *first.shape)
    return float(_window_sums(np.asarray(excess, np.float32), window, window).max() / window**2)


def _without_bars(pixels: NDArray[np.uint8], size: tuple[int, int]) -> Image.Image:
    """Cut off black bars at two opposite sides, with which DCF fills up to 4:3."""
    height, width = pixels.shape
    aspect = size[0] / size[1]
    for axis, kept in ((0, round(width / aspect)), (1, round(height * aspect))):
        bar = (pixels.shape[axis] - kept) // 2
        if bar >= 2 and kept >= _MIN_SIDE:
            start, inner, end = np.split(pixels, (bar, pixels.shape[axis] - bar), axis=axis)
            edges = np.concatenate((start.ravel(), end.ravel()))
            if np.percentile(edges, 90) < _BLACK:
                return Image.fromarray(np.ascontiguousarray(inner))
    return Image.fromarray(np.ascontiguousarray(pixels))


def _gray(image: Image.Image, side: int) -> Gray:
    small = image.convert("L")
    small.thumbnail((side, side), Image.Resampling.BOX)
    return np.asarray(small, np.float32)


def _resized(view: Gray, shape: tuple[int, ...]) -> Gray:
    image = Image.fromarray(view, mode="F").resize((shape[1], shape[0]), Image.Resampling.BOX)
    return np.asarray(image, np.float32)
