"""Drawing of plots with matplotlib, as SVG whose colors are CSS variables of the page."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from veraface.evaluation.aggregate import HISTOGRAM_BINS, OUTCOMES
from veraface.evaluation.metrics import Metric
from veraface.text import clean

# Placeholders that no plot uses otherwise; in the SVG they are replaced by CSS variables, so that one
# drawing serves the light and the dark style of the page.
_COLORS = {
    "ink": "#010101",
    "line": "#020202",
    "real": "#030303",
    "fake": "#040404",
    "plain": "#050505",
    "weak": "#060606",
}
_INK, _LINE, _REAL, _FAKE, _PLAIN, _WEAK = _COLORS.values()
_BROAD, _HALF = 10.4, 4.8  # width in inches of a full and a half page, so that text has the same size in both
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "veraface",  # identifiers of shapes that are the same in every run
    "svg.fonttype": "none",  # searchable text in the page's font
    "text.parse_math": False,  # a source may be called "$\frac"
    "font.size": 9,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.titlesize": 9,
    "axes.edgecolor": _LINE,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _LINE,
    "grid.linewidth": 0.6,
    "xtick.color": _LINE,
    "ytick.color": _LINE,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


def draw_roc(curve: Mapping[str, Sequence[float]], auc: float, point: tuple[float, float]) -> str:
    """Draw the ROC curve and the operating point of the shipped threshold: (FPR, recall)."""
    with _drawing("roc", _HALF, 4.2) as (figure, done):
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=_WEAK, linestyle=":", linewidth=1)
        axes.plot(curve["false_alarms"], curve["recall"], color=_PLAIN)
        axes.plot(*point, "o", color=_FAKE, markersize=6)
        axes.annotate("shipped threshold", point, (8, -10), textcoords="offset points")
        axes.text(0.97, 0.05, f"AUC {auc:.3f}", ha="right", fontsize=11)
        _square(axes, "false positive rate", "recall")
    return done()


def draw_reliability(bins: Sequence[Mapping[str, Any]]) -> str:
    """Draw the share of fakes over mean p_fake; the area of a dot is its number of images."""
    with _drawing("reliability", _HALF, 4.2) as (figure, done):
        axes = figure.subplots()
        filled = [b for b in bins if b["pictures"]]
        most = max(b["pictures"] for b in filled)
        axes.plot([0, 1], [0, 1], color=_WEAK, linestyle=":", linewidth=1)
        axes.plot([b["p_fake"] for b in filled], [b["share_fake"] for b in filled], color=_PLAIN, linewidth=1)
        axes.scatter(
            [b["p_fake"] for b in filled],
            [b["share_fake"] for b in filled],
            s=[12 + 130 * b["pictures"] / most for b in filled],
            color=_PLAIN,
            alpha=0.75,
            linewidth=0,
            clip_on=False,
        )
        _square(axes, "mean p_fake", "share of fakes")
    return done()


def draw_histograms(rows: Sequence[Mapping[str, Any]], thresholds: tuple[float, float]) -> str:
    """Draw histograms of p_fake for each source and class, scaled to the highest bin of the source."""
    with _drawing("histograms", _BROAD, 0.8 + 0.32 * len(rows)) as (figure, done):
        axes = figure.subplots()
        edges = [i / HISTOGRAM_BINS for i in range(HISTOGRAM_BINS + 1)]
        for place, row in enumerate(reversed(rows)):  # the y axis points upwards
            most = max(*row["real"], *row["fake"], 1)
            for label, color in (("real", _REAL), ("fake", _FAKE)):
                if any(row[label]):
                    heights = [place + 0.82 * count / most for count in row[label]]
                    axes.stairs(heights, edges, baseline=place, fill=True, color=color, alpha=0.55)
        for threshold in thresholds:
            axes.axvline(threshold, color=_WEAK, linewidth=1, linestyle="--")
        names = [f"{clean(r['source'], 28)} ({sum(r['real']) + sum(r['fake'])})" for r in reversed(rows)]
        axes.set_yticks(range(len(rows)), names, va="bottom")
        axes.set(xlim=(0, 1), ylim=(-0.1, len(rows)), xlabel="p_fake, dashed: the thresholds")
        axes.tick_params(left=False)
        _legend(axes, [("real", _REAL), ("fake", _FAKE)])
    return done()


def draw_confusion(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Draw the classes by outcomes; the opacity is the share of the class."""
    with _drawing("confusion", _BROAD, 2.2) as (figure, done):
        axes = figure.subplots()
        axes.grid(False)
        for y, (label, color) in enumerate((("real", _REAL), ("fake", _FAKE))):
            total = max(1, sum(counts[label].values()))
            for x, outcome in enumerate(OUTCOMES):
                number = counts[label][outcome]
                alpha = 0.04 + 0.6 * number / total
                axes.bar(x, 0.94, 0.96, y - 0.47, color=color, alpha=alpha, linewidth=0)
                axes.text(x, y - 0.03, str(number), ha="center", va="bottom", fontsize=12)
                axes.text(x, y + 0.08, f"{number / total:.1%}", ha="center", va="top", fontsize=8)
        axes.set_xticks(range(len(OUTCOMES)), [outcome.replace("_", " ") for outcome in OUTCOMES])
        axes.set_yticks((0, 1), ("real", "fake"))
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set(xlim=(-0.52, len(OUTCOMES) - 0.48), ylim=(1.5, -0.5))
    return done()


