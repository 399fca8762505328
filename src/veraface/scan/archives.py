"""List the images in zip and tar archives.

fsspec's zip and tar file systems are not used: they index an archive by name, so they lose members of the
same name, and they read a whole tar archive before the first member, so they lose what precedes a damaged
part.
"""

import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import IO

from veraface.scan.decompress import decompressed
from veraface.scan.filters import Filter
from veraface.scan.item import Item, display_path, error_message, read_up_to, valid_time

_MAX_TAR_HEADER = 2**20  # bytes of a long name, or of a member's extended header
_TAR_HEADERS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)


def from_zip(source: str, file: IO[bytes], filters: Filter, max_bytes: int) -> Iterator[Item]:
    """Yield the images in a zip archive; a member that cannot be read is an item with an error.

    Args:
        source: The name of the archive.
        file: The archive, seekable.
        filters: Selects members by their names within the archive.
        max_bytes: At most one byte more than this is read of each member.
    """
    names = _MemberNames(source)
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            item = Item(names.unique(member.filename), source, modified=_zip_time(member.date_time))
            if member.is_dir() or not filters.accepts(item, member.filename):
                continue
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                # Python's zipfile decompresses the other methods without a size limit.
                yield replace(
                    item, error="uses an unsupported compression; unpack the archive and scan the folder"
                )
                continue
            try:
                with archive.open(member) as opened:
                    yield replace(item, content=read_up_to(opened, max_bytes + 1))
            except Exception as error:  # a password, or damage to this member alone
                yield replace(item, error=f"cannot be read: {error_message(error)}")


class _MemberNames:
    """Makes unique table paths for the members of an archive: repeated names get `#2`, `#3` and so on."""

    def __init__(self, source: str) -> None:
        self._source = display_path(source)
        self._seen: Counter[str] = Counter()

    def unique(self, name: str) -> str:
        self._seen[name] += 1
        number = "" if self._seen[name] == 1 else f"#{self._seen[name]}"
        return f"{self._source}/{display_path(name)}{number}"


def _zip_time(parts: tuple[int, ...]) -> float | None:
    try:
        return valid_time(datetime(*parts).timestamp())  # type: ignore[arg-type]  # of local time
    except (ValueError, OverflowError):
        return None


def from_tar(source: str, file: IO[bytes], filters: Filter, max_bytes: int) -> Iterator[Item]:
    """Yield the images in a tar archive, compressed or not, in one sequential pass; see `from_zip`.

    Raises:
        Exception: The archive is damaged or truncated; all members before that were yielded.
    """
    ended = False

    class Member(tarfile.TarInfo):
        """Records the end-of-archive block: tarfile accepts a truncated archive as complete."""

        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "Member":
            nonlocal ended
            ended = len(buf) == tarfile.BLOCKSIZE and not any(buf)
            member = super().frombuf(buf, encoding, errors)
            if member.type in _TAR_HEADERS and member.size > _MAX_TAR_HEADER:
                raise tarfile.ReadError("a member's name is too long")
            return member

    names = _MemberNames(source)
    # Read block by block, so that every member before a damaged part is yielded.
    with tarfile.open(
        fileobj=decompressed(file), mode="r|", tarinfo=Member, bufsize=tarfile.BLOCKSIZE
    ) as archive:
        while (member := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]  # or tarfile keeps all of them in memory
            item = Item(names.unique(member.name), source, modified=valid_time(member.mtime))
            if (member.islnk() or member.issym()) and filters.accepts(item, member.name):
                yield replace(item, error=f"is a link within the archive, to {display_path(member.linkname)}")
            elif member.isfile() and filters.accepts(item, member.name):
                content = archive.extractfile(member)
                assert content is not None  # a regular file has content
                yield replace(item, content=read_up_to(content, max_bytes + 1))
    if not ended:
        raise tarfile.ReadError("unexpected end of the archive")
