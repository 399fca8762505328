"""Text from untrusted files: limited in length, and without characters that control how it is displayed."""

import json
import unicodedata
from typing import Any

MAX_VALUE = 300  # characters of one value
MAX_PROMPT = 2000  # characters of a prompt
MAX_ENTRIES = 50  # of a list, such as the steps of a history
MAX_TEXT_BYTES = 2**20  # of one text in a file; workflows of ComfyUI have some 100 kB

# Marks that change the writing direction of what follows (Unicode Standard Annex 9) and could disguise it.
_DIRECTION_MARKS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_CONTROL_CATEGORIES = ("Cc", "Cs", "Zl", "Zp")  # control characters, lone surrogates, line breaks
_SOURCE_TYPE_PREFIXES = ("cv.iptc.org/newscodes/digitalsourcetype/", "c2pa.org/digitalsourcetype/")


def clean_text(text: Any, limit: int = MAX_VALUE) -> str | None:
    """Return one line of at most `limit` characters; None if nothing is left or it is not a string."""
    if not isinstance(text, str):
        return None
    start = text[: 4 * limit].split("\0\0", 1)[0]
    kept = "".join(
        " " if unicodedata.category(c) in _CONTROL_CATEGORIES else c
        for c in start
        if c not in _DIRECTION_MARKS
    )
    line = " ".join(kept.split())
    if len(line) > limit or len(text) > 4 * limit:
        line = line[: limit - 1].rstrip() + "…"
    return line or None


def source_type_name(address: Any) -> str | None:
    """Return the name of an IPTC DigitalSourceType (cv.iptc.org/newscodes/digitalsourcetype) from its URI."""
    line = clean_text(address)
    if line is None:
        return None
    bare = line.split("://", 1)[-1]
    known = next((prefix for prefix in _SOURCE_TYPE_PREFIXES if bare.lower().startswith(prefix)), "")
    return bare[len(known) :].strip("/") or None if known else line


def parse_json(text: str) -> Any:
    """Parse a JSON text; None if it is not JSON, too long or too deeply nested."""
    if len(text) > MAX_TEXT_BYTES:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def mapping(value: Any) -> dict[str, Any]:
    """Return a value of a parsed text if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a value of a parsed text, if it is a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
