"""Folders and files that a command writes."""

from pathlib import Path

from veraface.errors import DataError


def make_folder(path: Path) -> None:
    """Make a folder and its parents, if need be.

    Raises:
        DataError: it cannot be made, or something else has its name.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{path}: cannot be made a folder: {reason}") from error


def write_whole(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
