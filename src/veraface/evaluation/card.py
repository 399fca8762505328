"""The short form of a report that is stored in the model card and drawn by the web page."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from veraface.evaluation.metrics import Metric, Place, shown_in

_COUNTS = ("real", "fake", "groups", "not_judged")

Row = Mapping[str, Any]


def short_form(report: Row) -> dict[str, Any]:
    """Return what a card stores of a report, as `report.json` contains it: the main tables and plots.

    The keys stay the same; the first row is complete, the others have fewer metrics.
    """
    # Generators have no reals: those metrics of the tables that are defined for fakes alone.
    of_fakes = [m for m in shown_in(Place.CARD | Place.TABLES) if m.needs.covers_fakes]
    first, *others = report["rows"]
    short: dict[str, Any] = {
        **_choose(report, ("data", "command", "model", "thresholds")),
        "rows": [first, *_rows(others, "source")],
        "by_generator": _rows(report["by_generator"], "generator", of_fakes),
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
    return short | _choose(report, ("weak_spots", "trivial", "diagrams"))


def _rows(rows: Iterable[Row], key: str, metrics: Sequence[Metric] | None = None) -> list[dict[str, Any]]:
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


def _curves(curves: Row) -> dict[str, Any]:
    names = [metric.name for metric in shown_in(Place.ROBUSTNESS)]

    def step(found: Row) -> dict[str, Any]:
        return {**_choose(found, ("strength", *names)), "intervals": {"auc": found["intervals"]["auc"]}}

    return {
        **_choose(curves, ("real", "fake")),
        "clean": step(curves["clean"]),
        "degradations": [{**c, "steps": [step(s) for s in c["steps"]]} for c in curves["degradations"]],
    }


def _choose(values: Row, names: Sequence[str]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}
