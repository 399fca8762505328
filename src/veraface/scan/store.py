"""What is done of a scan, in an SQLite file beside the table: a kill at any moment loses nothing of it."""

import json
import sqlite3
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from veraface.errors import DataError
from veraface.scan.item import Item
from veraface.scan.records import Record

_FORMAT = 4  # of the file; raised with every change of its tables
# EXCLUSIVE: a second scan into the same table is refused.
_PRAGMAS = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
_TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE images (
    path TEXT PRIMARY KEY, position INTEGER NOT NULL, claimed INTEGER NOT NULL, trouble INTEGER NOT NULL,
    facts TEXT, record TEXT, p_fake REAL, verdict TEXT, hash INTEGER
) WITHOUT ROWID;
CREATE INDEX by_rank ON images (claimed DESC, position);
CREATE TABLE thumbnails (path TEXT PRIMARY KEY, p_fake REAL NOT NULL, jpeg BLOB NOT NULL);
"""


_MAX_LISTED = 2**40  # in one run


class Claim(Enum):
    """What is to be done with an image that was listed."""

    NEW = "not judged yet"
    DONE = "judged already"
    TWICE = "listed before in this run"


@dataclass(frozen=True)
class Kept:
    """One image, as it comes out again."""

    path: str
    rank: int  # its place in the table: as listed in this run, and behind those what only earlier runs listed
    facts: dict[str, Any]  # size, modified, sha256
    record: Record


class Store:
    """The images of one scan. For one thread; every image is a transaction of its own.

    SQLite's write-ahead log keeps it whole when the process is killed; when the whole machine fails, the last
    moments may be lost, and are judged again (sqlite.org/wal.html).
    """

    def __init__(self, path: Path, about: Mapping[str, str], *, thumbnails: int = 24) -> None:
        """Opens the file, or makes it.

        Args:
            path: The file.
            about: What the scan is made with, such as the model's sha256: must be the same when it goes on.
            thumbnails: How many are kept, of the images that most look fake.

        Raises:
            DataError: It is no such file, belongs to a scan of another kind, or cannot be written.
        """
        self._path = path
        self._thumbnails = thumbnails
        self._about = {"format": str(_FORMAT), **about}
        try:
            self._open()
        except (sqlite3.Error, DataError) as error:
            if hasattr(self, "_database"):
                self._database.close()
            if isinstance(error, DataError):
                raise
            raise DataError(_in_words(path, error)) from error

    def _open(self) -> None:
        begun = self._path.exists() and self._path.stat().st_size > 0
        self._database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        self._database.executescript(_PRAGMAS)
        if not begun or not self._run("SELECT 1 FROM sqlite_master WHERE name = 'about'").fetchone():
            self._database.executescript(f"BEGIN; {_TABLES}")
            self._database.executemany("INSERT INTO about VALUES (?, ?)", self._about.items())
            self._database.execute("COMMIT")
        was = dict(self._run("SELECT name, value FROM about"))
        for name, value in self._about.items():
            if was.get(name) != value:
                raise DataError(
                    f"{self._path}: was begun with {name} {was.get(name)}, not {value}; finish it with that, "
                    "or start anew with --overwrite"
                )
        (last,) = self._run("SELECT coalesce(max(claimed), 0) FROM images").fetchone()
        self._this_run = last + 1

    def _run(self, command: str, *values: Any) -> sqlite3.Cursor:
        try:
            return self._database.execute(command, values)
        except sqlite3.Error as error:  # the disk is full, or the file was changed
            raise DataError(f"{self._path}: what is done can no longer be kept: {error}") from error

    def claim(self, item: Item, position: int) -> Claim:
        """Notes that an image was listed, at which place, and says what is to be done with it."""
        command = "SELECT record IS NULL OR trouble, claimed FROM images WHERE path = ?"
        found = self._run(command, item.path).fetchone()
        values = (position, self._this_run, item.trouble is not None, item.path)
        if found is None:
            self._run("INSERT INTO images (position, claimed, trouble, path) VALUES (?, ?, ?, ?)", *values)
            return Claim.NEW
        open_, claimed = found
        if claimed == self._this_run:
            return Claim.TWICE
        self._run("UPDATE images SET position = ?, claimed = ?, trouble = ? WHERE path = ?", *values)
        # What could not even be listed is no image that is done: it may be whole by now.
        return Claim.NEW if open_ or item.trouble is not None else Claim.DONE

    def keep(
        self, item: Item, facts: Mapping[str, Any], record: Record, thumbnail: str | None = None
    ) -> None:
        """Keeps what was found out of an image. From now on it is done, whatever happens."""
        fingerprint = record.get("perceptual_hash")
        self._run("BEGIN")
        self._run(
            "UPDATE images SET facts = ?, record = ?, p_fake = ?, verdict = ?, hash = ? WHERE path = ?",
            json.dumps(facts),
            json.dumps(record),
            record.get("p_fake"),
            record.get("verdict") or record["error"],
            None if fingerprint is None else int(fingerprint, 16) - 2**63,  # SQLite's integers have a sign
            item.path,
        )
        if thumbnail is not None:
            self._run(
                "INSERT OR REPLACE INTO thumbnails VALUES (?, ?, ?)",
                item.path,
                record["p_fake"],
                b64decode(thumbnail),
            )
            self._run(
                "DELETE FROM thumbnails WHERE path NOT IN "
                "(SELECT path FROM thumbnails ORDER BY p_fake DESC, path LIMIT ?)",
                self._thumbnails,
            )
        self._run("COMMIT")

    def thumbnail_from(self) -> float:
        """The p_fake above which an image comes among those whose small copy is kept."""
        count, least = self._run("SELECT count(*), min(p_fake) FROM thumbnails").fetchone()
        return float(least) if count >= self._thumbnails else 0.0

    def forget_trouble(self) -> None:
        """Drops what only earlier runs could not list."""
        self._run("DELETE FROM images WHERE trouble AND claimed != ?", self._this_run)

    def is_empty(self) -> bool:
        """Whether nothing is done."""
        found = self._run("SELECT 1 FROM images WHERE record IS NOT NULL LIMIT 1").fetchone()
        return found is None

    def kept(self) -> Iterator[Kept]:
        """All that are done, in their order."""
        command = (
            "SELECT path, claimed, position, facts, record FROM images WHERE record IS NOT NULL "
            "ORDER BY claimed DESC, position"
        )
        for path, claimed, position, facts, record in self._run(command):
            yield Kept(path, self._rank(claimed, position), json.loads(facts), json.loads(record))

    def hashes(self) -> Iterator[tuple[int, int]]:
        """Rank and perceptual hash, -2**63 to 2**63 - 1, of all that have one, in their order."""
        command = (
            "SELECT claimed, position, hash FROM images WHERE hash IS NOT NULL "
            "ORDER BY claimed DESC, position"
        )
        for claimed, position, hash_ in self._run(command):
            yield self._rank(claimed, position), hash_

    def path_at(self, rank: int) -> str:
        """The path of the image at a place of the table."""
        runs_ago, position = divmod(rank, _MAX_LISTED)
        command = "SELECT path FROM images WHERE claimed = ? AND position = ?"
        (path,) = self._run(command, self._this_run - runs_ago, position).fetchone()
        return str(path)

    def _rank(self, claimed: int, position: int) -> int:
        return int((self._this_run - claimed) * _MAX_LISTED + position)

    def counts(self) -> dict[str, int]:
        """How many there are of each verdict, and of each code of an error."""
        command = "SELECT verdict, count(*) FROM images WHERE record IS NOT NULL GROUP BY 1 ORDER BY 2 DESC"
        return dict(self._run(command))

    def histogram(self, bins: int) -> list[int]:
        """How many images have a p_fake in each of so many equal parts of 0 to 1."""
        counts = [0] * bins
        command = (
            "SELECT min(cast(p_fake * ? AS INTEGER), ? - 1), count(*) FROM images "
            "WHERE p_fake NOT NULL GROUP BY 1"
        )
        for part, count in self._run(command, bins, bins):
            counts[part] = count
        return counts

    def most_suspicious(self) -> Iterator[tuple[Kept, bytes]]:
        """Those that most look fake, with a small JPEG of each."""
        command = (
            "SELECT path, claimed, position, facts, record, jpeg FROM thumbnails JOIN images USING (path) "
            "ORDER BY thumbnails.p_fake DESC, path"
        )
        for path, claimed, position, facts, record, jpeg in self._run(command):
            kept = Kept(path, self._rank(claimed, position), json.loads(facts), json.loads(record))
            yield kept, jpeg

    def close(self) -> None:
        """Closes the file; what is in it stays."""
        self._database.close()

    def remove(self) -> None:
        """Closes and deletes it."""
        self.close()
        remove(self._path)


def _in_words(path: Path, error: sqlite3.Error) -> str:
    if error.sqlite_errorname in ("SQLITE_BUSY", "SQLITE_LOCKED"):
        return f"{path}: another scan into the same table is running; wait for its end, or give another name"
    return f"{path}: cannot be used to keep what is done: {error}; --overwrite begins anew"


def discard(path: Path) -> None:
    """Deletes what an earlier scan kept, or whatever has its name.

    Raises:
        DataError: A scan that is running keeps it.
    """
    if path.exists():
        with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(path, timeout=1)) as database:
            try:
                database.executescript("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;")
            except sqlite3.OperationalError as error:
                raise DataError(_in_words(path, error)) from error
    remove(path)


def remove(path: Path) -> None:
    """Deletes such a file, and what SQLite keeps beside it."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
