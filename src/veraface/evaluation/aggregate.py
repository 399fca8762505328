"""Aggregation of predictions: rows of metrics by source, generator and face size, and the data of plots."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veraface.evaluation.arrays import ImageSet, PredictionArrays
from veraface.evaluation.bootstrap import MIN_GROUPS, BootstrapSamples
from veraface.evaluation.metrics import METRICS, evaluator
from veraface.evaluation.predict import Prediction
from veraface.evaluation.roc import BINS, RocCurve, equal_width_edges
from veraface.results import Verdict

# Bands of the longer side of the face box, px: below 60 hardly more than the outline is left, below 128 the
# crop is upscaled for a model of 160 px or more; None is unbounded.
FACE_SIZES: tuple[tuple[float, float | None], ...] = ((0, 60), (60, 80), (80, 128), (128, 256), (256, None))
MAX_POINTS = 60  # of a curve
HISTOGRAM_BINS = 20
OUTCOMES = ("fake", "uncertain", "real", "no_face", "error")

Row = dict[str, Any]


def compute_metrics(
    predictions: Sequence[Prediction],
    bootstrap: BootstrapSamples | None = None,
    *,
    against: Sequence[Prediction] = (),
) -> Row:
    """Compute all metrics of a set of predictions, with intervals.

    Args:
        predictions: of one class or both.
        bootstrap: resamples of the intervals; drawn from the predictions' groups if None.
        against: predictions of the other class, against which those of a one-class set are ranked.

    Returns:
        Counts; metrics by name, None if undefined; and "intervals", [low, high] by the same names.
        docs/evaluation.md describes each.
    """
    bootstrap = bootstrap or BootstrapSamples(p.group for p in [*predictions, *against])
    images = ImageSet(PredictionArrays.of(predictions, bootstrap), PredictionArrays.of(against, bootstrap))
    values, intervals = bootstrap.measure(evaluator(images))
    groups = {needs: needs.groups(images) for needs in {metric.needs for metric in METRICS.values()}}
    for name, metric in METRICS.items():
        if groups[metric.needs] < MIN_GROUPS:
            intervals[name] = None
    return {**counts(images.own), **values, "intervals": intervals}


def counts(images: PredictionArrays) -> dict[str, int]:
    """Count the images, and by reason those that were not classified."""
    unclassified = ~images.classified
    return {
        "real": int((~images.fake).sum()),
        "fake": int(images.fake.sum()),
        "groups": len(np.unique(images.group)),
        "uncertain": int((images.classified & (images.verdict == Verdict.UNCERTAIN)).sum()),
        "not_judged": int(unclassified.sum()),
        "no_face": int((images.verdict == Verdict.NO_FACE).sum()),
        "too_small": int((unclassified & (images.verdict == Verdict.UNCERTAIN)).sum()),
        "errors": int((images.verdict == "error").sum()),
    }


def source_rows(
    predictions: Sequence[Prediction], bootstrap: BootstrapSamples, pairs: Iterable[str] = ()
) -> list[Row]:
    """Return rows of all images, of each source, and of each pair of sources "REAL:FAKE"."""
    rows: list[Row] = [{"source": "all", **compute_metrics(predictions, bootstrap)}]
    for source in sorted({p.source for p in predictions}):
        chosen = [p.source == source for p in predictions]
        rows.append({"source": source, **_slice_metrics(predictions, bootstrap, chosen)})
    for pair in pairs:
        images = [p for p in predictions if in_pair(p, pair)]
        rows.append({"source": pair.replace(":", " / "), **compute_metrics(images, bootstrap)})
    return rows


def in_pair(prediction: Prediction, pair: str) -> bool:
    """Return whether an image is a real of the first or a fake of the second source of "REAL:FAKE"."""
    return prediction.source == pair.split(":")[prediction.fake]


def generator_rows(predictions: Sequence[Prediction], bootstrap: BootstrapSamples) -> list[Row]:
    """Return a row of each generator that the data name."""
    return [
        {
            "generator": name,
            **_slice_metrics(predictions, bootstrap, [p.generator == name for p in predictions]),
        }
        for name in sorted({p.generator for p in predictions if p.generator})
    ]


def face_size_rows(predictions: Sequence[Prediction], bootstrap: BootstrapSamples) -> list[Row]:
    """Return a row of each band of face sizes; images without a classified face are in none."""
    rows: list[Row] = []
    sizes = [-1.0 if p.face_size is None else p.face_size for p in predictions]
    for low, high in FACE_SIZES:
        band = (
            f"from {low:g} px" if high is None else f"{low:g} to {high:g} px" if low else f"under {high:g} px"
        )
        within = [low <= size and (high is None or size < high) for size in sizes]
        if any(within):
            rows.append({"face_size": band, **_slice_metrics(predictions, bootstrap, within)})
    return rows


def _slice_metrics(
    predictions: Sequence[Prediction], bootstrap: BootstrapSamples, chosen: Sequence[bool]
) -> Row:
    """Compute metrics of a slice; a slice of one class is ranked against all images of the other."""
    own = [p for p, is_chosen in zip(predictions, chosen, strict=True) if is_chosen]
    classes = {p.fake for p in own}
    against = [p for p in predictions if p.fake not in classes] if len(classes) == 1 else []
    return compute_metrics(own, bootstrap, against=against)


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


def roc(fake: NDArray[np.bool_], p_fake: NDArray[np.float64]) -> dict[str, list[float]]:
    """Return the ROC curve, recall over FPR, with at most 60 points."""
    if fake.all() or not fake.any():
        return {"false_alarms": [], "recall": []}
    curve = RocCurve(fake, p_fake, np.ones((1, len(fake))))
    fpr, recall = curve.fpr[0], curve.recall[0]
    kept = _spread(fpr + recall)
    return {"false_alarms": _rounded(fpr[kept]), "recall": _rounded(recall[kept])}


def reliability(fake: NDArray[np.bool_], p_fake: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Return mean p_fake and share of fakes in 15 bins of equal width (Guo et al. 2017); None if empty."""
    member = np.searchsorted(equal_width_edges(), p_fake, side="right")
    bins = []
    for i in range(BINS):
        own = member == i
        bins.append(
            {
                "from": round(i / BINS, 4),
                "to": round((i + 1) / BINS, 4),
                "pictures": int(own.sum()),
                "p_fake": round(float(p_fake[own].mean()), 4) if own.any() else None,
                "share_fake": round(float(fake[own].mean()), 4) if own.any() else None,
            }
        )
    return bins


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
    return {
        label: {
            outcome: sum(p.fake == fake and p.outcome == outcome for p in predictions) for outcome in OUTCOMES
        }
        for label, fake in (("real", False), ("fake", True))
    }


def risk_coverage(fake: NDArray[np.bool_], p_fake: NDArray[np.float64]) -> dict[str, list[float]]:
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
    return {
        "coverage": _rounded((ends[kept] + 1) / len(fake)),
        "risk": _rounded(wrong[kept] / (ends[kept] + 1)),
    }


def _spread(rising: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return at most 60 indices, first and last included, evenly spaced along a rising quantity."""
    if len(rising) <= MAX_POINTS:
        return np.arange(len(rising))
    wanted = np.linspace(rising[0], rising[-1], MAX_POINTS)
    return np.unique(np.minimum(np.searchsorted(rising, wanted), len(rising) - 1))


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(v), 4) for v in values]
