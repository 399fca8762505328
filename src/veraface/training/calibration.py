"""Calibration of logits to a probability, and thresholds for target error rates."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from veraface.decision import Calibration, Thresholds
from veraface.errors import DataError

DEFAULT_ERROR_RATE = 0.05
_MIN_COUNT = 10  # validation images of each class; the fit of fewer is meaningless

Floats = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]


def balance_weights(labels: Flags, sources: NDArray[Any]) -> NDArray[np.float64]:
    """Return sample weights that sum to one half per class, equally divided among the sources of a class.

    The class balance of a data set does not predict that of the images users submit; one half is the
    uninformative prior.
    """
    weights = np.zeros(len(labels))
    for label in (False, True):
        _, member, counts = np.unique(sources[labels == label], return_inverse=True, return_counts=True)
        weights[labels == label] = 1 / (2 * len(counts) * counts[member])
    return weights


def check_enough(labels: Flags) -> None:
    """Raise `DataError` if there are too few images of a class to calibrate on."""
    if min(labels.sum(), (~labels).sum()) < _MIN_COUNT:
        raise DataError(
            f"calibration needs {_MIN_COUNT} validation images of each class; there are "
            f"{(~labels).sum()} real and {labels.sum()} fake"
        )


def fit_calibration(logits: Floats, labels: Flags, weights: Floats) -> Calibration:
    """Fit Platt scaling ("Probabilistic Outputs for Support Vector Machines", 1999) with sample weights.

    Raises `DataError` if there are too few images of a class, or the logits do not rise with the label.
    """
    check_enough(labels)
    if not np.isfinite(logits).all():
        raise DataError("the model returns logits that are not finite; train it again with a lower --lr")
    regression = LogisticRegression(C=1e4).fit(logits[:, None], labels, sample_weight=weights * len(labels))
    slope, intercept = float(regression.coef_[0, 0]), float(regression.intercept_[0])
    if slope <= 0:
        raise DataError("the model has learned nothing: on validation its logits do not rise with the label")
    return Calibration(slope, intercept)


@dataclass(frozen=True)
class ErrorTargets:
    """Upper bounds of the error rates that the thresholds are fitted for, 0 to 0.5."""

    max_fpr: float = DEFAULT_ERROR_RATE  # false positive rate, the share of reals with the verdict "fake"
    max_fnr: float = DEFAULT_ERROR_RATE  # false negative rate, the share of fakes with the verdict "real"

    def __post_init__(self) -> None:
        for name, rate in (("max-fpr", self.max_fpr), ("max-fnr", self.max_fnr)):
            if not 0 < rate < 0.5:
                raise DataError(f"{name} is {rate}; it must lie between 0 and 0.5")


def fit_thresholds(
    lowest: Floats, highest: Floats, labels: Flags, weights: Floats, targets: ErrorTargets, images: int
) -> tuple[Thresholds, dict[str, float]]:
    """Fit the narrowest uncertain band that keeps both error rates, by split conformal prediction.

    A face is fake if the lowest p_fake of its views reaches the upper threshold, and real if the highest is
    at most the lower threshold, so these scores are calibrated, separately for each class (Vovk,
    "Conditional validity of inductive conformal predictors", 2012): a new face from the distribution of the
    calibration set gets the opposite verdict with at most the given probability. The new face counts with
    the average weight, like the "+ 1" of the unweighted rule (Tibshirani et al., "Conformal Prediction
    Under Covariate Shift", 2019).

    `lowest` and `highest` are those p_fake of each face, `weights` are those of `balance_weights`, and
    `images` is the number of distinct images, as copies of one are not independent. Returns the thresholds,
    and the weighted error rates on these faces, each as a share of its class.
    """
    copies = len(labels) / images
    above = _bound(lowest[~labels], weights[~labels], targets.max_fpr, copies)
    below = -_bound(-highest[labels], weights[labels], targets.max_fnr, copies)
    # The next float beyond, because a score equal to a threshold gets its verdict.
    fake, real = min(1.0, float(np.nextafter(above, 2))), max(0.0, float(np.nextafter(below, -1)))
    if real > fake:  # both targets are met without an uncertain band: one threshold in the middle
        real = fake = (real + fake) / 2
    called_fake, called_real = lowest >= fake, (highest <= real) & (highest < fake)
    return Thresholds(real=real, fake=fake), error_rates(called_fake, called_real, labels, weights)


def error_rates(called_fake: Flags, called_real: Flags, labels: Flags, weights: Floats) -> dict[str, float]:
    """Return both error rates and the shares of uncertain, by the names of a model card."""
    uncertain = ~called_fake & ~called_real
    return {
        "reals_called_fake": _share(called_fake, ~labels, weights),
        "fakes_called_real": _share(called_real, labels, weights),
        "reals_uncertain": _share(uncertain, ~labels, weights),
        "fakes_uncertain": _share(uncertain, labels, weights),
    }


def _bound(scores: Floats, weights: Floats, rate: float, copies: float) -> float:
    """Return the score that a new one exceeds with at most probability `rate`, or infinity."""
    order = np.argsort(scores)
    cumulated = np.cumsum(weights[order])
    new = copies * cumulated[-1] / len(scores)
    position = int(np.searchsorted(cumulated, (1 - rate) * (cumulated[-1] + new) * (1 - 1e-12)))
    return float(scores[order][position]) if position < len(scores) else np.inf


def _share(chosen: Flags, among: Flags, weights: Floats) -> float:
    """Return the weight of the images `among` that are also `chosen`, as a share."""
    return round(float(weights[chosen & among].sum() / weights[among].sum()), 4)
