"""Fit a decision to a score table, and report what it achieves on sources that the networks have not seen."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veraface.errors import DataError, ModelError
from veraface.evaluation import roc
from veraface.evaluation.arrays import ImageSet, PredictionArrays
from veraface.evaluation.bootstrap import MIN_GROUPS, RESAMPLES, BootstrapSamples, Values, rounded
from veraface.evaluation.metrics import evaluator
from veraface.evaluation.report import render_tables
from veraface.evaluation.roc import Flags
from veraface.evaluation.score_table import NetworkScores, ScoreTable
from veraface.evaluation.tables import ReportTable
from veraface.files import ensure_writable_dir, write_atomic
from veraface.models.card import ModelCard
from veraface.models.reliability import FACE_BANDS, face_size_band
from veraface.training.calibration import balance_weights
from veraface.training.decision_fit import DecisionFit, cross_fitted, fit_decision, refit, write_card
from veraface.training.group_thresholds import BoundSettings, ScoredImages, confidence_interval, image_shares

Row = dict[str, Any]

_SHARES = {
    "images": "images",
    "groups": "groups",
    "called_fake": "called fake",
    "uncertain": "uncertain",
    "called_real": "called real",
    "error_interval": "95%",
}


def evaluate_scores(
    path: Path,
    out: Path,
    settings: BoundSettings | None = None,
    *,
    architecture: str | None = None,
    one_view: bool = False,
    card: Path | None = None,
) -> str:
    """Fit a decision to the score table `path` and evaluate it; write the report to the folder `out`.

    Args:
        path: the score table.
        out: gets `decision.json` with the fit, and `crossval.json` and `crossval.md` with the report.
        settings: targets of the thresholds.
        architecture: name of the network in the table; needed if it has several.
        one_view: the network sees a face neither mirrored nor recompressed.
        card: model card of the final network: it is written to `out` with the decision, beside a copy of its
            weights. Its `tta` takes the place of `one_view`.

    Returns:
        The report as Markdown.

    Raises:
        DataError: the table is invalid, or a class has too few images.
        ModelError: files of the network are missing or damaged, or it sees more than a score table has.
    """
    table = ScoreTable.load(path)
    ensure_writable_dir(out)
    if card is not None:
        settled = ModelCard.load(card)
        if settled.second is not None or settled.wide_margin is not None:
            raise ModelError(
                f"{card}: has a second network or a wide_margin, and a score table has the logits of one "
                "network and crop; use `veraface calibrate`"
            )
        one_view = not settled.tta
    fit = fit_decision(table, settings, architecture=architecture, one_view=one_view)
    if card is not None:
        write_card(card, fit.card_fields(), out)
    report = compute_score_report(table, fit)
    markdown = score_markdown(report, fit)
    write_atomic(out / "decision.json", json.dumps(fit.to_dict(), indent=2) + "\n")
    write_atomic(out / "crossval.json", json.dumps(report, indent=2) + "\n")
    write_atomic(out / "crossval.md", markdown)
    return markdown


def compute_score_report(table: ScoreTable, fit: DecisionFit, *, bootstrap: int = RESAMPLES) -> Row:
    """Compute the report; `bootstrap` is the number of resamples of the intervals."""
    scores = NetworkScores.of(table, fit.architecture, final=False, one_view=fit.one_view)
    images, fake = fit.score(scores), scores.fake
    sizes = table.face_size[scores.rows]
    bands = np.array(["" if np.isnan(size) else face_size_band(size) for size in sizes])
    p_fake = fit.calibration.probability(scores.logit)
    return {
        "images": {
            "real": int((~fake).sum()),
            "fake": int(fake.sum()),
            "sources": len(np.unique(scores.source)),
            "not_left_out": len(table) - len(scores),
        },
        "fakes": _fake_rows(fit, scores, p_fake, table.fold[scores.rows], bootstrap),
        "reals": _real_rows(table, scores, fit),
        "by_generator": _slices("generator", np.where(fake, table.generator[scores.rows], ""), images, fit),
        "by_face_size": _slices("face_size", bands, images, fit, FACE_BANDS.index),
        "calibration": [
            _calibration_row("cross-fitted", scores, cross_fitted(scores)),
            _calibration_row("the fit itself", scores, p_fake),
        ],
        "decision": fit.to_dict(),
    }


def _fake_rows(
    fit: DecisionFit, scores: NetworkScores, p_fake: Values, fold: NDArray[np.int64], count: int
) -> list[Row]:
    """Return a row of the fakes of each source, after one of their means.

    `auc` and `recall_at_5_percent` are against the reals of all sources, each scored by the network that has
    not seen it; `auc_same_network` against those that the same network has not seen, and `auc_own` against
    the reals of the same source. Intervals are from a bootstrap over groups.
    """
    names = [str(name) for name in np.unique(scores.source[scores.fake])]
    groups = scores.group.astype(np.str_)
    bootstrap = BootstrapSamples(groups, count=count)
    verdicts = np.full(len(scores), "")  # ranking needs none
    arrays = PredictionArrays(scores.fake, p_fake, verdicts, bootstrap.index(groups.tolist()))
    computed: dict[tuple[str, str], Callable[[Values], dict[str, Values]]] = {}
    for name in names:
        own = scores.fake & (scores.source == name)
        reals = {
            "auc": ~scores.fake,
            "auc_same_network": ~scores.fake & (fold == fold[own][0]),
            "auc_own": ~scores.fake & (scores.source == name),
        }
        for key, against in reals.items():
            if arrays.count_groups(against) >= MIN_GROUPS:
                metrics = ("auc", "recall_at_5_percent") if key == "auc" else ("auc",)
                ranked = ImageSet(arrays.where(own), arrays.where(against))
                computed[name, key] = evaluator(ranked, metrics)

    def compute(weights: Values) -> dict[str, Values]:
        found: dict[str, Values] = {}
        by_metric: dict[str, list[Values]] = {}
        for (name, key), function in computed.items():
            for metric, values in function(weights).items():
                kind = key if metric == "auc" else metric
                found[f"{name}/{kind}"] = values
                by_metric.setdefault(kind, []).append(values)
        return {f"mean/{kind}": np.mean(each, axis=0) for kind, each in by_metric.items()} | found

    values, intervals = bootstrap.measure(compute)
    images, rows = fit.score(scores), []
    for name in ["mean", *names]:
        own = scores.fake & (scores.source == name)
        row: Row = (
            {"source": name} if name == "mean" else _verdict_row("source", name, images.where(own), fit)
        )
        few = name != "mean" and arrays.count_groups(own) < MIN_GROUPS
        kinds = {key.rpartition("/")[2]: key for key in values if key.rpartition("/")[0] == name}
        row |= {kind: values[key] for kind, key in kinds.items()}
        rows.append(row | {"intervals": {k: None if few else intervals[key] for k, key in kinds.items()}})
    return rows


def _real_rows(table: ScoreTable, scores: NetworkScores, fit: DecisionFit) -> list[Row]:
    """Return a row of the reals of each source.

    `refitted` has the share called fake and the share uncertain with calibration and thresholds fitted to the
    other sources; None where these have too few images.
    """
    validation = NetworkScores.of(table, fit.architecture, final=True, one_view=fit.one_view)
    validation = validation.where(table.split[validation.rows] == "val")
    images, rows = fit.score(scores), []
    for name in map(str, np.unique(scores.source[~scores.fake])):
        own = ~scores.fake & (scores.source == name)
        rates = None
        with suppress(DataError):  # too few reals or fakes are left
            others = refit(
                fit, scores.where(scores.source != name), validation.where(validation.source != name)
            )
            again = others.score(scores.where(own))
            rates = {
                "called_fake": _share(again.called_fake(others.thresholds)),
                "uncertain": _share(again.uncertain(others.thresholds)),
            }
        rows.append(_verdict_row("source", name, images.where(own), fit) | {"refitted": rates})
    return rows


def _slices(
    key: str,
    names: NDArray[Any],
    images: ScoredImages,
    fit: DecisionFit,
    order: Callable[[str], Any] = str,
) -> list[Row]:
    """Return a row of each class in each slice; images named "" are in none."""
    return [
        _verdict_row(key, name, images.where(chosen), fit)
        for name in sorted({*map(str, names)} - {""}, key=order)
        for fake in (False, True)
        if (chosen := (names == name) & (images.fake == fake)).any()
    ]


def _verdict_row(key: str, name: str, images: ScoredImages, fit: DecisionFit) -> Row:
    """Return counts and the shares of the verdicts of images of one class.

    `error_interval` is the 95% Clopper-Pearson interval, by group, of the error rate: the share of reals with
    the verdict fake, or of fakes with the verdict real; see `upper_bound`.
    """
    fakes, reals = images.called_fake(fit.thresholds), images.called_real(fit.thresholds)
    wrong = reals if images.fake.all() else fakes
    groups = len(np.unique(images.group))
    errors = float(image_shares(images.group)[wrong].sum())
    return {
        key: name,
        "label": "fake" if images.fake.all() else "real",
        "images": len(images.fake),
        "groups": groups,
        "called_fake": _share(fakes),
        "uncertain": _share(images.uncertain(fit.thresholds)),
        "called_real": _share(reals),
        "error_interval": [round(end, 4) for end in confidence_interval(errors, groups)],
    }


def _calibration_row(name: str, scores: NetworkScores, p_fake: Values) -> Row:
    """Return the expected calibration error with 15 bins, of the images and with sources in balance."""
    scores, p_fake = scores.where(~np.isnan(p_fake)), p_fake[~np.isnan(p_fake)]
    weights = np.stack([np.ones(len(scores)), balance_weights(scores.fake, scores.source)])
    plain, balanced = roc.calibration_error(scores.fake, p_fake, weights, roc.equal_width_edges())
    return {"images": name, "calibration_error": rounded(balanced), "unbalanced_error": rounded(plain)}


def _share(flags: Flags) -> float:
    return round(float(flags.mean()), 4)


def score_markdown(report: Row, fit: DecisionFit) -> str:
    """Return the report as Markdown."""
    counts = report["images"]
    lines = [
        "# Left-out sources",
        "",
        f"{counts['real']} real and {counts['fake']} fake images of {counts['sources']} sources, each scored "
        f"by a network that has not seen its source. {counts['not_left_out']} others are not in the fit.",
        "",
        f"- network: {fit.architecture}; p_fake = sigmoid({fit.calibration.slope:.3f} x logit "
        f"{fit.calibration.intercept:+.3f})",
        f"- verdict: real up to {fit.thresholds.real:.4f}, fake from {fit.thresholds.fake:.4f}",
        "",
    ]
    return "\n".join([*lines, render_tables(list(_tables(report, fit)))])


def _tables(report: Row, fit: DecisionFit) -> Iterator[ReportTable]:
    aucs = {"auc": "AUC", "auc_same_network": "AUC, same network", "auc_own": "AUC, own reals"}
    recalls = {"recall_at_5_percent": "recall at 5% FPR", "called_fake": "recall", "called_real": "FNR"}
    yield _table(
        "Fakes of left-out sources",
        report["fakes"],
        {"source": "source", **aucs, **recalls, **{k: v for k, v in _SHARES.items() if k not in recalls}},
        "AUC and recall at 5% FPR: against the reals of all sources, each scored by the network that has not "
        "seen its source. Same network: against the reals that the same network has not seen. Own reals: "
        "against those of the same source. 95% intervals by a bootstrap over groups; that of the FNR is "
        "Clopper-Pearson, with the share of each group's images.",
    )
    refitted = {"refit_fake": "FPR, fitted without it", "refit_uncertain": "uncertain, fitted without it"}
    yield _table(
        "Reals of left-out sources",
        [
            row | {"refit_fake": rates.get("called_fake"), "refit_uncertain": rates.get("uncertain")}
            for row in report["reals"]
            for rates in [row["refitted"] or {}]
        ],
        {"source": "source", **_SHARES, "called_fake": "FPR", **refitted},
        "Fitted without it: calibration and thresholds fitted to the other sources.",
    )
    yield _table(
        f"Bounds at confidence {fit.settings.confidence:g}",
        [
            {
                **bound.short(),
                "name": bound.name,
                "class": "FNR" if bound.fake else "FPR",
                "target": bound.target,
                "held": "yes" if bound.held else "no",
            }
            for bound in fit.bounds
        ],
        {"name": "group of sources", "class": "error rate"}
        | {name: name for name in ("groups", "rate", "bound", "target")}
        | {"held": "kept"},
        "Upper Clopper-Pearson bound of the error rate in each group of sources: each source with at least "
        f"{fit.settings.min_groups} people or videos, and all others together.",
        text_columns=2,
    )
    for key in ("generator", "face_size"):
        name = key.replace("_", " ")
        heads = {key: name, "label": "class", **_SHARES}
        yield _table(f"Left-out sources by {name}", report[f"by_{key}"], heads, text_columns=2)
    yield _table(
        "Calibration",
        report["calibration"],
        {"images": "images", "calibration_error": "ECE", "unbalanced_error": "ECE without balance"},
        "15 bins of equal width. Classes, and the sources of a class, have equal weight. Cross-fitted: each "
        "source by a calibration fitted to the others.",
    )


def _table(
    title: str, rows: Iterable[Row], heads: Mapping[str, str], note: str = "", *, text_columns: int = 1
) -> ReportTable:
    """Return a table with a column of each key of `heads`."""
    cells = (tuple(_cell(row, key) for key in heads) for row in rows)
    return ReportTable(title, tuple(heads.values()), tuple(cells), note, text_columns)


def _cell(row: Row, key: str) -> str:
    def form(value: float) -> str:
        return f"{value:.3f}" if "auc" in key or key.endswith("_error") else f"{value:.1%}"

    value = row.get(key)
    if value is None or isinstance(value, str | int):
        return "" if value is None else str(value)
    if isinstance(value, list):
        return _interval(value, form)
    ends = row.get("intervals", {}).get(key)
    return f"{form(value)} ({_interval(ends, form)})" if ends else form(value)


def _interval(ends: Sequence[float], form: Callable[[float], str]) -> str:
    low, high = map(form, ends)
    return f"{low.removesuffix('%')} to {high}"
