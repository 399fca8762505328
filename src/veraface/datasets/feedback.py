"""Wrong answers that a person has put aside: a folder that `veraface evaluate` and `train` read.

Files are kept as they are, in `real/` and `fake/` by the person's label, with a `manifest.csv` that also has
the note and the answer that was wrong. Nothing here needs NumPy, since the server imports it.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from veraface.datasets.layouts import MANIFEST
from veraface.errors import DataError
from veraface.files import ensure_writable_dir, write_atomic
from veraface.results import DetectionResult
from veraface.text import clean

Label = Literal["real", "fake"]
LABELS: tuple[Label, ...] = get_args(Label)
MAX_NOTE = 2000  # characters
MAX_BYTES = 2**30  # of all files of a folder
SOURCE = "feedback"
_ENDINGS = {"JPEG": ".jpg", "TIFF": ".tif", "HEIF": ".heic"}  # of other formats their names


@dataclass(frozen=True)
class Report:
    """One wrong answer, as a row of the manifest."""

    path: str  # relative to the folder
    label: str  # by the person
    source: str
    generator: str  # what made the fake, if the person knows
    group: str
    sha256: str
    note: str
    verdict: str  # the answer
    p_fake: str
    model: str
    time: str
    by: str


class FeedbackFolder:
    """Puts images aside; safe to use from several processes at the same time."""

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
            result: the answer that was wrong, or doubtful.
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
        with self._locked():
            rows = [row for row in self._rows() if row["sha256"] != sha256]
            self._check_room(len(content))
            target = self.folder / path
            ensure_writable_dir(target.parent)
            write_atomic(target, content)
            self._write([*rows, asdict(report)])
            for other in LABELS:  # the person has changed their mind
                if other != label:
                    with suppress(OSError):
                        (self.folder / f"{other}/{target.name}").unlink()
        return report

    def _check_room(self, size: int) -> None:
        used = sum(file.stat().st_size for label in LABELS for file in (self.folder / label).glob("*"))
        if used + size > self._max_bytes:
            raise DataError(
                f"{self.folder}: is full ({self._max_bytes / 2**20:.0f} MiB); move its content elsewhere"
            )

    def _rows(self) -> list[dict[str, str]]:
        try:
            with (self.folder / MANIFEST).open(newline="", encoding="utf-8") as file:
                return list(csv.DictReader(file))
        except FileNotFoundError:
            return []
        except (OSError, ValueError, csv.Error) as error:
            raise DataError(f"{self.folder / MANIFEST}: cannot be read: {error}") from error

    def _write(self, rows: list[dict[str, str]]) -> None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, [field.name for field in fields(Report)], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
        write_atomic(self.folder / MANIFEST, text.getvalue())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        import fcntl  # missing on Windows, where the rest of the package can be imported

        try:
            with (self.folder / ".lock").open("w") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise DataError(f"{self.folder}: cannot be written: {error.strerror}") from error


def parse_saved(content: bytes) -> Mapping[str, object] | None:
    """Return what the page has saved as a report, with the image in base64; None if it is no such file."""
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
