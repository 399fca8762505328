"""The plots of the HTML report with their captions and data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from veraface.evaluation.aggregate import OUTCOMES
from veraface.evaluation.drawing import (
    draw_confusion,
    draw_curves,
    draw_forest,
    draw_histograms,
    draw_reliability,
    draw_risk_coverage,
    draw_roc,
    measured_curves,
)
from veraface.evaluation.metrics import Metric, Place, shown_in
from veraface.evaluation.tables import ReportTable, curve_table, with_interval


@dataclass(frozen=True)
class Plot:
    """A drawing with its description.

    Attributes:
        name: id in the page.
        title: heading.
        svg: the drawing.
        alt: text alternative, with the main numbers.
        caption: how to read it.
        numbers: its data as a table.
        broad: whether it spans the page.
    """

    name: str
    title: str
    svg: str
    alt: str
    caption: str
    numbers: ReportTable
    broad: bool = False


def draw_plots(report: Mapping[str, Any]) -> Iterator[Plot]:
    """Yield all plots that the report has data for, in the order of the page."""
    everything, drawn = report["rows"][0], report["diagrams"]
    counts = drawn["confusion"]
    yield Plot(
        "confusion",
        "Verdicts by class",
        draw_confusion(counts),
        "; ".join(
            f"of {sum(counts[label].values())} {label} images "
            + ", ".join(f"{counts[label][outcome]} {outcome.replace('_', ' ')}" for outcome in OUTCOMES)
            for label in ("real", "fake")
        ),
        "Rows: labels. Columns: verdicts. Shares are of the row.",
        ReportTable(
            "",
            ("class", *(outcome.replace("_", " ") for outcome in OUTCOMES)),
            tuple((label, *(str(counts[label][o]) for o in OUTCOMES)) for label in ("real", "fake")),
        ),
        broad=True,
    )
    if everything["auc"] is not None:
        yield _roc(everything, drawn["roc"])
        yield _reliability(everything, drawn["reliability"])
    for metric in shown_in(Place.FOREST):
        if everything[metric.name] is not None:
            yield _forest(metric, report)
    if drawn["risk_coverage"]["coverage"]:
        yield _risk_coverage(everything, drawn["risk_coverage"])
    if drawn["histograms"]:
        yield _histograms(report)
    curves = report.get("curves")
    if curves and curves["clean"]["auc"] is not None:
        weakest = [
            (c["degradation"], min(s["auc"] for s in c["steps"] if s["auc"] is not None))
            for c in measured_curves(curves)
        ]
        yield Plot(
            "curves",
            "AUC over the strength of each degradation",
            draw_curves(curves),
            f"AUC is {curves['clean']['auc']:.3f} on clean images; at its lowest "
            + ", ".join(f"{low:.3f} under {name}" for name, low in weakest),
            "Dashed: the same images without degradation. Shaded: 95% intervals. Strengths: "
            + "; ".join(f"{c['degradation']}: {c['scale']}" for c in curves["degradations"])
            + ".",
            curve_table(curves),
            broad=True,
        )


def _roc(everything: Mapping[str, Any], curve: Mapping[str, Any]) -> Plot:
    point = everything["reals_called_fake"], everything["fakes_called_fake"]
    return Plot(
        "roc",
        "Receiver operating characteristic",
        draw_roc(curve, everything["auc"], point),
        f"area under the curve {everything['auc']:.3f}; the shipped threshold has a false positive rate of "
        f"{point[0]:.1%} and a recall of {point[1]:.1%}",
        "False positive rate and recall of every threshold on p_fake. The dot is the operating point of the "
        "verdict “fake”; it may be below the curve because a verdict must also survive recompression.",
        ReportTable(
            "",
            ("false positive rate", "recall"),
            tuple(
                (f"{x:.3f}", f"{y:.3f}") for x, y in zip(curve["false_alarms"], curve["recall"], strict=True)
            ),
            text_columns=0,
        ),
    )


def _forest(metric: Metric, report: Mapping[str, Any]) -> Plot:
    name, heading = metric.name, metric.heading
    plot = "forest" if name == "auc" else f"forest-{name}"
    rows = [row for row in report["rows"] if row[name] is not None]
    worst = (min if metric.higher_is_better else max)(rows, key=lambda row: float(row[name]))
    return Plot(
        plot,
        f"{heading} by source",
        draw_forest(plot, metric, rows),
        f"{heading} of {len(rows)} rows, worst for {worst['source']} with {metric.format(worst[name])}",
        f"Dots: {heading}; bars: 95% intervals, resampled by group; dashed: all images.",
        ReportTable(
            "", ("source", heading), tuple((row["source"], with_interval(name, row)) for row in rows)
        ),
        broad=True,
    )


def _reliability(everything: Mapping[str, Any], bins: list[Mapping[str, Any]]) -> Plot:
    return Plot(
        "reliability",
        "Reliability of p_fake",
        draw_reliability(bins),
        f"expected calibration error {everything['calibration_error']:.3f}, "
        f"Brier score {everything['brier']:.3f}",
        "Dotted: perfect calibration. Above it, fakes are more frequent than p_fake predicts. The area of a "
        "dot is its number of images. Valid for this mix of real and fake only.",
        ReportTable(
            "",
            ("p_fake", "images", "mean p_fake", "share of fakes"),
            tuple(
                (
                    f"{b['from']:.2f} to {b['to']:.2f}",
                    str(b["pictures"]),
                    f"{b['p_fake']:.3f}",
                    f"{b['share_fake']:.3f}",
                )
                for b in bins
                if b["pictures"]
            ),
        ),
    )


def _risk_coverage(everything: Mapping[str, Any], curve: Mapping[str, Any]) -> Plot:
    decided = everything["accuracy_decided"]
    point = None if decided is None else (1 - everything["share_uncertain"], 1 - decided)
    shipped = (
        ""
        if point is None
        else f"; the shipped verdicts decide {point[0]:.1%} and err on {point[1]:.1%} of them"
    )
    return Plot(
        "risk",
        "Risk over coverage",
        draw_risk_coverage(curve, point),
        f"deciding on every image errs on {curve['risk'][-1]:.1%}{shipped}",
        "Images are decided in descending order of confidence, the distance of p_fake from 0.5. Abstaining "
        "on more images should lower the error rate. The dot is the operating point of the shipped verdicts.",
        ReportTable(
            "",
            ("coverage", "risk"),
            tuple((f"{x:.1%}", f"{y:.1%}") for x, y in zip(curve["coverage"], curve["risk"], strict=True)),
            text_columns=0,
        ),
        broad=True,
    )


def _histograms(report: Mapping[str, Any]) -> Plot:
    rows, thresholds = report["diagrams"]["histograms"], report["thresholds"]
    bins = len(rows[0]["real"])
    cells = [
        (row["source"], label, *map(str, row[label]))
        for row in rows
        for label in ("real", "fake")
        if any(row[label])
    ]
    return Plot(
        "histograms",
        "p_fake by source",
        draw_histograms(rows, (thresholds["real"], thresholds["fake"])),
        f"histograms of p_fake from 0 to 1 for {len(rows)} sources; the verdict is real at or below "
        f"{thresholds['real']:.2f} and fake at or above {thresholds['fake']:.2f}",
        "The number of images of a source in parentheses. Heights are relative to its highest bar.",
        ReportTable(
            "", ("source", "class", *(f"{i / bins:.2f}" for i in range(bins))), tuple(cells), text_columns=2
        ),
        broad=True,
    )
