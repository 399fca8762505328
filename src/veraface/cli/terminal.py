"""Terminal output of commands: results on standard output, everything else on standard error."""

import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def fail(message: str) -> int:
    """Print an error on standard error and return the exit status for it, 1.

    Further lines are indented, so that no file name can look like a separate message.
    """
    print("veraface: " + "\n  ".join(map(printable, message.split("\n"))), file=sys.stderr)
    return 1


def fail_at(name: str, error: Exception, as_json: bool) -> None:
    """Print the error of a file, also as a JSON object on standard output if `as_json`."""
    fail(f"{name or repr(name)}: {error}")
    if as_json:
        print_json({"file": name, "error": {"code": getattr(error, "code", "error"), "message": str(error)}})


def console() -> "Console":
    """Return the console for results: as wide as the terminal, or so wide that no line of a file wraps."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() or os.environ.get("COLUMNS") else 1000)


def print_json(record: dict[str, Any]) -> None:
    """Print one JSON object in one line and flush, for programs that read the output as it is printed."""
    print(json.dumps(record, ensure_ascii=True), flush=True)


def printable(text: str) -> str:
    """Return text of unknown origin with its control characters replaced by U+FFFD."""
    return "".join(c if c.isprintable() else "�" for c in text)
