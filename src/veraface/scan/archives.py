"""The images in zip and tar archives."""

import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import IO

from veraface.scan.decompress import unpacked
from veraface.scan.filters import Filter
from veraface.scan.item import Item, known_time, read_up_to, reason_of, shown

_MAX_TAR_HEADER = 2**20  # bytes of a long name, or of what describes a member
_TAR_HEADERS = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)


def from_zip(source: str, file: IO[bytes], choice: Filter, most_bytes: int) -> Iterator[Item]:
    """The images in a zip archive; a member that cannot be read is an item that says so.

    Args:
        source: What the archive is called.
        file: The archive, which can seek.
        choice: Which are wanted, by their names within the archive.
        most_bytes: No more is read of each than this and one byte.
    """
    names = _Names(source)
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            item = Item(names.new(member.filename), source, modified=_zip_time(member.date_time))
            if member.is_dir() or not choice.takes(item, member.filename):
                continue
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                # Python's zipfile unpacks the others without a bound.
                yield replace(item, trouble="is packed in a rare way; unpack the archive and scan the folder")
                continue
            try:
                with archive.open(member) as opened:
                    yield replace(item, content=read_up_to(opened, most_bytes + 1))
            except Exception as error:  # a password, or damage to this member alone
                yield replace(item, trouble=f"cannot be read: {reason_of(error)}")


class _Names:
    """What the table calls the members of an archive; later ones of the same name get a number."""

    def __init__(self, source: str) -> None:
        self._source = shown(source)
        self._seen: Counter[str] = Counter()

    def new(self, name: str) -> str:
        self._seen[name] += 1
        number = "" if self._seen[name] == 1 else f"#{self._seen[name]}"
        return f"{self._source}/{shown(name)}{number}"


def _zip_time(parts: tuple[int, ...]) -> float | None:
    try:
        return known_time(datetime(*parts).timestamp())  # type: ignore[arg-type]  # of local time
    except (ValueError, OverflowError):
        return None


def from_tar(source: str, file: IO[bytes], choice: Filter, most_bytes: int) -> Iterator[Item]:
    """The images in a tar archive, packed or not, which is read from its begin to its end; see `from_zip`.

    Raises:
        Exception: It is damaged or cut off; what came before has been given.
    """
    ended = False

    class Member(tarfile.TarInfo):
        """Notes the mark that ends an archive: tarfile takes one that was cut off for one that ends."""

        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "Member":
            nonlocal ended
            ended = len(buf) == tarfile.BLOCKSIZE and not any(buf)
            member = super().frombuf(buf, encoding, errors)
            if member.type in _TAR_HEADERS and member.size > _MAX_TAR_HEADER:
                raise tarfile.ReadError("a name is longer than any real one")
            return member

    names = _Names(source)
    a_block = tarfile.BLOCKSIZE  # at a time, so that all that stands before a break is given
    with tarfile.open(fileobj=unpacked(file), mode="r|", tarinfo=Member, bufsize=a_block) as archive:
        while (member := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]  # or all are kept in memory
            item = Item(names.new(member.name), source, modified=known_time(member.mtime))
            if (member.islnk() or member.issym()) and choice.takes(item, member.name):
                yield replace(item, trouble=f"is a link within the archive, to {shown(member.linkname)}")
            elif member.isfile() and choice.takes(item, member.name):
                content = archive.extractfile(member)
                assert content is not None  # of a regular file there is one
                yield replace(item, content=read_up_to(content, most_bytes + 1))
    if not ended:
        raise tarfile.ReadError("unexpected end of the archive")
