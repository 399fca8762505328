"""ROC curve and calibration on arrays, for many weightings of the same images at once.

The functions take the images as arrays of one length and `weights` of shape (weightings, images). They
return one value per weighting; NaN if undefined, such as the AUC of one class. Weights of 1 give the plain
value; the weights of bootstrap resamples give its interval without a loop over the resamples.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from veraface.evaluation.bootstrap import Values

Flags = NDArray[np.bool_]

BINS = 15  # of both calibration errors, as in Guo et al., "On Calibration of Modern Neural Networks", 2017


class RocCurve:
    """Receiver operating characteristic of each weighting.

    `fpr` and `recall` are the shares of reals and fakes at or above each distinct p_fake, in descending order
    of p_fake, starting with 0; shape (weightings, distinct scores + 1).
    """

    def __init__(self, fake: Flags, p_fake: Values, weights: Values) -> None:
        """Sort and accumulate once, so that every metric is one pass; `p_fake` must have no NaN."""
        order = np.argsort(-p_fake, kind="stable")
        ends = np.flatnonzero(np.diff(p_fake[order], append=-np.inf))  # the last of each run of equal scores
        weights = weights[:, order]
        fakes = np.cumsum(weights * fake[order], axis=1)[:, ends]
        reals = np.cumsum(weights, axis=1)[:, ends] - fakes
        zero = np.zeros((len(weights), 1))
        self._fakes, self._reals = np.hstack([zero, fakes]), np.hstack([zero, reals])
        self.recall = _ratio(self._fakes, self._fakes[:, -1:])
        self.fpr = _ratio(self._reals, self._reals[:, -1:])

    def area(self) -> Values:
        """Return the area under the curve: the probability that a fake outscores a real; ties count half."""
        return self._where_both(np.asarray(np.trapezoid(self.recall, self.fpr, axis=1)))

    def average_precision(self) -> Values:
        """Return the mean precision over the steps of recall, not interpolated; depends on the class mix."""
        precision = np.nan_to_num(_ratio(self._fakes, self._fakes + self._reals))
        return self._where_both(np.sum(np.diff(self.recall, axis=1) * precision[:, 1:], axis=1))

    def recall_at(self, max_fpr: float) -> Values:
        """Return the largest recall of a threshold whose false positive rate is at most `max_fpr`."""
        return self._where_both(np.where(self.fpr <= max_fpr, self.recall, 0.0).max(axis=1))

    def equal_error_rate(self) -> Values:
        """Return the rate at which FPR and FNR are equal, interpolated linearly."""
        gap = np.nan_to_num(self.fpr + self.recall) - 1  # rises from -1 to 1
        after = np.argmax(gap >= 0, axis=1)
        rows, before = np.arange(len(gap)), np.maximum(after - 1, 0)
        start, end = gap[rows, before], gap[rows, after]
        low, high = self.fpr[rows, before], self.fpr[rows, after]
        return self._where_both(low + np.nan_to_num(_ratio(-start, end - start)) * (high - low))

    def _where_both(self, values: Values) -> Values:
        return np.where((self._fakes[:, -1] > 0) & (self._reals[:, -1] > 0), values, np.nan)


def share(chosen: Flags, among: Flags, weights: Values) -> Values:
    """Return the share of the images `among` that are also `chosen`."""
    return _ratio(weights @ (chosen & among).astype(np.float64), weights @ among.astype(np.float64))


def equal_width_edges() -> Values:
    """Return the inner edges of 15 bins of equal width."""
    return np.linspace(0, 1, BINS + 1)[1:-1]


def equal_mass_edges(p_fake: Values) -> Values:
    """Return the inner edges of 15 bins with equally many of these scores; equal scores share a bin."""
    return np.asarray(np.quantile(p_fake, equal_width_edges()), np.float64)


def calibration_error(fake: Flags, p_fake: Values, weights: Values, edges: Values) -> Values:
    """Return the expected calibration error: the mean distance of a bin's p_fake from its share of fakes.

    Guo et al. (see `BINS`) with bins of equal width; Nixon et al., "Measuring Calibration in Deep Learning",
    2019, with bins of equal mass.
    """
    member = np.searchsorted(edges, p_fake, side="right")[:, None] == np.arange(len(edges) + 1)
    gaps = weights @ (member * (p_fake - fake)[:, None])
    return _ratio(np.abs(gaps).sum(axis=1), weights.sum(axis=1))


def brier_score(fake: Flags, p_fake: Values, weights: Values) -> Values:
    """Return the mean squared distance of p_fake from 1 for fakes and 0 for reals (Brier, 1950)."""
    return _ratio(weights @ (p_fake - fake) ** 2, weights.sum(axis=1))


def _ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> Values:
    """Divide; NaN where the denominator is 0."""
    out = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, denominator, out=out, where=denominator != 0)
    return out
