"""How commands speak: results on standard output, everything else on standard error."""

import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def fail(message: str) -> int:
    """Say what went wrong on standard error; returns the exit status for it, 1.

    Further lines are indented, so that no file name can look like a message of its own.
    """
    print("veraface: " + "\n  ".join(map(printable, message.split("\n"))), file=sys.stderr)
    return 1


def fail_at(name: str, error: Exception, as_json: bool) -> None:
    """Say why a file could not be judged; as an object on standard output too, where those are asked for."""
    fail(f"{name}: {error}")
    if as_json:
        print_json({"file": name, "error": {"code": getattr(error, "code", "error"), "message": str(error)}})


def console() -> "Console":
    """For results: as wide as the terminal, and for files and programs so wide that no line is broken."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() or os.environ.get("COLUMNS") else 1000)


def print_json(record: dict[str, Any]) -> None:
    """One object a line, at once, for programs that read along."""
    print(json.dumps(record, ensure_ascii=True), flush=True)


def printable(text: str) -> str:
    """Text of unknown origin, such as a file name, without characters that steer a terminal."""
    return "".join(c if c.isprintable() else "�" for c in text)
