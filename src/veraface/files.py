"""Writing files and folders safely."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

from veraface.errors import DataError


def ensure_writable_dir(path: Path) -> None:
    """Create a folder and its parents if needed; raise `DataError` if files cannot be written to it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{path}: cannot be created as a folder: {reason}") from error
    try:
        with TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise DataError(f"{path}: no file can be written to this folder: {error.strerror}") from error


def settings_folder() -> Path:
    """Return the folder for settings of Veraface in the home of this user, by the rules of the system."""
    import typer

    return Path(typer.get_app_dir("veraface"))


def same_file(path: Path | str, other: Path | str) -> bool:
    """Return whether both paths name the same existing file."""
    try:
        return os.path.samefile(path, other)
    except (OSError, ValueError):  # missing, or an invalid path
        return False


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file like `atomic_write`; text as UTF-8 without newline translation."""
    with atomic_write(path) as partial:
        partial.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def append_durably(file: int, content: bytes) -> None:
    """Append to an open file descriptor and flush to the disk; on an error, such as a full disk, undo it.

    Raises:
        OSError: it cannot be written.
    """
    before = os.fstat(file).st_size
    try:
        if os.write(file, content) != len(content):
            raise OSError(errno.ENOSPC, "only a part of an entry could be written")
        os.fsync(file)
    except OSError:
        with suppress(OSError):
            os.ftruncate(file, before)
        raise


def copy_file(source: Path, target: Path) -> None:
    """Copy a file like `atomic_write`; does nothing if both are the same."""
    if not same_file(source, target):
        with atomic_write(target) as partial:
            shutil.copyfile(source, partial)


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; replace `path` by it on success, delete it on error.

    Raises:
        DataError: it cannot be written; an existing file is left as it was.
    """
    partial = path.with_name(f".{path.name[:40]}.{os.getpid()}.part")  # short, since file systems limit names
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):  # already moved, or never created
            partial.unlink()
