"""The tables of a report, as text in cells: one content for Markdown, page and terminal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]

# How figures are headed, and whether they are shares (in %) or numbers.
HEADINGS = {
    "auc": "AUC",
    "auc_by_group": "AUC by group",
    "average_precision": "average precision",
    "accuracy": "accuracy",
    "reals_called_fake": "reals called fake",
    "fakes_called_fake": "fakes called fake",
    "fakes_called_real": "fakes called real",
    "reals_uncertain": "reals left open",
    "fakes_uncertain": "fakes left open",
    "recall_at_5_percent": "recall at 5% false alarms",
    "equal_error_rate": "equal error rate",
    "calibration_error": "calibration error, equal-width bins",
    "calibration_error_adaptive": "calibration error, equal-mass bins",
    "brier": "Brier score",
    "reals_covered": "reals not called fake",
    "fakes_covered": "fakes not called real",
    "accuracy_decided": "accuracy, uncertain aside",
    "reals_called_fake_decided": "reals called fake, uncertain aside",
    "fakes_called_fake_decided": "fakes called fake, uncertain aside",
    "share_uncertain": "left open",
    "share_no_face": "without a face",
    "share_errors": "errors",
    "flipped": "flipped",
    "fake_to_real": "fake to real",
    "real_to_fake": "real to fake",
    "flipped_of_decided": "flipped, of those decided in both",
    "changed": "changed in any way",
    "lost": "face lost",
}
_NUMBERS = {
    "auc",
    "auc_by_group",
    "average_precision",
    "calibration_error",
    "calibration_error_adaptive",
    "brier",
}
_MAIN = (
    "auc",
    "reals_called_fake",
    "fakes_called_fake",
    "reals_uncertain",
    "fakes_uncertain",
    "fakes_called_real",
)


@dataclass(frozen=True)
class ReportTable:
    """One table."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    words: int = 1  # so many columns from the left hold words, the others numbers


def value(name: str, number: float | None) -> str:
    """A figure in its unit; empty where there is none."""
    if number is None:
        return ""
    return f"{number:.3f}" if name in _NUMBERS else f"{number:.1%}"


def with_interval(name: str, row: Row) -> str:
    """A figure of a row and its interval."""
    number, interval = row[name], row["intervals"].get(name)
    if number is None or interval is None:
        return value(name, number)
    low, high = interval
    if name in _NUMBERS:
        return f"{number:.3f} ({low:.3f} to {high:.3f})"
    return f"{number:.1%} ({100 * low:.1f} to {high:.1%})"


def main_sheet(report: Row) -> ReportTable:
    """The rows that are printed: all, by source, by pair."""
    return _sheet(
        "By source",
        "source",
        report["rows"],
        _MAIN,
        ("not_judged",),
        "AUC of a source with one class: against all images of the other class. Shares are of the judged "
        "pictures of that class. With 95% intervals, drawn by group; none under 5 groups.",
    )


def tier_sheet(report: Row) -> ReportTable:
    """Figures of the tiers, and what was lost and flipped against clean."""
    names = ("auc", "reals_called_fake", "fakes_called_fake", "share_uncertain")
    rows = []
    for row in report["tiers"]:
        lost, changed = row.get("auc_lost"), row.get("changes")
        rows.append(
            (
                row["tier"],
                row["how"],
                *(with_interval(name, row) for name in names),
                ""
                if lost is None
                else with_interval("auc", {"auc": lost["value"], "intervals": {"auc": lost["interval"]}}),
                *("" if changed is None else with_interval(name, changed) for name in ("flipped", "changed")),
                str(row["not_judged"]),
            )
        )
    head = (
        "tier",
        "what was done",
        *map(HEADINGS.__getitem__, names),
        "AUC lost",
        "verdicts flipped",
        "changed in any way",
        "not judged",
    )
    return ReportTable(
        "Robustness",
        head,
        tuple(rows),
        "The thresholds stay the same. Flipped: fake became real or real fake, of the images judged in "
        "both states; changed: another verdict in any way, uncertain included.",
        2,
    )


