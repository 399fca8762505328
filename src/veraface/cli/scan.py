"""`veraface scan`: analyze many images and write one table."""

import os
import re
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, BadParameter, Option

from veraface.cli.audit import open_log
from veraface.cli.options import Audit, Model, NeverSayReal, WordsOnly
from veraface.cli.terminal import UpdateProgress, fail, printable, progress_bar
from veraface.wording import Wording

if TYPE_CHECKING:
    from collections.abc import Callable

    from veraface.scan.engine import Engine, ItemResult
    from veraface.scan.item import Filter
    from veraface.scan.session import Summary

_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}  # seconds


def scan(
    sources: Annotated[
        list[str],
        Argument(
            help="Folders, files, patterns, zip and tar archives, lists (.txt; - for standard input), "
            ".parquet with a column of paths or bytes, URLs that fsspec opens (s3://, gs://, hf://, https://)."
        ),
    ],
    out: Annotated[Path, Option("--out", "-o", help="Table to write: .parquet, .csv or .jsonl.")] = Path(
        "scan.parquet"
    ),
    report: Annotated[Path | None, Option(help="Also write an HTML report.")] = None,
    resume: Annotated[bool, Option("--resume", help="Continue an unfinished scan into --out.")] = False,
    overwrite: Annotated[bool, Option("--overwrite", help="Discard existing output and start over.")] = False,
    include: Annotated[
        list[str] | None,
        Option(help="Only names that match this pattern, such as '*.png'; repeatable. Default: image files."),
    ] = None,
    all_files: Annotated[
        bool, Option("--all", help="Recognize images by content, whatever their names; include hidden files.")
    ] = False,
    since: Annotated[
        str | None, Option(help="Only files modified since 2026-11-01, 2026-11-01T12:00, or 36h, 7d, 2w ago.")
    ] = None,
    limit: Annotated[
        int | None, Option(min=1, max=10**12, help="Analyze at most N images.", metavar="N")
    ] = None,
    workers: Annotated[
        int | None, Option(min=1, max=256, help="Number of worker processes; default: one per core.")
    ] = None,
    engine: Annotated[str, Option(help="local (this machine) or ray (a Ray cluster).")] = "local",
    model: Model = None,
    audit: Audit = None,
    words_only: WordsOnly = False,
    never_say_real: NeverSayReal = False,
) -> None:
    """Analyze many images and write one table: a row per image and a row per face.

    An image that cannot be analyzed is a row with its error. Files that are not named like images are left
    out, and counted. After an interruption, --resume continues without analyzing any image twice. The exit
    status is 0 once the table is written, whatever the verdicts are.
    """
    from veraface.errors import DataError
    from veraface.scan.item import Filter
    from veraface.scan.session import Output, is_finished
    from veraface.scan.session import scan as run

    if resume and overwrite:
        raise BadParameter("cannot be combined with --overwrite", param_hint="--resume")
    if all_files and include:
        raise BadParameter("cannot be combined with --include", param_hint="--all")
    output = Output(out, report, resume, overwrite)
    if resume and is_finished(output):
        if report is not None and not os.path.exists(report):
            # The thumbnails that the report needs are deleted when the table is written.
            raise DataError(
                f"{report}: not written, because the scan into {out} is already complete; "
                "analyze the images again with --overwrite, or write to another table"
            )
        message = "this scan is already complete; choose another name for new images, or --overwrite"
        print(f"{printable(str(out))}: {message}", file=sys.stderr)
        return
    modified_since = None if since is None else _timestamp(since)
    filters = Filter(tuple(include or ()), modified_since, limit, all_files)
    chosen = _engine(engine, workers, model)
    observe, wording = _auditor(audit, model), Wording(words_only, never_say_real)
    try:
        with progress_bar() as update:
            if sys.stderr.isatty() and not all_files:
                threading.Thread(target=_count, args=(sources, filters, update), daemon=True).start()
            summary = run(
                sources,
                output,
                chosen,
                filters=filters,
                progress=lambda done, _: update(done, None),
                observe=observe,
                wording=wording,
            )
    except KeyboardInterrupt:
        fail("stopped; results are kept, continue with --resume")
        sys.stdout.flush()
        os._exit(1)  # at once: a thread may be blocked in a read that never returns
    _print_summary(summary, report, wording)


def _auditor(audit: Path | None, model: str | None) -> "Callable[[ItemResult], None]":
    """Return a function that adds each result to the audit log, if there is one."""
    from veraface.audit.entries import FileId
    from veraface.models.registry import load_card

    log = open_log(audit)
    if log is None:
        return lambda _: None
    card = load_card(model)
    about: dict[str, Any] = {
        "model": card.model_info,
        "thresholds": asdict(card.thresholds),
    }

    def observe(result: "ItemResult") -> None:
        facts, record = result.facts, result.record
        if "sha256" not in facts:  # it could not be read, so nothing was analyzed
            return
        file = FileId(facts["sha256"], facts["size"])
        if "error" in record:
            log.add_outcome(file, {"error": record["error"]}, **about)
        else:
            reasons = [{"code": code} for code in record["reasons"]]
            log.add_analysis(file, {**record, **about, "reasons": reasons})

    return observe


def _engine(name: str, workers: int | None, model: str | None) -> "Engine":
    if name == "ray":
        from veraface.scan.ray_engine import RayEngine

        return RayEngine(workers, model)
    if name == "local":
        from veraface.scan.engine import LocalEngine

        return LocalEngine(workers, model)
    raise BadParameter(f"unknown engine {name!r}; choose local or ray", param_hint="--engine")


def _timestamp(text: str) -> float:
    """Return seconds since 1970 of a date, a date with time, or a time span before now."""
    if ago := re.fullmatch(r"(\d{1,6})([mhdw])", text):
        return time.time() - int(ago[1]) * _UNITS[ago[2]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        message = f"{text!r} is neither a date such as 2026-11-01 nor a time span such as 36h or 7d"
        raise BadParameter(message, param_hint="--since") from None


def _count(sources: list[str], filters: "Filter", update: UpdateProgress) -> None:
    """Set the total of the progress bar, if counting the images is cheap."""
    from veraface.errors import VerafaceError
    from veraface.scan.sources import can_be_counted, list_images

    with suppress(VerafaceError):  # the scan itself reports it
        if can_be_counted(sources):
            update(None, sum(1 for _ in list_images(sources, filters)))


def _print_summary(summary: "Summary", report: Path | None, wording: Wording) -> None:
    print("1 image" if summary.images == 1 else f"{summary.images} images")
    for name, count in summary.verdicts.items():
        print(f"  {count:>8}  {wording.label(name).lower()}")
    for code, count in summary.errors.items():
        print(f"  {count:>8}  not analyzed: {code.replace('_', ' ')}")
    if summary.duplicates:
        print(f"  {summary.duplicates:>8}  near-duplicates of an earlier image (column duplicate_of)")
    for line in summary.left_out:
        number, _, reason = line.partition(" ")
        print(printable(f"  {number:>8}  left out: {reason}"))
    rate = summary.analyzed / max(summary.seconds, 1e-3)
    earlier = f", {summary.skipped} analyzed before" if summary.skipped else ""
    print(f"{summary.analyzed} analyzed in {_duration(summary.seconds)}, {rate:.1f} per second{earlier}")
    print(printable(f"written to {summary.table}" + (f" and {report}" if report else "")))


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    hours, minutes = divmod(round(seconds) // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {round(seconds) % 60} s"
