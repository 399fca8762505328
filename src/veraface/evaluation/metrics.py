"""Figures over judged pictures, with intervals drawn by group."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from veraface.verdict import Verdict

_DRAWS = 500  # bootstrap samples for an interval


@dataclass(frozen=True)
class Judged:
    """One labelled picture after judging."""

    path: str
    fake: bool
    source: str
    group: str
    verdict: Verdict | None  # None: an error
    p_fake: float | None
    error: str = ""


def area_under_curve(pictures: Sequence[Judged]) -> float | None:
    """AUC of p_fake over the pictures that have one; None where a class is missing."""
    judged = [p for p in pictures if p.p_fake is not None]
    labels = [p.fake for p in judged]
    if len(set(labels)) < 2:
        return None
    return float(roc_auc_score(labels, [p.p_fake for p in judged]))


def share(pictures: Sequence[Judged], fake: bool, verdict: Verdict) -> float | None:
    """Share of a class that got a verdict, of all its pictures that were judged; None if there are none."""
    of_class = [p for p in pictures if p.fake == fake and p.p_fake is not None]
    return sum(p.verdict is verdict for p in of_class) / len(of_class) if of_class else None


def interval(
    figure: Callable[[Sequence[Judged]], float | None], pictures: Sequence[Judged], seed: int = 0
) -> list[float] | None:
    """95 % percentile bootstrap interval, drawing whole groups (Efron and Tibshirani, 1993)."""
    groups: dict[str, list[Judged]] = {}
    for picture in pictures:
        groups.setdefault(picture.group, []).append(picture)
    members = list(groups.values())
    random = np.random.default_rng(seed)
    values = []
    for _ in range(_DRAWS):
        drawn = [p for i in random.integers(len(members), size=len(members)) for p in members[i]]
        if (value := figure(drawn)) is not None:
            values.append(value)
    return [round(float(v), 4) for v in np.percentile(values, [2.5, 97.5])] if values else None


def row(name: str, pictures: Sequence[Judged], against: Sequence[Judged] = ()) -> dict[str, Any]:
    """The figures of one source.

    Args:
        name: of the source.
        pictures: of the source.
        against: pictures of the other class that stand in for it in the AUC of a one-class source.
    """
    unjudged = sum(p.p_fake is None for p in pictures)
    return {
        "source": name,
        "real": sum(not p.fake for p in pictures),
        "fake": sum(p.fake for p in pictures),
        "auc": _rounded(area_under_curve([*pictures, *against])),
        "reals_called_fake": _rounded(share(pictures, False, Verdict.FAKE)),
        "fakes_called_fake": _rounded(share(pictures, True, Verdict.FAKE)),
        "reals_uncertain": _rounded(share(pictures, False, Verdict.UNCERTAIN)),
        "fakes_uncertain": _rounded(share(pictures, True, Verdict.UNCERTAIN)),
        "fakes_called_real": _rounded(share(pictures, True, Verdict.REAL)),
        "not_judged": unjudged,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
