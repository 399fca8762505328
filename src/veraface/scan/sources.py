"""What a scan is given, as the images in it: files, folders, patterns, archives, lists, tables and URLs."""

import codecs
import glob
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from itertools import islice, takewhile
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from veraface.errors import DataError
from veraface.scan.archives import from_tar, from_zip
from veraface.scan.filters import Filter
from veraface.scan.item import MAX_BYTES, Item, is_url, known_time, open_file, reason_of, shown
from veraface.utils import needs_extra

_ZIP = (".zip", ".cbz")
_TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_BYTES_COLUMNS = ("bytes", "image", "content")  # the second as Hugging Face's data sets have it
_PATH_COLUMNS = ("path", "file", "file_name", "filename", "image_path", "url")
_MAX_LINE = 2**16  # bytes of a list; paths have at most 4,096 on Linux


def list_items(
    sources: Sequence[str], choice: Filter | None = None, *, most_bytes: int = MAX_BYTES
) -> Iterator[Item]:
    """All images, in the order of the sources, and by name within each folder.

    Args:
        sources: Files, folders, patterns such as `photos/**/*.jpg`, zip and tar archives, lists of paths
            (.txt, one a line; - for standard input), tables (.parquet with a column of paths or of bytes),
            and URLs of all of these. What two of them hold comes twice.
        choice: Which are wanted; all if None.
        most_bytes: Of an image that can be read only while it is listed, as in a tar archive, no more is
            read than this and one byte.

    Yields:
        One item an image. A source that breaks off in the middle ends with an item that says so.

    Raises:
        DataError: A source is not there, or no source at all.
    """
    choice = choice or Filter()
    found = (item for source in sources for item in list_source(source, choice, most_bytes))
    yield from islice(found, choice.limit)


def can_be_counted(sources: Sequence[str]) -> bool:
    """Whether listing them twice costs little: so for folders, images and lists on this machine."""
    held = (*_ZIP, *_TAR, ".parquet")
    return not any(
        source == "-"
        or is_url(source)
        or source.lower().endswith(held)
        or (os.path.lexists(source) and not (os.path.isdir(source) or os.path.isfile(source)))
        for source in sources
    )


def check_sources(sources: Sequence[str]) -> None:
    """Whether those on this machine are there, before any work.

    Raises:
        DataError: One is not.
    """
    for source in sources:
        if source != "-" and not is_url(source) and not os.path.lexists(source):
            if "\0" in source:
                raise DataError(f"{source!r}: not a valid path")
            if not glob.has_magic(source):
                raise DataError(f"{source}: no such file or folder")


def list_source(source: str, choice: Filter, most_bytes: int) -> Iterator[Item]:
    """What `list_items` gives for one source, without regard to the limit."""
    if source == "-":
        return _guarded(source, _from_list_file, choice, most_bytes)
    check_sources([source])
    if _is_pattern(source):
        return _matching(source, choice, most_bytes)
    name = urlsplit(source).path if _is_web(source) else source
    for suffixes, lister in _LISTERS:
        if name.lower().endswith(suffixes) and (is_url(source) or not Path(source).is_dir()):
            return _guarded(source, lister, choice, most_bytes)
    return _remote(source, choice) if is_url(source) else _local(source, choice)


def _is_web(source: str) -> bool:
    return source.startswith(("http://", "https://"))


Lister = Callable[[str, IO[bytes], Filter, int], Iterator[Item]]


def _guarded(source: str, lister: Lister, choice: Filter, most_bytes: int) -> Iterator[Item]:
    """What lies in one file. A break in the middle is told in a row: what was found before stays."""
    listed = 0
    try:
        with nullcontext(sys.stdin.buffer) if source == "-" else open_file(source) as file:
            for item in lister(source, file, choice, most_bytes):
                listed += 1
                yield item
    except DataError:
        raise
    except Exception as error:  # libraries raise whatever they like on a damaged file
        reason = reason_of(error)
        if not listed:
            raise DataError(f"{source}: cannot be read: {reason}") from error
        yield rest_of(source, f"breaks off after {listed} images: {reason}")


def rest_of(source: str, trouble: str) -> Item:
    """What stands for all that can no longer be listed of a source."""
    return Item(f"{shown(source)} (the rest of it)", source, trouble=trouble)


def _local(source: str, choice: Filter) -> Iterator[Item]:
    path = Path(source)
    if path.is_dir():
        yield from filter(choice.takes, _walk(str(path)))
    elif choice.takes_named(item := _local_item(source)):
        yield item


