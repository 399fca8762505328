"""Work that takes a while: a bar on standard error where someone watches, and several images at a time."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")
R = TypeVar("R")

_MAX_THREADS = 8  # each may hold a whole decoded image


def progress(items: Iterable[T], what: str, total: int) -> Iterable[T]:
    """The same items, with a bar that counts them and goes away at the end."""
    console = Console(stderr=True)
    return track(items, what, total, console=console, transient=True, disable=not console.is_terminal)


def in_parallel(task: Callable[[T], R], items: Iterable[T], what: str) -> list[R]:
    """The results of a task on each item, in their order, with a progress bar."""
    items = list(items)
    pool = ThreadPoolExecutor(min(_MAX_THREADS, os.cpu_count() or 1))
    try:
        return list(progress(pool.map(task, items), what, len(items)))
    finally:
        pool.shutdown(cancel_futures=True)  # else stopping it by hand would wait for all that is left
