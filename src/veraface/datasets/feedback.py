"""Images with a wrong verdict that a person has reported, in a folder that `evaluate` and `train` read.

Files are kept as they are, in `real/` and `fake/` by the person's label, with a `manifest.csv` that also has
the note and the wrong verdict. Every report appends one line to it; of several lines about the same
image, the last one counts. Nothing here needs NumPy, since the server imports it.
"""

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal, get_args

from veraface.datasets.layouts import MANIFEST
from veraface.errors import DataError
from veraface.files import append_durably, ensure_writable_dir, write_atomic
from veraface.results import DetectionResult
from veraface.text import clean

Label = Literal["real", "fake"]
LABELS: tuple[Label, ...] = get_args(Label)
MAX_NOTE = 2000  # characters
MAX_BYTES = 2**30  # of all files of a folder, its manifest included
SOURCE = "feedback"
_ENDINGS = {"JPEG": ".jpg", "TIFF": ".tif", "HEIF": ".heic"}  # of other formats their names


@dataclass(frozen=True)
class Report:
    """One report of a wrong verdict, as a row of the manifest."""

    path: str  # relative to the folder
    label: str  # by the person
    source: str
    generator: str  # what made the fake, if the person knows
    group: str
    sha256: str
    note: str
    verdict: str  # of the model
    p_fake: str
    model: str
    time: str
    by: str


COLUMNS = tuple(field.name for field in fields(Report))
_MAX_LINE = 2**16  # bytes; more than any report has


