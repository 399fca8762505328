"""`veraface scan`: judge many images and write one table of them."""

import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veraface.cli.terminal import fail, printable
from veraface.cli.verdicts import WORDS

if TYPE_CHECKING:
    from rich.progress import Progress

    from veraface.scan.engine import Engine
    from veraface.scan.filters import Filter
    from veraface.scan.session import Summary, Watch

_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}  # seconds


def scan(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Folders, files, patterns, zip and tar archives, lists (.txt; - for standard input), "
            ".parquet with a column of paths or bytes, URLs that fsspec opens (s3://, gs://, hf://, https://)."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Table to write: .parquet, .csv or .jsonl.")
    ] = Path("scan.parquet"),
    report: Annotated[Path | None, typer.Option(help="Also write an HTML page of what was found.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a scan into --out was stopped.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Begin anew, whatever --out holds.")] = False,
    include: Annotated[
        list[str] | None,
        typer.Option(
            help="Only names that fit this pattern, such as '*.png'; repeatable. Images if not given."
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Only what was modified since: 2026-11-01, 2026-11-01T12:00, or 36h, 7d, 2w ago."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, max=10**12, help="Only the first so many.")] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Pictures judged at the same time; one a core if not given."),
    ] = None,
    engine: Annotated[str, typer.Option(help="local (this machine) or ray (a Ray cluster).")] = "local",
    model: Annotated[Path | None, typer.Option(help="Another .onnx model, with its card beside it.")] = None,
) -> None:
    """Judge many images and write one table: a row an image, and a row a face.

    An image that cannot be judged is a row with its error. Stopped at any moment, --resume goes on and
    judges nothing twice. Ends with status 0 once the table is written, whatever stands in it.
    """
    from veraface.scan.filters import Filter
    from veraface.scan.session import Output, is_finished
    from veraface.scan.session import scan as run

    if resume and overwrite:
        raise typer.BadParameter(
            "goes on with what --overwrite would begin anew; give one of them", param_hint="--resume"
        )
    output = Output(out, report, resume, overwrite)
    if resume and is_finished(output):
        print(f"{out}: finished already; for what is new give another name, or --overwrite", file=sys.stderr)
        return
    choice = Filter(tuple(include or ()), None if since is None else _moment(since), limit)
    judges = _engine(engine, workers)
    try:
        with _progress(sources, choice) as watch:
            summary = run(sources, output, judges, choice=choice, model=model, watch=watch)
    except KeyboardInterrupt:
        fail("stopped; what is judged is kept, and --resume goes on")
        sys.stdout.flush()
        os._exit(1)  # at once: a thread may wait for a file that never comes
    _print(summary, report)


def _engine(name: str, workers: int | None) -> "Engine":
    if name == "ray":
        from veraface.scan.ray_engine import RayEngine

        return RayEngine(workers)
    if name != "local":
        raise typer.BadParameter(f"{name!r} is none of them: local, ray", param_hint="--engine")
    from veraface.scan.engine import LocalEngine
    from veraface.utils import available_cores

    return LocalEngine(workers or available_cores())


def _moment(text: str) -> float:
    """Seconds since 1970 of a date, a date and time, or so long ago."""
    ago = re.fullmatch(r"(\d{1,6})([mhdw])", text)
    if ago:
        return time.time() - int(ago[1]) * _UNITS[ago[2]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is no date such as 2026-11-01, and no time ago such as 36h or 7d", param_hint="--since"
        ) from None


@contextmanager
def _progress(sources: list[str], choice: "Filter") -> "Iterator[Watch]":
    """A bar with rate and time left on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None, rate="")
        started, judged = time.monotonic(), 0
        threading.Thread(target=_count, args=(sources, choice, progress), daemon=True).start()

        def watch(what: str) -> None:
            nonlocal judged
            judged += what == "judged"
            rate = judged / max(time.monotonic() - started, 1e-3)
            progress.update(task, advance=1, rate=f"{rate:.1f} a second" if judged else "")

        yield watch


def _count(sources: list[str], choice: "Filter", progress: "Progress") -> None:
    """Tells the bar how many there are, where that can be found out beside the work."""
    from veraface.errors import VerafaceError
    from veraface.scan.sources import can_be_counted, list_items

    if progress.disable or not can_be_counted(sources):
        return
    try:
        total = sum(1 for _ in list_items(sources, choice))
    except VerafaceError:  # the scan itself says what is wrong
        return
    progress.update(progress.task_ids[0], total=total)


def _print(summary: "Summary", report: Path | None) -> None:
    print("1 image" if summary.pictures == 1 else f"{summary.pictures} images")
    for name, count in summary.verdicts.items():
        print(f"  {count:>8}  {WORDS[name]}")
    for code, count in summary.errors.items():
        print(f"  {count:>8}  not judged: {code.replace('_', ' ')}")
    if summary.duplicates:
        print(f"  {summary.duplicates:>8}  look like an earlier one (column duplicate_of)")
    rate = summary.judged / max(summary.seconds, 1e-3)
    earlier = f", {summary.skipped} judged before" if summary.skipped else ""
    print(f"{summary.judged} judged in {_duration(summary.seconds)}, {rate:.1f} a second{earlier}")
    print(printable(f"written to {summary.table}" + (f" and {report}" if report else "")))


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
