"""The summary of a scan, and its report: one self-contained HTML page with counts, histogram and gallery."""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from veraface.files import write_atomic
from veraface.scan.store import StoredRecord
from veraface.text import VERDICT_LABELS
from veraface.utils import needs_extra

_TEMPLATE = Path(__file__).with_name("report.html")


@dataclass(frozen=True)
class Summary:
    """Counts of a finished scan."""

    table: str  # display path of the table
    verdicts: dict[str, int]  # images per verdict
    errors: dict[str, int]  # images per error code
    duplicates: int  # images that look like an earlier one
    histogram: list[int]  # images per bin of p_fake; equal bins from 0 to 1
    analyzed: int  # images that this run analyzed
    skipped: int  # images that an earlier run had analyzed
    seconds: float  # duration of this run
    model: dict[str, str] = field(default_factory=dict)  # name, version and sha256

    @property
    def images(self) -> int:
        """Number of images in the table, including those with an error."""
        return sum(self.verdicts.values()) + sum(self.errors.values())


def write_report(path: Path, summary: Summary, suspicious: Iterable[tuple[StoredRecord, bytes]]) -> None:
    """Write the page; `suspicious` are the images with the highest p_fake, each with its JPEG thumbnail.

    Raises:
        DataError: The page cannot be written.
        VerafaceError: Jinja is not installed.
    """
    with needs_extra("scan"):
        from jinja2 import Environment, StrictUndefined
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    gallery = [
        {"path": stored.path, "jpeg": b64encode(jpeg).decode(), **stored.record}
        for stored, jpeg in suspicious
    ]
    highest = max(summary.histogram) or 1
    page = template.render(summary=summary, labels=VERDICT_LABELS, highest=highest, gallery=gallery)
    write_atomic(path, page)
