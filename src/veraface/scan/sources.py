"""List the images in files, folders, patterns, archives, path lists, tables and URLs.

URLs are listed and opened by fsspec. Local folders and patterns are not: the base installation scans them
without fsspec, whose walk follows links in circles, recurses once per folder level and skips what it cannot
read.
"""

import codecs
import glob
import io
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from itertools import islice, takewhile
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit

from veraface.errors import DataError
from veraface.imaging.limits import MAX_BYTES
from veraface.scan.archives import from_tar, from_zip
from veraface.scan.item import Filter, Item, display_path, error_message, is_url, open_file, valid_time
from veraface.scan.selection import Selection
from veraface.utils import needs_extra

_ZIP = (".zip", ".cbz")
_TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_BYTES_COLUMNS = ("bytes", "image", "content")  # "image" as in Hugging Face data sets
_PATH_COLUMNS = ("path", "file", "file_name", "filename", "image_path", "url")
_MAX_LINE = 2**16  # characters of a line in a list; paths have at most 4,096 on Linux


def list_images(
    sources: Sequence[str],
    filters: Filter | None = None,
    *,
    max_bytes: int = MAX_BYTES,
    left_out: Counter[str] | None = None,
) -> Iterator[Item]:
    """Yield all images, in the order of the sources, and by name within each folder.

    Sources are files, folders, patterns such as `photos/**/*.jpg`, zip and tar archives, lists of paths
    (.txt, one per line; - for standard input), tables (.parquet with a column of paths or of bytes), and URLs
    of all of these. An image in two sources is yielded twice. A source that breaks off in the middle ends
    with an item that has an error. At most `max_bytes` + 1 are read of an image that can be read only while
    listing, such as a member of a tar archive. Files that the filter leaves out are counted in `left_out`, by
    reason. Raises DataError if a source does not exist, or cannot be listed at all.
    """
    filters = filters or Filter()
    selection = Selection(filters, left_out)
    found = (item for source in sources for item in list_source(source, selection, max_bytes))
    yield from islice(found, filters.limit)


def can_be_counted(sources: Sequence[str]) -> bool:
    """Return whether listing the sources a second time is cheap: local folders, images and lists."""
    packed = (*_ZIP, *_TAR, ".parquet")
    return not any(
        source == "-"
        or is_url(source)
        or source.lower().endswith(packed)
        or (os.path.lexists(source) and not os.path.isdir(source) and not os.path.isfile(source))
        for source in sources
    )


def check_sources(sources: Sequence[str]) -> None:
    """Raise DataError if a local source does not exist."""
    for source in sources:
        if source != "-" and not is_url(source) and not os.path.lexists(source):
            if "\0" in source:
                raise DataError(f"{source!r}: not a valid path")
            if not glob.has_magic(source):
                raise DataError(f"{source}: no such file or folder")


def list_source(source: str, selection: Selection, max_bytes: int) -> Iterator[Item]:
    """Yield the images of one source as `list_images` does, without the limit."""
    if source == "-":
        return _guarded(source, _from_list, selection, max_bytes)
    check_sources([source])
    if not is_url(source) and glob.has_magic(source) and not os.path.lexists(source):
        return _matching(source, selection, max_bytes)
    name = urlsplit(source).path if _is_web(source) else source
    for suffixes, lister in _LISTERS:
        if name.lower().endswith(suffixes) and (is_url(source) or not Path(source).is_dir()):
            return _guarded(source, lister, selection, max_bytes)
    return _remote(source, selection) if is_url(source) else _local(source, selection)


def _is_web(source: str) -> bool:
    return source.startswith(("http://", "https://"))


Lister = Callable[[str, IO[bytes], Selection, int], Iterator[Item]]


def _guarded(source: str, lister: Lister, selection: Selection, max_bytes: int) -> Iterator[Item]:
    """Yield the images in one file; if it breaks off in the middle, an item with the error comes last."""
    listed = 0
    try:
        with _standard_input() if source == "-" else open_file(source) as file:
            for item in lister(source, file, selection, max_bytes):
                listed += 1
                yield item
    except DataError:
        raise
    except Exception as error:  # libraries raise exceptions of any type on a damaged file
        reason = error_message(error)
        if not listed:
            raise DataError(f"{source}: cannot be read: {reason}") from error
        yield unlisted_rest(source, f"breaks off after {listed} images: {reason}")


