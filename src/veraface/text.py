"""Names that came with the data, made fit for a page, a table or a terminal."""

import re
import unicodedata


def clean(text: str, longest: int = 80) -> str:
    """One line of at most so many characters, without any that a terminal or a file could not take."""
    shown = "".join(
        "\ufffd" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in text
    )
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def markdown(text: str, longest: int = 80) -> str:
    """The same, with nothing in it that Markdown or HTML would take for markup."""
    escaped = clean(text, longest).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*\[\]|!])", r"\\\1", escaped)
