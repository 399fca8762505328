"""One picture of a scan: where it lies, and how its bytes are read."""

import stat
import threading
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from veraface.errors import ImageTooLargeError, UnreadableImageError
from veraface.extras import needs_extra


@dataclass(frozen=True)
class Item:
    """A picture that was listed; plain data, so that another machine can read it too."""

    path: str  # what the table calls it; unique within a scan
    location: str  # local path or URL of the file that it is or lies in
    member: str | None = None  # its name within a zip archive
    content: bytes | None = field(default=None, repr=False)  # where it could be read only while listing
    modified: float | None = None  # seconds since 1970; None: not known
    trouble: str | None = None  # why it cannot be read, where that is known already


def read(item: Item, most: int) -> bytes:
    """The bytes of a picture.

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
    file: IO[bytes] = fsspec.open(location, "rb").open()
    return file


def _read(item: Item, count: int) -> bytes:
    try:
        if item.member is not None:
            with _archives.opened(item.location).open(item.member) as member:
                return member.read(count)
        if not is_url(item.location) and not stat.S_ISREG(Path(item.location).stat().st_mode):
            raise UnreadableImageError("is no regular file")  # a pipe could hang, a device could be endless
        with open_file(item.location) as file:
            return file.read(count)
    except UnreadableImageError:
        raise
    except FileNotFoundError as error:
        raise UnreadableImageError("no such file") from error
    except RuntimeError as error:  # zipfile's word for a member with a password
        raise UnreadableImageError(f"cannot be read: {error}") from error
    except Exception as error:  # file systems raise whatever their libraries raise
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise UnreadableImageError(f"cannot be read: {reason}") from error


class _Archives(threading.local):
    """The zip archive that a thread read last stays open: its list of members is read once."""

    location = ""
    archive: zipfile.ZipFile | None = None

    def opened(self, location: str) -> zipfile.ZipFile:
        if self.archive is None or self.location != location:
            if self.archive is not None:
                self.archive.close()
            self.archive, self.location = zipfile.ZipFile(open_file(location)), location
        return self.archive


_archives = _Archives()
