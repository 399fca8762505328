"""The progress bar of commands, on standard error if that is a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class UpdateProgress(Protocol):
    """Moves a progress bar; None leaves a number as it is."""

    def __call__(self, done: int | None = None, total: int | None = None) -> None:
        """Set the numbers of finished and of all steps."""


@contextmanager
def progress_bar(title: str = "") -> Iterator[UpdateProgress]:
    """Show a bar with rate and remaining time while the block runs.

    Args:
        title: Shown before the bar, without interpreting markup.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(escape(title), total=None, rate="")

        def update(done: int | None = None, total: int | None = None) -> None:
            speed = progress.tasks[0].speed
            rate = f"{speed:.1f}/s" if speed else ""
            progress.update(task, completed=done, total=total, rate=rate)

        yield update
