"""Confidence intervals from 1,000 bootstrap resamples of whole groups."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

DRAWS = 1000
MIN_GROUPS = 5  # with fewer groups no interval is returned: resampling them does not represent new ones
_CHUNK = 100  # resamples computed at once: large enough for NumPy, small enough for the CPU cache

Values = NDArray[np.float64]
Compute = Callable[[Values], Mapping[str, Values]]


class BootstrapSamples:
    """Resamples of whole groups with replacement (cluster bootstrap).

    Images of one person or video are not independent, so groups are resampled, not images. A resample is
    stored as the number of times it contains each group. All metrics of a report use the same resamples, so
    that the difference of two metrics has an interval too. Percentile intervals: Efron and Tibshirani, "An
    Introduction to the Bootstrap", 1993.
    """

    def __init__(self, groups: Iterable[str], *, count: int = DRAWS, seed: int = 0) -> None:
        """Draw the resamples.

        Args:
            groups: groups of all images of the report; duplicates are ignored.
            count: number of resamples.
            seed: seed of the draws.
        """
        names = sorted(set(groups))
        self._index = {name: i for i, name in enumerate(names)}
        random = np.random.default_rng(seed)
        shares = np.full(len(names), 1 / max(1, len(names)))
        drawn = random.multinomial(len(names), shares, size=count) if names else np.zeros((count, 0))
        self._weights = drawn.astype(np.uint16)

    def index(self, groups: Sequence[str]) -> NDArray[np.intp]:
        """Return the columns of these groups in the weights that `measure` passes on."""
        return np.array([self._index[group] for group in groups], np.intp)

    def measure(self, compute: Compute) -> tuple[dict[str, float | None], dict[str, list[float] | None]]:
        """Compute values and their 95% intervals.

        Args:
            compute: returns values by name for weights of shape (resamples, groups): one value per resample,
                NaN if undefined.

        Returns:
            The values of the original images, and [low, high] of each; None if undefined.
        """
        values = compute(np.ones((1, self._weights.shape[1])))
        if len(self._index) < MIN_GROUPS:
            return {name: rounded(value[0]) for name, value in values.items()}, dict.fromkeys(values)
        drawn = [compute(weights) for weights in self._chunks()]
        intervals = {name: _interval(np.concatenate([d[name] for d in drawn])) for name in values}
        return {name: rounded(value[0]) for name, value in values.items()}, {
            name: None if np.isnan(values[name][0]) else interval for name, interval in intervals.items()
        }

    def _chunks(self) -> Iterator[Values]:
        for start in range(0, len(self._weights), _CHUNK):
            yield self._weights[start : start + _CHUNK].astype(np.float64)


def rounded(value: float | np.floating) -> float | None:
    """Round to the four digits of reports; None for NaN."""
    return None if np.isnan(value) else round(float(value), 4)


def _interval(values: Values) -> list[float] | None:
    values = values[~np.isnan(values)]
    return [round(float(v), 4) for v in np.percentile(values, [2.5, 97.5])] if len(values) else None
