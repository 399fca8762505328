"""Write tables as Parquet, CSV or JSON lines, atomically."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from veraface.errors import DataError
from veraface.files import atomic_write
from veraface.scan.records import COLUMNS
from veraface.utils import listed, needs_extra

Rows = Iterable[dict[str, Any]]
_ROW_GROUP = 10_000  # rows of a Parquet row group, which is held in memory


def check_name(path: Path) -> None:
    """Check that a table can be written under a name.

    Raises:
        DataError: The extension is unknown.
        VerafaceError: It is .parquet, and PyArrow is not installed.
    """
    if path.suffix.lower() not in _WRITERS:
        raise DataError(f"{path}: the name of a table must end in {listed(_WRITERS)}")
    if path.suffix.lower() == ".parquet":
        with needs_extra("scan"):
            import pyarrow.parquet  # noqa: F401 - check that it is installed


def write_table(path: Path, rows: Rows) -> None:
    """Write all rows in the format that the extension names.

    Raises:
        DataError: The table cannot be written; an existing file is unchanged.
    """
    with atomic_write(path) as partial:
        try:
            _WRITERS[path.suffix.lower()](partial, rows)
        except (ValueError, OverflowError) as error:  # PyArrow's errors are subclasses
            raise DataError(f"{path}: a row cannot be written in this format: {error}") from error


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
    while group := list(islice(remaining, _ROW_GROUP)):
        yield group


def _write_csv(path: Path, rows: Rows) -> None:
    """Write CSV; lists are joined by ";", missing values are empty."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _cell(value) for name, value in row.items()})


def _cell(value: Any) -> Any:
    """Return a CSV cell; "./" before a path that a spreadsheet would run as a formula keeps its meaning."""
    if isinstance(value, list):
        return ";".join(value)
    return (
        f"./{value}"
        if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
        else value
    )


def _write_json_lines(path: Path, rows: Rows) -> None:
    """Write one JSON object per line, without missing values."""
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            json.dump({k: v for k, v in row.items() if v is not None}, file, allow_nan=False)
            file.write("\n")


_WRITERS: dict[str, Callable[[Path, Rows], None]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".jsonl": _write_json_lines,
}
