"""What a scan is given, as the pictures in it: files, folders, patterns, archives, lists, tables and URLs."""

import fnmatch
import glob
import os
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, Any

from veraface.errors import DataError
from veraface.extras import needs_extra
from veraface.scan.items import Item, is_url, open_file
from veraface.suffixes import PICTURE_SUFFIXES

_ZIP = (".zip", ".cbz")
_TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_BYTES_COLUMNS = ("bytes", "image", "content")  # the second as Hugging Face's data sets have it
_PATH_COLUMNS = ("path", "file", "file_name", "filename", "image_path", "url")
_ROWS_AT_ONCE = 64  # of a table whose rows hold pictures


@dataclass(frozen=True)
class Choice:
    """Which of the pictures listed are wanted."""

    include: tuple[str, ...] = ()  # patterns as of a shell; without any, names with the suffix of a picture
    since: float | None = (
        None  # seconds since 1970: only what was modified then or later, or at no known time
    )
    limit: int | None = None  # the first so many

    def takes(self, item: Item) -> bool:
        """Whether a picture found in a folder or an archive is wanted."""
        return self._recent(item) and self._named(item.member or item.location)

    def takes_named(self, item: Item) -> bool:
        """Whether one that was given by its own name is wanted, which needs no suffix."""
        return self._recent(item) and (not self.include or self._named(item.member or item.location))

    def _recent(self, item: Item) -> bool:
        return self.since is None or item.modified is None or item.modified >= self.since

    def _named(self, name: str) -> bool:
        base = name.replace("\\", "/").rsplit("/", 1)[-1]
        if self.include:
            return any(
                fnmatch.fnmatch(base, pattern) or fnmatch.fnmatch(name, pattern) for pattern in self.include
            )
        return not base.startswith(".") and PurePosixPath(base).suffix.lower() in PICTURE_SUFFIXES


def list_items(
    sources: Sequence[str], choice: Choice | None = None, *, most_bytes: int = 64 * 2**20
) -> Iterator[Item]:
    """All pictures, in the order of the sources, and by name within each folder.

    Args:
        sources: Files, folders, patterns such as `photos/**/*.jpg`, zip and tar archives, lists of paths
            (.txt, one a line; - for standard input), tables (.parquet with a column of paths or of bytes),
            and URLs of all of these. What two of them hold comes twice.
        choice: Which are wanted; all if None.
        most_bytes: Of a picture that can be read only while it is listed, as in a tar archive, no more is
            read than this and one byte.

    Yields:
        One item a picture. A source that breaks off in the middle ends with an item that says so.

    Raises:
        DataError: A source is not there, or no source at all.
    """
    choice = choice or Choice()
    found = (item for source in sources for item in _list(source, choice, most_bytes))
    yield from islice(found, choice.limit)


def can_be_counted(sources: Sequence[str]) -> bool:
    """Whether listing them twice costs little: not so for tar archives, tables, URLs and standard input."""
    return not any(s == "-" or is_url(s) or s.lower().endswith((*_TAR, ".parquet")) for s in sources)


def _list(source: str, choice: Choice, most_bytes: int) -> Iterator[Item]:
    if source == "-":
        return _from_list(sys.stdin.buffer, Path(), choice)
    for suffixes, lister in _LISTERS:
        if source.lower().endswith(suffixes) and (is_url(source) or not Path(source).is_dir()):
            return _guarded(source, lister, choice, most_bytes)
    return _remote(source, choice) if is_url(source) else _local(source, choice)


Lister = Callable[[str, IO[bytes], Choice, int], Iterator[Item]]


def _guarded(source: str, lister: Lister, choice: Choice, most_bytes: int) -> Iterator[Item]:
    """What lies in one file. A break in the middle is told in a row: what was found before stays."""
    listed = 0
    try:
        with open_file(source) as file:
            for item in lister(source, file, choice, most_bytes):
                listed += 1
                yield item
    except DataError:
        raise
    except Exception as error:  # libraries raise whatever they like on a damaged file
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if not listed:
            raise DataError(f"{source}: cannot be read: {reason}") from error
        yield Item(
            f"{source} (the rest of it)", source, trouble=f"breaks off after {listed} pictures: {reason}"
        )


