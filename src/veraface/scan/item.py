"""One image of a scan: where it lies, and how its bytes are read."""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from veraface.errors import ImageTooLargeError, UnreadableImageError
from veraface.utils import needs_extra

MAX_BYTES = 64 * 2**20  # of an image file, as `ImageLimits` has it
# Of the process that lists, as Linux counts what is written to (RLIMIT_DATA): PyArrow holds a group of rows.
MAX_MEMORY = 4 * 2**30
_BYTES_AT_ONCE = 2**20
_MAX_YEAR = 253_402_300_800.0  # seconds from 1970 to the year 10000, where calendars of programs end
_PATIENCE_S = 120  # with a web server, for one answer


@dataclass(frozen=True)
class Item:
    """An image that was listed; plain data, so that another machine can read it too."""

    path: str  # what the table calls it; unique within a scan
    location: str  # local path or URL of the file that it is or lies in
    content: bytes | None = field(default=None, repr=False)  # where it could be read only while listing
    modified: float | None = None  # seconds since 1970; None: not known
    trouble: str | None = None  # why it cannot be read, where that is known already


def read(item: Item, most: int) -> bytes:
    """The bytes of an image.

    Args:
        item: Which.
        most: Larger ones are not read to their end.

    Raises:
        UnreadableImageError: It is not there, or cannot be read.
        ImageTooLargeError: It has more bytes than `most`.
    """
    if item.trouble is not None:
        raise UnreadableImageError(item.trouble)
    content = item.content if item.content is not None else _read(item, most + 1)
    if len(content) > most:
        raise ImageTooLargeError(f"the file is larger than the limit of {most / 2**20:.4g} MiB")
    return content


def is_url(location: str) -> bool:
    """Whether it names a place that fsspec opens, and no local path."""
    return "://" in location


def open_file(location: str) -> IO[bytes]:
    """Opens a local file or whatever fsspec opens, for reading at any place.

    Raises:
        OSError: It is not there, or cannot be read; fsspec's file systems raise others too.
    """
    if not is_url(location):
        return open(location, "rb")
    with needs_extra("scan"):
        import fsspec
    options: dict[str, Any] = {}
    if location.startswith(("http://", "https://")):
        with suppress(ImportError):  # fsspec says what is missing
            from aiohttp import ClientTimeout

            options = {"client_kwargs": {"timeout": ClientTimeout(total=_PATIENCE_S)}}
    file: IO[bytes] = fsspec.open(location, "rb", **options).open()
    return file


def _read(item: Item, count: int) -> bytes:
    try:
        local = _local_path(item.location)
        if local is not None and not stat.S_ISREG(Path(local).stat().st_mode):
            raise UnreadableImageError("is no regular file")  # a pipe could hang, a device could be endless
        with open_file(item.location) as file:
            return read_up_to(file, count)
    except UnreadableImageError:
        raise
    except FileNotFoundError as error:
        cause = error.__cause__  # fsspec calls whatever goes wrong on the way to a web server so
        if is_url(item.location) and isinstance(cause, OSError):
            raise UnreadableImageError(f"cannot be reached: {cause}") from error
        raise UnreadableImageError("no such file") from error
    except Exception as error:  # file systems raise whatever their libraries raise
        raise UnreadableImageError(f"cannot be read: {reason_of(error)}") from error


def _local_path(location: str) -> str | None:
    """The path that a location names, also as an address of this machine's own files."""
    if not is_url(location):
        return location
    protocol, _, path = location.partition("://")
    return path if protocol in ("file", "local") else None


def read_up_to(file: IO[bytes], count: int) -> bytes:
    """So many bytes, or all there are; a stream may give less at a time than it is asked for."""
    parts = []
    while count > 0 and (part := file.read(min(count, _BYTES_AT_ONCE))):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def reason_of(error: Exception) -> str:
    """What went wrong, in the words of the system or the library."""
    if isinstance(error, MemoryError):
        return f"takes more memory than a scan allows, {MAX_MEMORY / 2**30:.0f} GiB"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def known_time(seconds: float) -> float | None:
    """A time since 1970; None for one that no calendar has."""
    return float(seconds) if -_MAX_YEAR < seconds < _MAX_YEAR else None


def shown(name: str) -> str:
    r"""A name as a table can hold it: bytes that are no UTF-8 as \xff, and a backslash as two, as in Python.

    So no two names look the same. Where backslashes part folders, they stay as they are.
    """
    return as_text(name if os.sep == "\\" else name.replace("\\", "\\\\"))


def as_text(words: str) -> str:
    r"""Words that may quote a name, as a file can hold them: bytes that are no UTF-8 as \xff."""
    try:
        return words.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # halves of characters that stand for no byte
        return words.encode("utf-8", "backslashreplace").decode("utf-8")
