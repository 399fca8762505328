"""The plots of the HTML report, drawn with matplotlib as SVG whose colors are CSS variables of the page."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from veraface.evaluation.aggregate import HISTOGRAM_BINS, OUTCOMES
from veraface.evaluation.metrics import Metric, Place, shown_in
from veraface.evaluation.tables import ReportTable, Row, curve_table, with_interval
from veraface.text import clean

# Placeholders that no plot uses otherwise; in the SVG they are replaced by CSS variables, so that one
# drawing serves the light and the dark style of the page.
_COLORS = {
    name: f"#0{i}0{i}0{i}" for i, name in enumerate(("ink", "line", "real", "fake", "plain", "weak"), 1)
}
_INK, _LINE, _REAL, _FAKE, _PLAIN, _WEAK = _COLORS.values()
_CLASSES = (("real", _REAL), ("fake", _FAKE))
_KINDS = (("both classes", _PLAIN), ("reals, against all fakes", _REAL), ("fakes, against all reals", _FAKE))
_BROAD, _HALF = 10.4, 4.8  # width in inches of a full and a half page, so that text has the same size in both
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "veraface",  # identifiers of shapes that are the same in every run
    "svg.fonttype": "none",  # searchable text in the page's font
    "text.parse_math": False,  # a source may be called "$\frac"
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"), _INK),
    **dict.fromkeys(("axes.edgecolor", "grid.color", "xtick.color", "ytick.color"), _LINE),
    **dict.fromkeys(("figure.facecolor", "axes.facecolor"), "none"),
}


@dataclass(frozen=True)
class Plot:
    """A drawing with its description."""

    name: str  # id in the page
    title: str
    svg: str
    alt: str  # text alternative, with the main numbers
    caption: str  # how to read it
    numbers: ReportTable  # its data
    broad: bool  # whether it spans the page


def draw_plots(report: Row) -> Iterator[Plot]:
    """Yield all plots that the report has data for, in the order of the page."""
    everything, drawn = report["rows"][0], report["diagrams"]
    yield _confusion(drawn["confusion"])
    if everything["auc"] is not None:
        yield _roc(everything, drawn["roc"])
        yield _reliability(everything, drawn["reliability"])
    for metric in shown_in(Place.FOREST):
        if everything[metric.name] is not None:
            yield _forest(metric, [row for row in report["rows"] if row[metric.name] is not None])
    if drawn["risk_coverage"]["coverage"]:
        yield _risk_coverage(everything, drawn["risk_coverage"])
    if drawn["histograms"]:
        yield _histograms(drawn["histograms"], report["thresholds"])
    if "curves" in report and report["curves"]["clean"]["auc"] is not None:
        yield _curves(report["curves"])


def _confusion(counts: Mapping[str, Mapping[str, int]]) -> Plot:
    """Draw the classes by outcomes; the opacity is the share of the class."""
    outcomes = [outcome.replace("_", " ") for outcome in OUTCOMES]
    with _drawing("confusion", _BROAD, 2.2) as (figure, plot):
        axes = figure.subplots()
        axes.grid(False)
        for y, (label, color) in enumerate(_CLASSES):
            total = max(1, sum(counts[label].values()))
            for x, outcome in enumerate(OUTCOMES):
                number = counts[label][outcome]
                alpha = 0.04 + 0.6 * number / total
                axes.bar(x, 0.94, 0.96, y - 0.47, color=color, alpha=alpha, linewidth=0)
                axes.text(x, y - 0.03, str(number), ha="center", va="bottom", fontsize=12)
                axes.text(x, y + 0.08, f"{number / total:.1%}", ha="center", va="top", fontsize=8)
        axes.set_xticks(range(len(OUTCOMES)), outcomes)
        axes.set_yticks((0, 1), ("real", "fake"))
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set(xlim=(-0.52, len(OUTCOMES) - 0.48), ylim=(1.5, -0.5))
    rows = [(label, *(str(counts[label][outcome]) for outcome in OUTCOMES)) for label, _ in _CLASSES]
    parts = [
        f"of {sum(counts[label].values())} {label} images "
        + ", ".join(f"{number} {outcome}" for number, outcome in zip(numbers, outcomes, strict=True))
        for label, *numbers in rows
    ]
    caption = "Rows: labels. Columns: verdicts. Shares are of the row."
    numbers = ReportTable("", ("class", *outcomes), tuple(rows))
    return plot("Verdicts by class", "; ".join(parts), caption, numbers)


def _roc(everything: Row, curve: Mapping[str, Sequence[float]]) -> Plot:
    """Draw the ROC curve and the operating point of the shipped threshold."""
    auc, point = everything["auc"], (everything["reals_called_fake"], everything["fakes_called_fake"])
    with _drawing("roc", _HALF, 4.2) as (figure, plot):
        axes = _square(figure, "false positive rate", "recall")
        axes.plot(curve["false_alarms"], curve["recall"], color=_PLAIN)
        axes.plot(*point, "o", color=_FAKE, markersize=6)
        axes.annotate("shipped threshold", point, (8, -10), textcoords="offset points")
        axes.text(0.97, 0.05, f"AUC {auc:.3f}", ha="right", fontsize=11)
    return plot(
        "Receiver operating characteristic",
        f"area under the curve {auc:.3f}; the shipped threshold has a false positive rate of {point[0]:.1%} "
        f"and a recall of {point[1]:.1%}",
        "False positive rate and recall of every threshold on p_fake. The dot is the operating point of the "
        "verdict “fake”; it may be below the curve because a verdict must also survive recompression.",
        _points(("false positive rate", "recall"), curve["false_alarms"], curve["recall"], ".3f"),
    )


def _reliability(everything: Row, bins: Sequence[Row]) -> Plot:
    """Draw the share of fakes over mean p_fake; the area of a dot is its number of images."""
    filled = [b for b in bins if b["pictures"]]
    p_fake, share = [b["p_fake"] for b in filled], [b["share_fake"] for b in filled]
    most = max(b["pictures"] for b in filled)
    with _drawing("reliability", _HALF, 4.2) as (figure, plot):
        axes = _square(figure, "mean p_fake", "share of fakes")
        axes.plot(p_fake, share, color=_PLAIN, linewidth=1)
        areas = [12 + 130 * b["pictures"] / most for b in filled]
        axes.scatter(p_fake, share, s=areas, color=_PLAIN, alpha=0.75, linewidth=0, clip_on=False)
    rows = tuple(
        (f"{b['from']:.2f} to {b['to']:.2f}", str(b["pictures"]), f"{mean:.3f}", f"{fakes:.3f}")
        for b, mean, fakes in zip(filled, p_fake, share, strict=True)
    )
    return plot(
        "Reliability of p_fake",
        f"expected calibration error {everything['calibration_error']:.3f}, "
        f"Brier score {everything['brier']:.3f}",
        "Dotted: perfect calibration. Above it, fakes are more frequent than p_fake predicts. The area of a "
        "dot is its number of images. Valid for this mix of real and fake only.",
        ReportTable("", ("p_fake", "images", "mean p_fake", "share of fakes"), rows),
    )


def _forest(metric: Metric, rows: Sequence[Row]) -> Plot:
    """Draw a metric of each row with its interval; the dashed line is that of all images, the first row."""
    name, heading = metric.name, metric.heading
    identifier = "forest" if name == "auc" else f"forest-{name}"
    with _drawing(identifier, _BROAD, 0.7 + 0.24 * len(rows)) as (figure, plot):
        axes = figure.subplots()
        axes.axvline(rows[0][name], color=_WEAK, linestyle="--", linewidth=1)
        for place, row in enumerate(rows):
            color = _PLAIN if row["real"] and row["fake"] else _FAKE if row["fake"] else _REAL
            if interval := row["intervals"][name]:
                axes.plot(interval, [place, place], color=color, linewidth=2, solid_capstyle="round")
            axes.plot(row[name], place, "o", color=color, markersize=5)
        axes.set_yticks(range(len(rows)), [clean(row["source"], 36) for row in rows])
        axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=f"{heading}, 95% interval")
        axes.set_xlim(right=1.005)
        axes.grid(False, axis="y")
        _legend(axes, _KINDS)
    worst = (min if metric.higher_is_better else max)(rows, key=lambda row: float(row[name]))
    return plot(
        f"{heading} by source",
        f"{heading} of {len(rows)} rows, worst for {worst['source']} with {metric.format(worst[name])}",
        f"Dots: {heading}; bars: 95% intervals, resampled by group; dashed: all images.",
        ReportTable("", ("source", heading), tuple((r["source"], with_interval(name, r)) for r in rows)),
    )


def _risk_coverage(everything: Row, curve: Mapping[str, Sequence[float]]) -> Plot:
    """Draw the risk-coverage curve and the operating point of the shipped verdicts."""
    coverage, risk, decided = curve["coverage"], curve["risk"], everything["accuracy_decided"]
    point = None if decided is None else (1 - everything["share_uncertain"], 1 - decided)
    alt = f"deciding on every image errs on {risk[-1]:.1%}"
    with _drawing("risk", _BROAD, 3.0) as (figure, plot):
        axes = figure.subplots()
        highest = max(0.05, 1.15 * max([*risk, point[1] if point else 0]))
        axes.plot(coverage, risk, color=_PLAIN)
        if point:
            alt += f"; the shipped verdicts decide {point[0]:.1%} and err on {point[1]:.1%} of them"
            axes.plot(*point, "o", color=_FAKE, markersize=6, clip_on=False)
            place = (-8 if point[0] > 0.8 else 8, 8 if point[1] < 0.15 * highest else -14)
            side = "right" if point[0] > 0.8 else "left"
            axes.annotate("shipped verdicts", point, place, textcoords="offset points", ha=side)
        axes.set(xlabel="coverage: share of images decided, most confident first", ylabel="risk: error rate")
        axes.set(xlim=(0, 1), ylim=(0, highest))
    return plot(
        "Risk over coverage",
        alt,
        "Images are decided in descending order of confidence, the distance of p_fake from 0.5. Abstaining "
        "on more images should lower the error rate. The dot is the operating point of the shipped verdicts.",
        _points(("coverage", "risk"), coverage, risk, ".1%"),
    )


def _histograms(rows: Sequence[Row], thresholds: Mapping[str, float]) -> Plot:
    """Draw histograms of p_fake for each source and class, scaled to the highest bin of the source."""
    edges = [i / HISTOGRAM_BINS for i in range(HISTOGRAM_BINS + 1)]
    with _drawing("histograms", _BROAD, 0.8 + 0.32 * len(rows)) as (figure, plot):
        axes = figure.subplots()
        for place, row in enumerate(reversed(rows)):  # the y axis points upwards
            most = max(*row["real"], *row["fake"], 1)
            for label, color in _CLASSES:
                if any(row[label]):
                    heights = [place + 0.82 * count / most for count in row[label]]
                    axes.stairs(heights, edges, baseline=place, fill=True, color=color, alpha=0.55)
        for name in ("real", "fake"):
            axes.axvline(thresholds[name], color=_WEAK, linewidth=1, linestyle="--")
        names = [f"{clean(r['source'], 28)} ({sum(r['real']) + sum(r['fake'])})" for r in reversed(rows)]
        axes.set_yticks(range(len(rows)), names, va="bottom")
        axes.set(xlim=(0, 1), ylim=(-0.1, len(rows)), xlabel="p_fake, dashed: the thresholds")
        axes.tick_params(left=False)
        _legend(axes, _CLASSES)
    labeled = [(row, label) for row in rows for label, _ in _CLASSES if any(row[label])]
    cells = tuple((row["source"], label, *map(str, row[label])) for row, label in labeled)
    return plot(
        "p_fake by source",
        f"histograms of p_fake from 0 to 1 for {len(rows)} sources; the verdict is real at or below "
        f"{thresholds['real']:.2f} and fake at or above {thresholds['fake']:.2f}",
        "The number of images of a source in parentheses. Heights are relative to its highest bar.",
        ReportTable("", ("source", "class", *(f"{edge:.2f}" for edge in edges[:-1])), cells, text_columns=2),
    )


def _curves(curves: Row) -> Plot:
    """Draw AUC over the strength of each degradation; the dashed line is that of clean images."""
    # The degradations with an AUC in at least one strength.
    panels = [c for c in curves["degradations"] if any(step["auc"] is not None for step in c["steps"])]
    lowest = []
    with _drawing("curves", _BROAD, 4.4) as (figure, plot):
        grid = figure.subplots(2, (len(panels) + 1) // 2, sharey=True).flatten()
        for axes, curve in zip(grid, panels, strict=False):
            steps = [step for step in curve["steps"] if step["auc"] is not None]
            places = [curve["steps"].index(step) for step in steps]
            bands = [step["intervals"]["auc"] or [step["auc"]] * 2 for step in steps]
            values = [step["auc"] for step in steps]
            lowest.append(f"{min(values):.3f} under {curve['degradation']}")
            axes.axhline(curves["clean"]["auc"], color=_WEAK, linestyle="--", linewidth=1)
            axes.fill_between(places, *zip(*bands, strict=True), color=_PLAIN, alpha=0.2, linewidth=0)
            axes.plot(places, values, color=_PLAIN, marker="o", markersize=3.5)
            axes.set_xticks(range(len(curve["steps"])), [f"{s['strength']:g}" for s in curve["steps"]])
            axes.set_title(curve["degradation"])
            axes.margins(x=0.1)
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        figure.supylabel("AUC", fontsize=9)
    return plot(
        "AUC over the strength of each degradation",
        f"AUC is {curves['clean']['auc']:.3f} on clean images; at its lowest {', '.join(lowest)}",
        "Dashed: the same images without degradation. Shaded: 95% intervals. Strengths: "
        + "; ".join(f"{c['degradation']}: {c['scale']}" for c in curves["degradations"])
        + ".",
        curve_table(curves),
    )


def _points(head: tuple[str, str], xs: Sequence[float], ys: Sequence[float], form: str) -> ReportTable:
    rows = tuple((format(x, form), format(y, form)) for x, y in zip(xs, ys, strict=True))
    return ReportTable("", head, rows, text_columns=0)


def _square(figure: Figure, across: str, up: str) -> Axes:
    """Return axes from 0 to 1 with a dotted diagonal."""
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=_WEAK, linestyle=":", linewidth=1)
    axes.set(xlabel=across, ylabel=up, xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    return axes


def _legend(axes: Axes, entries: Sequence[tuple[str, str]]) -> None:
    handles = [axes.plot([], [], "s", color=color, alpha=0.75, label=label)[0] for label, color in entries]
    axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(entries), borderpad=0)


@contextmanager
def _drawing(
    name: str, width: float, height: float
) -> Iterator[tuple[Figure, Callable[[str, str, str, ReportTable], Plot]]]:
    """Yield a figure of a size in inches, and a function that makes a `Plot` of it after the block."""
    buffer = StringIO()

    def plot(title: str, alt: str, caption: str, numbers: ReportTable) -> Plot:
        svg = _for_page(buffer.getvalue(), name)
        return Plot(name, title, svg, alt, caption, numbers, broad=width == _BROAD)

    with mpl.rc_context(_STYLE):
        figure = Figure((width, height), layout="constrained")
        yield figure, plot
        # Without the metadata, which contain the date and the version of matplotlib.
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)


def _for_page(svg: str, name: str) -> str:
    """Strip the XML header, prefix ids with the plot's name, and use CSS variables for the colors."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(xlink:href="|url\()#', rf"\1#{name}-", svg)
    for name, placeholder in _COLORS.items():
        svg = svg.replace(placeholder, f"var(--{name})")
    return re.sub(r' width="[\d.]+pt"| height="[\d.]+pt"', "", svg, count=2)
