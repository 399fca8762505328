"""Text from untrusted sources, made safe for a page, a table or a terminal."""

import re
import unicodedata


def clean(text: str, max_length: int = 80) -> str:
    """Return one line of at most `max_length` characters, control characters replaced by U+FFFD."""
    shown = "".join(
        "\ufffd" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in text
    )
    return shown if len(shown) <= max_length else shown[: max_length - 1] + "…"


def markdown(text: str, max_length: int = 80) -> str:
    """Return the same with all Markdown and HTML markup escaped."""
    escaped = clean(text, max_length).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*\[\]|!])", r"\\\1", escaped)


def missing_file(name: object) -> str:
    """Return the message for a file that does not exist; a link was perhaps given instead of one."""
    if re.match("data:", str(name), re.IGNORECASE):
        return "is a data URL, not a file; decode it and give its bytes"
    # A Path has one slash left of two.
    if re.match("[a-z][a-z0-9+.-]+:/", str(name), re.IGNORECASE):
        return "is a link, not a file; download it first, or for images give it to `veraface scan`"
    return "no such file"
