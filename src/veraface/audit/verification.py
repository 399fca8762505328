"""Check an audit log: every hash, and every link from an entry to the one before it."""

import hashlib
import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

from veraface.audit.entries import FIRST_PREVIOUS, MAX_LINE_BYTES, AuditError, read_entry

_HASH = re.compile("[0-9a-f]{64}")
MAX_PROBLEMS = 20  # listed; the check goes on to count the entries


@dataclass
class Verification:
    """What the check of a log has found.

    Attributes:
        entries: number of entries with a correct hash.
        first: time of the first entry, "" if there is none.
        last: time of the last entry.
        head: hash of the last entry. Noted elsewhere, it proves later that nothing before it was removed.
        problems: what is wrong, each with its line; empty if nothing is.
        notes: what happened, but is in order.
        torn: whether the last line is incomplete.
    """

    entries: int = 0
    first: str = ""
    last: str = ""
    head: str = FIRST_PREVIOUS
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    torn: bool = False

    def problem(self, text: str) -> None:
        """Add a problem, up to a limit."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(text)


def verify(path: Path | str, known: str | None = None) -> Verification:
    """Check a log from its first to its last line.

    Args:
        path: of the log. It may be in use.
        known: hash of an entry that the log is known to contain. Without one, a log that was cut off at its
            end or written anew as a whole cannot be distinguished from the original.

    Raises:
        AuditError: it cannot be read, or `known` is not a hash.
    """
    known = None if known is None else known.strip().lower()
    if known is not None and not _HASH.fullmatch(known):
        raise AuditError(f"{known!r} is not the hash of an entry; give 64 hexadecimal digits")
    found, seen_known, broken = Verification(), known in (None, FIRST_PREVIOUS), b""
    broken_at = 0
    try:
        with Path(path).open("rb") as file:
            lines = iter(partial(file.readline, MAX_LINE_BYTES + 1), b"")
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    found.torn = True
                    found.problem(
                        f"line {number}: is incomplete: its writer was stopped, or its end was cut off. The "
                        f"{found.entries} entries before it are not affected, and no result was returned for "
                        "it. The next entry that Veraface appends will note this, or end a whole line"
                    )
                    continue
                try:
                    entry = read_entry(line[:-1])
                except ValueError as error:
                    broken, broken_at, reason = line[:-1], number, str(error)
                    following = _peek(file)
                    if not _recovers(following, broken):
                        found.problem(f"line {number}: {reason}")
                    continue
                if entry["event"] == "recovered":
                    found.notes.append(
                        f"line {broken_at}: is incomplete, as line {number} noted at {entry['time']}: its "
                        "writer was stopped"
                    )
                if entry["previous"] != found.head:
                    found.problem(
                        f"line {number}: does not follow the entry before it: one or more entries between "
                        "them were removed, changed or moved"
                    )
                found.entries += 1
                found.first = found.first or entry["time"]
                found.last, found.head = entry["time"], entry["hash"]
                seen_known = seen_known or found.head == known
    except OSError as error:
        raise AuditError(f"{path}: cannot be read: {error.strerror}") from error
    if not seen_known:
        found.problem(
            f"no entry has the hash {known}: the log was cut off before that entry, or written anew"
        )
    return found


def _peek(file: BinaryIO) -> bytes:
    place = file.tell()
    line = file.readline(MAX_LINE_BYTES + 1)
    file.seek(place)
    return line


def _recovers(line: bytes, torn: bytes) -> bool:
    """Return whether a line is the note of a later writer about an incomplete one."""
    try:
        entry = read_entry(line.removesuffix(b"\n"))
    except ValueError:
        return False
    digest: str | None = entry.get("torn_sha256")
    return digest == hashlib.sha256(torn).hexdigest()
