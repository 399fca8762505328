"""The numbers behind the plots, few enough to be stored with a model and drawn anywhere."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veraface.evaluation.aggregate import verdict_name
from veraface.evaluation.metrics import BINS, RocCurve, equal_width_edges
from veraface.evaluation.predict import Judged

MAX_POINTS = 60  # of a curve
HISTOGRAM_BINS = 20
OUTCOMES = ("fake", "uncertain", "real", "no_face", "error")


def diagrams(judged: Sequence[Judged]) -> dict[str, Any]:
    """The numbers of every diagram of a set; a curve that needs both classes is empty without."""
    scored = [p for p in judged if p.p_fake is not None]
    fake = np.array([p.fake for p in scored], bool)
    p_fake = np.array([p.p_fake for p in scored], np.float64)
    return {
        "roc": roc(fake, p_fake),
        "reliability": reliability(fake, p_fake),
        "histograms": histograms(scored),
        "confusion": confusion(judged),
        "risk_coverage": risk_coverage(fake, p_fake),
    }


def roc(fake: NDArray[np.bool_], p_fake: NDArray[np.float64]) -> dict[str, list[float]]:
    """Receiver operating characteristic: recall over the share of false alarms, at most 60 points."""
    if fake.all() or not fake.any():
        return {"false_alarms": [], "recall": []}
    ranking = RocCurve(fake, p_fake, np.ones((1, len(fake))))
    alarms, recall = ranking.false_alarms[0], ranking.recall[0]
    kept = _spread(alarms + recall)
    return {"false_alarms": _rounded(alarms[kept]), "recall": _rounded(recall[kept])}


def reliability(fake: NDArray[np.bool_], p_fake: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Mean p_fake and share of fakes in 15 bins of equal width (Guo et al. 2017); None where one is empty."""
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


def histograms(scored: Sequence[Judged]) -> list[dict[str, Any]]:
    """Counts of p_fake in 20 equal bins from 0 to 1, of each source and class."""

    def counts(source: str, fake: bool) -> list[int]:
        own = [p.p_fake for p in scored if p.source == source and p.fake == fake and p.p_fake is not None]
        return [int(count) for count in np.histogram(own, HISTOGRAM_BINS, (0, 1))[0]]

    return [
        {"source": source, "real": counts(source, False), "fake": counts(source, True)}
        for source in sorted({p.source for p in scored})
    ]


def confusion(judged: Sequence[Judged]) -> dict[str, dict[str, int]]:
    """How many images of each class got which outcome; "uncertain" holds faces too small to judge."""
    return {
        label: {
            outcome: sum(p.fake == fake and verdict_name(p) == outcome for p in judged)
            for outcome in OUTCOMES
        }
        for label, fake in (("real", False), ("fake", True))
    }


def risk_coverage(fake: NDArray[np.bool_], p_fake: NDArray[np.float64]) -> dict[str, list[float]]:
    """Share of errors among the images that p_fake is surest of, over how many are kept.

    El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification", 2010. Sureness is the
    distance of p_fake from one half, and fake is what lies at or above it.
    """
    if not len(fake):
        return {"coverage": [], "risk": []}
    sureness = np.round(np.abs(p_fake - 0.5), 9)  # .2 and .8 are equally sure, but for their last bit
    order = np.argsort(-sureness, kind="stable")
    ends = np.flatnonzero(np.diff(sureness[order], append=-np.inf))
    wrong = np.cumsum((p_fake >= 0.5)[order] != fake[order])[ends]
    kept = _spread((ends + 1) / len(fake))
    return {
        "coverage": _rounded((ends[kept] + 1) / len(fake)),
        "risk": _rounded(wrong[kept] / (ends[kept] + 1)),
    }


def _spread(rising: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices of at most 60 points, the ends among them, spread evenly over a rising quantity."""
    if len(rising) <= MAX_POINTS:
        return np.arange(len(rising))
    wanted = np.linspace(rising[0], rising[-1], MAX_POINTS)
    return np.unique(np.minimum(np.searchsorted(rising, wanted), len(rising) - 1))


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(v), 4) for v in values]
