"""One entry of an audit log: its fields, its hash and its line."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

from veraface.errors import VerafaceError

FORMAT = "veraface-audit/1"
FIRST_PREVIOUS = "0" * 64  # `previous` of the first entry
MAX_LINE_BYTES = 64 * 1024
_TEXTS = ("event", "time", "previous", "hash")  # which every entry has
_BLOCK_BYTES = 2**20  # read at a time

Entry = dict[str, Any]


class AuditError(VerafaceError, code="audit_failed"):
    """An audit log cannot be written or read, or is damaged."""


@dataclass(frozen=True)
class FileId:
    """The file that an entry is about."""

    sha256: str
    """hexadecimal; `sha256sum FILE` prints the same"""
    size: int
    """bytes"""

    @classmethod
    def of(cls, content: bytes) -> "FileId":
        """Return the identity of the content of a file."""
        return cls(hashlib.sha256(content).hexdigest(), len(content))

    @classmethod
    def of_file(cls, file: BufferedReader) -> "FileId":
        """Return the identity of an open file at its start."""
        return cls(hashlib.file_digest(file, "sha256").hexdigest(), file.tell())

    @classmethod
    def of_path(cls, path: Path | str) -> "FileId":
        """Return the identity of a file that may be too large for the memory; raise AuditError."""
        try:
            with open(path, "rb") as file:
                return cls.of_file(file)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            reason = error.strerror if isinstance(error, OSError) else error
            raise AuditError(f"{path}: cannot be read: {reason}") from error


def canonical(entry: Mapping[str, Any]) -> bytes:
    """Return the only accepted spelling of an entry: sorted keys, no spaces, ASCII."""
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii")


def seal(fields: Mapping[str, Any], previous: str) -> tuple[str, bytes]:
    """Return the hash and the line of an entry that follows the one with the hash `previous`."""
    entry = {"format": FORMAT, **fields, "previous": previous}
    digest = hashlib.sha256(canonical(entry)).hexdigest()
    line = canonical({**entry, "hash": digest}) + b"\n"
    if len(line) > MAX_LINE_BYTES:
        raise AuditError(f"an entry of {len(line)} bytes is too long; at most {MAX_LINE_BYTES} are allowed")
    return digest, line


def read_entry(line: bytes) -> Entry:
    """Decode a line without its line break and check hash and fields; raise ValueError with what is wrong."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON, or only a part of it") from None
    if not isinstance(entry, dict) or entry.get("format") != FORMAT or canonical(entry) != line:
        raise ValueError(f"is not an entry of the format {FORMAT}, or was written by another program")
    unsealed = {name: value for name, value in entry.items() if name != "hash"}
    if hashlib.sha256(canonical(unsealed)).hexdigest() != entry.get("hash"):
        raise ValueError("was changed: its hash does not match its content")
    if missing := [name for name in _TEXTS if not isinstance(entry.get(name), str)]:
        raise ValueError(f"is not a complete entry: {missing[0]} must be a string")
    if entry["event"] in ("analysis", "decision"):
        file = entry.get("file")
        if not isinstance(file, dict) or not isinstance(file.get("sha256"), str):
            raise ValueError("is not a complete entry: file.sha256 must be a string")
    return entry


def lines_from_end(file: int, part: bytes, within: int | None = None) -> Iterator[bytes]:
    """Yield the complete lines of an open log that contain `part`, the last ones first, without line breaks.

    Lines that begin before the last `within` bytes are left out. A line may be yielded twice.
    """
    size = os.fstat(file).st_size
    lowest = 0 if within is None else max(0, size - within)
    for end in range(size, lowest, -_BLOCK_BYTES):
        # With as much of the next block as the last line of this one can reach into, and one byte before.
        start = max(lowest, end - _BLOCK_BYTES, 1) - 1
        block = os.pread(file, end - start + MAX_LINE_BYTES, start)
        at = block.rfind(part)
        while at >= 0:
            before, after = block.rfind(b"\n", 0, at), block.find(b"\n", at)
            if after >= 0 and (before >= 0 or start == 0):
                yield block[before + 1 : after]
            at = block.rfind(part, 0, at)
