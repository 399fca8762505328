"""The metrics of an evaluation, each declared once.

To add a metric, write a function here and decorate it with `metric`. Its value and interval are then in every
row of `report.json`; tables, plots, tiles, model card and slices include it according to its `shown`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Flag, auto

from veraface.evaluation import roc
from veraface.evaluation.arrays import ImageSet, Needs, WeightedSet
from veraface.evaluation.bootstrap import Values
from veraface.results import Verdict

MAX_FPR = 0.05  # of `recall_at_5_percent`


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
        share: whether it is a share, shown in percent.
        shown: where it is shown.
        weak: phrase about a slice that is worse than the whole, with {value}; "" to ignore slices.
    """

    name: str
    heading: str
    needs: Needs
    compute: Callable[[WeightedSet], Values]
    higher_is_better: bool | None = None
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


def metric(
    name: str,
    heading: str,
    needs: Needs,
    *,
    higher_is_better: bool | None = None,
    share: bool = True,
    shown: Place = Place.NONE,
    weak: str = "",
) -> Callable[[Callable[[WeightedSet], Values]], Callable[[WeightedSet], Values]]:
    """Declare the decorated function as a metric; see `Metric` for the arguments."""

    def declare(compute: Callable[[WeightedSet], Values]) -> Callable[[WeightedSet], Values]:
        METRICS[name] = Metric(name, heading, needs, compute, higher_is_better, share, shown, weak)
        return compute

    return declare


def shown_in(place: Place) -> list[Metric]:
    """Return the metrics that are shown in a place, in the order of their declaration."""
    return [metric for metric in METRICS.values() if place in metric.shown]


def evaluator(images: ImageSet, names: Iterable[str] | None = None) -> Callable[[Values], dict[str, Values]]:
    """Return a function for `BootstrapSamples.measure` that computes metrics by name; all if None."""
    chosen = list(METRICS if names is None else names)

    def compute(groups: Values) -> dict[str, Values]:
        weighted = WeightedSet(images, groups)
        return {name: METRICS[name].compute(weighted) for name in chosen}

    return compute


_EVERYWHERE = Place.TABLES | Place.ROBUSTNESS | Place.TILES | Place.CARD | Place.CARD_INTERVALS


@metric(
    "auc",
    "AUC",
    Needs.RANKED,
    higher_is_better=True,
    share=False,
    shown=_EVERYWHERE | Place.FOREST,
    weak="AUC {value}",
)
def auc(images: WeightedSet) -> Values:
    """Return the area under the ROC curve."""
    return images.roc.area()


@metric("auc_by_group", "AUC by group", Needs.RANKED, higher_is_better=True, share=False, shown=Place.CARD)
def auc_by_group(images: WeightedSet) -> Values:
    """Return the AUC of the mean p_fake of each group, such as a video or a person."""
    return images.roc_by_group.area()


@metric("average_precision", "average precision", Needs.RANKED, higher_is_better=True, share=False)
def average_precision(images: WeightedSet) -> Values:
    """Return the average precision; undefined for one class, as it depends on the class mix."""
    return images.undefined if images.images.one_class else images.roc.average_precision()


@metric("accuracy", "accuracy", Needs.CLASSIFIED, higher_is_better=True)
def accuracy(images: WeightedSet) -> Values:
    """Return the share of reals not called fake and fakes called fake; uncertain counts as not fake."""
    own = images.images
    return images.share((own.verdict == Verdict.FAKE) == own.fake, Needs.CLASSIFIED)


@metric(
    "reals_called_fake",
    "FPR",
    Needs.REAL,
    higher_is_better=False,
    shown=_EVERYWHERE,
    weak="{value} of reals called fake",
)
def fpr(images: WeightedSet) -> Values:
    """Return the false positive rate: the share of reals with the verdict fake."""
    return images.share(images.images.verdict == Verdict.FAKE, Needs.REAL)


@metric("fakes_called_fake", "recall", Needs.FAKE, higher_is_better=True, shown=_EVERYWHERE)
def recall(images: WeightedSet) -> Values:
    """Return the recall (true positive rate): the share of fakes with the verdict fake."""
    return images.share(images.images.verdict == Verdict.FAKE, Needs.FAKE)


@metric("reals_uncertain", "abstention, reals", Needs.REAL, shown=Place.TABLES | Place.CARD)
def abstain_real(images: WeightedSet) -> Values:
    """Return the abstention rate of reals."""
    return images.share(images.images.verdict == Verdict.UNCERTAIN, Needs.REAL)


@metric("fakes_uncertain", "abstention, fakes", Needs.FAKE, shown=Place.TABLES | Place.CARD)
def abstain_fake(images: WeightedSet) -> Values:
    """Return the abstention rate of fakes."""
    return images.share(images.images.verdict == Verdict.UNCERTAIN, Needs.FAKE)


