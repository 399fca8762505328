"""From logits on validation data to a calibrated probability and the bounds of the uncertain band."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from veraface.errors import DataError
from veraface.model import Calibration
from veraface.verdict import Thresholds

FALSE_ALARMS = 0.02  # share of validation reals that may be called fake: accusing the innocent is worst
MISSES = 0.05  # share of validation fakes that may be called real
_FEWEST = 10  # samples of each class below which a fit would mean nothing

Floats = NDArray[np.floating[Any]]


def balance_weights(labels: NDArray[np.bool_], sources: NDArray[Any]) -> NDArray[np.float64]:
    """Sample weights that give both classes half, and within a class every source the same share.

    The balance of a data set says nothing of the pictures that people will ask about; one half is the
    prior that favours neither answer.
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
    if min(labels.sum(), (~labels).sum()) < _FEWEST:
        raise DataError(
            f"calibration needs {_FEWEST} validation pictures of each class; there are "
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


def fit_thresholds(
    p_fake: Floats, labels: NDArray[np.bool_], weights: Floats
) -> tuple[Thresholds, dict[str, float]]:
    """The narrowest uncertain band that keeps both error rates under their bounds.

    Returns:
        The thresholds, and the weighted error rates they stand for: `reals_called_fake`,
        `fakes_called_real`, `reals_uncertain`, `fakes_uncertain`, each as a share of its class.
    """
    fake = float(np.nextafter(_quantile(p_fake[~labels], weights[~labels], 1 - FALSE_ALARMS), 1))
    real = float(np.nextafter(_quantile(p_fake[labels], weights[labels], MISSES), 0))
    if real > fake:  # better than the bounds ask for: no band is needed, cut in the middle
        real = fake = (real + fake) / 2
    thresholds = Thresholds(real=real, fake=fake)
    called_fake, called_real = p_fake >= fake, (p_fake <= real) & (p_fake < fake)
    rates = {
        "reals_called_fake": _share(called_fake, ~labels, weights),
        "fakes_called_real": _share(called_real, labels, weights),
        "reals_uncertain": _share(~called_fake & ~called_real, ~labels, weights),
        "fakes_uncertain": _share(~called_fake & ~called_real, labels, weights),
    }
    return thresholds, {name: round(rate, 4) for name, rate in rates.items()}


def _quantile(values: Floats, weights: Floats, share: float) -> float:
    order = np.argsort(values)
    cumulated = np.cumsum(weights[order]) / weights.sum()
    position = min(int(np.searchsorted(cumulated, share)), len(values) - 1)
    return float(values[order][position])


def _share(chosen: NDArray[np.bool_], of: NDArray[np.bool_], weights: Floats) -> float:
    return float(weights[chosen & of].sum() / weights[of].sum())
