"""A report in words: the Markdown that is printed and kept, and the page with its plots."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from veraface.evaluation import tables
from veraface.evaluation.figures import draw_plots
from veraface.evaluation.tables import ReportTable, with_interval
from veraface.text import clean, markdown

_TEMPLATE = Path(__file__).with_name("report.html")
_TILES = ("auc", "reals_called_fake", "fakes_called_fake", "share_uncertain", "calibration_error")


def summary(report: Mapping[str, Any]) -> str:
    """The part of the Markdown report that is worth a terminal: by source, robustness, warnings."""
    model = report["model"]
    blocks = [
        f"Measured on {markdown(report['data'])} with {markdown(model['name'])} "
        f"{markdown(model['version'])}:\n\n"
        f"    {clean(report['command'], 10_000)}",
        *(f"**{markdown(sentence, 400)}**" for sentence in report["trivial"]["warnings"]),
        *(_markdown(sheet) for sheet in _printed(report)),
        *_weak_spots(report),
    ]
    return "\n\n".join(blocks) + "\n"


def full_markdown(report: Mapping[str, Any]) -> str:
    """The whole report as Markdown; begins with the summary."""
    return "\n".join([summary(report), *(_markdown(sheet) + "\n" for sheet in _kept(report))])


def page(report: Mapping[str, Any]) -> str:
    """The report as one HTML file that needs nothing else: plots as SVG, no scripts, nothing to load."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["clean"] = clean
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    everything = report["rows"][0]
    return template.render(
        report=report,
        everything=everything,
        tiles=[
            (tables.HEADINGS[name], with_interval(name, everything))
            for name in _TILES
            if everything[name] is not None
        ],
        plots=[(plot, Markup(plot.svg)) for plot in draw_plots(report)],  # nosec B704  # matplotlib escapes all text
        sheets=[*_printed(report), *(sheet for sheet in _kept(report) if sheet.title != "Curves")],
    )


def _weak_spots(report: Mapping[str, Any]) -> Iterator[str]:
    if report["weak_spots"]:
        lines = [f"- {markdown(sentence, 400)}" for sentence in report["weak_spots"]]
        yield "\n".join(["## Weak spots", "", *lines])


def _printed(report: Mapping[str, Any]) -> Iterator[ReportTable]:
    yield tables.main_sheet(report)
    if "tiers" in report:
        yield tables.tier_sheet(report)


def _kept(report: Mapping[str, Any]) -> Iterator[ReportTable]:
    if "self_blended" in report:
        yield tables.self_blended_sheet(report)
    yield from tables.detail_sheets(report)
    if "curves" in report:
        yield tables.curve_sheet(report["curves"])
    yield tables.trivial_sheet(report)


def _markdown(sheet: ReportTable) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cells) + " |"

    rules = ["---" if i < sheet.words else "---:" for i in range(len(sheet.head))]
    lines = [f"## {sheet.title}", "", line(sheet.head), "|" + "|".join(rules) + "|"]
    lines += [line([markdown(cell) for cell in row]) for row in sheet.rows]
    return "\n".join([*lines, "", sheet.note] if sheet.note else lines)
