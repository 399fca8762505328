"""Figures on arrays, for many weightings of the same images at once.

Every function takes the images as arrays of one length and `weights` of shape (weightings, images), and
returns one value a weighting; NaN where the figure has no meaning, such as an AUC without fakes. Weights of 1
give the plain figure; the weights of bootstrap draws give its interval without a loop over the draws.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Values = NDArray[np.float64]

BINS = 15  # of both calibration errors, as in Guo et al., "On Calibration of Modern Neural Networks", 2017


class RocCurve:
    """How well p_fake puts fakes above reals: the receiver operating characteristic of each weighting.

    Attributes:
        false_alarms: share of reals at or above each distinct p_fake, highest first, beginning with 0;
            shape (weightings, distinct scores + 1).
        recall: share of fakes at or above it.
    """

    def __init__(self, fake: Flags, p_fake: Values, weights: Values) -> None:
        """Sort and add up once; every figure below is then one pass.

        Args:
            fake: labels.
            p_fake: scores, without NaN.
            weights: shape (weightings, images).
        """
        order = np.argsort(-p_fake, kind="stable")
        ends = np.flatnonzero(np.diff(p_fake[order], append=-np.inf))  # the last of each run of equal scores
        weights = weights[:, order]
        fakes = np.cumsum(weights * fake[order], axis=1)[:, ends]
        reals = np.cumsum(weights, axis=1)[:, ends] - fakes
        nothing = np.zeros((len(weights), 1))
        self._fakes = np.hstack([nothing, fakes])
        self._reals = np.hstack([nothing, reals])
        self.recall = _ratio(self._fakes, self._fakes[:, -1:])
        self.false_alarms = _ratio(self._reals, self._reals[:, -1:])

    def area(self) -> Values:
        """Area under the curve: the chance that a fake scores above a real, ties counting half."""
        heights = (self.recall[:, 1:] + self.recall[:, :-1]) / 2
        area: Values = np.sum(np.diff(self.false_alarms, axis=1) * heights, axis=1)
        return self._where_both(area)

    def average_precision(self) -> Values:
        """Precision averaged over the steps of recall, without interpolation; it moves with the class mix."""
        precision = np.nan_to_num(_ratio(self._fakes, self._fakes + self._reals))
        average: Values = np.sum(np.diff(self.recall, axis=1) * precision[:, 1:], axis=1)
        return self._where_both(average)

    def recall_at(self, false_alarms: float) -> Values:
        """Largest recall of a threshold at which at most this share of reals lies."""
        return self._where_both(np.where(self.false_alarms <= false_alarms, self.recall, 0.0).max(axis=1))

    def equal_error_rate(self) -> Values:
        """Where as many reals lie above a threshold as fakes below it, with straight lines between."""
        gap = np.nan_to_num(self.false_alarms + self.recall) - 1  # rises from -1 to 1
        after = np.argmax(gap >= 0, axis=1)
        rows, before = np.arange(len(gap)), np.maximum(after - 1, 0)
        start, end = gap[rows, before], gap[rows, after]
        part = _ratio(-start, end - start)
        low, high = self.false_alarms[rows, before], self.false_alarms[rows, after]
        return self._where_both(low + np.nan_to_num(part) * (high - low))

    def _where_both(self, values: Values) -> Values:
        return np.where((self._fakes[:, -1] > 0) & (self._reals[:, -1] > 0), values, np.nan)


def share(chosen: Flags, among: Flags, weights: Values) -> Values:
    """Share of the images `among` that are also `chosen`."""
    return _ratio(weights @ (chosen & among).astype(np.float64), weights @ among.astype(np.float64))


def equal_width_edges() -> Values:
    """Inner edges of 15 bins of equal width."""
    return np.linspace(0, 1, BINS + 1)[1:-1]


def equal_mass_edges(p_fake: Values) -> Values:
    """Inner edges of 15 bins that hold equally many of these scores; equal scores share a bin."""
    return np.asarray(np.quantile(p_fake, np.linspace(0, 1, BINS + 1)[1:-1]), np.float64)


def calibration_error(fake: Flags, p_fake: Values, weights: Values, edges: Values) -> Values:
    """Expected calibration error: how far the mean p_fake of a bin is off its share of fakes, on average.

    Guo et al., "On Calibration of Modern Neural Networks", 2017, with bins of equal width; Nixon et al.,
    "Measuring Calibration in Deep Learning", 2019, with bins of equal mass.
    """
    member = np.searchsorted(edges, p_fake, side="right")[:, None] == np.arange(len(edges) + 1)
    gaps = weights @ (member * (p_fake - fake)[:, None])
    return _ratio(np.abs(gaps).sum(axis=1), weights.sum(axis=1))


def brier_score(fake: Flags, p_fake: Values, weights: Values) -> Values:
    """Mean squared distance of p_fake from 1 for fakes and 0 for reals (Brier, 1950)."""
    return _ratio(weights @ (p_fake - fake) ** 2, weights.sum(axis=1))


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> Values:
    """NaN where the denominator is 0."""
    below = np.broadcast_to(below, np.shape(above))
    out = np.full(np.shape(above), np.nan)
    np.divide(above, below, out=out, where=below != 0)
    return out
