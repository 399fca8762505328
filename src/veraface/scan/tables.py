"""Tables of rows as Parquet, CSV or JSON lines: written whole or not at all."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from veraface.errors import DataError
from veraface.files import atomic_write
from veraface.scan.records import COLUMNS
from veraface.utils import needs_extra

Rows = Iterable[dict[str, Any]]
_ROWS_A_GROUP = 10_000  # of Parquet: what is held in memory at the same time


def check_name(path: Path) -> None:
    """Whether a table can be written under that name.

    Raises:
        DataError: The suffix is none that is known.
        VerafaceError: It is Parquet, and PyArrow is not installed.
    """
    if path.suffix.lower() not in _WRITERS:
        raise DataError(f"{path}: the name of a table ends in {', '.join(_WRITERS)}")
    if path.suffix.lower() == ".parquet":
        with needs_extra("scan"):
            import pyarrow.parquet  # noqa: F401 - only whether it is there


def write_table(path: Path, rows: Rows) -> None:
    """Writes all rows, in the form that the suffix of the name says.

    Raises:
        DataError: It cannot be written; what stood there before still does.
    """
    with atomic_write(path) as partial:
        try:
            _WRITERS[path.suffix.lower()](partial, rows)
        except (ValueError, OverflowError) as error:  # PyArrow's own are among them
            raise DataError(f"{path}: a row cannot be written in this form: {error}") from error


def _write_parquet(path: Path, rows: Rows) -> None:
    import pyarrow
    import pyarrow.parquet

    types = {"list<string>": pyarrow.list_(pyarrow.string())}
    fields = [
        (name, types[kind] if kind in types else pyarrow.type_for_alias(kind))
        for name, kind in COLUMNS.items()
    ]
    schema = pyarrow.schema(fields)
    with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for group in _groups(rows):
            writer.write_batch(pyarrow.RecordBatch.from_pylist(group, schema))


def _groups(rows: Rows) -> Iterator[list[dict[str, Any]]]:
    remaining = iter(rows)
    while group := list(islice(remaining, _ROWS_A_GROUP)):
        yield group


def _write_csv(path: Path, rows: Rows) -> None:
    """Lists as their parts with ";" between; nothing for what is not there."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _cell(value) for name, value in row.items()})


def _cell(value: Any) -> Any:
    """Paths that a spreadsheet would take for a formula get a "./" in front, which names the same file."""
    if isinstance(value, list):
        return ";".join(value)
    return (
        f"./{value}"
        if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
        else value
    )


def _write_json_lines(path: Path, rows: Rows) -> None:
    """Only what is there: a column that is missing has no value."""
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            said = {name: value for name, value in row.items() if value is not None}
            json.dump(said, file, allow_nan=False)
            file.write("\n")


_WRITERS: dict[str, Callable[[Path, Rows], None]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".jsonl": _write_json_lines,
}
