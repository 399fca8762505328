"""Folders and files that a command writes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

from veraface.errors import DataError


def ensure_writable_dir(path: Path) -> None:
    """Make a folder and its parents, if need be, and make sure that files can be written to it.

    Raises:
        DataError: it cannot be made or written to, or something else has its name.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{path}: cannot be made a folder: {reason}") from error
    try:
        with TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise DataError(f"{path}: no file can be written to it: {error.strerror}") from error


def same_file(path: Path | str, other: Path | str) -> bool:
    """Whether both names are of one file that is there."""
    try:
        return os.path.samefile(path, other)
    except (OSError, ValueError):  # not there, or no name at all
        return False


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all; text as UTF-8, its line ends as they are.

    Raises:
        DataError: it cannot be written; what stood there before still does.
    """
    with atomic_write(path) as partial:
        partial.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Gives another name to write a file to, which takes its own once that is done, or is deleted.

    Raises:
        DataError: it cannot be written; what stood there before still does.
    """
    partial = path.with_name(f".{path.name[:40]}.{os.getpid()}.part")  # short, as names are limited
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):  # no part is left, or could be made
            partial.unlink()
