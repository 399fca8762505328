"""The plots of a report with their captions and the numbers that they show."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from veraface.evaluation import plots
from veraface.evaluation.curves import OUTCOMES
from veraface.evaluation.tables import ReportTable, curve_sheet, with_interval


@dataclass(frozen=True)
class Plot:
    """A drawing and what it says to those who cannot see it."""

    name: str  # for links within the page
    title: str
    svg: str
    alt: str  # what there is to see, with the main numbers
    caption: str  # how to read it
    numbers: ReportTable
    broad: bool = False  # across the whole page


def draw_plots(report: Mapping[str, Any]) -> Iterator[Plot]:
    """All plots that the report has numbers for, in the order of the page."""
    everything, drawn = report["rows"][0], report["diagrams"]
    counts = drawn["confusion"]
    yield Plot(
        "confusion",
        "What was said of reals and fakes",
        plots.draw_confusion(counts),
        "; ".join(
            f"of {sum(counts[label].values())} {label} images "
            + ", ".join(f"{counts[label][outcome]} {outcome.replace('_', ' ')}" for outcome in OUTCOMES)
            for label in ("real", "fake")
        ),
        "Rows: what the images are. Columns: what was said of them. Shares are of the row.",
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
        yield _forest(report)
    if drawn["risk_coverage"]["coverage"]:
        yield _risk_coverage(everything, drawn["risk_coverage"])
    if drawn["histograms"]:
        yield _histograms(report)
    curves = report.get("curves")
    if curves and curves["clean"]["auc"] is not None:
        weakest = [
            (c["degradation"], min(s["auc"] for s in c["steps"] if s["auc"] is not None))
            for c in plots.measured_curves(curves)
        ]
        yield Plot(
            "curves",
            "AUC over the strength of each degradation",
            plots.draw_curves(curves),
            f"AUC is {curves['clean']['auc']:.3f} untouched; at its lowest "
            + ", ".join(f"{low:.3f} under {name}" for name, low in weakest),
            "Dashed: the same images untouched. Shaded: 95% intervals. Strengths: "
            + "; ".join(f"{c['degradation']}: {c['scale']}" for c in curves["degradations"])
            + ".",
            curve_sheet(curves),
            broad=True,
        )


def _roc(everything: Mapping[str, Any], curve: Mapping[str, Any]) -> Plot:
    point = everything["reals_called_fake"], everything["fakes_called_fake"]
    return Plot(
        "roc",
        "Receiver operating characteristic",
        plots.draw_roc(curve, everything["auc"], point),
        f"the curve encloses an area of {everything['auc']:.3f}; the shipped threshold calls {point[0]:.1%} "
        f"of reals and {point[1]:.1%} of fakes fake",
        "For every threshold on p_fake: the reals and the fakes above it. The dot is what the verdict “fake” "
        "does; it may lie below the curve, since a verdict must also survive recompression.",
        ReportTable(
            "",
            ("reals above", "fakes above"),
            tuple(
                (f"{x:.3f}", f"{y:.3f}") for x, y in zip(curve["false_alarms"], curve["recall"], strict=True)
            ),
            words=0,
        ),
    )


def _forest(report: Mapping[str, Any]) -> Plot:
    rows = [row for row in report["rows"] if row["auc"] is not None]
    worst = min(rows, key=lambda row: float(row["auc"]))
    return Plot(
        "forest",
        "AUC by source",
        plots.draw_forest(rows),
        f"AUC of {len(rows)} rows, lowest for {worst['source']} with {worst['auc']:.3f}",
        "Dots: AUC; bars: 95% intervals, drawn by group; dashed: all images.",
        ReportTable("", ("source", "AUC"), tuple((row["source"], with_interval("auc", row)) for row in rows)),
        broad=True,
    )


def _reliability(everything: Mapping[str, Any], bins: list[Mapping[str, Any]]) -> Plot:
    return Plot(
        "reliability",
        "Reliability of p_fake",
        plots.draw_reliability(bins),
        f"expected calibration error {everything['calibration_error']:.3f}, "
        f"Brier score {everything['brier']:.3f}",
        "Dotted: p_fake as often right as it says. Above it, fakes are more frequent than p_fake says. Large "
        "dots stand for many images. It holds for this mix of real and fake only.",
        ReportTable(
            "",
            ("p_fake", "pictures", "mean p_fake", "share of fakes"),
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
    said = (
        ""
        if point is None
        else f"; the shipped verdicts decide {point[0]:.1%} and err on {point[1]:.1%} of them"
    )
    return Plot(
        "risk",
        "Errors over what is left open",
        plots.draw_risk_coverage(curve, point),
        f"deciding on every image errs on {curve['risk'][-1]:.1%}{said}",
        "Pictures are decided in the order of how far p_fake is from one half, fake at or above it. The more "
        "are left open, the fewer errors there should be. The dot: verdicts as shipped.",
        ReportTable(
            "",
            ("kept", "errors among them"),
            tuple((f"{x:.1%}", f"{y:.1%}") for x, y in zip(curve["coverage"], curve["risk"], strict=True)),
            words=0,
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
        plots.draw_histograms(rows, (thresholds["real"], thresholds["fake"])),
        f"histograms of p_fake from 0 to 1 for {len(rows)} sources; at or below {thresholds['real']:.2f} a "
        f"picture can be called real, at or above {thresholds['fake']:.2f} fake",
        "In brackets how many images a source has. Heights are relative to the highest bar of each source.",
        ReportTable(
            "", ("source", "class", *(f"{i / bins:.2f}" for i in range(bins))), tuple(cells), words=2
        ),
        broad=True,
    )
