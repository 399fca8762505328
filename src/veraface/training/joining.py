"""The joined logit of several networks: weights, calibration, and which networks are worth keeping."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.linear_model import LogisticRegression

from veraface.decision import Calibration
from veraface.evaluation.bootstrap import Values
from veraface.evaluation.roc import Flags, RocCurve
from veraface.evaluation.score_table import NetworkScores
from veraface.training.calibration import balance_weights, fit_calibration

MIN_GAIN = 0.01  # of the mean AUC, by which a further network must improve the joined score

Logits = Mapping[str, Values]  # by architecture


@dataclass(frozen=True)
class NetworkWeight:
    """One network of a joined score.

    Attributes:
        name: architecture in the score table.
        weight: of its logit in the joined logit; the weights sum to 1.
        calibration: of this network alone; the difference of two networks' calibrated logits is their
            disagreement.
    """

    name: str
    weight: float
    calibration: Calibration


@dataclass(frozen=True)
class Join:
    """Networks whose logits are averaged, and the calibration of the result."""

    networks: tuple[NetworkWeight, ...]
    calibration: Calibration

    def probability(self, logits: Logits) -> Values:
        """Return p_fake of logits by architecture."""
        joined: Values = np.sum([n.weight * logits[n.name] for n in self.networks], axis=0)
        return self.calibration.probability(joined)

    def disagreement(self, logits: Logits) -> Values:
        """Return the largest difference of the calibrated logits of two networks; 0 with one network."""
        own = [n.calibration.slope * logits[n.name] + n.calibration.intercept for n in self.networks]
        difference: Values = np.max(own, axis=0) - np.min(own, axis=0)
        return difference


def fit_join(images: NetworkScores, architectures: Sequence[str]) -> Join:
    """Fit the weights of networks by logistic regression, and the calibration of the joined logit.

    Classes, and the sources of each class, have equal weight. A network whose weight is not positive is left
    out. Raises `DataError` if there are too few images of a class or no logits rise with the label.
    """
    join = _fit_shares(images, architectures)
    if len(join.networks) < 2:
        return join
    weights = balance_weights(images.fake, images.source)
    own = [fit_calibration(images.scores[n.name], images.fake, weights) for n in join.networks]
    networks = (replace(n, calibration=found) for n, found in zip(join.networks, own, strict=True))
    return replace(join, networks=tuple(networks))


def _fit_shares(images: NetworkScores, architectures: Sequence[str]) -> Join:
    """Fit a join whose networks all have its own calibration."""
    weights = balance_weights(images.fake, images.source)
    names = list(architectures)
    while len(names) > 1:
        logits = np.column_stack([images.scores[name] for name in names])
        regression = LogisticRegression(C=1e4).fit(logits, images.fake, sample_weight=weights * len(images))
        shares = regression.coef_[0]
        if (shares > 0).all():
            calibration = Calibration(float(shares.sum()), float(regression.intercept_[0]))
            own = zip(names, shares / shares.sum(), strict=True)
            return Join(tuple(NetworkWeight(n, float(w), calibration) for n, w in own), calibration)
        names.pop(int(np.argmin(shares)))
    calibration = fit_calibration(images.scores[names[0]], images.fake, weights)
    return Join((NetworkWeight(names[0], 1.0, calibration),), calibration)


def without_each_source(images: NetworkScores) -> Iterator[tuple[Flags, NetworkScores]]:
    """Yield for each source which images it has, and the images of all other sources."""
    for source in np.unique(images.source):
        own = images.source == source
        yield own, images.where(~own)


def cross_fitted(images: NetworkScores, architectures: Sequence[str]) -> Values:
    """Return p_fake of each image, with weights and calibration fitted to all sources but its own."""
    p_fake = np.zeros(len(images))
    for own, others in without_each_source(images):
        p_fake[own] = _fit_shares(others, architectures).probability(images.where(own).scores)
    return p_fake


def mean_auc(images: NetworkScores, p_fake: Values) -> float:
    """Return the AUC of the fakes of each source against all reals, averaged over the sources with fakes."""
    found = []
    for source in np.unique(images.source[images.fake]):
        own = ~images.fake | (images.source == source)
        found.append(RocCurve(images.fake[own], p_fake[own], np.ones((1, int(own.sum())))).area()[0])
    return float(np.mean(found))


def choose_networks(images: NetworkScores, min_gain: float) -> tuple[list[str], dict[str, float]]:
    """Choose networks one by one, as long as the next improves the mean AUC by `min_gain`.

    Returns the chosen, and the mean AUC of each set of networks that was tried, by their names joined with
    " + ". Each source is scored by a fit to the others; one source of a class is too few for that.
    """
    kept: list[str] = []
    tried: dict[str, float] = {}
    left = list(images.scores)
    while left:
        aucs = {name: mean_auc(images, cross_fitted(images, [*kept, name])) for name in left}
        tried |= {" + ".join([*kept, name]): round(auc, 4) for name, auc in aucs.items()}
        best = max(aucs, key=lambda name: aucs[name])
        if kept and aucs[best] - tried[" + ".join(kept)] < min_gain:
            break
        kept.append(best)
        left.remove(best)
    return kept, tried