def _matching(pattern: str, choice: Filter, most_bytes: int) -> Iterator[Item]:
    """As a shell would hand over what fits, but of the files only images, or what the pattern names."""
    holds = tuple(suffix for suffixes, _ in _LISTERS for suffix in suffixes)
    deep = "**" in Path(pattern).parts
    for match in _matches(pattern):
        if os.path.isdir(match):
            if not deep:  # else what is in it fits as well
                yield from _local(match, choice)
        elif pattern.lower().endswith(holds):
            try:
                yield from list_source(match, choice, most_bytes)
            except DataError as error:
                yield Item(shown(match), match, trouble=str(error))
        elif choice.takes(item := _local_item(match)):
            yield item


def _is_pattern(source: str) -> bool:
    return not is_url(source) and glob.has_magic(source) and not os.path.lexists(source)


def _matches(pattern: str) -> list[str]:
    """All names that fit, sorted. `**` leads into all folders but hidden ones and links, as `_walk` does."""
    parts = Path(pattern).parts
    if "**" in parts:
        plain = list(takewhile(lambda part: not glob.has_magic(part), parts))
        rest = [part if part == "**" else part.replace("**", "*") for part in parts[len(plain) :]]
        rest += ["*"] if rest[-1] == "**" else []
        found = Path(*plain).glob(str(Path(*rest)))
        seen = (path for path in found if not _hidden(path.parts[len(plain) :], rest))
        matches = sorted(map(str, seen))
    else:
        matches = sorted(glob.iglob(pattern))
    if not matches:
        raise DataError(f"{pattern}: nothing has such a name")
    return matches


def _hidden(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    """Whether a name begins with a dot that no pattern asks for."""
    asked = any(pattern.startswith(".") for pattern in patterns)
    return not asked and any(part.startswith(".") for part in parts)


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
            if not _is_folder(entry):
                files.append(entry.name)
            elif not entry.name.startswith(".") and not entry.is_symlink():
                inner.append(entry.name)
    return sorted(files), sorted(inner)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or to where we may not look
        return False


def _local_item(path: str) -> Item:
    try:
        return Item(shown(path), path, modified=known_time(os.stat(path).st_mtime))
    except OSError:
        return Item(shown(path), path)
    except ValueError:  # a NUL in the name
        return Item(shown(path), path, trouble="is not a valid path")


def _from_list_file(source: str, file: IO[bytes], choice: Filter, most_bytes: int) -> Iterator[Item]:
    return _from_list(file, Path() if is_url(source) else Path(source).parent, choice)


def _from_list(file: IO[bytes], folder: Path, choice: Filter) -> Iterator[Item]:
    """One path or URL a line, relative ones from the folder of the list."""
    first = True
    while line := file.readline(_MAX_LINE + 1):
        if len(line) > _MAX_LINE:
            raise ValueError("a line is longer than any path")
        name = os.fsdecode(line.removeprefix(codecs.BOM_UTF8 if first else b"").strip())
        first = False
        if name and choice.takes_named(item := _named_item(name, folder)):
            yield item


def _named_item(name: str, folder: Path) -> Item:
    return Item(shown(name), name) if is_url(name) else _local_item(str(folder / name))


def _from_parquet(source: str, file: IO[bytes], choice: Filter, most_bytes: int) -> Iterator[Item]:
    with needs_extra("scan"):
        import pyarrow.parquet
    # A file of this machine needs not be read into memory to be looked at.
    table = pyarrow.parquet.ParquetFile(file if is_url(source) else source, memory_map=not is_url(source))
    names = table.schema_arrow.names
    column = next((name for name in (*_BYTES_COLUMNS, *_PATH_COLUMNS) if name in names), None)
    if column is None:
        known = ", ".join((*_BYTES_COLUMNS, *_PATH_COLUMNS))
        raise DataError(f"{source}: no column of images or paths; one of these names is needed: {known}")
    label = next((name for name in _PATH_COLUMNS if name in names and name != column), None)
    folder = Path() if is_url(source) else Path(source).parent
    number = 0
    # A row at a time, as the same few bytes of a file may stand for many rows with large images.
    for batch in table.iter_batches(1, columns=[column, *([label] if label else [])]):
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
    return Item(name, source, trouble="the row holds no image")


_LISTERS: tuple[tuple[tuple[str, ...], Lister], ...] = (
    (_ZIP, from_zip),
    (_TAR, from_tar),
    ((".txt",), _from_list_file),
    ((".parquet",), _from_parquet),
)


def _remote(source: str, choice: Filter) -> Iterator[Item]:
    """Whatever fsspec lists: one file, all below a folder, or all that fit a pattern."""
    with needs_extra("scan"):
        from fsspec.core import url_to_fs
    try:
        system, root = url_to_fs(source)
        single = _is_web(source) or system.isfile(root)
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
            return known_time(value.replace(tzinfo=value.tzinfo or UTC).timestamp())
        if isinstance(value, int | float):
            return known_time(value)
    return None