def _local(source: str, choice: Choice) -> Iterator[Item]:
    path = Path(source)
    try:
        if path.is_dir():
            yield from filter(choice.takes, _walk(str(path)))
        elif os.path.lexists(path) or not glob.has_magic(source):
            item = _local_item(source)
            if item.modified is None:
                raise DataError(f"{source}: no such file or folder")
            if choice.takes_named(item):
                yield item
        else:
            yield from _matching(source, choice)
    except ValueError as error:  # a NUL in the name
        raise DataError(f"{source!r}: not a valid path") from error


def _matching(pattern: str, choice: Choice) -> Iterator[Item]:
    matches = sorted(glob.iglob(pattern, recursive=True))
    if not matches:
        raise DataError(f"{pattern}: nothing has such a name")
    for match in matches:
        if not os.path.isdir(match):
            item = _local_item(match)
            if choice.takes(item):
                yield item


def _walk(folder: str) -> Iterator[Item]:
    """By name, files before folders; links to folders are not followed, as they may lead in circles."""
    folders = [folder]
    while folders:
        folder = folders.pop()
        try:
            files, inner = _entries(folder)
        except OSError as error:
            yield Item(shown(folder), folder, trouble=f"the folder cannot be read: {error.strerror}")
            continue
        yield from (_local_item(os.path.join(folder, name)) for name in files)
        folders.extend(os.path.join(folder, name) for name in reversed(inner))


def _entries(folder: str) -> tuple[list[str], list[str]]:
    """Names of the files and of the folders in a folder, sorted; kept are names alone."""
    files, inner = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir():
                files.append(entry.name)
            elif not entry.name.startswith(".") and not entry.is_symlink():
                inner.append(entry.name)
    return sorted(files), sorted(inner)


def _local_item(path: str) -> Item:
    try:
        return Item(shown(path), path, modified=os.stat(path).st_mtime)
    except OSError:
        return Item(shown(path), path)


def _from_zip(source: str, file: IO[bytes], choice: Choice, most_bytes: int) -> Iterator[Item]:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                modified = _zip_time(member.date_time)
                item = Item(
                    f"{shown(source)}/{shown(member.filename)}", source, member.filename, modified=modified
                )
                if choice.takes(item):
                    yield item


def _zip_time(parts: tuple[int, ...]) -> float | None:
    try:
        return datetime(*parts).timestamp()  # type: ignore[arg-type]  # of local time, as zip has it
    except (ValueError, OverflowError):
        return None


def _from_tar(source: str, file: IO[bytes], choice: Choice, most_bytes: int) -> Iterator[Item]:
    """A tar archive can only be read from its begin to its end, so its pictures are read now."""
    ended = False

    class Member(tarfile.TarInfo):
        """Notes the mark that ends an archive: tarfile takes one that was cut off for one that ends."""

        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "Member":
            nonlocal ended
            ended = len(buf) == tarfile.BLOCKSIZE and not any(buf)
            return super().frombuf(buf, encoding, errors)

    with tarfile.open(fileobj=file, mode="r|*", tarinfo=Member) as archive:
        for member in archive:
            named = Item(f"{shown(source)}/{shown(member.name)}", source, member.name, modified=member.mtime)
            if not member.isfile() or not choice.takes(named):
                continue
            content = archive.extractfile(member)
            assert content is not None  # of a regular file there is one
            yield Item(named.path, source, content=content.read(most_bytes + 1), modified=member.mtime)
    if not ended:
        raise tarfile.ReadError("unexpected end of the archive")


def _from_list_file(source: str, file: IO[bytes], choice: Choice, most_bytes: int) -> Iterator[Item]:
    return _from_list(file, Path() if is_url(source) else Path(source).parent, choice)


