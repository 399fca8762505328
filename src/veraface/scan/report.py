"""Write the report of a scan, one self-contained HTML page: counts, histogram, the most suspicious images."""

from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from veraface.files import write_atomic
from veraface.scan.store import StoredRecord
from veraface.scan.summary import Summary
from veraface.text import VERDICT_LABELS
from veraface.utils import needs_extra

_TEMPLATE = Path(__file__).with_name("report.html")


def write_report(path: Path, summary: Summary, suspicious: Iterable[tuple[StoredRecord, bytes]]) -> None:
    """Write the page.

    Args:
        path: The file to write.
        summary: The summary of the scan.
        suspicious: The images with the highest p_fake, highest first, each with its JPEG thumbnail.

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
    page = template.render(
        summary=summary,
        labels=VERDICT_LABELS,
        highest=max(summary.histogram) or 1,
        gallery=[_gallery_entry(stored, jpeg) for stored, jpeg in suspicious],
    )
    write_atomic(path, page)


def _gallery_entry(stored: StoredRecord, jpeg: bytes) -> dict[str, Any]:
    return {"path": stored.path, "jpeg": b64encode(jpeg).decode(), **stored.record}
