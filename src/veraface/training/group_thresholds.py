"""Thresholds whose error rates have an upper confidence bound in every group of sources."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from veraface.decision import Thresholds
from veraface.errors import DataError
from veraface.evaluation.bootstrap import Values
from veraface.evaluation.roc import Flags
from veraface.training.calibration import ErrorTargets

DEFAULT_GROUP_FPR = 0.06
SMALL_SOURCES = "small sources"  # group of all sources that have too few people or videos for a bound

Names = NDArray[np.str_]
Groups = NDArray[np.intp]


@dataclass(frozen=True)
class BoundSettings:
    """Targets of thresholds with a confidence bound per group of sources.

    Attributes:
        targets: upper bounds of FPR and FNR in each group of sources, at the confidence.
        mean_fpr: upper limit of the FPR averaged over the sources with reals.
        mean_fnr: upper limit of the FNR averaged over the sources with fakes.
        confidence: of each bound, 0.5 to 1.
        min_groups: people or videos that a source needs for a bound of its own; others are pooled. With 100,
            a bound of 6% at confidence 0.95 allows one error.
        max_uncertain: share of uncertain images above which the bounds of the FNR that cost most are given
            up; those of the FPR are always kept.
    """

    targets: ErrorTargets = field(default_factory=lambda: ErrorTargets(DEFAULT_GROUP_FPR))
    mean_fpr: float = 0.02
    mean_fnr: float = 0.10
    confidence: float = 0.95
    min_groups: int = 100
    max_uncertain: float = 0.25

    def __post_init__(self) -> None:
        """Raise `DataError` for a value out of range."""
        for name, rate in (("mean-fpr", self.mean_fpr), ("mean-fnr", self.mean_fnr)):
            if not 0 < rate < 0.5:
                raise DataError(f"{name} is {rate}; it must lie between 0 and 0.5")
        if not 0.5 <= self.confidence < 1:
            raise DataError(f"confidence is {self.confidence}; it must be at least 0.5 and below 1")
        if not 0 < self.max_uncertain <= 1:
            raise DataError(f"max-uncertain is {self.max_uncertain}; it must lie between 0 and 1")
        if self.min_groups < 1:
            raise DataError(f"min-groups is {self.min_groups}; it must be at least 1")


@dataclass(frozen=True)
class ScoredImages:
    """Labeled images with the scores that decide their verdict.

    Attributes:
        lowest: lowest p_fake of the views; at or above the upper threshold, the verdict is fake.
        highest: highest p_fake of the views; at or below the lower threshold, the verdict is real.
        fake: the label.
        source: data set that the image came from.
        group: number of the person or video.
    """

    lowest: Values
    highest: Values
    fake: Flags
    source: Names
    group: Groups

    def where(self, flags: Flags) -> "ScoredImages":
        """Select images."""
        return ScoredImages(*(getattr(self, column.name)[flags] for column in fields(self)))

    def called_fake(self, thresholds: Thresholds) -> Flags:
        """Return which images have the verdict fake."""
        return self.lowest >= thresholds.fake

    def called_real(self, thresholds: Thresholds) -> Flags:
        """Return which images have the verdict real."""
        return (self.highest <= thresholds.real) & (self.highest < thresholds.fake)

    def uncertain(self, thresholds: Thresholds) -> Flags:
        """Return which images have the verdict uncertain."""
        return ~self.called_fake(thresholds) & ~self.called_real(thresholds)


@dataclass(frozen=True)
class GroupBound:
    """The error rate of one class in one group of sources.

    Attributes:
        name: the source, or "small sources".
        fake: the class: whether this is the FNR of fakes or the FPR of reals.
        sources: names of the sources in it.
        groups: number of people or videos.
        images: number of images.
        rate: share of errors, averaged over the people or videos.
        bound: upper confidence bound of the rate.
        target: upper limit that the thresholds were fitted for.
    """

    name: str
    fake: bool
    sources: tuple[str, ...]
    groups: int
    images: int
    rate: float
    bound: float
    target: float

    @property
    def held(self) -> bool:
        """Whether the bound is within its target."""
        return self.bound <= self.target * (1 + 1e-9)

    def short(self) -> dict[str, Any]:
        """Return the part of it that the model card contains."""
        rates = {"rate": round(self.rate, 4), "bound": round(self.bound, 4)}
        return rates | {"groups": self.groups, "held": self.held}


def upper_bound(errors: Values | float, groups: int, confidence: float) -> Values:
    """Return the upper Clopper-Pearson bound of an error rate.

    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
    Biometrika 1934. `errors` may be fractions: images of one person or video are not independent, so each of
    `groups` counts with the share of its images that are errors, which varies less than 0 or 1 do.
    """
    errors = np.asarray(errors, np.float64)
    left = np.maximum(groups - errors, 1e-12)
    return np.where(errors >= groups, 1.0, betaincinv(errors + 1, left, confidence))


def confidence_interval(errors: float, groups: int) -> tuple[float, float]:
    """Return the 95% Clopper-Pearson interval of an error rate; `errors` as in `upper_bound`."""
    tail = 0.025
    low = 0.0 if errors <= 0 else float(betaincinv(errors, groups - errors + 1, tail))
    return low, float(upper_bound(errors, groups, 1 - tail))


def image_shares(group: Groups) -> Values:
    """Return for each image one divided by the number of images of its group; they sum to the groups."""
    _, member, counts = np.unique(group, return_inverse=True, return_counts=True)
    shares: Values = 1.0 / counts[member]
    return shares


def bound_groups(source: Names, group: Groups, min_groups: int) -> Names:
    """Return the group of sources of each image: its source, or "small sources" if that is too small."""
    names = source.astype(object)
    for name in np.unique(source):
        if len(np.unique(group[source == name])) < min_groups:
            names[source == name] = SMALL_SOURCES
    return names.astype(np.str_)


def fit_group_thresholds(
    images: ScoredImages, settings: BoundSettings, budget: ScoredImages | None = None
) -> Thresholds:
    """Fit the narrowest uncertain band whose error rates have a bound in each group of sources.

    The upper threshold is the lowest at which in each group of real sources the upper Clopper-Pearson bound
    of the FPR is within the target, there and at each higher threshold. So in each group the FPR of new
    images of the same sources is within the target with at least this confidence (Bates et al.,
    "Distribution-Free, Risk-Controlling Prediction Sets", JACM 2021). Groups of sources instead of one bound
    for all are Mondrian conformal prediction (Vovk, "Conditional validity of inductive conformal
    predictors", 2012). Groups too small for any bound are ignored; where all are, there is no verdict fake.

    The lower threshold is chosen alike for the FNR of fakes, but as some fakes cannot be told from reals, the
    share of uncertain images among `budget` (the images themselves if None) has priority: the lower threshold
    rises until that share is within `max_uncertain`, at most to the limit of the mean FNR.
    """
    reals, fakes = images.where(~images.fake), images.where(images.fake)
    above = _group_limit(reals.lowest, reals, settings.targets.max_fpr, settings)
    above = max(above, _mean_limit(reals.lowest, reals, settings.mean_fpr))
    below = -_group_limit(-fakes.highest, fakes, settings.targets.max_fnr, settings)
    mean = -_mean_limit(-fakes.highest, fakes, settings.mean_fnr)
    # The next float beyond, because a score equal to a threshold gets its verdict.
    fake, real = min(1.0, float(np.nextafter(above, 2))), max(0.0, float(np.nextafter(below, -1)))
    affordable = real_for_uncertain(images if budget is None else budget, fake, settings.max_uncertain)
    real = min(max(real, affordable), max(0.0, float(np.nextafter(mean, -1))))
    if real > fake:  # all targets are met without an uncertain band: one threshold in the middle
        real = fake = (real + fake) / 2
    return Thresholds(real=real, fake=fake)


def real_for_uncertain(images: ScoredImages, fake: float, share: float) -> float:
    """Return the lowest lower threshold with at most this share of uncertain images."""
    others = np.sort(images.highest[images.lowest < fake])
    needed = int(np.ceil(len(others) - share * len(images.fake) - 1e-9))  # with the verdict real
    return 0.0 if needed <= 0 else min(float(others[needed - 1]), fake)


def measure_bounds(
    images: ScoredImages, thresholds: Thresholds, settings: BoundSettings
) -> tuple[GroupBound, ...]:
    """Return the error rate and its bound in each group of sources, reals first."""
    found = []
    for fake, errors, target in (
        (False, images.called_fake(thresholds), settings.targets.max_fpr),
        (True, images.called_real(thresholds), settings.targets.max_fnr),
    ):
        own, wrong = images.where(images.fake == fake), errors[images.fake == fake]
        names = bound_groups(own.source, own.group, settings.min_groups)
        for name in np.unique(names):
            chosen = names == name
            shares = image_shares(own.group[chosen])
            groups = len(np.unique(own.group[chosen]))
            sum_of_errors = float(shares[wrong[chosen]].sum())
            found.append(
                GroupBound(
                    name=str(name),
                    fake=fake,
                    sources=tuple(map(str, np.unique(own.source[chosen]))),
                    groups=groups,
                    images=int(chosen.sum()),
                    rate=sum_of_errors / groups,
                    bound=float(upper_bound(sum_of_errors, groups, settings.confidence)),
                    target=target,
                )
            )
    return tuple(found)


def _group_limit(scores: Values, images: ScoredImages, rate: float, settings: BoundSettings) -> float:
    """Return the score that must be exceeded for the bound to hold in each group of sources.

    Without the groups that are too small for any bound, unless all are.
    """
    names = bound_groups(images.source, images.group, settings.min_groups)
    limits = []
    for name in np.unique(names):
        own = names == name
        groups = len(np.unique(images.group[own]))

        def bound(errors: Values, groups: int = groups) -> Values:
            return upper_bound(errors, groups, settings.confidence)

        limits.append(_limit(scores[own], image_shares(images.group[own]), bound, rate))
    return max([limit for limit in limits if limit < np.inf] or limits)


def _mean_limit(scores: Values, images: ScoredImages, rate: float) -> float:
    """Return the score that must be exceeded for the mean error rate over the sources to be within `rate`."""
    _, member, counts = np.unique(images.source, return_inverse=True, return_counts=True)
    return _limit(scores, 1 / (len(counts) * counts[member]), lambda errors: errors, rate)


def _limit(scores: Values, weights: Values, bound: Callable[[Values], Values], rate: float) -> float:
    """Return the highest score at which the bound on the weight of the scores from there on exceeds `rate`.

    Minus infinity if it never does, infinity if it does without any error.
    """
    if float(bound(np.zeros(1))[0]) > rate:
        return np.inf
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[order], append=-np.inf))  # the last of each run of equal scores
    exceeded = bound(np.cumsum(weights[order])[ends]) > rate * (1 + 1e-9)
    return float(scores[order][ends][np.argmax(exceeded)]) if exceeded.any() else -np.inf