@metric(
    "fakes_called_real",
    "FNR",
    Needs.FAKE,
    higher_is_better=False,
    shown=Place.TABLES | Place.CARD | Place.CARD_INTERVALS,
    weak="{value} of fakes called real",
)
def fnr(images: WeightedSet) -> Values:
    """Return the false negative rate: the share of fakes with the verdict real."""
    return images.share(images.images.verdict == Verdict.REAL, Needs.FAKE)


@metric("recall_at_5_percent", "recall at 5% FPR", Needs.RANKED, higher_is_better=True, shown=Place.CARD)
def recall_at_5_percent(images: WeightedSet) -> Values:
    """Return the largest recall of a threshold on p_fake with a false positive rate of at most 5%."""
    return images.roc.recall_at(MAX_FPR)


@metric("equal_error_rate", "equal error rate", Needs.RANKED, higher_is_better=False, shown=Place.CARD)
def equal_error_rate(images: WeightedSet) -> Values:
    """Return the rate at which false positives and false negatives are equally frequent."""
    return images.roc.equal_error_rate()


@metric(
    "calibration_error",
    "calibration error, equal-width bins",
    Needs.CLASSIFIED,
    higher_is_better=False,
    share=False,
    shown=Place.TILES,
)
def calibration_error(images: WeightedSet) -> Values:
    """Return the expected calibration error with bins of equal width; undefined for one class."""
    if images.images.one_class:
        return images.undefined
    return roc.calibration_error(*images.scores(), roc.equal_width_edges())


@metric(
    "calibration_error_adaptive",
    "calibration error, equal-mass bins",
    Needs.CLASSIFIED,
    higher_is_better=False,
    share=False,
)
def calibration_error_adaptive(images: WeightedSet) -> Values:
    """Return the expected calibration error with bins of equal mass; undefined for one class."""
    if images.images.one_class:
        return images.undefined
    fake, p_fake, weights = images.scores()
    return roc.calibration_error(fake, p_fake, weights, roc.equal_mass_edges(p_fake))


@metric("brier", "Brier score", Needs.CLASSIFIED, higher_is_better=False, share=False)
def brier(images: WeightedSet) -> Values:
    """Return the Brier score; undefined for one class."""
    return images.undefined if images.images.one_class else roc.brier_score(*images.scores())


@metric("reals_covered", "coverage, reals", Needs.REAL, higher_is_better=True)
def coverage_real(images: WeightedSet) -> Values:
    """Return the conformal coverage of reals: the share without the verdict fake."""
    return images.share(images.images.verdict != Verdict.FAKE, Needs.REAL)


@metric("fakes_covered", "coverage, fakes", Needs.FAKE, higher_is_better=True)
def coverage_fake(images: WeightedSet) -> Values:
    """Return the conformal coverage of fakes: the share without the verdict real."""
    return images.share(images.images.verdict != Verdict.REAL, Needs.FAKE)


@metric("accuracy_decided", "accuracy, decided", Needs.DECIDED, higher_is_better=True)
def accuracy_decided(images: WeightedSet) -> Values:
    """Return the accuracy of the verdicts fake and real."""
    own = images.images
    return images.share((own.verdict == Verdict.FAKE) == own.fake, Needs.DECIDED)


@metric("reals_called_fake_decided", "FPR, decided", Needs.DECIDED_REAL, higher_is_better=False)
def fpr_decided(images: WeightedSet) -> Values:
    """Return the false positive rate among decided reals."""
    return images.share(images.images.verdict == Verdict.FAKE, Needs.DECIDED_REAL)


@metric("fakes_called_fake_decided", "recall, decided", Needs.DECIDED_FAKE, higher_is_better=True)
def recall_decided(images: WeightedSet) -> Values:
    """Return the recall among decided fakes."""
    return images.share(images.images.verdict == Verdict.FAKE, Needs.DECIDED_FAKE)


@metric("share_uncertain", "abstention", Needs.CLASSIFIED, shown=Place.ROBUSTNESS | Place.TILES)
def abstain(images: WeightedSet) -> Values:
    """Return the abstention rate: the share of classified images with the verdict uncertain."""
    return images.share(images.images.verdict == Verdict.UNCERTAIN, Needs.CLASSIFIED)


@metric("share_no_face", "no face", Needs.ALL)
def no_face(images: WeightedSet) -> Values:
    """Return the share of images in which no face was detected."""
    return images.share(images.images.verdict == Verdict.NO_FACE, Needs.ALL)


@metric("share_errors", "errors", Needs.ALL, higher_is_better=False)
def errors(images: WeightedSet) -> Values:
    """Return the share of images that could not be read."""
    return images.share(images.images.verdict == "error", Needs.ALL)
