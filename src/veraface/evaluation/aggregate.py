"""Rows of metrics by source, generator and face size, those that are worse than the whole, and plot data."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veraface.evaluation.arrays import ImageSet, Needs, PredictionArrays
from veraface.evaluation.bootstrap import MIN_GROUPS, BootstrapSamples, Values
from veraface.evaluation.metrics import METRICS, evaluator
from veraface.evaluation.predict import SELF_BLENDED, Prediction, grouped
from veraface.evaluation.roc import BINS, Flags, RocCurve, equal_width_edges
from veraface.models.reliability import FACE_BANDS
from veraface.results import Verdict

MAX_POINTS = 60  # of a curve
HISTOGRAM_BINS = 20
_SLICES = (("rows", "source"), ("by_generator", "generator"), ("by_face_size", "face_size"))
OUTCOMES = ("fake", "uncertain", "real", "no_face", "error")

Row = dict[str, Any]


def compute_metrics(
    predictions: Sequence[Prediction],
    bootstrap: BootstrapSamples | None = None,
    *,
    against: Sequence[Prediction] = (),
) -> Row:
    """Compute counts, metrics by name (None if undefined), and "intervals", [low, high] by the same names.

    docs/evaluation.md describes each. The bootstrap resamples are drawn from the predictions' groups if None;
    those of a one-class set are ranked `against` predictions of the other class.
    """
    bootstrap = bootstrap or BootstrapSamples(p.group for p in [*predictions, *against])
    images = ImageSet(PredictionArrays.of(predictions, bootstrap), PredictionArrays.of(against, bootstrap))
    values, intervals = bootstrap.measure(evaluator(images))
    groups = {needs: needs.groups(images) for needs in {metric.needs for metric in METRICS.values()}}
    for name, metric in METRICS.items():
        if groups[metric.needs] < MIN_GROUPS:
            intervals[name] = None
    return {**_counts(images.own), **values, "intervals": intervals}


def _counts(images: PredictionArrays) -> dict[str, int]:
    """Count the images, and by reason those that were not classified."""
    uncertain = images.verdict == Verdict.UNCERTAIN
    flags = {
        "uncertain": images.classified & uncertain,
        "not_judged": ~images.classified,
        "no_face": images.verdict == Verdict.NO_FACE,
        "too_small": ~images.classified & uncertain,
        "errors": images.verdict == "error",
    }
    return {
        "real": int((~images.fake).sum()),
        "fake": int(images.fake.sum()),
        "groups": len(np.unique(images.group)),
        **{name: int(chosen.sum()) for name, chosen in flags.items()},
    }


def source_rows(
    predictions: Sequence[Prediction], bootstrap: BootstrapSamples, pairs: Iterable[str] = ()
) -> list[Row]:
    """Return rows of all images, of each source, and of each pair of sources "REAL:FAKE"."""
    rows: list[Row] = [{"source": "all", **compute_metrics(predictions, bootstrap)}]
    rows += _slice_rows("source", lambda p: p.source, predictions, bootstrap)
    for pair in pairs:
        images = [p for p in predictions if in_pair(p, pair)]
        rows.append({"source": pair.replace(":", " / "), **compute_metrics(images, bootstrap)})
    return rows


def in_pair(prediction: Prediction, pair: str) -> bool:
    """Return whether an image is a real of the first or a fake of the second source of "REAL:FAKE"."""
    return prediction.source == pair.split(":")[prediction.fake]


def generator_rows(predictions: Sequence[Prediction], bootstrap: BootstrapSamples) -> list[Row]:
    """Return a row of each generator that the data name."""
    return _slice_rows("generator", lambda p: p.generator or None, predictions, bootstrap)


def face_size_rows(predictions: Sequence[Prediction], bootstrap: BootstrapSamples) -> list[Row]:
    """Return a row of each band of face sizes; images without a classified face are in none."""
    return _slice_rows("face_size", lambda p: p.face_band, predictions, bootstrap, FACE_BANDS.index)


def format_rows(predictions: Sequence[Prediction], bootstrap: BootstrapSamples) -> list[Row]:
    """Return a row of each band of face sizes in each file format."""
    formats = grouped(predictions, lambda p: p.format or None)
    return [
        {"format": name, **row}
        for name in sorted(formats)
        for row in face_size_rows(formats[name], bootstrap)
    ]


def self_blended_row(
    clean: Sequence[Prediction], blended: Sequence[Prediction], bootstrap: BootstrapSamples
) -> Row:
    """Compute metrics of self-blended fakes against the reals they were made from; overall and by source."""
    reals = [p for p in clean if not p.fake]
    # Pairs of which one could not be read or synthesized are excluded.
    pairs = [(real, fake) for real, fake in zip(reals, blended, strict=True) if fake.verdict is not None]
    images = [image for pair in pairs for image in pair]
    return {
        "not_made": len(reals) - len(pairs),
        "source": SELF_BLENDED,
        **compute_metrics(images, bootstrap),
        "rows": _slice_rows("source", lambda p: p.source, images, bootstrap),
    }


def _slice_rows(
    key: str,
    name_of: Callable[[Prediction], str | None],
    predictions: Sequence[Prediction],
    bootstrap: BootstrapSamples,
    order: Callable[[str], int] | None = None,
) -> list[Row]:
    """Return a row of each slice; one of one class is ranked against all of the other class."""
    slices = grouped(predictions, name_of)
    rows: list[Row] = []
    for name in sorted(slices, key=order):
        classes = {p.fake for p in slices[name]}
        against = [p for p in predictions if p.fake not in classes] if len(classes) == 1 else []
        rows.append({key: name, **compute_metrics(slices[name], bootstrap, against=against)})
    return rows


def find_weak_slices(report: Mapping[str, Any]) -> list[str]:
    """Describe each source, pair, generator and face size of a report that is significantly worse.

    Significantly: the slice's 95% interval is entirely on the worse side of the whole's value. Slices too
    small for an interval are ignored; of two dozen slices one or two may be false positives. The sentences
    are sorted by metric, error rates first, and the worst slice first.
    """
    whole = report["rows"][0]
    slices = [(str(row[key]), row) for block, key in _SLICES for row in report[block] if row is not whole]
    sentences: list[str] = []
    for metric in sorted(METRICS.values(), key=lambda metric: metric.needs is Needs.RANKED):
        usual = whole.get(metric.name)
        if not metric.weak or usual is None:
            continue
        worse = -1 if metric.higher_is_better else 1
        # A pair has the FPR of its source of reals, a source with one generator that of the generator.
        names: dict[tuple[float, float, float], list[str]] = {}
        for name, row in slices:
            interval = row["intervals"].get(metric.name)
            if interval and all(worse * end > worse * usual for end in interval):
                names.setdefault((row[metric.name], *interval), []).append(name)
        for value, low, high in sorted(names, key=lambda key: -worse * key[0]):
            together = ", ".join(dict.fromkeys(names[value, low, high]))
            phrase = metric.weak.format(value=metric.format(value))
            band = f"({metric.format(low)} to {metric.format(high)})"
            sentences.append(f"{together}: {phrase} {band}; {metric.format(usual)} in all")
    return sentences


def plot_data(predictions: Sequence[Prediction]) -> dict[str, Any]:
    """Return the data of every plot, few enough to be stored in a model card.

    A curve that needs both classes is empty without.
    """
    scored = [p for p in predictions if p.p_fake is not None]
    fake = np.array([p.fake for p in scored], bool)
    p_fake = np.array([p.p_fake for p in scored], np.float64)
    return {
        "roc": roc(fake, p_fake),
        "reliability": reliability(fake, p_fake),
        "histograms": histograms(scored),
        "confusion": confusion(predictions),
        "risk_coverage": risk_coverage(fake, p_fake),
    }


def roc(fake: Flags, p_fake: Values) -> dict[str, list[float]]:
    """Return the ROC curve, recall over FPR, with at most 60 points."""
    if fake.all() or not fake.any():
        return {"false_alarms": [], "recall": []}
    curve = RocCurve(fake, p_fake, np.ones((1, len(fake))))
    fpr, recall = curve.fpr[0], curve.recall[0]
    kept = _spread(fpr + recall)
    return {"false_alarms": _rounded(fpr[kept]), "recall": _rounded(recall[kept])}


def reliability(fake: Flags, p_fake: Values) -> list[dict[str, Any]]:
    """Return mean p_fake and share of fakes in 15 bins of equal width (Guo et al. 2017); None if empty."""
    member = np.searchsorted(equal_width_edges(), p_fake, side="right")
    return [
        {
            "from": round(i / BINS, 4),
            "to": round((i + 1) / BINS, 4),
            "pictures": int(own.sum()),
            "p_fake": round(float(p_fake[own].mean()), 4) if own.any() else None,
            "share_fake": round(float(fake[own].mean()), 4) if own.any() else None,
        }
        for i, own in enumerate(member == np.arange(BINS)[:, None])
    ]


def histograms(scored: Sequence[Prediction]) -> list[dict[str, Any]]:
    """Return counts of p_fake in 20 equal bins from 0 to 1, of each source and class."""

    def count(source: str, fake: bool) -> list[int]:
        own = [p.p_fake for p in scored if p.source == source and p.fake == fake and p.p_fake is not None]
        return [int(count) for count in np.histogram(own, HISTOGRAM_BINS, (0, 1))[0]]

    return [
        {"source": source, "real": count(source, False), "fake": count(source, True)}
        for source in sorted({p.source for p in scored})
    ]


def confusion(predictions: Sequence[Prediction]) -> dict[str, dict[str, int]]:
    """Count the outcomes of each class; "uncertain" includes faces too small to classify."""
    counts = {label: dict.fromkeys(OUTCOMES, 0) for label in ("real", "fake")}
    for p in predictions:
        counts["fake" if p.fake else "real"][p.outcome] += 1
    return counts


def risk_coverage(fake: Flags, p_fake: Values) -> dict[str, list[float]]:
    """Return the risk-coverage curve: the error rate of the most confident images over their share.

    El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification", 2010. Confidence is the
    distance of p_fake from 0.5; at or above 0.5 an image counts as fake.
    """
    if not len(fake):
        return {"coverage": [], "risk": []}
    confidence = np.round(np.abs(p_fake - 0.5), 9)  # rounded: 0.2 and 0.8 differ in the last bit only
    order = np.argsort(-confidence, kind="stable")
    ends = np.flatnonzero(np.diff(confidence[order], append=-np.inf))
    wrong = np.cumsum((p_fake >= 0.5)[order] != fake[order])[ends]
    kept = _spread((ends + 1) / len(fake))
    decided = ends[kept] + 1
    return {"coverage": _rounded(decided / len(fake)), "risk": _rounded(wrong[kept] / decided)}


def _spread(rising: Values) -> NDArray[np.intp]:
    """Return at most 60 indices, first and last included, evenly spaced along a rising quantity."""
    if len(rising) <= MAX_POINTS:
        return np.arange(len(rising))
    wanted = np.linspace(rising[0], rising[-1], MAX_POINTS)
    return np.unique(np.minimum(np.searchsorted(rising, wanted), len(rising) - 1))


def _rounded(values: Values) -> list[float]:
    return [round(float(v), 4) for v in values]
