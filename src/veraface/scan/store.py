"""Keep the results of an unfinished scan in an SQLite file; they survive a kill at any moment."""

import json
import sqlite3
import threading
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from veraface.errors import DataError
from veraface.scan.item import Item
from veraface.scan.tables import Record

_FORMAT = 5  # of the file; incremented with every change of its tables
# EXCLUSIVE: a second scan into the same table is refused.
_PRAGMAS = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
# `run`: the last run that listed the image; `rank`: order of rows, first those that the last run listed, in
# its order, then those that only earlier ones did; `failed`: listing it failed.
_TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE images (
    path TEXT PRIMARY KEY, rank INTEGER NOT NULL, run INTEGER NOT NULL, failed INTEGER NOT NULL,
    facts TEXT, record TEXT, p_fake REAL, verdict TEXT, hash INTEGER
) WITHOUT ROWID;
CREATE INDEX by_rank ON images (rank);
CREATE TABLE thumbnails (path TEXT PRIMARY KEY, p_fake REAL NOT NULL, jpeg BLOB NOT NULL);
"""
_MAX_LISTED = 2**40  # images in one run
_MAX_THUMBNAILS = 24  # of the images with the highest p_fake


class ItemState(Enum):
    """What is known about an image when it is listed."""

    NEW = "not analyzed yet"
    DONE = "analyzed by an earlier run"
    DUPLICATE = "listed before in this run"


@dataclass(frozen=True)
class StoredRecord:
    """One analyzed image as read from the store."""

    path: str
    rank: int  # row order
    facts: dict[str, Any]  # size, modified, sha256
    record: Record


class Store:
    """The results of one scan; every result is a transaction of its own. Safe to use from several threads.

    SQLite's write-ahead log keeps the file consistent when the process is killed. After a power failure the
    last results may be missing, and are analyzed again (sqlite.org/wal.html).

    Opens or creates the file, or raises DataError. `about` holds what determines the results, such as the
    model's sha256, and must match when a scan is resumed.
    """

    def __init__(self, path: Path, about: Mapping[str, str]) -> None:
        self._path = path
        self._lock = threading.RLock()  # images are claimed and saved in different threads
        with ExitStack() as on_error:
            try:
                self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
                on_error.callback(self._database.close)
                self._open({"format": str(_FORMAT), **about})
            except sqlite3.Error as error:
                raise _open_error(path, error) from error
            on_error.pop_all()

    def _open(self, about: Mapping[str, str]) -> None:
        self._database.executescript(_PRAGMAS)
        if not self._run("SELECT 1 FROM sqlite_master WHERE name = 'about'").fetchone():
            self._database.executescript(f"BEGIN; {_TABLES}")
            self._database.executemany("INSERT INTO about VALUES (?, ?)", about.items())
            self._database.execute("COMMIT")
        stored = dict(self._run("SELECT name, value FROM about"))
        for name, value in about.items():
            if stored.get(name) != value:
                raise DataError(
                    f"{self._path}: was started with {name} {stored.get(name)}, not {value}; finish it with "
                    "that, or start over with --overwrite"
                )
        (last,) = self._run("SELECT coalesce(max(run), 0) FROM images").fetchone()
        self._this_run = last + 1

    def _run(self, command: str, *values: Any) -> sqlite3.Cursor:
        try:
            return self._database.execute(command, values)
        except sqlite3.Error as error:  # the disk is full, or the file was changed
            raise DataError(f"{self._path}: results can no longer be saved: {error}") from error

    def claim(self, item: Item, position: int) -> ItemState:
        """Record that this run listed an image at a position; return its state."""
        with self._lock:
            query = "SELECT record IS NULL OR failed, run FROM images WHERE path = ?"
            found = self._run(query, item.path).fetchone()
            rank = position - self._this_run * _MAX_LISTED
            values = (rank, self._this_run, item.error is not None, item.path)
            if found is None:
                self._run("INSERT INTO images (rank, run, failed, path) VALUES (?, ?, ?, ?)", *values)
                return ItemState.NEW
            pending, run = found
            if run == self._this_run:
                return ItemState.DUPLICATE
            self._run("UPDATE images SET rank = ?, run = ?, failed = ? WHERE path = ?", *values)
            # An image that could not be listed is analyzed again: the cause may be gone.
            return ItemState.NEW if pending or item.error is not None else ItemState.DONE

    def save(self, item: Item, facts: Mapping[str, Any], record: Record, thumbnail: str | None) -> None:
        """Save the result of an image in one transaction; `thumbnail` is a JPEG in base64."""
        p_fake, verdict = record.get("p_fake"), record.get("verdict") or record["error"]
        hash_ = record.get("perceptual_hash")
        number = None if hash_ is None else int(hash_, 16) - 2**63  # SQLite's integers are signed
        values = (json.dumps(facts), json.dumps(record), p_fake, verdict, number, item.path)
        with self._lock:
            self._run("BEGIN")
            self._run(
                "UPDATE images SET facts = ?, record = ?, p_fake = ?, verdict = ?, hash = ? WHERE path = ?",
                *values,
            )
            if thumbnail is not None:
                jpeg = b64decode(thumbnail)
                self._run("INSERT OR REPLACE INTO thumbnails VALUES (?, ?, ?)", item.path, p_fake, jpeg)
                self._run(
                    "DELETE FROM thumbnails WHERE path NOT IN "
                    "(SELECT path FROM thumbnails ORDER BY p_fake DESC, path LIMIT ?)",
                    _MAX_THUMBNAILS,
                )
            self._run("COMMIT")

    def thumbnail_from(self) -> float:
        """Return the lowest p_fake whose thumbnail may be kept."""
        with self._lock:
            count, least = self._run("SELECT count(*), min(p_fake) FROM thumbnails").fetchone()
        return float(least) if count >= _MAX_THUMBNAILS else 0.0

    def forget_failed(self) -> None:
        """Delete the errors of sources that failed in earlier runs only."""
        self._run("DELETE FROM images WHERE failed AND run != ?", self._this_run)

    def is_empty(self) -> bool:
        """Return whether no result is stored."""
        return self._run("SELECT 1 FROM images WHERE record IS NOT NULL LIMIT 1").fetchone() is None

    def records(self) -> Iterator[StoredRecord]:
        """Yield all results by rank."""
        query = "SELECT path, rank, facts, record FROM images WHERE record IS NOT NULL ORDER BY rank"
        yield from map(self._stored, self._run(query))

    def most_suspicious(self) -> Iterator[tuple[StoredRecord, bytes]]:
        """Yield the images with the highest p_fake, each with its JPEG thumbnail."""
        query = (
            "SELECT path, rank, facts, record, jpeg FROM thumbnails JOIN images USING (path) "
            "ORDER BY thumbnails.p_fake DESC, path"
        )
        for *row, jpeg in self._run(query):
            yield self._stored(row), jpeg

    def _stored(self, row: Sequence[Any]) -> StoredRecord:
        path, rank, facts, record = row
        return StoredRecord(path, rank, json.loads(facts), json.loads(record))

    def hashes(self) -> Iterator[tuple[int, int]]:
        """Yield rank and perceptual hash, -2**63 to 2**63 - 1, of all images that have one, by rank."""
        yield from self._run("SELECT rank, hash FROM images WHERE hash IS NOT NULL ORDER BY rank")

    def path_at(self, rank: int) -> str:
        """Return the path of the image with this rank."""
        (path,) = self._run("SELECT path FROM images WHERE rank = ?", rank).fetchone()
        return str(path)

    def counts(self) -> dict[str, int]:
        """Return the number of images per verdict and per error code."""
        query = "SELECT verdict, count(*) FROM images WHERE record IS NOT NULL GROUP BY 1 ORDER BY 2 DESC"
        return dict(self._run(query))

    def histogram(self, bins: int) -> list[int]:
        """Return the number of images per bin of p_fake; equal bins from 0 to 1."""
        query = (
            "SELECT min(cast(p_fake * ? AS INTEGER), ? - 1), count(*) FROM images "
            "WHERE p_fake NOT NULL GROUP BY 1"
        )
        counts = dict(self._run(query, bins, bins))
        return [counts.get(number, 0) for number in range(bins)]

    def close(self) -> None:
        """Close the file; the results stay in it."""
        with self._lock:
            self._database.close()

    def remove(self) -> None:
        """Close and delete the file."""
        self.close()
        _remove(self._path)


def _open_error(path: Path, error: sqlite3.Error) -> DataError:
    if error.sqlite_errorname in ("SQLITE_BUSY", "SQLITE_LOCKED"):
        return DataError(
            f"{path}: another scan into the same table is running; wait for its end, or give another name"
        )
    return DataError(f"{path}: cannot be used to save results: {error}; start over with --overwrite")


def discard(path: Path) -> None:
    """Delete the file of an earlier scan, or any other of that name; raise DataError if a scan uses it."""
    if path.exists():
        with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(path, timeout=1)) as database:
            try:
                database.executescript("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;")
            except sqlite3.OperationalError as error:
                raise _open_error(path, error) from error
    _remove(path)


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):  # the last two are SQLite's
        path.with_name(name).unlink(missing_ok=True)
