"""The writer of an audit log."""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from veraface import __version__
from veraface.audit.entries import (
    FIRST_PREVIOUS,
    MAX_LINE_BYTES,
    AuditError,
    Entry,
    FileId,
    lines_from_end,
    read_entry,
    seal,
)
from veraface.files import append_durably
from veraface.results import DetectionResult
from veraface.utils import user_name
from veraface.video.results import VideoResult

Decision = Literal["fake", "real", "undecided"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)
MAX_NOTE = 2000  # characters
_FIGURES = ("verdict", "p_fake", "p_fake_range")
_MAX_FACES = 256  # of one entry; the most likely fakes
_MODE = 0o600  # of a new log


class AuditLog:
    """Appends entries to a log; safe to use from several threads and processes at the same time.

    Every entry is written and flushed to the disk (fsync) before its method returns. Writers take an
    exclusive lock on the file (flock), so that the chain never forks.
    """

    def __init__(self, path: Path | str, *, actor: str | None = None, via: str = "library") -> None:
        """Open or create a log, readable by its owner only.

        Args:
            path: of the log.
            actor: default actor of entries; the user of this process if None.
            via: the interface that adds the entries, such as "library", "command" or "server".

        Raises:
            AuditError: it cannot be written, or its last entry is damaged.
        """
        self.path = Path(path)
        self._actor = actor or f"user:{user_name()}"
        self._via = via
        with self._locked() as file:
            self._tail(file)

    def add_analysis(
        self,
        file: FileId,
        result: DetectionResult | VideoResult | Mapping[str, Any],
        *,
        actor: str | None = None,
        **more: Any,
    ) -> str:
        """Append the result for a file, or its `to_dict()`; return the entry's hash.

        `more` are further JSON-ready fields.
        """
        found = result if isinstance(result, Mapping) else result.to_dict()
        outcome = {name: found[name] for name in _FIGURES if name in found}
        faces = found["faces"] if "faces" in found else found["tracks"]
        if len(faces) > _MAX_FACES:  # a line has a limit, which a crowd in a long video would exceed
            outcome["faces_found"] = len(faces)
            faces = sorted(faces, key=lambda face: face["p_fake"] or 0.0, reverse=True)[:_MAX_FACES]
        outcome["faces"] = [{name: face[name] for name in _FIGURES if name in face} for face in faces]
        outcome["reasons"] = [reason["code"] for reason in found["reasons"]]
        about = {"model": found["model"], "thresholds": found["thresholds"]}
        return self.add_outcome(file, outcome, actor=actor, **about, **more)

    def add_outcome(
        self, file: FileId, outcome: Mapping[str, Any], *, actor: str | None = None, **more: Any
    ) -> str:
        """Append a JSON-ready outcome of an analysis, such as {"error": code}; return the entry's hash."""
        return self._append("analysis", actor, {"file": vars(file), "result": dict(outcome), **more})

    def add_decision(
        self, entry: str | Entry, decision: Decision, note: str = "", *, actor: str | None = None, **more: Any
    ) -> str:
        """Append what a person decided about an analysis; return the hash of the new entry.

        `entry` is the hash of the analysis, or the analysis as `find` has returned it.

        Raises:
            AuditError: the log has no such analysis, or it cannot be written.
            ValueError: the decision is unknown, or the note has more than 2,000 characters.
        """
        if decision not in DECISIONS or len(note) > MAX_NOTE:
            raise ValueError(f"a decision is one of {DECISIONS}, with a note of up to {MAX_NOTE} characters")
        about = self.find(entry) if isinstance(entry, str) else entry
        if about is None:
            raise AuditError(f"{self.path}: has no analysis with the hash {entry}")
        fields = {"entry": about["hash"], "file": about["file"], "decision": decision, "note": note, **more}
        return self._append("decision", actor, fields)

    def find(self, entry: str, within: int | None = None) -> Entry | None:
        """Return the analysis with this hash, if it begins in the last `within` bytes; None for all of them.

        The search begins at the end of the log and holds one block of it in memory.
        """
        return self._last_analysis(f'"hash":"{entry}"', within)

    def latest(self, sha256: str) -> Entry | None:
        """Return the last analysis of the file with this SHA-256."""
        return self._last_analysis(f'"file":{{"sha256":"{sha256}"')

    def _last_analysis(self, part: str, within: int | None = None) -> Entry | None:
        """Return the last analysis whose line contains a part."""
        with _errors(self.path), self.path.open("rb") as file:
            for line in lines_from_end(file.fileno(), part.encode(), within):
                with suppress(ValueError):  # `verify` reports what is wrong with it
                    found = read_entry(line)
                    if found["event"] == "analysis":
                        return found
        return None

    def _append(self, event: str, actor: str | None, fields: Mapping[str, Any]) -> str:
        with self._locked() as file:
            previous, torn = self._tail(file)
            lines = b""
            if torn and (whole := _hash_of_next(torn, previous)):
                previous, lines = whole, b"\n"  # only its line break is missing
            elif torn:
                about = {"torn_bytes": len(torn), "torn_sha256": hashlib.sha256(torn).hexdigest()}
                previous, line = seal({**self._common("recovered", None), **about}, previous)
                lines = b"\n" + line
            digest, line = seal({**self._common(event, actor), **fields}, previous)
            append_durably(file, lines + line)
        return digest

    def _common(self, event: str, actor: str | None) -> Entry:
        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "time": time,
            "event": event,
            "actor": actor or self._actor,
            "via": self._via,
            "veraface": __version__,
        }

    def _tail(self, file: int) -> tuple[str, bytes]:
        """Return the hash of the last entry, and what follows it without a line break."""
        size = os.fstat(file).st_size
        start = max(0, size - 2 * MAX_LINE_BYTES)
        whole, newline, torn = os.pread(file, size - start, start).rpartition(b"\n")
        if not newline and not start:
            return FIRST_PREVIOUS, torn
        last = whole.rpartition(b"\n")[2]
        try:
            return str(read_entry(last)["hash"]), torn
        except ValueError as error:
            raise AuditError(
                f"{self.path}: its last entry {error}; nothing is appended to a damaged log: keep it, see "
                f"`veraface audit verify {self.path}`, and start a new one under another name"
            ) from None

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Open the log under an exclusive lock, which closing it releases."""
        import fcntl  # missing on Windows, where the rest of the package can be imported

        with _errors(self.path):
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _MODE)
            try:
                if not stat.S_ISREG(os.fstat(file).st_mode):
                    raise AuditError(f"{self.path}: is not a regular file; name one for the audit log")
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file
            finally:
                os.close(file)


def _hash_of_next(line: bytes, previous: str) -> str | None:
    """Return the hash of a line if it is a whole entry that follows the one with the hash `previous`."""
    try:
        entry = read_entry(line)
    except ValueError:
        return None
    return str(entry["hash"]) if entry["previous"] == previous else None


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise AuditError(f"{path}: the audit log cannot be used: {reason}") from error
