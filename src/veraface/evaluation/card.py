"""The short form of a report that is stored in the model card and drawn by the web page."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from veraface.evaluation.metrics import Metric, Place, shown_in

_COUNTS = ("real", "fake", "groups", "not_judged")


def short_form(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a card stores of a report: the data of the main tables and plots.

    Args:
        report: as `report.json` contains it.

    Returns:
        The same keys where they are kept; the first row complete, the others with fewer metrics.
    """
    rows = report["rows"]
    short: dict[str, Any] = {
        "data": report["data"],
        "command": report["command"],
        "model": report["model"],
        "thresholds": report["thresholds"],
        "rows": [rows[0], *_rows(rows[1:], "source")],
        "by_generator": _rows(report["by_generator"], "generator", _generator_metrics()),
        "by_face_size": _rows(report["by_face_size"], "face_size"),
    }
    if "tiers" in report:
        extra = ("how", "auc_lost", "changes")
        rows = _rows(report["tiers"], "tier")
        short["tiers"] = [row | _choose(t, extra) for row, t in zip(rows, report["tiers"], strict=True)]
    if "curves" in report:
        short["curves"] = _curves(report["curves"])
    if "self_blended" in report:
        block = report["self_blended"]
        short["self_blended"] = {"not_made": block["not_made"], **_rows([block], "source")[0]}
    short["weak_spots"] = report["weak_spots"]
    short["trivial"] = report["trivial"]
    short["diagrams"] = report["diagrams"]
    return short


def _generator_metrics() -> list[Metric]:
    """Return the metrics of generators, which have no reals: those of the tables that are defined."""
    kept = set(shown_in(Place.TABLES))
    return [metric for metric in shown_in(Place.CARD) if metric in kept and metric.needs.covers_fakes]


def _rows(
    rows: Iterable[Mapping[str, Any]], key: str, metrics: Sequence[Metric] | None = None
) -> list[dict[str, Any]]:
    kept = shown_in(Place.CARD) if metrics is None else metrics
    names = [metric.name for metric in kept]
    with_interval = [metric.name for metric in kept if Place.CARD_INTERVALS in metric.shown]
    return [
        {
            **_choose(row, (key, *_COUNTS, *names)),
            "intervals": {name: row["intervals"][name] for name in with_interval if row["intervals"][name]},
        }
        for row in rows
    ]


def _curves(curves: Mapping[str, Any]) -> dict[str, Any]:
    names = [metric.name for metric in shown_in(Place.ROBUSTNESS)]

    def step(found: Mapping[str, Any]) -> dict[str, Any]:
        return {**_choose(found, ("strength", *names)), "intervals": {"auc": found["intervals"]["auc"]}}

    return {
        **_choose(curves, ("real", "fake")),
        "clean": step(curves["clean"]),
        "degradations": [{**c, "steps": [step(s) for s in c["steps"]]} for c in curves["degradations"]],
    }


def _choose(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}
