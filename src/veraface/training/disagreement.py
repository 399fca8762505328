"""Whether images on which the networks disagree should be uncertain, and from which difference on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from veraface.decision import Thresholds
from veraface.evaluation.bootstrap import Values
from veraface.evaluation.roc import Flags, RocCurve
from veraface.training.calibration import balance_weights
from veraface.training.group_thresholds import ScoredImages

_PERCENTILES = (80, 90, 95, 98)  # of the disagreement of decided images, tried as its bound
_MIN_HELP = 0.05  # share of the errors that the rule must avoid beyond a wider uncertain band


@dataclass(frozen=True)
class DisagreementTest:
    """What a bound on the disagreement of networks avoids.

    Attributes:
        auc: AUC of the disagreement for wrong against right verdicts; None without both.
        tried: for each bound tried its `percentile` among decided images, its value `bound`, the share of
            decided images that it makes uncertain (`given_up`), and the error rate of both classes together,
            `before`, `with_bound`, and `with_wider_band` that makes as many images uncertain.
        bound: the bound that avoids most errors; None if none avoids 5% more than a wider band.
    """

    auc: float | None = None
    tried: tuple[Mapping[str, float], ...] = ()
    bound: float | None = None


def find_bound(images: ScoredImages, disagreement: Values, thresholds: Thresholds) -> DisagreementTest:
    """Test bounds on the disagreement against a wider uncertain band that costs as many verdicts.

    Errors are the reals called fake and the fakes called real, each averaged over the sources of its class.
    A bound must avoid at least 5% more of them than the wider band, in both halves of the sources, so that it
    does not follow one source.
    """
    called_fake, called_real = images.called_fake(thresholds), images.called_real(thresholds)
    decided, wrong = called_fake | called_real, np.where(images.fake, called_real, called_fake)
    if not disagreement.any() or not wrong.any() or not (decided & ~wrong).any():
        return DisagreementTest()
    curve = RocCurve(wrong[decided], disagreement[decided], np.ones((1, int(decided.sum()))))
    # Distance of the deciding score from its threshold, on the scale of the calibrated logit.
    distance = np.where(
        called_fake,
        _logit(images.lowest) - _logit(thresholds.fake),
        _logit(thresholds.real) - _logit(images.highest),
    )
    names, member = np.unique(images.source, return_inverse=True)
    half = np.arange(len(names))[member] % 2 == 0
    weights = balance_weights(images.fake, images.source)
    tried, best, most = [], None, 0.0
    for percentile in _PERCENTILES:
        bound = float(np.percentile(disagreement[decided], percentile))
        beyond = decided & (disagreement > bound)
        # As many decided images, those closest to a threshold.
        closest = np.zeros(len(decided), bool)
        closest[np.flatnonzero(decided)[np.argsort(distance[decided])[: int(beyond.sum())]]] = True
        rates = [_rate(wrong & ~left, weights) for left in (np.zeros_like(wrong), beyond, closest)]
        halves = [
            _rate(wrong & ~closest & own, weights) - _rate(wrong & ~beyond & own, weights)
            for own in (half, ~half)
        ]
        tried.append(
            {
                "percentile": percentile,
                "bound": round(bound, 4),
                "given_up": round(float(beyond.sum() / decided.sum()), 4),
                **dict(zip(("before", "with_bound", "with_wider_band"), rates, strict=True)),
            }
        )
        gain = (rates[2] - rates[1]) / rates[0]
        if min(halves) > 0 and gain >= max(most, _MIN_HELP):
            best, most = bound, gain
    return DisagreementTest(round(float(curve.area()[0]), 4), tuple(tried), best)


def _logit(p_fake: Values | float) -> Values:
    clipped = np.clip(p_fake, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(clipped / (1 - clipped)), np.float64)


def _rate(wrong: Flags, weights: Values) -> float:
    """Return the sum of FPR and FNR, as each class has half of the weight, halved."""
    return round(float(weights[wrong].sum()), 5)