def _from_list(file: IO[bytes], folder: Path, choice: Choice) -> Iterator[Item]:
    """One path or URL a line, relative ones from the folder of the list."""
    for line in file:
        name = os.fsdecode(line.strip())
        if name:
            item = _named_item(name, folder)
            if choice.takes_named(item):
                yield item


def _named_item(name: str, folder: Path) -> Item:
    return Item(shown(name), name) if is_url(name) else _local_item(str(folder / name))


def _from_parquet(source: str, file: IO[bytes], choice: Choice, most_bytes: int) -> Iterator[Item]:
    with needs_extra("scan"):
        import pyarrow.parquet
    table = pyarrow.parquet.ParquetFile(file)
    names = table.schema_arrow.names
    column = next((name for name in (*_BYTES_COLUMNS, *_PATH_COLUMNS) if name in names), None)
    if column is None:
        known = ", ".join((*_BYTES_COLUMNS, *_PATH_COLUMNS))
        raise DataError(f"{source}: no column of pictures or paths; one of these names is needed: {known}")
    label = next((name for name in _PATH_COLUMNS if name in names and name != column), None)
    folder = Path() if is_url(source) else Path(source).parent
    number = 0
    for batch in table.iter_batches(_ROWS_AT_ONCE, columns=[column, *([label] if label else [])]):
        for row in batch.to_pylist():
            item = _from_row(source, row, row[column], number, folder)
            number += 1
            if item.content is not None or choice.takes_named(item):
                yield item


def _from_row(source: str, row: dict[str, Any], value: Any, number: int, folder: Path) -> Item:
    label = next((str(row[name]) for name in _PATH_COLUMNS if row.get(name)), f"row {number}")
    if isinstance(value, dict):  # Hugging Face: {"bytes": ..., "path": ...}, one of them perhaps empty
        label = value.get("path") or label
        value = value.get("bytes") or value.get("path")
    if isinstance(value, str) and value:
        return _named_item(value, folder)
    name = f"{shown(source)}/{number}/{shown(str(label))}"
    if isinstance(value, bytes):
        return Item(name, source, content=value)
    return Item(name, source, trouble="the row holds no picture")


_LISTERS: tuple[tuple[tuple[str, ...], Lister], ...] = (
    (_ZIP, _from_zip),
    (_TAR, _from_tar),
    ((".txt",), _from_list_file),
    ((".parquet",), _from_parquet),
)


def _remote(source: str, choice: Choice) -> Iterator[Item]:
    """Whatever fsspec lists: one file, all below a folder, or all that fit a pattern."""
    with needs_extra("scan"):
        from fsspec.core import url_to_fs
    try:
        system, root = url_to_fs(source)
        single = not glob.has_magic(source) and (
            source.startswith(("http://", "https://")) or system.isfile(root)
        )
        if single:
            found: dict[str, dict[str, Any]] = {root: {}}
        elif glob.has_magic(source):
            found = system.glob(root, detail=True)
        else:
            found = system.find(root, detail=True)
    except ImportError as error:  # fsspec says which package the protocol needs
        raise DataError(f"{source}: {error}") from error
    except Exception as error:
        raise DataError(f"{source}: cannot be listed: {error or type(error).__name__}") from error
    if not found:
        raise DataError(f"{source}: nothing there")
    for name in sorted(found):
        url = source if single else system.unstrip_protocol(name)
        item = Item(shown(url), url, modified=_remote_time(found[name]))
        if found[name].get("type") != "directory" and (choice.takes_named if single else choice.takes)(item):
            yield item


def _remote_time(facts: dict[str, Any]) -> float | None:
    """Each file system has a name and a type of its own for it."""
    for name in ("mtime", "LastModified", "last_modified", "updated", "created"):
        value = facts.get(name)
        if isinstance(value, datetime):
            return value.replace(tzinfo=value.tzinfo or UTC).timestamp()
        if isinstance(value, int | float):
            return float(value)
    return None


def shown(name: str) -> str:
    """A name as a table can hold it: bytes that are no UTF-8 as hexadecimal digits."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
