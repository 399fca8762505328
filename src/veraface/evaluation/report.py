"""The report of an evaluation as Markdown and as one self-contained HTML page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from veraface.evaluation.metrics import Place, shown_in
from veraface.evaluation.plots import draw_plots
from veraface.evaluation.tables import (
    curve_table,
    detail_tables,
    shortcut_table,
    summary_tables,
    with_interval,
)
from veraface.text import clean, markdown

_FOLDER = Path(__file__).parent


def summary(report: Mapping[str, Any]) -> str:
    """Return the part of the Markdown report for the terminal: by source, robustness, warnings."""
    return _render("report.md.jinja", report=report, tables=list(summary_tables(report)), full=False)


def full_markdown(report: Mapping[str, Any]) -> str:
    """Return the whole report as Markdown; starts with the summary."""
    tables = [*detail_tables(report), shortcut_table(report)]
    if "curves" in report:
        tables.insert(-1, curve_table(report["curves"]))
    return "\n".join([summary(report), _render("report.md.jinja", report=report, tables=tables, full=True)])


def page(report: Mapping[str, Any]) -> str:
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


def _render(name: str, **values: Any) -> str:
    html = name.startswith("report.html")
    environment = Environment(
        autoescape=html, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )  # nosec B701  # Markdown is escaped by its filter
    environment.filters |= {"clean": clean, "markdown": markdown}
    return environment.from_string((_FOLDER / name).read_text(encoding="utf-8")).render(values)