def _standard_input() -> AbstractContextManager[IO[bytes]]:
    try:
        os.read(sys.stdin.fileno(), 0)
    except io.UnsupportedOperation:  # not a file
        pass
    except (AttributeError, OSError) as error:  # None if it was closed before Python started
        raise DataError("standard input is closed; pipe a list of paths into it") from error
    return nullcontext(sys.stdin.buffer)


def unlisted_rest(source: str, error: str) -> Item:
    """Return the item that stands for the part of a source that cannot be listed."""
    return Item(f"{display_path(source)} (the rest of it)", source, error=error)


def _local(source: str, selection: Selection) -> Iterator[Item]:
    path = Path(source)
    if path.is_dir():
        yield from filter(selection.accepts, _walk(str(path), selection))
    elif selection.accepts_named(item := _local_item(source)):
        yield item


def _matching(pattern: str, selection: Selection, max_bytes: int) -> Iterator[Item]:
    """Yield what a shell would expand a pattern to, except files that are neither images nor named by it."""
    listable = tuple(suffix for suffixes, _ in _LISTERS for suffix in suffixes)
    recursive = "**" in Path(pattern).parts
    for match in _matches(pattern, selection):
        if os.path.isdir(match):
            if not recursive:  # else the files in it match as well
                yield from _local(match, selection)
        elif pattern.lower().endswith(listable):
            try:
                yield from list_source(match, selection, max_bytes)
            except DataError as error:
                yield Item(display_path(match), match, error=str(error))
        elif selection.accepts(item := _local_item(match)):
            yield item


def _matches(pattern: str, selection: Selection) -> list[str]:
    """Return all matching names, sorted. `**` enters no hidden folders and no links, like `_walk`."""
    parts = Path(pattern).parts
    if "**" in parts:
        plain = list(takewhile(lambda part: not glob.has_magic(part), parts))
        rest = [part if part == "**" else part.replace("**", "*") for part in parts[len(plain) :]]
        rest += ["*"] if rest[-1] == "**" else []
        found = Path(*plain).glob(str(Path(*rest)))
        matches = []
        for path in found:
            if selection.enters_hidden_folders or not _hidden(path.parts[len(plain) :], rest):
                matches.append(str(path))
            elif path.is_file():
                selection.leave_out("hidden files")
        matches.sort()
    else:
        matches = sorted(glob.iglob(pattern))
    if not matches:
        raise DataError(f"{pattern}: no file matches this pattern")
    return matches


