"""Tables in every format, written atomically."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from veraface.errors import DataError
from veraface.scan.tables import COLUMNS, check_name, error_record, result_record, table_rows, write_table

RESULT = {
    "verdict": "fake",
    "p_fake": 0.9,
    "faces": [
        {
            "box": [1.0, 2.0, 3.0, 4.0],
            "detection_score": 0.99,
            "p_fake": 0.9,
            "verdict": "fake",
            "reasons": [{"code": "small_face", "message": "m"}, {"code": "other", "message": "m"}],
        }
    ],
    "reasons": [],
    "width": 10,
    "height": 20,
    "format": "JPEG",
    "perceptual_hash": "0123456789abcdef",
    "timing_ms": {"total": 30.0, "queue": 10.0},
}
MODEL = {"model": "lite 1.0", "model_sha256": "ab"}


def example_rows() -> Iterator[dict[str, Any]]:
    facts = {"size": 5, "sha256": "cd", "modified": 1.5}
    yield from table_rows('a "quoted", name\n.jpg', facts, result_record(RESULT), None, MODEL)
    yield from table_rows("b.jpg", {}, error_record("unreadable_image", "no such file"), "a.jpg", MODEL)


def test_row_per_image_and_per_face() -> None:
    image, face, broken = example_rows()
    assert all(list(row) == list(COLUMNS) for row in (image, face, broken))
    assert (image["row"], image["faces"], image["p_fake"], image["milliseconds"]) == (
        "picture",
        1,
        0.9,
        20,
    )
    assert (face["row"], face["face"], face["box_width"], face["reasons"]) == (
        "face",
        0,
        3.0,
        ["small_face", "other"],
    )
    assert face["path"] == image["path"]
    assert (broken["error"], broken["duplicate_of"], broken["faces"]) == ("unreadable_image", "a.jpg", None)


def test_all_formats_contain_the_same_rows(tmp_path: Path) -> None:
    for suffix in ("parquet", "csv", "jsonl"):
        write_table(tmp_path / f"t.{suffix}", example_rows())
    expected = list(example_rows())
    assert pyarrow.parquet.read_table(tmp_path / "t.parquet").to_pylist() == expected
    lines = (tmp_path / "t.jsonl").read_text().splitlines()
    assert [dict.fromkeys(COLUMNS) | json.loads(line) for line in lines] == expected
    assert (tmp_path / "t.csv").read_bytes().startswith(b"\xef\xbb\xbfrow,")  # for Excel
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8-sig") as file:
        first, face, broken = csv.DictReader(file)
    assert first["path"] == expected[0]["path"]
    assert face["reasons"] == "small_face;other"
    assert (broken["p_fake"], broken["error"]) == ("", "unreadable_image")


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_failure_keeps_the_existing_table(tmp_path: Path, suffix: str) -> None:
    def breaking() -> Iterator[dict[str, Any]]:
        yield from example_rows()
        raise RuntimeError("in the middle")

    path = tmp_path / f"t.{suffix}"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="in the middle"):
        write_table(path, breaking())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_unknown_extension_is_refused() -> None:
    message = r"t\.xlsx: the name of a table must end in \.parquet, \.csv or \.jsonl"
    with pytest.raises(DataError, match=message):
        check_name(Path("t.xlsx"))
