"""Intervals: the same figure on a thousand sets that might as well have been drawn."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from veraface.evaluation.metrics import Values

DRAWS = 1000
MIN_GROUPS = 5  # below, drawing them anew says nothing about others, and no interval is given
_AT_ONCE = 100  # draws a step: large enough for NumPy, small enough for a processor's cache

Compute = Callable[[Values], Mapping[str, Values]]


class BootstrapSamples:
    """Sets of whole groups drawn with replacement: images of one person or video are no independent proof.

    A draw is stored as how often it holds each group. All figures of a report use the same draws, so that
    the difference between two of them has an interval too. Efron and Tibshirani, "An Introduction to the
    Bootstrap", 1993; percentile intervals.
    """

    def __init__(self, groups: Iterable[str], *, count: int = DRAWS, seed: int = 0) -> None:
        """Draw.

        Args:
            groups: of all images of the report; repetitions do not matter.
            count: of draws.
            seed: decides the draws.
        """
        names = sorted(set(groups))
        self._index = {name: i for i, name in enumerate(names)}
        random = np.random.default_rng(seed)
        shares = np.full(len(names), 1 / max(1, len(names)))
        drawn = random.multinomial(len(names), shares, size=count) if names else np.zeros((count, 0))
        self._weights = drawn.astype(np.uint16)

    def index(self, groups: Sequence[str]) -> NDArray[np.intp]:
        """Columns of these groups in the weights that `measure` hands out."""
        return np.array([self._index[group] for group in groups], np.intp)

    def measure(self, compute: Compute) -> tuple[dict[str, float | None], dict[str, list[float] | None]]:
        """Figures and their 95 % intervals.

        Args:
            compute: figures by name for weights of shape (draws, groups), one value a draw, NaN for none.

        Returns:
            The figures of the images as they are, and [low, high] of each; None where there is none.
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
        for start in range(0, len(self._weights), _AT_ONCE):
            yield self._weights[start : start + _AT_ONCE].astype(np.float64)


def rounded(value: float | np.floating) -> float | None:
    """To the four digits that reports keep; None for NaN."""
    return None if np.isnan(value) else round(float(value), 4)


def _interval(values: Values) -> list[float] | None:
    values = values[~np.isnan(values)]
    return [round(float(v), 4) for v in np.percentile(values, [2.5, 97.5])] if len(values) else None
