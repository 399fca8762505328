"""What bounds of the FPR and shares of uncertain images cost in errors."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from veraface.decision import Thresholds
from veraface.evaluation.roc import Flags
from veraface.evaluation.score_table import NetworkScores, ScoreTable
from veraface.training.decision_fit import DecisionFit, with_thresholds
from veraface.training.group_thresholds import (
    BoundSettings,
    ScoredImages,
    fit_fake_threshold,
    real_for_uncertain,
)

Row = dict[str, Any]

_CURVE_FPR = (0.03, 0.04, 0.06, 0.08, 0.12)  # bounds per group; a third of it is the limit of the mean
_CURVE_UNCERTAIN = (0.1, 0.15, 0.2, 0.25, 0.35)


def bound_rows(fit: DecisionFit, images: NetworkScores, refits: Mapping[str, DecisionFit]) -> list[Row]:
    """Return for several bounds of the FPR what they cost, and whether they hold without a source.

    The limit of the mean FPR is a third of the bound. `fpr_refitted_*` are over the sources with reals, each
    with weights, calibration (`refits`) and threshold fitted to the others.
    """
    whole, rows = fit.score(images), []
    scored = {
        name: (
            refit.score(images.where(images.source != name)),
            refit.score(images.where(~images.fake & (images.source == name))),
        )
        for name, refit in refits.items()
    }
    for max_fpr in _CURVE_FPR:
        settings = _with_fpr(fit, max_fpr)
        fake = fit_fake_threshold(whole, settings)
        fprs, recalls = (_by_source(whole, whole.lowest >= fake, kind) for kind in (False, True))
        again = [
            float((own.lowest >= fit_fake_threshold(others, settings)).mean())
            for others, own in scored.values()
        ]
        rows.append(
            {
                "bound": f"{max_fpr:.0%}",
                "fake": round(fake, 4),
                "recall_mean": round(float(np.mean(recalls)), 4),
                "fpr_worst": round(max(fprs), 4),
                "fpr_mean": round(float(np.mean(fprs)), 4),
                "fpr_refitted_worst": round(max(again), 4),
                "fpr_refitted_mean": round(float(np.mean(again)), 4),
            }
        )
    return rows


def trade_off(table: ScoreTable, fit: DecisionFit) -> list[Row]:
    """Return error rates over bounds of the FPR and shares of uncertain images.

    The first row is the fit itself, the second has thresholds fitted without the check by recompression. The
    share of uncertain images is chosen on the validation split, as in `fit_decision`.
    """
    left_out = fit.read(table, final=False)
    validation, test = (fit.read(table, final=True, where=table.split == split) for split in ("val", "test"))

    def row(name: str, fit: DecisionFit, *sets: NetworkScores) -> Row:
        images, thresholds = fit.score(sets[0]), fit.thresholds
        fakes, reals = images.called_fake(thresholds), images.called_real(thresholds)
        rates = {
            "fpr": _by_source(images, fakes, False),
            "fnr": _by_source(images, reals, True),
            "recall": _by_source(images, fakes, True),
        }
        found: Row = {"bound": name, "real": round(thresholds.real, 4), "fake": round(thresholds.fake, 4)}
        found["uncertain"] = mean_share(images.uncertain(thresholds))
        if len(sets[1]):
            found["uncertain_test"] = mean_share(fit.score(sets[1]).uncertain(thresholds))
        for key, values in rates.items():
            found |= {f"{key}_worst": round(max(values), 4), f"{key}_mean": round(float(np.mean(values)), 4)}
        return found

    once = [replace(scores, recompressed=scores.scores) for scores in (left_out, validation, test)]
    unchecked = with_thresholds(fit, once[0], once[1])
    rows = [
        row("chosen", fit, left_out, test),
        row("chosen, without recompression", unchecked, once[0], once[2]),
    ]
    images = fit.score(left_out)
    budget = fit.score(validation) if len(validation) else images
    for max_fpr in _CURVE_FPR:
        fake = fit_fake_threshold(images, _with_fpr(fit, max_fpr))
        for share in _CURVE_UNCERTAIN:
            thresholds = Thresholds(real=real_for_uncertain(budget, fake, share), fake=fake)
            name = f"{max_fpr:.0%}, {share:.0%} uncertain"
            rows.append(row(name, replace(fit, thresholds=thresholds), left_out, test))
    return rows


def _with_fpr(fit: DecisionFit, max_fpr: float) -> BoundSettings:
    """Return the settings of a fit with another bound of the FPR, and a third of it as limit of the mean."""
    targets = replace(fit.settings.targets, max_fpr=max_fpr)
    return replace(fit.settings, targets=targets, mean_fpr=max_fpr / 3)


def _by_source(images: ScoredImages, chosen: Flags, fake: bool) -> list[float]:
    """Return the share of chosen images of one class of each source that has it."""
    return [
        float(chosen[(images.source == name) & (images.fake == fake)].mean())
        for name in np.unique(images.source[images.fake == fake])
    ]


def mean_share(flags: Flags) -> float:
    """Return the rounded share of true entries."""
    return round(float(flags.mean()), 4)
