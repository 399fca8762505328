"""The metrics of an evaluation, each declared once.

To add a metric, write a function here and decorate it with `metric`. Its value and interval are then in every
row of `report.json`; tables, plots, tiles, model card and slices include it according to its `shown`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Flag, auto
from typing import Any

import numpy as np

from veraface.evaluation import roc
from veraface.evaluation.arrays import ImageSet, Needs, WeightedSet
from veraface.evaluation.bootstrap import Values
from veraface.results import Verdict

MAX_FPR = 0.05  # of `recall_at_5_percent`

Compute = Callable[[WeightedSet], Values]


class Place(Flag):
    """Where a metric is shown besides `report.json` and the table of all metrics."""

    NONE = 0
    TABLES = auto()  # by source, generator, face size
    ROBUSTNESS = auto()  # tiers and curves
    TILES = auto()  # top of the HTML report
    FOREST = auto()  # a forest plot by source
    CARD = auto()  # rows of the model card
    CARD_INTERVALS = auto()  # with their intervals


@dataclass(frozen=True)
class Metric:
    """Declaration of a metric.

    Attributes:
        name: key in `report.json` and the model card.
        heading: as tables show it.
        needs: images that it is computed on.
        compute: one value per resample.
        higher_is_better: direction; None if neither.
        two_classes: whether it is undefined for images of one class.
        share: whether it is a share, shown in percent.
        shown: where it is shown.
        weak: phrase about a slice that is worse than the whole, with {value}; "" to ignore slices.
    """

    name: str
    heading: str
    needs: Needs
    compute: Compute
    higher_is_better: bool | None = None
    two_classes: bool = False
    share: bool = True
    shown: Place = Place.NONE
    weak: str = ""

    def format(self, value: float | None) -> str:
        """Format a value; "" for None."""
        return "" if value is None else format(value, ".1%" if self.share else ".3f")

    def format_interval(self, value: float | None, interval: Sequence[float] | None) -> str:
        """Format a value with its interval, if it has one."""
        if value is None or interval is None:
            return self.format(value)
        low, high = interval
        if self.share:
            return f"{value:.1%} ({100 * low:.1f} to {high:.1%})"
        return f"{value:.3f} ({low:.3f} to {high:.3f})"


METRICS: dict[str, Metric] = {}


def metric(name: str, heading: str, needs: Needs, **options: Any) -> Callable[[Compute], Compute]:
    """Declare the decorated function as a metric; the options are the other fields of `Metric`."""

    def declare(compute: Compute) -> Compute:
        METRICS[name] = Metric(name, heading, needs, compute, **options)
        return compute

    return declare


def _share(
    name: str, heading: str, needs: Needs, verdicts: str, higher_is_better: bool | None, **options: Any
) -> Compute:
    """Declare the share of the needed images that have one of the verdicts, separated by spaces."""
    names = verdicts.split()

    def compute(images: WeightedSet) -> Values:
        return images.share(np.isin(images.images.verdict, names), needs)

    compute.__doc__ = f"Return the share of {needs.value} with the verdict {' or '.join(names)}."
    return metric(name, heading, needs, higher_is_better=higher_is_better, **options)(compute)


def shown_in(place: Place) -> list[Metric]:
    """Return the metrics that are shown in a place, in the order of their declaration."""
    return [metric for metric in METRICS.values() if place in metric.shown]


def evaluator(images: ImageSet, names: Iterable[str] | None = None) -> Callable[[Values], dict[str, Values]]:
    """Return a function for `BootstrapSamples.measure` that computes metrics by name; all if None."""
    chosen = [METRICS[name] for name in (METRICS if names is None else names)]
    one_class = images.own.one_class

    def compute(groups: Values) -> dict[str, Values]:
        weighted, undefined = WeightedSet(images, groups), np.full(len(groups), np.nan)
        return {
            metric.name: undefined if metric.two_classes and one_class else metric.compute(weighted)
            for metric in chosen
        }

    return compute


_TABLES = Place.TABLES | Place.CARD
_RATES = _TABLES | Place.CARD_INTERVALS
_MAIN = _RATES | Place.ROBUSTNESS | Place.TILES
_HIGHER, _LOWER = True, False  # is better
_SCORE: dict[str, Any] = {"higher_is_better": _HIGHER, "share": False}
# Of the distance of p_fake from the label.
_ERROR: dict[str, Any] = {
    "needs": Needs.CLASSIFIED,
    "higher_is_better": _LOWER,
    "two_classes": True,
    "share": False,
}


@metric("auc", "AUC", Needs.RANKED, **_SCORE, shown=~Place.NONE, weak="AUC {value}")
def auc(images: WeightedSet) -> Values:
    """Return the area under the ROC curve."""
    return images.roc.area()


@metric("auc_by_group", "AUC by group", Needs.RANKED, **_SCORE, shown=Place.CARD)
def auc_by_group(images: WeightedSet) -> Values:
    """Return the AUC of the mean p_fake of each group, such as a video or a person."""
    return images.roc_by_group.area()


@metric("average_precision", "average precision", Needs.RANKED, **_SCORE, two_classes=True)
def average_precision(images: WeightedSet) -> Values:
    """Return the average precision; undefined for one class, as it depends on the class mix."""
    return images.roc.average_precision()


@metric("accuracy", "accuracy", Needs.CLASSIFIED, higher_is_better=True)
def accuracy(images: WeightedSet) -> Values:
    """Return the share of reals not called fake and fakes called fake; uncertain counts as not fake."""
    own = images.images
    return images.share((own.verdict == Verdict.FAKE) == own.fake, Needs.CLASSIFIED)


fpr = _share(
    "reals_called_fake", "FPR", Needs.REAL, "fake", _LOWER, shown=_MAIN, weak="{value} of reals called fake"
)
recall = _share("fakes_called_fake", "recall", Needs.FAKE, "fake", _HIGHER, shown=_MAIN)
_share("reals_uncertain", "abstention, reals", Needs.REAL, "uncertain", None, shown=_TABLES)
_share("fakes_uncertain", "abstention, fakes", Needs.FAKE, "uncertain", None, shown=_TABLES)
_share(
    "fakes_called_real", "FNR", Needs.FAKE, "real", _LOWER, shown=_RATES, weak="{value} of fakes called real"
)


@metric("recall_at_5_percent", "recall at 5% FPR", Needs.RANKED, higher_is_better=True, shown=Place.CARD)
def recall_at_5_percent(images: WeightedSet) -> Values:
    """Return the largest recall of a threshold on p_fake with a false positive rate of at most 5%."""
    return images.roc.recall_at(MAX_FPR)


@metric("equal_error_rate", "equal error rate", Needs.RANKED, higher_is_better=False, shown=Place.CARD)
def equal_error_rate(images: WeightedSet) -> Values:
    """Return the rate at which false positives and false negatives are equally frequent."""
    return images.roc.equal_error_rate()


@metric("calibration_error", "calibration error, equal-width bins", **_ERROR, shown=Place.TILES)
def calibration_error(images: WeightedSet) -> Values:
    """Return the expected calibration error with bins of equal width."""
    return roc.calibration_error(*images.scores(), roc.equal_width_edges())


@metric("calibration_error_adaptive", "calibration error, equal-mass bins", **_ERROR)
def calibration_error_adaptive(images: WeightedSet) -> Values:
    """Return the expected calibration error with bins of equal mass."""
    fake, p_fake, weights = images.scores()
    return roc.calibration_error(fake, p_fake, weights, roc.equal_mass_edges(p_fake))


@metric("brier", "Brier score", **_ERROR)
def brier(images: WeightedSet) -> Values:
    """Return the Brier score."""
    return roc.brier_score(*images.scores())


# The conformal coverage of each class.
_share("reals_covered", "coverage, reals", Needs.REAL, "real uncertain", _HIGHER)
_share("fakes_covered", "coverage, fakes", Needs.FAKE, "fake uncertain", _HIGHER)


@metric("accuracy_decided", "accuracy, decided", Needs.DECIDED, higher_is_better=True)
def accuracy_decided(images: WeightedSet) -> Values:
    """Return the accuracy of the verdicts fake and real."""
    own = images.images
    return images.share((own.verdict == Verdict.FAKE) == own.fake, Needs.DECIDED)


_share("reals_called_fake_decided", "FPR, decided", Needs.DECIDED_REAL, "fake", _LOWER)
_share("fakes_called_fake_decided", "recall, decided", Needs.DECIDED_FAKE, "fake", _HIGHER)
_share(
    "share_uncertain", "abstention", Needs.CLASSIFIED, "uncertain", None, shown=Place.ROBUSTNESS | Place.TILES
)
_share("share_no_face", "no face", Needs.ALL, "no_face", None)
_share("share_errors", "errors", Needs.ALL, "error", _LOWER)