class FeedbackFolder:
    """Keeps reported images in a folder; safe to use from several processes at the same time."""

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        """Create the folder if needed; raise `DataError` if it cannot be written."""
        ensure_writable_dir(folder)
        self.folder = folder
        self._max_bytes = max_bytes

    def add(
        self,
        content: bytes,
        label: Label,
        result: DetectionResult,
        *,
        note: str = "",
        generator: str = "",
        by: str = "",
    ) -> Report:
        """Keep an image with a person's label; a report about the same image is replaced.

        Args:
            content: of the image file.
            label: what it is, by the person.
            result: the wrong or doubtful result of the model.
            note: how the person knows, up to 2,000 characters.
            generator: what made a fake, if known.
            by: who reports it.

        Raises:
            DataError: the folder is full or cannot be written.
            ValueError: the label is unknown, or the note too long.
        """
        if label not in LABELS or len(note) > MAX_NOTE:
            raise ValueError(f"a label is one of {LABELS}, with a note of up to {MAX_NOTE} characters")
        sha256 = hashlib.sha256(content).hexdigest()
        ending = _ENDINGS.get(result.format, f".{result.format.lower()}")
        path = f"{label}/{sha256[:16]}{ending}"
        report = Report(
            path=path,
            label=label,
            source=SOURCE,
            generator=_cell(generator),
            group=sha256[:16],
            sha256=sha256,
            note=_cell(note),
            verdict=result.verdict.value,
            p_fake="" if result.p_fake is None else f"{result.p_fake:.6f}",
            model=" ".join(result.model[name] for name in ("name", "version")),
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            by=_cell(by),
        )
        row = _csv_line(list(asdict(report).values()))
        with self._locked() as lock:
            for each in LABELS:
                (self.folder / each).mkdir(exist_ok=True)
            target = self.folder / path
            former = [place for each in LABELS if (place := self.folder / each / target.name).exists()]
            with _opened(self.folder / MANIFEST) as manifest:
                used = self._bytes_used(lock) + len(content) - sum(file.stat().st_size for file in former)
                if used + os.fstat(manifest).st_size + len(row) > self._max_bytes:
                    limit = f"{self._max_bytes / 2**20:.0f} MiB"
                    raise DataError(f"{self.folder}: is full ({limit}); move its content elsewhere")
                write_atomic(target, content)
                try:
                    append_durably(manifest, row)
                except OSError:
                    if target not in former:
                        target.unlink()
                    raise
            for file in former:
                if file != target:  # the person has changed their mind
                    file.unlink()
            self._note_bytes_used(lock, used)
        return report

    def _bytes_used(self, lock: IO[str]) -> int:
        """Return the size of all images: as the last report noted it, unless a folder has changed since."""
        with suppress(ValueError, KeyError, TypeError):  # nothing noted, or only a part of it
            noted = json.load(lock)
            if noted["changed_ns"] == self._changed_ns():
                return int(noted["bytes"])
        return sum(file.stat().st_size for label in LABELS for file in (self.folder / label).iterdir())

    def _note_bytes_used(self, lock: IO[str], used: int) -> None:
        lock.seek(0)
        lock.truncate()
        json.dump({"bytes": used, "changed_ns": self._changed_ns()}, lock)

    def _changed_ns(self) -> list[int]:
        return [(self.folder / label).stat().st_mtime_ns for label in LABELS]

    @contextmanager
    def _locked(self) -> Iterator[IO[str]]:
        """Yield the lock file, which also notes how many bytes are used, while no other process has it."""
        import fcntl  # missing on Windows, where the rest of the package can be imported

        try:
            with (self.folder / ".lock").open("a+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(0)
                yield file
        except OSError as error:
            raise DataError(f"{self.folder}: cannot be written: {error.strerror}") from error


def read_reports(manifest: Path) -> list[tuple[int, dict[str, str]]] | None:
    """Return the rows that count, each with the number of its line; None for a manifest of other columns.

    They are the last ones of each image. A last line that a crash has cut off is left out.

    Raises:
        OSError: it cannot be read.
    """
    with manifest.open("rb") as file:
        if not _is_header(file.readline(_MAX_LINE)):
            return None
        lines = file.read()
    whole, newline, last = lines.rpartition(b"\n")
    text = (lines if _is_complete(last) else whole + newline).decode(errors="replace")
    rows = csv.DictReader(io.StringIO(text, newline=""), COLUMNS)
    return list({row["sha256"]: (rows.line_num + 1, row) for row in rows}.values())


@contextmanager
def _opened(manifest: Path) -> Iterator[int]:
    """Yield the file descriptor of a manifest, with a header and after its last complete row."""
    file = os.open(manifest, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    try:
        size = os.fstat(file).st_size
        first, newline, _ = os.pread(file, _MAX_LINE, 0).partition(b"\n")
        if not newline:  # new, or its first line was cut off
            os.ftruncate(file, 0)
            append_durably(file, _csv_line(COLUMNS))
        elif not _is_header(first):
            raise DataError(f"{manifest}: has other columns than reports; move it to another folder")
        else:
            last = os.pread(file, _MAX_LINE, max(0, size - _MAX_LINE)).rpartition(b"\n")[2]
            if _is_complete(last):  # an editor has left out the line break
                append_durably(file, b"\r\n")
            elif last:
                os.ftruncate(file, size - len(last))
        yield file
    finally:
        os.close(file)


def _csv_line(cells: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def _is_header(line: bytes) -> bool:
    return line.rstrip(b"\r\n") == ",".join(COLUMNS).encode()


def _is_complete(line: bytes) -> bool:
    """Return whether a line without a line break has all cells of a report."""
    return len(next(csv.reader([line.decode(errors="replace")]), [])) == len(COLUMNS)


def parse_saved(content: bytes) -> Mapping[str, object] | None:
    """Return what the page has saved as a report, with the image in base64; None if it is not such a file."""
    if content.lstrip()[:1] != b"{":
        return None
    try:
        saved = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return saved if isinstance(saved, dict) and saved.get("format") == "veraface-feedback/1" else None


def _cell(text: str) -> str:
    """Return text on one line, which no spreadsheet runs as a formula."""
    shown = clean(text, MAX_NOTE)
    return f" {shown}" if shown.startswith(("=", "+", "-", "@")) else shown
