"""Parallel processing of images with a progress bar on standard error, shown on a terminal only."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from veraface.utils import available_cores

T = TypeVar("T")
R = TypeVar("R")

_MAX_THREADS = 8  # each may need the memory of a decoded image


def progress(items: Iterable[T], what: str, total: int) -> Iterable[T]:
    """Iterate over items with a progress bar that disappears at the end."""
    console = Console(stderr=True)
    return track(items, what, total, console=console, transient=True, disable=not console.is_terminal)


def in_parallel(task: Callable[[T], R], items: Iterable[T], what: str) -> list[R]:
    """Run a task on each item in threads; return the results in their order."""
    items = list(items)
    pool = ThreadPoolExecutor(min(_MAX_THREADS, available_cores()))
    try:
        return list(progress(pool.map(task, items), what, len(items)))
    finally:
        pool.shutdown(cancel_futures=True)  # an interruption does not wait for the remaining items
