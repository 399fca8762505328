"""Small helpers used across packages."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from getpass import getuser
from importlib import import_module
from typing import Any

from veraface.errors import VerafaceError


def available_cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def user_name() -> str:
    """Return the name of this process's user; the user id if there is no name, as in some containers."""
    try:
        return getuser()
    except (OSError, KeyError):
        return str(os.getuid())


def listed(names: Iterable[str]) -> str:
    """Return names as a list in a sentence: "a", "a or b", "a, b or c"."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def lazy_exports(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a `__getattr__` that imports the names of a package at their first use (PEP 562).

    Args:
        package: `__name__` of the package.
        modules: by module of the package, the names it exports, separated by spaces.
    """
    module_of = {name: module for module, names in modules.items() for name in names.split()}

    def load(name: str) -> Any:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{module_of[name]}"), name)

    return load


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Turn a missing optional package into a `VerafaceError` that names the extra to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("veraface"):
            raise
        message = f"{error.name} is needed and not installed: pip install 'veraface[{extra}]'"
        raise VerafaceError(message) from error
