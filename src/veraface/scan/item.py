"""The images of a scan: where each one is, which ones are selected, and how their bytes are read."""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from veraface.errors import UnreadableImageError
from veraface.imaging.limits import too_many_bytes
from veraface.utils import needs_extra

# Of the listing process, as Linux counts it for RLIMIT_DATA: PyArrow holds a whole row group.
MAX_MEMORY = 4 * 2**30
_CHUNK_BYTES = 2**20
_MAX_TIMESTAMP = 253_402_300_800.0  # seconds from 1970 to the year 10000, where most calendars end
_WEB_TIMEOUT_S = 120


@dataclass(frozen=True)
class Item:
    """A listed image; plain data, so that another machine can read it too."""

    path: str  # its name in the table; unique within a scan
    location: str  # local path or URL of the file that it is or is part of
    content: bytes | None = field(default=None, repr=False)  # set where it could be read only while listing
    modified: float | None = None  # seconds since 1970; None if unknown
    error: str | None = None  # why it cannot be read, if that is known already

    def packed(self) -> tuple[dict[str, Any], bytes]:
        """Return JSON-ready fields and the content, to be sent to another process."""
        return {**vars(self), "content": self.content is not None}, self.content or b""

    @classmethod
    def unpacked(cls, fields: dict[str, Any], content: bytes) -> "Item":
        """Return the item that was packed."""
        return cls(**{**fields, "content": content if fields["content"] else None})


@dataclass(frozen=True)
class Filter:
    """Which images to scan, by name, time and count; applied by `veraface.scan.selection.Selection`."""

    include: tuple[str, ...] = ()  # shell patterns; if empty, names with the extension of an image
    since: float | None = None  # seconds since 1970: only images modified then or later, or at no known time
    limit: int | None = None  # only the first `limit` images
    all_files: bool = False  # also files whose names are not those of images, if their content is an image

    @property
    def nothing_found(self) -> str:
        """The error message if no image was found."""
        options = [name for name, value in (("--include", self.include), ("--since", self.since)) if value]
        if options:
            return f"no image matched {' and '.join(options)}"
        if self.all_files:
            return "no image was found"
        return "no image was found; --all checks files that are not named like images"


def read(item: Item, max_bytes: int) -> bytes:
    """Return the bytes of an image; raise ImageError if it cannot be read or is larger than `max_bytes`."""
    if item.error is not None:
        raise UnreadableImageError(item.error)
    content = item.content if item.content is not None else read_start(item.location, max_bytes + 1)
    if len(content) > max_bytes:
        raise too_many_bytes(max_bytes)
    return content


def is_url(location: str) -> bool:
    """Return whether a location is a URL for fsspec rather than a local path."""
    return "://" in location


def open_file(location: str) -> IO[bytes]:
    """Open a local file, or a URL through fsspec, for seekable binary reading.

    Raises OSError if it does not exist or cannot be read; fsspec's file systems raise other types too.
    """
    if not is_url(location):
        return open(location, "rb")
    with needs_extra("scan"):
        import fsspec
    options: dict[str, Any] = {}
    if location.startswith(("http://", "https://")):
        with suppress(ImportError):  # fsspec reports what is missing
            from aiohttp import ClientTimeout

            options = {"client_kwargs": {"timeout": ClientTimeout(total=_WEB_TIMEOUT_S)}}
    file: IO[bytes] = fsspec.open(location, "rb", **options).open()
    return file


def read_start(location: str, count: int) -> bytes:
    """Return the first bytes of a file; raise UnreadableImageError if it cannot be read."""
    protocol, _, path = location.partition("://") if is_url(location) else ("file", "", location)
    try:
        if protocol in ("file", "local") and not stat.S_ISREG(Path(path).stat().st_mode):
            raise UnreadableImageError("not a regular file")  # a pipe could hang, a device could be endless
        with open_file(location) as file:
            return read_up_to(file, count)
    except UnreadableImageError:
        raise
    except FileNotFoundError as error:
        cause = error.__cause__  # fsspec raises FileNotFoundError for any failed HTTP connection
        if is_url(location) and isinstance(cause, OSError):
            raise UnreadableImageError(f"cannot be reached: {cause}") from error
        raise UnreadableImageError("no such file") from error
    except Exception as error:  # fsspec's file systems raise the exceptions of their libraries
        raise UnreadableImageError(f"cannot be read: {error_message(error)}") from error


def read_up_to(file: IO[bytes], count: int) -> bytes:
    """Read `count` bytes, or all there are; loops because a stream may return less than requested."""
    parts = []
    while count > 0 and (part := file.read(min(count, _CHUNK_BYTES))):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def error_message(error: Exception) -> str:
    """Return the message of an exception from the system or a library."""
    if isinstance(error, MemoryError):
        return f"needs more memory than a scan allows, {MAX_MEMORY / 2**30:.0f} GiB"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def valid_time(seconds: float) -> float | None:
    """Return a time since 1970, or None if it is outside the years that calendars support."""
    return float(seconds) if -_MAX_TIMESTAMP < seconds < _MAX_TIMESTAMP else None


def display_path(name: str) -> str:
    r"""Return a file name as valid UTF-8: invalid bytes as \xff, a backslash doubled.

    No two names get the same display path. Where backslashes separate folders, they stay as they are.
    """
    return to_utf8(name if os.sep == "\\" else name.replace("\\", "\\\\"))


def to_utf8(text: str) -> str:
    r"""Return text that may quote a file name as valid UTF-8, with invalid bytes as \xff."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # lone surrogates that do not stand for a byte
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
