"""What the readers of generator parameters share."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from veraface.provenance.claims import Generator
from veraface.provenance.texts import clean_text

# Keys for the fields of an EXIF block, beside the keywords of PNG text chunks.
EXIF_COMMENT, EXIF_MAKE, EXIF_MODEL = "EXIF UserComment", "EXIF Make", "EXIF Model"

_MAX_SETTINGS = 20


@dataclass(frozen=True)
class GeneratorReader:
    """Reads the parameters that one family of image generators writes.

    Attributes:
        keywords: of the PNG text chunks that it reads.
        read: takes texts by keyword, of a PNG or by the keys above of an EXIF block; returns None if they are
            not of this family. The texts are untrusted: use `veraface.provenance.texts`.
    """

    keywords: frozenset[str]
    read: Callable[[Mapping[str, str]], Generator | None]


def clean_settings(pairs: Iterable[tuple[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Return at most 20 names and values as printable text, without empty ones."""
    cleaned = ((clean_text(name, 60), clean_text(value)) for name, value in list(pairs)[: 10 * _MAX_SETTINGS])
    return tuple((name, value) for name, value in cleaned if name and value)[:_MAX_SETTINGS]


def png_place(keyword: str) -> str:
    """Return the name of a PNG text chunk as shown to users."""
    return f"PNG text “{keyword}”"