def _hidden(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    """Return whether a part of a path starts with a dot, and no pattern does."""
    wanted = any(pattern.startswith(".") for pattern in patterns)
    return not wanted and any(part.startswith(".") for part in parts)


def _walk(folder: str, selection: Selection) -> Iterator[Item]:
    """Yield all files below a folder by name, files before folders, without following links to folders."""
    folders = [folder]
    while folders:
        folder = folders.pop()
        try:
            files, inner = _entries(folder, selection)
        except OSError as error:
            yield Item(display_path(folder), folder, error=f"the folder cannot be read: {error.strerror}")
            continue
        yield from (_local_item(os.path.join(folder, name)) for name in files)
        folders.extend(os.path.join(folder, name) for name in reversed(inner))


def _entries(folder: str, selection: Selection) -> tuple[list[str], list[str]]:
    """Return the sorted names of the files and of the folders to enter in a folder."""
    files, inner = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not _is_folder(entry):
                files.append(entry.name)
            elif entry.is_symlink():
                selection.leave_out("links to folders")
            elif entry.name.startswith(".") and not selection.enters_hidden_folders:
                selection.leave_out("hidden folders")
            else:
                inner.append(entry.name)
    return sorted(files), sorted(inner)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or into a folder without permission
        return False


def _local_item(path: str) -> Item:
    try:
        return Item(display_path(path), path, modified=valid_time(os.stat(path).st_mtime))
    except OSError:
        return Item(display_path(path), path)
    except ValueError:  # a NUL in the name
        return Item(display_path(path), path, error="is not a valid path")


def _from_list(source: str, file: IO[bytes], selection: Selection, max_bytes: int) -> Iterator[Item]:
    """Yield one image per line of a list; relative paths start from the folder of the list."""
    folder = _folder(source)
    for name in _lines(file):
        if name and selection.accepts_named(item := _named_item(name, folder)):
            yield item


def _lines(file: IO[bytes]) -> Iterator[str]:
    """Yield the stripped lines of a list: bytes of the file system, or UTF-16 with a byte order mark."""
    source = file if isinstance(file, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", file))
    is_utf16 = source.peek(2).startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding, errors = ("utf-16", "surrogatepass") if is_utf16 else ("utf-8-sig", "surrogateescape")
    text = io.TextIOWrapper(source, encoding, errors, newline="\n")
    try:
        while line := text.readline(_MAX_LINE + 1):
            if len(line) > _MAX_LINE:
                raise ValueError("a line is longer than any path")
            yield line.strip()
    finally:
        text.detach()  # or the end of the wrapper closes the file


def _folder(source: str) -> Path:
    """Return the folder that relative paths in a list or table start from."""
    return Path() if is_url(source) else Path(source).parent


def _named_item(name: str, folder: Path) -> Item:
    return Item(display_path(name), name) if is_url(name) else _local_item(str(folder / name))


def _from_parquet(source: str, file: IO[bytes], selection: Selection, max_bytes: int) -> Iterator[Item]:
    with needs_extra("scan"):
        import pyarrow.parquet
    # A local file is mapped, not read into memory.
    table = pyarrow.parquet.ParquetFile(file if is_url(source) else source, memory_map=not is_url(source))
    names = table.schema_arrow.names
    column = next((name for name in (*_BYTES_COLUMNS, *_PATH_COLUMNS) if name in names), None)
    if column is None:
        known = ", ".join((*_BYTES_COLUMNS, *_PATH_COLUMNS))
        raise DataError(f"{source}: no column of images or paths; name one of the columns: {known}")
    label = next((name for name in _PATH_COLUMNS if name in names and name != column), None)
    # Row by row: a few bytes of a dictionary-encoded file may expand to many rows with large images.
    batches = table.iter_batches(1, columns=[column, *([label] if label else [])])
    for number, row in enumerate(row for batch in batches for row in batch.to_pylist()):
        item = _from_row(source, row, row[column], number)
        if item.content is not None or selection.accepts_named(item):
            yield item


def _from_row(source: str, row: dict[str, Any], value: Any, number: int) -> Item:
    label = next((str(row[name]) for name in _PATH_COLUMNS if row.get(name)), f"row {number}")
    if isinstance(value, dict):  # Hugging Face: {"bytes": ..., "path": ...}, one of them perhaps empty
        label = value.get("path") or label
        value = value.get("bytes") or value.get("path")
    if isinstance(value, str) and value:
        return _named_item(value, _folder(source))
    name = f"{display_path(source)}/{number}/{display_path(str(label))}"
    if isinstance(value, bytes):
        return Item(name, source, content=value)
    return Item(name, source, error="the row contains no image")


_LISTERS: tuple[tuple[tuple[str, ...], Lister], ...] = (
    (_ZIP, from_zip),
    (_TAR, from_tar),
    ((".txt",), _from_list),
    ((".parquet",), _from_parquet),
)


def _remote(source: str, selection: Selection) -> Iterator[Item]:
    """Yield what fsspec lists: one file, all files below a folder, or all that match a pattern."""
    with needs_extra("scan"):
        from fsspec.core import url_to_fs
    try:
        system, root = url_to_fs(source)
        single = _is_web(source) or system.isfile(root)
        list_all = system.glob if glob.has_magic(source) else system.find
        found: dict[str, dict[str, Any]] = {root: {}} if single else list_all(root, detail=True)
    except ImportError as error:  # names the package that the protocol needs
        raise DataError(f"{source}: {error}") from error
    except Exception as error:
        raise DataError(f"{source}: cannot be listed: {error or type(error).__name__}") from error
    if not found:
        raise DataError(f"{source}: no file found; check the address and its access rights")
    for name in sorted(found):
        url = source if single else system.unstrip_protocol(name)
        item = Item(display_path(url), url, modified=_remote_time(found[name]))
        if found[name].get("type") == "directory":
            continue
        if selection.accepts_named(item) if single else selection.accepts(item):
            yield item


def _remote_time(info: dict[str, Any]) -> float | None:
    """Return the modification time from fsspec's file information, whose key and type vary."""
    for name in ("mtime", "LastModified", "last_modified", "updated", "created"):
        value = info.get(name)
        if isinstance(value, datetime):
            return valid_time(value.replace(tzinfo=value.tzinfo or UTC).timestamp())
        if isinstance(value, int | float):
            return valid_time(value)
    return None
