"""From logits on validation data to a calibrated probability and the bounds of the uncertain band."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from veraface.decision import Calibration, Thresholds
from veraface.errors import DataError

ERROR_LEVEL = 0.05  # share of each class that may get the opposite verdict, where nobody says otherwise
_MIN_COUNT = 10  # samples of each class below which a fit would mean nothing

Floats = NDArray[np.floating[Any]]


def balance_weights(labels: NDArray[np.bool_], sources: NDArray[Any]) -> NDArray[np.float64]:
    """Sample weights that give both classes half, and within a class every source the same share.

    The balance of a data set says nothing of the images that people will ask about; one half is the
    prior that favors neither answer.
    """
    weights = np.zeros(len(labels))
    for label in (False, True):
        names, counts = np.unique(sources[labels == label], return_counts=True)
        for name, count in zip(names, counts, strict=True):
            weights[(labels == label) & (sources == name)] = 1 / (2 * len(names) * count)
    return weights


def check_enough(labels: NDArray[np.bool_]) -> None:
    """Make sure that there is enough to calibrate on.

    Raises:
        DataError: too few samples of a class.
    """
    if min(labels.sum(), (~labels).sum()) < _MIN_COUNT:
        raise DataError(
            f"calibration needs {_MIN_COUNT} validation images of each class; there are "
            f"{(~labels).sum()} real and {labels.sum()} fake"
        )


def fit_calibration(logits: Floats, labels: NDArray[np.bool_], weights: Floats) -> Calibration:
    """Platt scaling with sample weights.

    Raises:
        DataError: too few samples of a class, or logits that do not rise with the label.
    """
    check_enough(labels)
    if not np.isfinite(logits).all():
        raise DataError("the model gives logits that are no numbers; train it again with a lower --rate")
    regression = LogisticRegression(C=1e4).fit(logits[:, None], labels, sample_weight=weights * len(labels))
    slope, intercept = float(regression.coef_[0, 0]), float(regression.intercept_[0])
    if slope <= 0:
        raise DataError("the model has learned nothing: on validation its logits do not rise with the label")
    return Calibration(slope, intercept)


@dataclass(frozen=True)
class ErrorLevels:
    """What share of each class may get the opposite verdict, 0 to 1."""

    reals_called_fake: float = ERROR_LEVEL
    fakes_called_real: float = ERROR_LEVEL

    def __post_init__(self) -> None:
        for name in ("reals_called_fake", "fakes_called_real"):
            if not 0 < getattr(self, name) < 0.5:
                raise DataError(
                    f"{name.replace('_', ' ')} is {getattr(self, name)}; it must lie between 0 and .5"
                )


def fit_thresholds(
    lowest: Floats,
    highest: Floats,
    labels: NDArray[np.bool_],
    weights: Floats,
    levels: ErrorLevels,
    images: int,
) -> tuple[Thresholds, dict[str, float]]:
    """The narrowest uncertain band that keeps both error rates, by split conformal prediction.

    A face is called fake where the lowest p_fake of its views reaches the upper threshold, and real where
    the highest lies under the lower one, so these are the scores that are calibrated, for each class by
    itself (Vovk, "Conditional validity of inductive conformal predictors", 2012): a new face like those
    of the calibration set gets the opposite verdict with at most the given probability. The face itself
    counts with the weight of an average one, as the "+ 1" of the unweighted rule does (Tibshirani et al.,
    "Conformal Prediction Under Covariate Shift", 2019).

    Args:
        lowest: lowest p_fake of each face's views.
        highest: highest p_fake of each face's views.
        labels: whether each is fake.
        weights: of each; see `balance_weights`.
        levels: the error rates that are allowed.
        images: how many the faces come from; copies of one image are no independent proof.

    Returns:
        The thresholds, and the weighted error rates on these faces: `reals_called_fake`,
        `fakes_called_real`, `reals_uncertain`, `fakes_uncertain`, each as a share of its class.
    """
    copies = len(labels) / images
    above = _bound(lowest[~labels], weights[~labels], levels.reals_called_fake, copies)
    below = -_bound(-highest[labels], weights[labels], levels.fakes_called_real, copies)
    # The next number beyond, as a score that equals a threshold gets its verdict.
    fake, real = min(1.0, float(np.nextafter(above, 2))), max(0.0, float(np.nextafter(below, -1)))
    if real > fake:  # better than the bounds ask for: no band is needed, cut in the middle
        real = fake = (real + fake) / 2
    thresholds = Thresholds(real=real, fake=fake)
    called_fake = lowest >= fake
    called_real = (highest <= real) & (highest < fake)
    rates = {
        "reals_called_fake": _share(called_fake, ~labels, weights),
        "fakes_called_real": _share(called_real, labels, weights),
        "reals_uncertain": _share(~called_fake & ~called_real, ~labels, weights),
        "fakes_uncertain": _share(~called_fake & ~called_real, labels, weights),
    }
    return thresholds, {name: round(rate, 4) for name, rate in rates.items()}


def _bound(scores: Floats, weights: Floats, level: float, copies: float) -> float:
    """The score that a new one of the same kind exceeds with probability `level` at most; else infinite."""
    order = np.argsort(scores)
    heights = np.cumsum(weights[order])
    newcomer = copies * heights[-1] / len(scores)
    position = int(np.searchsorted(heights, (1 - level) * (heights[-1] + newcomer) * (1 - 1e-12)))
    return float(scores[order][position]) if position < len(scores) else np.inf


def _share(chosen: NDArray[np.bool_], of: NDArray[np.bool_], weights: Floats) -> float:
    return float(weights[chosen & of].sum() / weights[of].sum())
