"""Small helpers used across packages."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from veraface.errors import VerafaceError


def available_cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Turn a missing optional package into an error that names the extra to install.

    Raises:
        VerafaceError: a package of the extra is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("veraface"):
            raise
        raise VerafaceError(
            f"{error.name} is needed and not installed: pip install 'veraface[{extra}]'"
        ) from error
