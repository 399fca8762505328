"""The table of a scan: a row for each image and one for each of its faces, as Parquet, CSV or JSON lines."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from veraface.errors import DataError
from veraface.files import atomic_write
from veraface.scan.item import to_utf8
from veraface.utils import listed, needs_extra

Record = dict[str, Any]  # the stored result of one image, JSON-ready; see `result_record` and `error_record`
Rows = Iterable[dict[str, Any]]
_ROW_GROUP = 10_000  # rows of a Parquet row group, which is held in memory

# Columns of image rows and face rows in table order, with their Arrow types.
COLUMNS: dict[str, str] = {
    "row": "string",  # "picture" or "face"
    "path": "string",  # location of the image, with archive and member
    "face": "int32",  # face rows: index, 0 for the largest face
    "verdict": "string",  # fake, real, uncertain, no_face; empty if there is an error
    "label": "string",  # the verdict in words; see docs/newsroom.md
    "p_fake": "float64",  # calibrated probability that the face is fake, 0 to 1; of an image, the maximum
    "box_x": "float64",  # face rows: left edge, pixels of the upright image
    "box_y": "float64",  # top edge
    "box_width": "float64",
    "box_height": "float64",
    "detection_score": "float64",  # face rows: confidence of the face detector, 0 to 1
    "reasons": "list<string>",  # codes; see docs/api.md
    "faces": "int32",  # image rows: number of faces
    "width": "int32",  # of the upright image, pixels
    "height": "int32",
    "format": "string",  # JPEG, PNG, ...
    "size": "int64",  # of the file, bytes
    "modified": "float64",  # seconds since 1970
    "sha256": "string",  # of the file
    "perceptual_hash": "string",  # 16 hexadecimal digits; near-duplicates have similar hashes
    "duplicate_of": "string",  # image rows: path of the first near-duplicate
    "error": "string",  # code of the error
    "error_message": "string",
    "model": "string",  # name and version
    "model_sha256": "string",
    "milliseconds": "float64",  # analysis time, without reading and waiting
}


def result_record(result: Mapping[str, Any]) -> Record:
    """Return the record of an analyzed image; `result` as returned by the worker task `scan`."""
    names = ("verdict", "p_fake", "faces", "width", "height", "format", "perceptual_hash")
    times = result["timing_ms"]
    return {
        **{name: result[name] for name in names},
        "reasons": _codes(result),
        "milliseconds": round(times["total"] - times.get("queue", 0.0), 2),
    }


def error_record(code: str, message: str) -> Record:
    """Return the record of an image that could not be analyzed."""
    return {"error": code, "error_message": message}


def table_rows(
    path: str, facts: Mapping[str, Any], record: Record, duplicate_of: str | None, model: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the row of an image, then one row for each face; all have all `COLUMNS`.

    `facts` are size, modified and sha256, as far as they are known; `duplicate_of` is the path of the first
    near-duplicate; `model` holds the columns `model` and `model_sha256`.
    """
    common = {**dict.fromkeys(COLUMNS), **model, "path": path}
    faces = record.get("faces")
    image = {**facts, **record, "row": "picture", "duplicate_of": duplicate_of}
    image["faces"] = None if faces is None else len(faces)
    if "error_message" in image:
        image["error_message"] = to_utf8(image["error_message"])
    yield common | image
    for index, face in enumerate(faces or ()):
        box = dict(zip(("box_x", "box_y", "box_width", "box_height"), face["box"], strict=True))
        scores = {name: face[name] for name in ("verdict", "p_fake", "detection_score")}
        own = {"row": "face", "face": index, "reasons": _codes(face), "sha256": facts.get("sha256")}
        yield common | own | scores | box


def _codes(result: Mapping[str, Any]) -> list[str]:
    return [reason["code"] for reason in result["reasons"]]


def check_name(path: Path) -> None:
    """Raise VerafaceError if the extension of a table is unknown, or needs PyArrow, which is missing."""
    if path.suffix.lower() not in _WRITERS:
        raise DataError(f"{path}: the name of a table must end in {listed(_WRITERS)}")
    if path.suffix.lower() == ".parquet":
        with needs_extra("scan"):
            import pyarrow.parquet  # noqa: F401 - check that it is installed


def write_table(path: Path, rows: Rows) -> None:
    """Write all rows in the format that the extension names; on DataError an existing file is unchanged."""
    with atomic_write(path) as partial:
        try:
            _WRITERS[path.suffix.lower()](partial, rows)
        except (ValueError, OverflowError) as error:  # PyArrow's errors are subclasses
            raise DataError(f"{path}: a row cannot be written in this format: {error}") from error


def _write_parquet(path: Path, rows: Rows) -> None:
    import pyarrow
    import pyarrow.parquet

    texts = pyarrow.list_(pyarrow.string())
    schema = pyarrow.schema(
        (name, texts if kind == "list<string>" else pyarrow.type_for_alias(kind))
        for name, kind in COLUMNS.items()
    )
    remaining = iter(rows)
    with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while group := list(islice(remaining, _ROW_GROUP)):
            writer.write_batch(pyarrow.RecordBatch.from_pylist(group, schema))


def _write_csv(path: Path, rows: Rows) -> None:
    """Write CSV; lists are joined by ";", missing values are empty. Excel needs the byte order mark."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)


def _cell(value: Any) -> Any:
    """Return a CSV cell; "./" before a path that a spreadsheet would run as a formula keeps its meaning."""
    if isinstance(value, list):
        return ";".join(value)
    is_formula = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"./{value}" if is_formula else value


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
