"""List the images in zip and tar archives, decompressing tar archives only as far as they are read.

fsspec's zip and tar file systems are not used: they index an archive by name, so they lose members of the
same name, and they read a whole tar archive before the first member, so they lose what precedes a damaged
part. tarfile decompresses too, but stops after the first of several concatenated streams.
"""

import bz2
import gzip
import lzma
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from io import BufferedReader, RawIOBase
from typing import IO, cast

from veraface.errors import UnreadableImageError
from veraface.scan.item import Item, display_path, error_message, read_up_to, valid_time
from veraface.scan.selection import SNIFF_BYTES, Selection

_MAX_TAR_HEADER = 2**20  # bytes of a long name, or of a member's extended header
_TAR_HEADERS = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)
# Python's zipfile decompresses the other methods without a size limit.
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def from_zip(source: str, file: IO[bytes], selection: Selection, max_bytes: int) -> Iterator[Item]:
    """Yield the images in a seekable zip archive; a member that cannot be read is an item with an error.

    The selection applies to names within the archive. At most one byte more than `max_bytes` is read of a
    member.
    """
    seen = Counter[str]()
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            item = _member(source, member.filename, seen, _zip_time(member.date_time))
            if member.is_dir() or not selection.accepts(item, member.filename, _zip_head(archive, member)):
                continue
            if member.compress_type not in _ZIP_METHODS:
                message = "uses an unsupported compression; unpack the archive and scan the folder"
                yield replace(item, error=message)
                continue
            try:
                with archive.open(member) as opened:
                    yield replace(item, content=read_up_to(opened, max_bytes + 1))
            except Exception as error:  # a password, or damage to this member alone
                yield replace(item, error=f"cannot be read: {error_message(error)}")


def _zip_head(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[], bytes]:
    """Return a function that reads the first bytes of a member."""

    def read() -> bytes:
        try:
            if member.compress_type not in _ZIP_METHODS:
                raise UnreadableImageError("uses an unsupported compression")
            with archive.open(member) as opened:
                return read_up_to(opened, SNIFF_BYTES)
        except Exception as error:
            raise UnreadableImageError(f"cannot be read: {error_message(error)}") from error

    return read


def _member(source: str, name: str, seen: Counter[str], modified: float | None) -> Item:
    """Return the item of a member; the paths of repeated names get `#2`, `#3` and so on."""
    seen[name] += 1
    number = "" if seen[name] == 1 else f"#{seen[name]}"
    return Item(f"{display_path(source)}/{display_path(name)}{number}", source, modified=modified)


def _zip_time(parts: tuple[int, ...]) -> float | None:
    try:
        return valid_time(datetime(*parts).timestamp())  # type: ignore[arg-type]  # of local time
    except (ValueError, OverflowError):
        return None


def from_tar(source: str, file: IO[bytes], selection: Selection, max_bytes: int) -> Iterator[Item]:
    """Yield the images in a tar archive, compressed or not, in one sequential pass; see `from_zip`.

    Raises an exception where the archive is damaged or truncated, after all members before that.
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

    seen = Counter[str]()
    stream = _decompressed(file)
    # Read block by block, so that every member before a damaged part is yielded.
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=Member, bufsize=tarfile.BLOCKSIZE) as archive:
        while (member := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]  # or tarfile keeps all of them in memory
            item = _member(source, member.name, seen, valid_time(member.mtime))
            if (member.islnk() or member.issym()) and selection.accepts(item, member.name, bytes):
                yield replace(item, error=f"is a link within the archive, to {display_path(member.linkname)}")
            elif member.isfile():
                opened = archive.extractfile(member)
                assert isinstance(opened, BufferedReader)  # a regular file has content
                if selection.accepts(item, member.name, partial(opened.peek, SNIFF_BYTES)):
                    yield replace(item, content=read_up_to(opened, max_bytes + 1))
    if not ended:
        raise tarfile.ReadError("unexpected end of the archive")


def _decompressed(file: IO[bytes]) -> IO[bytes]:
    """Return the stream, or its decompressed content if it starts as gzip, bzip2 or xz data do.

    Reading it raises OSError, EOFError or lzma.LZMAError where the data are damaged or truncated.
    """
    source = BufferedReader(cast("RawIOBase", file))
    magic = source.peek(6)[:6]
    if magic.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=source))
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(source)
    return lzma.LZMAFile(source) if magic == b"\xfd7zXZ\0" else source
