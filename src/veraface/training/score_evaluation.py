"""Fit a decision to a score table, and write the fit and its report as JSON and Markdown."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from veraface.evaluation.report import render_tables
from veraface.evaluation.score_table import ScoreTable
from veraface.evaluation.tables import ReportTable, metric_table
from veraface.files import ensure_writable_dir, write_atomic
from veraface.training.decision_card import write_decision
from veraface.training.decision_fit import DecisionFit, fit_decision
from veraface.training.group_thresholds import BoundSettings
from veraface.training.joining import cross_fitted
from veraface.training.score_goals import goal_rows
from veraface.training.score_report import (
    OutOfFoldReport,
    calibration_row,
    scale_rows,
    test_block,
)
from veraface.training.threshold_curves import trade_off

PAIRS = ("ffhq:stylegan140k",)
SWAPS = ("dfdc", "deepfacelive", "swap")  # words in the name or generator of a source of face swaps

Row = Mapping[str, Any]


def evaluate_scores(
    path: Path,
    out: Path,
    settings: BoundSettings | None = None,
    *,
    architectures: Sequence[str] | None = None,
    one_view: Sequence[str] = (),
    attributes: Path | None = None,
    pairs: Sequence[str] = PAIRS,
    swaps: Sequence[str] = SWAPS,
    cards: Mapping[str, Path] | None = None,
    name: str = "veraface",
) -> str:
    """Fit a decision to the score table `path` and evaluate it; write the report to the folder `out`.

    `decision.json` has the fit, `crossval.json` and `crossval.md` the report. `architectures` limits the
    networks to choose from, those in `one_view` see a face in one view. `attributes` is a CSV file of further
    slices, see `ScoreTable.with_attributes`; `pairs` "REAL:FAKE" are rows of their own, `swaps` are words in
    the source or generator of face swaps. With `cards` of final networks by architecture, theirs and that of
    their ensemble `name` are written too, see `write_decision`; it takes the place of `architectures` and
    `one_view`. Returns the report as Markdown. Raises `DataError` if the table is invalid or a class has too
    few images.
    """
    table = ScoreTable.load(path)
    if attributes is not None:
        table = table.with_attributes(attributes)
    ensure_writable_dir(out)
    if cards:
        fit = write_decision(table, cards, out, name=name, settings=settings)
    else:
        fit = fit_decision(table, settings, architectures=architectures, one_view=one_view)
    report = compute_score_report(table, fit, pairs=pairs, swaps=swaps)
    markdown = score_markdown(report, fit)
    fit.save(out / "decision.json")
    write_atomic(out / "crossval.json", json.dumps(report, indent=2) + "\n")
    write_atomic(out / "crossval.md", markdown)
    return markdown


def compute_score_report(
    table: ScoreTable,
    fit: DecisionFit,
    *,
    pairs: Sequence[str] = PAIRS,
    swaps: Sequence[str] = SWAPS,
    bootstrap: int = 1000,
) -> dict[str, Any]:
    """Compute the report; `bootstrap` is the number of resamples of the intervals."""
    images = fit.read(table, final=False)
    left_out = OutOfFoldReport(table, fit, bootstrap=bootstrap)
    own = left_out.scored
    names = [network.name for network in fit.join.networks]
    present = {*table.source.tolist()}
    pairs = [pair for pair in pairs if {*pair.split(":")} <= present]
    fakes = left_out.fake_rows(pairs)
    generators = dict(zip(own.column("source").tolist(), own.column("generator").tolist(), strict=True))
    for row in (row for row in fakes if row["source"] in generators and "images" in row):
        words = f"{row['source']} {generators[row['source']]}".lower()
        row["swap"] = any(word in words for word in swaps)
    crossed = cross_fitted(images, names)
    report: dict[str, Any] = {
        "images": {
            "real": int((~images.fake).sum()),
            "fake": int(images.fake.sum()),
            "sources": len({*images.source.tolist()}),
            "not_left_out": len(table) - len(images),
        },
        "fakes": fakes,
        "reals": left_out.real_rows(),
        "by_generator": left_out.generator_rows(),
        "by_face_size": left_out.face_size_rows(),
        "by_attribute": left_out.attribute_rows(),
        "calibration": [
            calibration_row("left-out sources, cross-fitted", images.fake, images.source, crossed),
            calibration_row("left-out sources, the fit itself", images.fake, images.source, own.p_fake),
        ],
        "test": test_block(table, fit, pairs, bootstrap),
        "bounds_of_fpr": left_out.bound_rows(),
        "trade_off": trade_off(table, fit),
        "scale": scale_rows(table),
    }
    if report["test"]:
        report["calibration"] += report["test"].pop("calibration")
    return {"figures": goal_rows(report), "decision": fit.to_dict(), **report}


def score_markdown(report: Row, fit: DecisionFit) -> str:
    """Return the report as Markdown."""
    counts = report["images"]
    networks = ", ".join(f"{n.weight:.3f} x {n.name}" for n in fit.join.networks)
    lines = [
        "# Left-out sources",
        "",
        f"{counts['real']} real and {counts['fake']} fake images of {counts['sources']} sources, each scored "
        f"by networks that have not seen its source. {counts['not_left_out']} others are not in the fit.",
        "",
        f"- joined logit: {networks}; p_fake = sigmoid({fit.join.calibration.slope:.3f} x logit "
        f"{fit.join.calibration.intercept:+.3f})",
        *(f"- mean AUC of {name}: {auc:.4f}" for name, auc in fit.candidates.items()),
        f"- verdict: real up to {fit.thresholds.real:.4f}, fake from {fit.thresholds.fake:.4f}",
        f"- disagreement: {_disagreement(fit)}",
        "",
    ]
    return "\n".join([*lines, render_tables(list(_tables(report, fit)))])


def _disagreement(fit: DecisionFit) -> str:
    test = fit.disagreement_test
    if len(fit.join.networks) < 2:
        return "one network only"
    auc = "" if test.auc is None else f"; AUC for wrong against right verdicts {test.auc:.3f}"
    if test.bound is None:
        return f"no rule, as no bound avoids more errors than a wider uncertain band{auc}"
    return f"uncertain beyond a difference of {test.bound:.3f} of the calibrated logits{auc}"


def _tables(report: Row, fit: DecisionFit) -> Iterator[ReportTable]:
    yield _table(
        "Main figures",
        report["figures"],
        {"figure": "figure", "value": "here", "must": "must", "aim": "aim", "kept": "kept", "of": "of"},
        lambda row, key, value: _percent(value) if row["share"] else _number(value),
    )
    yield _table(
        "Fakes of left-out sources",
        report["fakes"],
        {
            "source": "source",
            "images": "images",
            "groups": "groups",
            "auc": "AUC",
            "auc_same_networks": "AUC, same networks",
            "auc_own": "AUC, own reals",
            "recall_at_5_percent": "recall at 5% FPR",
            "called_fake": "recall",
            "uncertain": "uncertain",
            "called_real": "FNR",
            "error_interval": "95%",
        },
        note="AUC and recall at 5% FPR: against the reals of all sources, each scored by networks that have "
        "not seen its source. Same networks: against the reals that the same networks have not seen. Own "
        "reals: against those of the same source, or of the first of a pair. 95% intervals by a bootstrap "
        "over groups; that of the FNR is Clopper-Pearson, with the share of each group's images.",
    )
    yield _table(
        "Reals of left-out sources",
        [
            {**r, "refit_fake": r["refitted"]["called_fake"], "refit_open": r["refitted"]["uncertain"]}
            for r in report["reals"]
        ],
        {
            "source": "source",
            "images": "images",
            "groups": "groups",
            "called_fake": "FPR",
            "error_interval": "95%",
            "refit_fake": "FPR, fitted without it",
            "uncertain": "uncertain",
            "refit_open": "uncertain, fitted without it",
            "called_real": "called real",
        },
        note="Fitted without it: weights, calibration and thresholds fitted to the other sources.",
    )
    yield _table(
        f"Bounds at confidence {fit.settings.confidence:g}",
        [bound.short() | _bound_names(bound) for bound in fit.bounds],
        {
            "name": "group of sources",
            "class": "error rate",
            "groups": "groups",
            "rate": "rate",
            "bound": "bound",
            "target": "target",
            "held": "kept",
        },
        note="Upper Clopper-Pearson bound of the error rate in each group of sources: each source with at "
        f"least {fit.settings.min_groups} people or videos, and all others together.",
        text_columns=2,
    )
    yield _table(
        "Bounds of the FPR",
        report["bounds_of_fpr"],
        {
            "bound": "bound",
            "fake": "fake from",
            "recall_mean": "recall, mean",
            "fpr_worst": "FPR, worst",
            "fpr_mean": "FPR, mean",
            "fpr_refitted_worst": "FPR fitted without the source, worst",
            "fpr_refitted_mean": "mean",
        },
        lambda row, key, value: _number(value) if key == "fake" else _percent(value),
        note="Other values of --max-fpr, with a third as --mean-fpr.",
    )
    yield _table(
        "Uncertain images against errors",
        report["trade_off"],
        {
            "bound": "bound of the FPR, share uncertain on validation",
            "real": "real up to",
            "fake": "fake from",
            "uncertain": "uncertain",
            "uncertain_test": "uncertain, test",
            "fpr_worst": "FPR, worst",
            "fpr_mean": "FPR, mean",
            "fnr_worst": "FNR, worst",
            "fnr_mean": "FNR, mean",
            "recall_mean": "recall, mean",
        },
        lambda row, key, value: _number(value) if key in ("real", "fake") else _percent(value),
        note="Over left-out sources, except on test, where the final networks decide.",
    )
    if report["test"]:
        note = "The networks trained on all sources."
        yield metric_table("Test split, final networks", "source", report["test"]["rows"], note)
        tiers = [{"tier": tier, **lost} for tier, lost in report["test"]["tiers"].items()]
        heads = {"tier": "tier", "value": "AUC lost", "interval": "95%"}
        yield _table("Test split, degraded", tiers, heads, lambda row, key, value: _number(value))
    yield from _slice_tables(report)
    yield _table(
        "Calibration",
        report["calibration"],
        {"images": "images", "calibration_error": "ECE", "unbalanced": "ECE without balance"},
        lambda row, key, value: _number(value),
        note="15 bins of equal width. Classes, and the sources of a class, have equal weight. Cross-fitted: "
        "each source by weights and calibration fitted to the others.",
    )
    yield _table(
        "Disagreement of the networks",
        fit.disagreement_test.tried,
        {
            "percentile": "percentile",
            "bound": "bound",
            "given_up": "verdicts given up",
            "before": "errors before",
            "with_bound": "errors with it",
            "with_wider_band": "errors with a wider band",
        },
        lambda row, key, value: _number(value) if key in ("bound", "percentile") else f"{value:.2%}",
    )
    yield _table(
        "Scale of the logits",
        report["scale"],
        {
            "network": "network",
            "images_of": "on",
            "images": "images",
            "reals_mean": "reals, mean",
            "reals_deviation": "deviation",
            "fakes_mean": "fakes, mean",
            "fakes_deviation": "deviation",
            "deviation": "deviation of all",
            "final_deviation": "of the final network",
        },
        lambda row, key, value: _number(value),
        note="On the sources that a fold's network has not seen, and on the validation split of the others; "
        "there the final network should have about the same deviation, as it is used with this calibration.",
        text_columns=2,
    )


def _slice_tables(report: Row) -> Iterator[ReportTable]:
    heads = {
        "label": "class",
        "images": "images",
        "groups": "groups",
        "called_fake": "called fake",
        "uncertain": "uncertain",
        "called_real": "called real",
        "error_interval": "95%",
    }
    for key, rows in (("generator", report["by_generator"]), ("face_size", report["by_face_size"])):
        name = key.replace("_", " ")
        yield _table(f"Left-out sources by {name}", rows, {key: name, **heads}, text_columns=2)
    for name, rows in report["by_attribute"].items():
        yield _table(f"Left-out sources by {name}", rows, {"value": name, **heads}, text_columns=2)


def _bound_names(bound: Any) -> dict[str, Any]:
    return {
        "name": bound.name,
        "class": "FNR" if bound.fake else "FPR",
        "target": bound.target,
        "held": "yes" if bound.held else "no",
    }


def _table(
    title: str,
    rows: Iterable[Row],
    heads: Mapping[str, str],
    form: Any = None,
    *,
    note: str = "",
    text_columns: int = 1,
) -> ReportTable:
    """Return a table with a column of each key of `heads`."""

    def cell(row: Row, key: str) -> str:
        value = row.get(key)
        if value is None or isinstance(value, str | int):
            return "" if value is None else str(value)
        if isinstance(value, list):
            low, high = value
            small = form is not None
            return f"{_number(low)} to {_number(high)}" if small else f"{100 * low:.1f} to {high:.1%}"
        text = form(row, key, value) if form else _number(value) if "auc" in key else _percent(value)
        ends = row.get("intervals", {}).get(key)
        if not ends:
            return str(text)
        low, high = ends
        return (
            f"{text} ({low:.3f} to {high:.3f})" if "auc" in key else f"{text} ({100 * low:.1f} to {high:.1%})"
        )

    return ReportTable(
        title,
        tuple(heads.values()),
        tuple(tuple(cell(row, key) for key in heads) for row in rows),
        note,
        text_columns,
    )


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
