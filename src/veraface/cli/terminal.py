"""Terminal output of commands: results on standard output, everything else on standard error."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from veraface.wording import Wording

if TYPE_CHECKING:
    from rich.console import Console

    from veraface.results import Reason

_COLORS = {"fake": "red", "real": "green", "uncertain": "yellow", "no_face": "dim"}


def printable(text: str) -> str:
    """Return text of unknown origin with its control characters replaced by U+FFFD."""
    return "".join(c if c.isprintable() else "�" for c in text)


def fail(message: str) -> int:
    """Print an error on standard error and return the exit status for it, 1.

    Further lines are indented, so that no file name can look like a separate message.
    """
    print("veraface: " + "\n  ".join(map(printable, message.split("\n"))), file=sys.stderr)
    return 1


def fail_at(name: str, error: Exception, as_json: bool) -> int:
    """Print the error of a file like `fail`, also as a JSON object on standard output if `as_json`."""
    if as_json:
        print_json({"file": name, "error": {"code": getattr(error, "code", "error"), "message": str(error)}})
    return fail(f"{name or repr(name)}: {error}")


def print_json(record: dict[str, Any]) -> None:
    """Print one JSON object in one line and flush, for programs that read the output as it is printed."""
    print(json.dumps(record, ensure_ascii=True), flush=True)


PIPED_TEXT_WIDTH = 100  # columns of sentences where there is no terminal


def console(piped_width: int = 1000) -> "Console":
    """Return the console for results: as wide as the terminal, else by default so that no table row wraps."""
    from rich.console import Console

    return Console(
        highlight=False, width=None if sys.stdout.isatty() or os.environ.get("COLUMNS") else piped_width
    )


# Name, verdict, p_fake and the reasons for the verdict.
VerdictRow = tuple[str, str, float | None, "Iterable[Reason]"]


def print_verdicts(
    what: str, rows: Iterable[VerdictRow], thresholds: Mapping[str, float], wording: Wording
) -> "Console":
    """Print a table of verdicts, with `what` as heading of the names, and its legend; return the console."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, expand=False)
    table.add_column(what, overflow="fold")
    table.add_column("verdict", no_wrap=True)
    if not wording.words_only:
        table.add_column("p(fake)", justify="right")
    table.add_column("why")
    for name, verdict, p_fake, reasons in rows:
        label = f"[{_COLORS[verdict]}]{wording.label(verdict).lower()}[/]"
        why = "; ".join(wording.message(reason.message) for reason in reasons)
        score = () if wording.words_only else (wording.score(p_fake),)
        table.add_row(Text(printable(name)), label, *score, Text(printable(why)))
    out = console()
    out.print(table)
    scale = wording.scale(thresholds["real"], thresholds["fake"])
    out.print(f"{scale}; {wording.caveat}" if scale else wording.caveat, style="dim")
    return out


# Takes the numbers of finished and of all steps, and details; None leaves a number as it is.
UpdateProgress = Callable[..., None]


@contextmanager
def progress_bar(title: str = "") -> Iterator[UpdateProgress]:
    """Show a bar with rate and remaining time while the block runs, if standard error is a terminal.

    The title is not interpreted as markup.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    stderr = Console(stderr=True)
    description, rate = TextColumn("{task.description}"), TextColumn("{task.fields[rate]}")
    columns = (description, BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as progress:
        task = progress.add_task(escape(title), total=None, rate="")

        def update(done: int | None, total: int | None = None, *_: Any) -> None:
            speed = progress.tasks[0].speed
            progress.update(task, completed=done, total=total, rate=f"{speed:.1f}/s" if speed else "")

        yield update
