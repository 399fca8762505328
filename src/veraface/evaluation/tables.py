"""The tables of a report as text in cells, shared by Markdown, HTML and terminal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from veraface.evaluation.metrics import METRICS, Place, shown_in

Row = Mapping[str, Any]

_CHANGES = {
    "flipped": "flipped",
    "fake_to_real": "fake to real",
    "real_to_fake": "real to fake",
    "flipped_of_decided": "flipped, of those decided in both",
    "changed": "changed in any way",
    "lost": "face lost",
}


@dataclass(frozen=True)
class ReportTable:
    """One table.

    Attributes:
        title: heading above it.
        head: column headings.
        rows: cells.
        note: explanation below it.
        text_columns: number of leading columns with text; the others contain numbers.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    text_columns: int = 1


def with_interval(name: str, row: Row) -> str:
    """Format a metric of a row with its interval."""
    return METRICS[name].format_interval(row[name], row["intervals"].get(name))


def main_table(report: Row) -> ReportTable:
    """Return the table of all images, by source and by pair."""
    return _metric_table(
        "By source",
        "source",
        report["rows"],
        ("not_judged",),
        "FPR, false positive rate: reals with the verdict fake. Recall: fakes with the verdict fake. FNR, "
        "false negative rate: fakes with the verdict real. Abstention: verdict uncertain. Shares are of the "
        "classified images of that class. AUC of a source with one class: against all images of the other "
        "class. With 95% intervals, resampled by group; none below 5 groups.",
    )


def tier_table(report: Row) -> ReportTable:
    """Return the metrics of the tiers, and the losses and changes against clean images."""
    metrics = shown_in(Place.ROBUSTNESS)
    rows = []
    for row in report["tiers"]:
        lost, changes = row.get("auc_lost"), row.get("changes")
        rows.append(
            (
                row["tier"],
                row["how"],
                *(with_interval(metric.name, row) for metric in metrics),
                "" if lost is None else METRICS["auc"].format_interval(lost["value"], lost["interval"]),
                *("" if changes is None else _change(name, changes) for name in ("flipped", "changed")),
                str(row["not_judged"]),
            )
        )
    head = (
        "tier",
        "degradation",
        *(metric.heading for metric in metrics),
        "AUC lost",
        "verdicts flipped",
        "changed in any way",
        "not classified",
    )
    return ReportTable(
        "Robustness",
        head,
        tuple(rows),
        "The thresholds stay the same. Flipped: fake became real or real fake, of the images classified in "
        "both states; changed: the verdict differs in any way, uncertain included.",
        2,
    )


def self_blended_table(report: Row) -> ReportTable:
    """Return the metrics of self-blended fakes against their own reals."""
    block = report["self_blended"]
    return _metric_table(
        "Self-blended fakes",
        "source",
        [block, *block["rows"]],
        ("not_judged",),
        "One fake of each real image, blended with a changed copy of itself, against the reals they were "
        f"made from; {block['not_made']} could not be made. They are not part of any other table.",
    )


def shortcut_table(report: Row) -> ReportTable:
    """Return the AUC of the features that do not look at a face."""
    rows = []
    for block in report["trivial"]["sets"]:
        for found in block["features"]:
            auc = METRICS["auc"].format_interval(found["auc"], found["interval"])
            rows.append((block["set"], found["feature"], found["direction"], auc))
    return ReportTable(
        "Shortcuts: features that do not look at a face",
        ("set", "feature", "direction", "AUC"),
        tuple(rows),
        "AUC of one feature alone, flipped to at least 0.5.",
        3,
    )


def detail_tables(report: Row) -> list[ReportTable]:
    """Return what is not printed: all metrics, generators, face sizes, tiers by source, verdict changes."""
    everything = report["rows"][0]
    tables = [
        ReportTable(
            "All metrics, all images",
            ("metric", "value (95% interval)"),
            tuple(
                (metric.heading, with_interval(name, everything))
                for name, metric in METRICS.items()
                if name in everything
            ),
            f"{everything['real']} real and {everything['fake']} fake images of {everything['groups']} "
            f"groups; {everything['no_face']} without a face, {everything['too_small']} with faces too small "
            f"to classify, {everything['uncertain']} uncertain, {everything['errors']} errors.",
        ),
        _metric_table("By generator", "generator", report["by_generator"], ("not_judged",)),
        _metric_table("By face size", "face_size", report["by_face_size"]),
    ]
    for row in report.get("tiers", ()):
        if "rows" in row:
            title = f"By source, {row['tier']} ({row['how']})"
            tables.append(_metric_table(title, "source", row["rows"], ("not_judged",)))
    if tiers := [row for row in report.get("tiers", ()) if "changes" in row]:
        rows = tuple(
            (f"clean to {row['tier']}", *(_change(name, row["changes"]) for name in _CHANGES))
            for row in tiers
        )
        tables.append(ReportTable("Changes of the verdict", ("from, to", *_CHANGES.values()), rows))
    return [table for table in tables if table.rows]


def curve_table(curves: Row) -> ReportTable:
    """Return every step of every degradation."""
    metrics = shown_in(Place.ROBUSTNESS)
    steps = [("none", "", curves["clean"])]
    for curve in curves["degradations"]:
        steps += [(curve["degradation"], f"{step['strength']:g}", step) for step in curve["steps"]]
    return ReportTable(
        "Curves",
        ("degradation", "strength", *(metric.heading for metric in metrics), "not classified"),
        tuple(
            (name, strength, *(with_interval(m.name, step) for m in metrics), str(step["not_judged"]))
            for name, strength, step in steps
        ),
        f"{curves['real']} real and {curves['fake']} fake images, evenly from the sources as far as they go.",
        2,
    )


def _change(name: str, changes: Row) -> str:
    return METRICS["accuracy"].format_interval(changes[name], changes["intervals"].get(name))


def _metric_table(
    title: str, key: str, rows: Iterable[Row], counts: Sequence[str] = (), note: str = ""
) -> ReportTable:
    metrics = shown_in(Place.TABLES)
    cells = tuple(
        (
            row[key],
            str(row["real"]),
            str(row["fake"]),
            *(with_interval(metric.name, row) for metric in metrics),
            *(str(row[count]) for count in counts),
        )
        for row in rows
    )
    headings = {"face_size": "face size", "not_judged": "not classified"}
    head = (key, "real", "fake", *(metric.heading for metric in metrics), *counts)
    return ReportTable(title, tuple(headings.get(name, name) for name in head), cells, note)