def draw_risk_coverage(curve: Mapping[str, Sequence[float]], point: tuple[float, float] | None) -> str:
    """Draw the risk-coverage curve and the operating point of the shipped verdicts: (coverage, risk)."""
    with _drawing("risk", _BROAD, 3.0) as (figure, done):
        axes = figure.subplots()
        highest = max(0.05, 1.15 * max([*curve["risk"], point[1] if point else 0]))
        axes.plot(curve["coverage"], curve["risk"], color=_PLAIN)
        if point:
            axes.plot(*point, "o", color=_FAKE, markersize=6, clip_on=False)
            place = (-8 if point[0] > 0.8 else 8, 8 if point[1] < 0.15 * highest else -14)
            side = "right" if point[0] > 0.8 else "left"
            axes.annotate("shipped verdicts", point, place, textcoords="offset points", ha=side)
        axes.set(xlabel="coverage: share of images decided, most confident first", ylabel="risk: error rate")
        axes.set(xlim=(0, 1), ylim=(0, highest))
    return done()


def measured_curves(curves: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the degradations with an AUC in at least one strength."""
    return [c for c in curves["degradations"] if any(step["auc"] is not None for step in c["steps"])]


def draw_curves(curves: Mapping[str, Any]) -> str:
    """Draw AUC over the strength of each degradation; the dashed line is that of clean images."""
    panels = measured_curves(curves)
    with _drawing("curves", _BROAD, 4.4) as (figure, done):
        grid = figure.subplots(2, (len(panels) + 1) // 2, sharey=True).flatten()
        for axes, curve in zip(grid, panels, strict=False):
            steps = [step for step in curve["steps"] if step["auc"] is not None]
            places = [curve["steps"].index(step) for step in steps]
            bands = [step["intervals"]["auc"] or [step["auc"]] * 2 for step in steps]
            axes.axhline(curves["clean"]["auc"] or 0, color=_WEAK, linestyle="--", linewidth=1)
            axes.fill_between(places, *zip(*bands, strict=True), color=_PLAIN, alpha=0.2, linewidth=0)
            axes.plot(places, [step["auc"] for step in steps], color=_PLAIN, marker="o", markersize=3.5)
            axes.set_xticks(range(len(curve["steps"])), [f"{s['strength']:g}" for s in curve["steps"]])
            axes.set_title(curve["degradation"])
            axes.margins(x=0.1)
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        figure.supylabel("AUC", fontsize=9)
    return done()


def draw_forest(plot: str, metric: Metric, rows: Sequence[Mapping[str, Any]]) -> str:
    """Draw a metric of each row with its interval; the dashed line is that of all images, the first row."""
    name = metric.name
    with _drawing(plot, _BROAD, 0.7 + 0.24 * len(rows)) as (figure, done):
        axes = figure.subplots()
        axes.axvline(rows[0][name], color=_WEAK, linestyle="--", linewidth=1)
        for place, row in enumerate(rows):
            color = _PLAIN if row["real"] and row["fake"] else _FAKE if row["fake"] else _REAL
            if interval := row["intervals"][name]:
                axes.plot(interval, [place, place], color=color, linewidth=2, solid_capstyle="round")
            axes.plot(row[name], place, "o", color=color, markersize=5)
        axes.set_yticks(range(len(rows)), [clean(row["source"], 36) for row in rows])
        axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=f"{metric.heading}, 95% interval")
        axes.set_xlim(right=1.005)
        axes.grid(False, axis="y")
        _legend(
            axes,
            [
                ("both classes", _PLAIN),
                ("reals, against all fakes", _REAL),
                ("fakes, against all reals", _FAKE),
            ],
        )
    return done()


def _square(axes: Axes, across: str, up: str) -> None:
    axes.set(xlabel=across, ylabel=up, xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")


def _legend(axes: Axes, entries: Sequence[tuple[str, str]]) -> None:
    handles = [axes.plot([], [], "s", color=color, alpha=0.75, label=label)[0] for label, color in entries]
    axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(entries), borderpad=0)


@contextmanager
def _drawing(name: str, width: float, height: float) -> Iterator[tuple[Figure, Callable[[], str]]]:
    """Yield a figure of a size in inches, and a function that returns its SVG after the block."""
    written: list[str] = []
    with mpl.rc_context(_STYLE):
        figure = Figure((width, height), layout="constrained")
        yield figure, lambda: written[0]
        buffer = StringIO()
        # Without the metadata, which contain the date and the version of matplotlib.
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    written.append(_for_page(buffer.getvalue(), name))


def _for_page(svg: str, name: str) -> str:
    """Strip the XML header, prefix ids with the plot's name, and use CSS variables for the colors."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(xlink:href="|url\()#', rf"\1#{name}-", svg)
    for name, placeholder in _COLORS.items():
        svg = svg.replace(placeholder, f"var(--{name})")
    return re.sub(r' width="[\d.]+pt"| height="[\d.]+pt"', "", svg, count=2)
