"""What is done of a scan, in an SQLite file beside the table: a kill at any moment loses nothing of it."""

import json
import sqlite3
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from veraface.errors import DataError
from veraface.scan.items import Item
from veraface.scan.rows import Record

_FORMAT = 1  # of the file; raised with every change of its tables
# EXCLUSIVE: a second scan into the same table is refused.
_PRAGMAS = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
_TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE pictures (
    path TEXT PRIMARY KEY, position INTEGER NOT NULL, claimed INTEGER NOT NULL,
    facts TEXT, record TEXT, p_fake REAL, verdict TEXT, hash INTEGER
) WITHOUT ROWID;
CREATE INDEX by_position ON pictures (position);
CREATE TABLE thumbnails (path TEXT PRIMARY KEY, p_fake REAL NOT NULL, jpeg BLOB NOT NULL);
"""


class Claim(Enum):
    """What is to be done with a picture that was listed."""

    NEW = "not judged yet"
    DONE = "judged already"
    TWICE = "listed before in this run"


@dataclass(frozen=True)
class Kept:
    """One picture, as it comes out again."""

    path: str
    position: int
    facts: dict[str, Any]  # size, modified, sha256
    record: Record


class Store:
    """The pictures of one scan. For one thread; every picture is a transaction of its own.

    SQLite's write-ahead log keeps it whole when the process is killed; when the whole machine fails, the last
    moments may be lost, and are judged again (sqlite.org/wal.html).
    """

    def __init__(self, path: Path, about: Mapping[str, str], *, thumbnails: int = 24) -> None:
        """Opens the file, or makes it.

        Args:
            path: The file.
            about: What the scan is made with, such as the model's sha256: must be the same when it goes on.
            thumbnails: How many are kept, of the pictures that most look fake.

        Raises:
            DataError: It is no such file, belongs to a scan of another kind, or cannot be written.
        """
        self._path = path
        self._thumbnails = thumbnails
        self._about = {"format": str(_FORMAT), **about}
        try:
            self._open()
        except sqlite3.Error as error:
            raise DataError(f"{path}: cannot be used to keep what is done: {error}") from error

    def _open(self) -> None:
        begun = self._path.exists() and self._path.stat().st_size > 0
        self._database = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        self._database.executescript(_PRAGMAS)
        if not begun or not self._run("SELECT 1 FROM sqlite_master WHERE name = 'about'").fetchone():
            self._database.executescript(f"BEGIN; {_TABLES} COMMIT;")
            self._database.executemany("INSERT INTO about VALUES (?, ?)", self._about.items())
        was = dict(self._run("SELECT name, value FROM about"))
        for name, value in self._about.items():
            if was.get(name) != value:
                raise DataError(
                    f"{self._path}: was begun with {name} {was.get(name)}, not {value}; finish it with that, "
                    "or start anew with --overwrite"
                )
        (last,) = self._run("SELECT coalesce(max(claimed), 0) FROM pictures").fetchone()
        self._this_run = last + 1

    def _run(self, command: str, *values: Any) -> sqlite3.Cursor:
        try:
            return self._database.execute(command, values)
        except sqlite3.Error as error:  # the disk is full, or the file was changed
            raise DataError(f"{self._path}: what is done can no longer be kept: {error}") from error

    def claim(self, item: Item, position: int) -> Claim:
        """Notes that a picture was listed, at which place, and says what is to be done with it."""
        found = self._run("SELECT record IS NULL, claimed FROM pictures WHERE path = ?", item.path).fetchone()
        if found is None:
            values = (item.path, position, self._this_run)
            self._run("INSERT INTO pictures (path, position, claimed) VALUES (?, ?, ?)", *values)
            return Claim.NEW
        open_, claimed = found
        if claimed == self._this_run:
            return Claim.TWICE
        self._run(
            "UPDATE pictures SET position = ?, claimed = ? WHERE path = ?",
            position,
            self._this_run,
            item.path,
        )
        return Claim.NEW if open_ else Claim.DONE

    def keep(
        self, item: Item, facts: Mapping[str, Any], record: Record, thumbnail: str | None = None
    ) -> None:
        """Keeps what was found out of a picture. From now on it is done, whatever happens."""
        fingerprint = record.get("perceptual_hash")
        self._run("BEGIN")
        self._run(
            "UPDATE pictures SET facts = ?, record = ?, p_fake = ?, verdict = ?, hash = ? WHERE path = ?",
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
        """The p_fake above which a picture comes among those whose small copy is kept."""
        count, least = self._run("SELECT count(*), min(p_fake) FROM thumbnails").fetchone()
        return float(least) if count >= self._thumbnails else 0.0

    def kept(self) -> Iterator[Kept]:
        """All that are done, in the order in which they were listed."""
        command = (
            "SELECT path, position, facts, record FROM pictures WHERE record IS NOT NULL "
            "ORDER BY position, path"
        )
        for path, position, facts, record in self._run(command):
            yield Kept(path, position, json.loads(facts), json.loads(record))

    def hashes(self) -> Iterator[tuple[int, int]]:
        """Position and perceptual hash, -2**63 to 2**63 - 1, of all that have one, in their order."""
        yield from self._run(
            "SELECT position, hash FROM pictures WHERE hash IS NOT NULL ORDER BY position, path"
        )

    def path_at(self, position: int) -> str:
        """The path of the picture that was listed at a place."""
        (path,) = self._run("SELECT min(path) FROM pictures WHERE position = ?", position).fetchone()
        return str(path)

    def counts(self) -> dict[str, int]:
        """How many there are of each verdict, and of each code of an error."""
        command = "SELECT verdict, count(*) FROM pictures WHERE record IS NOT NULL GROUP BY 1 ORDER BY 2 DESC"
        return dict(self._run(command))

    def histogram(self, bins: int) -> list[int]:
        """How many pictures have a p_fake in each of so many equal parts of 0 to 1."""
        counts = [0] * bins
        command = (
            "SELECT min(cast(p_fake * ? AS INTEGER), ? - 1), count(*) FROM pictures "
            "WHERE p_fake NOT NULL GROUP BY 1"
        )
        for part, count in self._run(command, bins, bins):
            counts[part] = count
        return counts

    def most_suspicious(self) -> Iterator[tuple[Kept, bytes]]:
        """Those that most look fake, with a small JPEG of each."""
        command = (
            "SELECT path, position, facts, record, jpeg FROM thumbnails JOIN pictures USING (path) "
            "ORDER BY thumbnails.p_fake DESC, path"
        )
        for path, position, facts, record, jpeg in self._run(command):
            yield Kept(path, position, json.loads(facts), json.loads(record)), jpeg

    def close(self) -> None:
        """Closes the file; what is in it stays."""
        self._database.close()

    def remove(self) -> None:
        """Closes and deletes it."""
        self.close()
        remove(self._path)


def remove(path: Path) -> None:
    """Deletes such a file, and what SQLite keeps beside it."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