def self_blended_sheet(report: Row) -> ReportTable:
    """Self-blended fakes against their own reals."""
    block = report["self_blended"]
    return _sheet(
        "Self-blended fakes",
        "source",
        [block, *block["rows"]],
        _MAIN,
        ("not_judged",),
        "One fake of each real image, blended with a changed copy of itself, against the reals it was made "
        f"of; {block['not_made']} could not be made. They count in no other table.",
    )


def trivial_sheet(report: Row) -> ReportTable:
    """What tells the classes apart without a look at a face."""
    rows = []
    for block in report["trivial"]["sets"]:
        for found in block["features"]:
            auc = with_interval("auc", {"auc": found["auc"], "intervals": {"auc": found["interval"]}})
            rows.append((block["set"], found["feature"], found["direction"], auc))
    return ReportTable(
        "What tells this set's classes apart without a look at a face",
        ("set", "feature", "direction", "AUC"),
        tuple(rows),
        "AUC of one feature alone, turned so that it is never below .5.",
        3,
    )


def detail_sheets(report: Row) -> list[ReportTable]:
    """What is not printed: every figure of the whole set, generators, face sizes, tiers by source, curves."""
    everything = report["rows"][0]
    sheets = [
        ReportTable(
            "Every figure, all images",
            ("figure", "value (95% interval)"),
            tuple(
                (HEADINGS[name], with_interval(name, everything)) for name in HEADINGS if name in everything
            ),
            f"{everything['real']} real and {everything['fake']} fake images of {everything['groups']} "
            f"groups; {everything['no_face']} without a face, {everything['too_small']} with faces too small "
            f"to judge, {everything['uncertain']} left open, {everything['errors']} errors.",
        ),
        _sheet("By generator", "generator", report["by_generator"], _MAIN, ("not_judged",)),
        _sheet("By size of the judged face", "face_size", report["by_face_size"], _MAIN),
    ]
    for row in report.get("tiers", ()):
        if "rows" in row:
            sheets.append(
                _sheet(
                    f"By source, {row['tier']} ({row['how']})", "source", row["rows"], _MAIN, ("not_judged",)
                )
            )
    if tiers := [row for row in report.get("tiers", ()) if "changes" in row]:
        names = ("flipped", "fake_to_real", "real_to_fake", "flipped_of_decided", "changed", "lost")
        rows = tuple(
            (f"clean to {r['tier']}", *(with_interval(n, r["changes"]) for n in names)) for r in tiers
        )
        sheets.append(
            ReportTable("How verdicts changed", ("from, to", *map(HEADINGS.__getitem__, names)), rows)
        )
    return [sheet for sheet in sheets if sheet.rows]


def curve_sheet(curves: Row) -> ReportTable:
    """Every step of every degradation."""
    names = ("auc", "reals_called_fake", "fakes_called_fake", "share_uncertain")
    steps = [("none", "", curves["clean"])]
    for curve in curves["degradations"]:
        steps += [(curve["degradation"], f"{step['strength']:g}", step) for step in curve["steps"]]
    return ReportTable(
        "Curves",
        ("degradation", "strength", *map(HEADINGS.__getitem__, names), "not judged"),
        tuple(
            (name, strength, *(with_interval(n, step) for n in names), str(step["not_judged"]))
            for name, strength, step in steps
        ),
        f"{curves['real']} real and {curves['fake']} fake images, all sources alike as far as they go.",
        2,
    )


def _sheet(
    title: str,
    key: str,
    rows: Iterable[Row],
    names: Sequence[str],
    counts: Sequence[str] = (),
    note: str = "",
) -> ReportTable:
    head = (key, "real", "fake", *map(HEADINGS.__getitem__, names), *counts)
    cells = (
        (
            row[key],
            str(row["real"]),
            str(row["fake"]),
            *(with_interval(n, row) for n in names),
            *(str(row[c]) for c in counts),
        )
        for row in rows
    )
    return ReportTable(title, tuple(word.replace("_", " ") for word in head), tuple(cells), note)
