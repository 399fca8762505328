"""The report of an evaluation as Markdown and as one self-contained HTML page."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from veraface.evaluation import tables
from veraface.evaluation.metrics import Place, shown_in
from veraface.evaluation.plots import draw_plots
from veraface.evaluation.tables import ReportTable, with_interval
from veraface.text import clean, markdown

_FOLDER = Path(__file__).parent


def summary(report: Mapping[str, Any]) -> str:
    """Return the part of the Markdown report for the terminal: by source, robustness, warnings."""
    return _render("report.md.jinja", report=report, tables=list(_summary_tables(report)), full=False)


def full_markdown(report: Mapping[str, Any]) -> str:
    """Return the whole report as Markdown; starts with the summary."""
    details = _render("report.md.jinja", report=report, tables=list(_detail_tables(report)), full=True)
    return "\n".join([summary(report), details])


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
        tables=[
            *_summary_tables(report),
            *(table for table in _detail_tables(report) if table.title != "Curves"),
        ],
    )


def _render(name: str, **values: Any) -> str:
    html = name.startswith("report.html")
    environment = Environment(
        autoescape=html, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )  # nosec B701  # Markdown is escaped by its filter
    environment.filters["clean"] = clean
    environment.filters["markdown"] = markdown
    return environment.from_string((_FOLDER / name).read_text(encoding="utf-8")).render(values)


def _summary_tables(report: Mapping[str, Any]) -> Iterator[ReportTable]:
    yield tables.main_table(report)
    if "tiers" in report:
        yield tables.tier_table(report)


def _detail_tables(report: Mapping[str, Any]) -> Iterator[ReportTable]:
    if "self_blended" in report:
        yield tables.self_blended_table(report)
    yield from tables.detail_tables(report)
    if "curves" in report:
        yield tables.curve_table(report["curves"])
    yield tables.shortcut_table(report)
