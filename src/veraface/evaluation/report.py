"""The report of an evaluation as Markdown, as one self-contained HTML page, and in short form."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from veraface.evaluation.metrics import Metric, Place, shown_in
from veraface.evaluation.plots import draw_plots
from veraface.evaluation.tables import (
    ReportTable,
    curve_table,
    detail_tables,
    shortcut_table,
    summary_tables,
    with_interval,
)
from veraface.text import clean, markdown

_FOLDER = Path(__file__).parent
_CARD_COUNTS = ("real", "fake", "groups", "not_judged")

Row = Mapping[str, Any]


def summary(report: Row) -> str:
    """Return the part of the Markdown report for the terminal: by source, robustness, warnings."""
    return _render("report.md.jinja", report=report, tables=list(summary_tables(report)), full=False)


def full_markdown(report: Row) -> str:
    """Return the whole report as Markdown; starts with the summary."""
    tables = [*detail_tables(report), shortcut_table(report)]
    if "curves" in report:
        tables.insert(-1, curve_table(report["curves"]))
    return "\n".join([summary(report), _render("report.md.jinja", report=report, tables=tables, full=True)])


def page(report: Row) -> str:
    """Return the report as one HTML file without scripts or external resources; plots are SVG."""
    everything = report["rows"][0]
    return _render(
        "report.html.jinja",
        report=report,
        everything=everything,
        tiles=[
            (metric.heading, with_interval(metric.name, everything))
            for metric in shown_in(Place.TILES)
            if everything[metric.name] is not None
        ],
        plots=[(plot, Markup(plot.svg)) for plot in draw_plots(report)],  # nosec B704  # matplotlib escapes all text
        tables=[*summary_tables(report), *detail_tables(report), shortcut_table(report)],
    )


def render_tables(tables: Sequence[ReportTable]) -> str:
    """Return tables as Markdown."""
    return _render("report.md.jinja", report={"weak_spots": ()}, tables=tables, full=True)


def _render(name: str, **values: Any) -> str:
    html = name.startswith("report.html")
    environment = Environment(
        autoescape=html, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )  # nosec B701  # Markdown is escaped by its filter
    environment.filters |= {"clean": clean, "markdown": markdown}
    return environment.from_string((_FOLDER / name).read_text(encoding="utf-8")).render(values)


def short_form(report: Row) -> dict[str, Any]:
    """Return what a model card stores of a report, and the page draws: the main tables and plots.

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
    if "by_format" in report:
        rows = _rows(report["by_format"], "face_size")
        both = zip(rows, report["by_format"], strict=True)
        short["by_format"] = [{"format": whole["format"], **row} for row, whole in both]
    if "tiers" in report:
        extra = ("how", "auc_lost", "changes")
        rows = _rows(report["tiers"], "tier")
        short["tiers"] = [row | _choose(t, extra) for row, t in zip(rows, report["tiers"], strict=True)]
    if "curves" in report:
        short["curves"] = _curves(report["curves"])
    if "self_blended" in report:
        block = report["self_blended"]
        short["self_blended"] = {"not_made": block["not_made"], **_rows([block], "source")[0]}
    return short | _choose(report, ("attacks", "by_attribute", "weak_spots", "trivial", "diagrams"))


def _rows(rows: Iterable[Row], key: str, metrics: Sequence[Metric] | None = None) -> list[dict[str, Any]]:
    kept = shown_in(Place.CARD) if metrics is None else metrics
    names = [metric.name for metric in kept]
    with_interval = [metric.name for metric in kept if Place.CARD_INTERVALS in metric.shown]
    return [
        {
            **_choose(row, (key, *_CARD_COUNTS, *names)),
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
