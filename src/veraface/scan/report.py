"""A scan as one HTML page that needs nothing else: counts, histogram, the most suspicious images."""

from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from veraface.files import write_atomic
from veraface.scan.store import Kept
from veraface.utils import needs_extra

if TYPE_CHECKING:
    from veraface.scan.session import Summary

_TEMPLATE = Path(__file__).with_name("report.html")
_WORDS = {
    "fake": "Likely fake",
    "uncertain": "Cannot tell",
    "real": "Likely real",
    "no_face": "No face found",
}


def write_report(path: Path, summary: "Summary", suspicious: Iterable[tuple[Kept, bytes]]) -> None:
    """Writes the page.

    Args:
        path: Where to.
        summary: Of the scan.
        suspicious: The images that most look fake, the most suspicious first, with a small JPEG of each.

    Raises:
        DataError: It cannot be written.
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
        words=_WORDS,
        highest=max(summary.histogram) or 1,
        gallery=[_shown(kept, jpeg) for kept, jpeg in suspicious],
    )
    write_atomic(path, page)


def _shown(kept: Kept, jpeg: bytes) -> dict[str, Any]:
    return {"path": kept.path, "jpeg": b64encode(jpeg).decode(), **kept.record}
