"""Text from untrusted files: bounded, and without characters that steer what shows it."""

import json
import unicodedata
from typing import Any

MAX_VALUE = 300  # characters of one value
MAX_PROMPT = 2000  # characters of a prompt
MAX_ENTRIES = 50  # of a list, such as the steps of a history

# Marks that turn the writing direction of what follows (Unicode Standard Annex 9) and could disguise it.
_TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_STEERING = ("Cc", "Cs", "Zl", "Zp")  # control characters, halves of pairs, breaks of lines
_SOURCE_TYPE_HOMES = ("cv.iptc.org/newscodes/digitalsourcetype/", "c2pa.org/digitalsourcetype/")


def clean(text: Any, limit: int = MAX_VALUE) -> str | None:
    """One line of at most `limit` characters; None where nothing is left or it is no text."""
    if not isinstance(text, str):
        return None
    start = text[: 4 * limit].split("\0\0", 1)[0]
    kept = "".join(" " if unicodedata.category(c) in _STEERING else c for c in start if c not in _TURNS)
    line = " ".join(kept.split())
    if len(line) > limit or len(text) > 4 * limit:
        line = line[: limit - 1].rstrip() + "…"
    return line or None


def source_type(address: Any) -> str | None:
    """The name of an IPTC DigitalSourceType (cv.iptc.org/newscodes/digitalsourcetype) by its address."""
    line = clean(address)
    if line is None:
        return None
    bare = line.split("://", 1)[-1]
    home = next((home for home in _SOURCE_TYPE_HOMES if bare.lower().startswith(home)), "")
    return bare[len(home) :].strip("/") or None if home else line


def parse_json(text: str, limit: int) -> Any:
    """What a JSON text says; None where it is none, too long, or too deeply nested."""
    if len(text) > limit:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
