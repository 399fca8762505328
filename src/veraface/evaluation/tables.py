"""The tables of a report as text in cells, shared by Markdown, HTML and terminal."""

from collections.abc import Iterable, Iterator, Mapping
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
    """A table of text; `text_columns` is the number of leading columns that are not numbers."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    text_columns: int = 1


def with_interval(name: str, row: Row) -> str:
    """Format a metric of a row with its interval."""
    return METRICS[name].format_interval(row[name], row["intervals"].get(name))


def percent(rate: Row) -> str:
    """Format a rate of `evaluation.attacks` with its interval; "" if there is none."""
    return METRICS["accuracy"].format_interval(rate["value"], rate["interval"])


def summary_tables(report: Row) -> Iterator[ReportTable]:
    """Yield the tables for the terminal: by source and pair, and robustness."""
    yield metric_table(
        "By source",
        "source",
        report["rows"],
        "FPR, false positive rate: reals with the verdict fake. Recall: fakes with the verdict fake. FNR, "
        "false negative rate: fakes with the verdict real. Abstention: verdict uncertain. Shares are of the "
        "classified images of that class. AUC of a source with one class: against all images of the other "
        "class. With 95% intervals, resampled by group; none below 5 groups.",
    )
    if "tiers" in report:
        yield _tier_table(report["tiers"])


def detail_tables(report: Row) -> Iterator[ReportTable]:
    """Yield the other tables but that of the curves."""
    if "self_blended" in report:
        block = report["self_blended"]
        yield metric_table(
            "Self-blended fakes",
            "source",
            [block, *block["rows"]],
            "One fake of each real image, blended with a changed copy of itself, against the reals they were "
            f"made from; {block['not_made']} could not be made. They are not part of any other table.",
        )
    everything, tiers = report["rows"][0], [row for row in report.get("tiers", ()) if "changes" in row]
    yield ReportTable(
        "All metrics, all images",
        ("metric", "value (95% interval)"),
        tuple((m.heading, with_interval(n, everything)) for n, m in METRICS.items() if n in everything),
        f"{everything['real']} real and {everything['fake']} fake images of {everything['groups']} "
        f"groups; {everything['no_face']} without a face, {everything['too_small']} with faces too small "
        f"to classify, {everything['uncertain']} uncertain, {everything['errors']} errors.",
    )
    if report["by_generator"]:
        yield metric_table("By generator", "generator", report["by_generator"])
    if report["by_face_size"]:
        yield metric_table("By face size", "face_size", report["by_face_size"])
    kinds = report.get("by_format", ())
    if len({row["format"] for row in kinds}) > 1:
        named = [{**row, "face_size": f"{row['format']}, {row['face_size']}"} for row in kinds]
        yield metric_table("By file format and face size", "face_size", named)
    if "attacks" in report:
        yield from attack_tables(report["attacks"])
    for name, values in report.get("by_attribute", {}).items():
        yield attribute_table(name, values)
    for row in tiers:
        yield metric_table(f"By source, {row['tier']} ({row['how']})", "source", row["rows"])
    if tiers:
        rows = [(f"clean to {t['tier']}", *(_change(name, t["changes"]) for name in _CHANGES)) for t in tiers]
        yield ReportTable("Changes of the verdict", ("from, to", *_CHANGES.values()), tuple(rows))


def attack_tables(attacks: Row) -> Iterator[ReportTable]:
    """Yield the error rates by kind of attack at each operating point, and by face size."""
    for point in attacks["points"]:
        rows = [("reals (BPCER)", str(point["bpcer"]["images"]), percent(point["bpcer"]))]
        rows += [(kind["kind"], str(kind["images"]), percent(kind)) for kind in point["kinds"]]
        yield ReportTable(
            f"Error rates by kind of attack: {point['name']}",
            ("kind of attack, worst first", "images", "error rate"),
            tuple(rows),
            f"{attacks['standard']}; a face counts as an attack if {point['detected_if']}. BPCER: reals "
            "taken for attacks. Of a kind: attacks that were missed (APCER); the worst one counts. In "
            "parentheses: 95% Clopper-Pearson intervals, for independent images.",
        )
    yield ReportTable(
        "Reals taken for attacks at a limit for every kind",
        ("limit of APCER", "kind that sets the threshold", "BPCER"),
        tuple(
            (f"{found['apcer']:.0%}", found["kind"] or "", percent(found["bpcer"]))
            for found in attacks["bpcer_at_apcer"]
        ),
        f"Kinds with at least {attacks['min_attacks']} images.",
        2,
    )
    points = [(row["face_size"], point) for row in attacks["by_face_size"] for point in row["points"]]
    yield ReportTable(
        "Error rates by face size and operating point",
        ("face size", "an attack if", "reals", "BPCER", "worst kind", "its APCER"),
        tuple(
            (
                *(size, point["name"], str(point["bpcer"]["images"]), percent(point["bpcer"])),
                *((point["apcer"]["kind"], percent(point["apcer"])) if point["apcer"] else ("", "")),
            )
            for size, point in points
        ),
        text_columns=2,
    )


def attribute_table(name: str, rows: Iterable[Row]) -> ReportTable:
    """Return the error rates by the values of an attribute."""
    return ReportTable(
        f"By {name.replace('_', ' ')}",
        (name.replace("_", " "), "reals", "FPR", "reals uncertain", "fakes", "FNR"),
        tuple(
            (
                *(row["value"], str(row["fpr"]["images"]), percent(row["fpr"])),
                *(percent(row["reals_uncertain"]), str(row["fnr"]["images"]), percent(row["fnr"])),
            )
            for row in rows
        ),
        "As the data set labels its people. In parentheses: 95% Clopper-Pearson intervals, for independent "
        "images.",
    )


def shortcut_table(report: Row) -> ReportTable:
    """Return the AUC of the features that do not look at a face."""
    auc = METRICS["auc"]
    rows = [
        (block["set"], f["feature"], f["direction"], auc.format_interval(f["auc"], f["interval"]))
        for block in report["trivial"]["sets"]
        for f in block["features"]
    ]
    return ReportTable(
        "Shortcuts: features that do not look at a face",
        ("set", "feature", "direction", "AUC"),
        tuple(rows),
        "AUC of one feature alone, flipped to at least 0.5.",
        3,
    )


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


def _tier_table(tiers: Iterable[Row]) -> ReportTable:
    """Return the metrics of the tiers, and the losses and changes against clean images."""
    metrics, rows = shown_in(Place.ROBUSTNESS), []
    for row in tiers:
        losses = ["", "", ""]
        if "changes" in row:
            lost = row["auc_lost"]
            losses = [METRICS["auc"].format_interval(lost["value"], lost["interval"])]
            losses += [_change(name, row["changes"]) for name in ("flipped", "changed")]
        shown = [with_interval(metric.name, row) for metric in metrics]
        rows.append((row["tier"], row["how"], *shown, *losses, str(row["not_judged"])))
    losses = ["AUC lost", "verdicts flipped", "changed in any way"]
    return ReportTable(
        "Robustness",
        ("tier", "degradation", *(metric.heading for metric in metrics), *losses, "not classified"),
        tuple(rows),
        "The thresholds stay the same. Flipped: fake became real or real fake, of the images classified in "
        "both states; changed: the verdict differs in any way, uncertain included.",
        2,
    )


def _change(name: str, changes: Row) -> str:
    return METRICS["accuracy"].format_interval(changes[name], changes["intervals"].get(name))


def metric_table(title: str, key: str, rows: Iterable[Row], note: str = "") -> ReportTable:
    """Return the metrics of rows named by `key`."""
    metrics, by_size = shown_in(Place.TABLES), key == "face_size"  # whose images are all classified
    head = (key.replace("_", " "), "real", "fake", *(metric.heading for metric in metrics))
    cells = []
    for row in rows:
        shown = [with_interval(metric.name, row) for metric in metrics]
        rest = [] if by_size else [str(row["not_judged"])]
        cells.append((row[key], str(row["real"]), str(row["fake"]), *shown, *rest))
    return ReportTable(title, head if by_size else (*head, "not classified"), tuple(cells), note)
