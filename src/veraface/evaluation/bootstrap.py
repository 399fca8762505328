"""Confidence intervals from 1,000 bootstrap resamples of whole groups."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
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

    def __init__(self, groups: Iterable[str], *, count: int = RESAMPLES, seed: int = 0) -> None:
        """Draw `count` resamples of the groups of all images of a report; duplicates are ignored."""
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
        found = compute(np.ones((1, self._weights.shape[1])))
        values = {name: rounded(value[0]) for name, value in found.items()}
        intervals: dict[str, list[float] | None] = dict.fromkeys(values)
        if len(self._index) >= MIN_GROUPS:
            starts = range(0, len(self._weights), _CHUNK)
            drawn = [compute(self._weights[i : i + _CHUNK].astype(np.float64)) for i in starts]
            for name, value in values.items():
                if value is not None:
                    intervals[name] = _interval(np.concatenate([d[name] for d in drawn]))
        return values, intervals


def rounded(value: float | np.floating) -> float | None:
    """Round to the four digits of reports; None for NaN."""
    return None if np.isnan(value) else round(float(value), 4)


def _interval(values: Values) -> list[float] | None:
    values = values[~np.isnan(values)]
    return [round(float(v), 4) for v in np.percentile(values, [2.5, 97.5])] if len(values) else None
