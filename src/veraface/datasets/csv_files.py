"""CSV files as programs and spreadsheets write them: in UTF-8 or UTF-16, with commas, semicolons or tabs."""

import codecs
import csv
import re
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

_DELIMITERS = ",;\t"


def read_csv(path: Path) -> tuple[set[str], list[tuple[int, dict[str, Any]]]]:
    """Return the names of the columns, and the rows, each with the number of the line on which it ends.

    The delimiter is the most frequent one of the first line, or the one in Excel's line "sep=;".

    Raises:
        OSError: it cannot be read.
        UnicodeError: it is neither UTF-8 nor, with a byte order mark, UTF-16.
        csv.Error: it is not CSV.
    """
    with path.open("rb") as file:
        is_utf16 = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    with path.open(newline="", encoding="utf-16" if is_utf16 else "utf-8-sig") as text:
        first = text.readline()
        named = re.fullmatch(rf"sep=([{_DELIMITERS}])\r?\n?", first, re.IGNORECASE)
        delimiter = named[1] if named else max(_DELIMITERS, key=first.count)
        reader = csv.DictReader(text if named else chain([first], text), delimiter=delimiter)
        if names := reader.fieldnames:
            reader.fieldnames = column_names(names)
        lines = 1 if named else 0  # before those that the reader counts
        rows = [(reader.line_num + lines, row) for row in reader]
        return set(reader.fieldnames or ()), rows


def column_names(names: Iterable[str]) -> Sequence[str]:
    """Return the names in lower case, without spaces around them; "Path" stays beside a column "path"."""
    given = list(names)
    lower = [name.strip().lower() for name in given]
    return [name if plain in given else plain for name, plain in zip(given, lower, strict=True)]
