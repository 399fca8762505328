"""The short form of a report that a model card keeps, and from which pages draw."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Figures of a row that a card keeps, and those of which it keeps the interval too.
_KEPT = (
    "auc",
    "reals_called_fake",
    "fakes_called_fake",
    "fakes_called_real",
    "reals_uncertain",
    "fakes_uncertain",
    "recall_at_5_percent",
    "equal_error_rate",
    "auc_by_group",
)
_INTERVALS = ("auc", "reals_called_fake", "fakes_called_fake", "fakes_called_real")
_GENERATOR = ("auc", "fakes_called_fake", "fakes_called_real", "fakes_uncertain")  # they have no reals
_STEP = ("strength", "auc", "reals_called_fake", "fakes_called_fake", "share_uncertain")


def short_form(report: Mapping[str, Any]) -> dict[str, Any]:
    """What a card keeps of a report: everything that the main tables and plots are drawn from.

    Args:
        report: as `report.json` holds it.

    Returns:
        The same keys where they are kept; the first row whole, the others with fewer figures.
    """
    rows = report["rows"]
    short: dict[str, Any] = {
        "data": report["data"],
        "command": report["command"],
        "model": report["model"],
        "thresholds": report["thresholds"],
        "rows": [rows[0], *_rows(rows[1:], "source")],
        "by_generator": _rows(report["by_generator"], "generator", _GENERATOR),
        "by_face_size": _rows(report["by_face_size"], "face_size"),
    }
    if "tiers" in report:
        extra = ("how", "auc_lost", "changes")
        rows = _rows(report["tiers"], "tier")
        short["tiers"] = [row | _chosen(t, extra) for row, t in zip(rows, report["tiers"], strict=True)]
    if "curves" in report:
        short["curves"] = _curves(report["curves"])
    if "self_blended" in report:
        block = report["self_blended"]
        short["self_blended"] = {"not_made": block["not_made"], **_rows([block], "source")[0]}
    short["weak_spots"] = report["weak_spots"]
    short["trivial"] = report["trivial"]
    short["diagrams"] = report["diagrams"]
    return short


def _rows(rows: Iterable[Mapping[str, Any]], key: str, kept: Sequence[str] = _KEPT) -> list[dict[str, Any]]:
    shown = [name for name in _INTERVALS if name in kept]
    return [
        {
            **_chosen(row, (key, "real", "fake", "groups", "not_judged", *kept)),
            "intervals": {name: row["intervals"][name] for name in shown if row["intervals"][name]},
        }
        for row in rows
    ]


def _curves(curves: Mapping[str, Any]) -> dict[str, Any]:
    def step(found: Mapping[str, Any]) -> dict[str, Any]:
        return {**_chosen(found, _STEP), "intervals": {"auc": found["intervals"]["auc"]}}

    return {
        **_chosen(curves, ("real", "fake")),
        "clean": step(curves["clean"]),
        "degradations": [{**c, "steps": [step(s) for s in c["steps"]]} for c in curves["degradations"]],
    }


def _chosen(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}
