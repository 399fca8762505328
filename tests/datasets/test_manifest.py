"""Reading labeled images, and what is refused before any training."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.sample_data import COLUMNS, make_folders, write_csv
from veraface.datasets.manifest import Sample, check_samples, read_samples
from veraface.errors import DataError
from veraface.geometry import Box

ROWS: list[dict[str, Any]] = [
    {
        "path": "a.jpg",
        "label": "real",
        "source": "web",
        "group": "p1",
        "split": "train",
        "box": "1 2 30 40",
        "generator": "",
    },
    {
        "path": "sub/b.jpg",
        "label": "Fake",
        "source": "lab",
        "group": "p2",
        "split": "validation",
        "box": "1.5,2,3,4",
        "generator": "gan",
    },
    {
        "path": "c.jpg",
        "label": " REAL ",
        "source": "",
        "group": "",
        "split": "Test",
        "box": "",
        "generator": "",
    },
]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".csv":
        return write_csv(path, rows)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize("name", ["faces.csv", "faces.parquet"])
def test_reads_manifests(tmp_path: Path, name: str) -> None:
    assert read_samples(write(tmp_path / name, ROWS)) == [
        Sample(tmp_path / "a.jpg", False, "web", "p1", "train", Box(1, 2, 30, 40)),
        Sample(tmp_path / "sub" / "b.jpg", True, "lab", "p2", "val", Box(1.5, 2, 3, 4), "gan"),
        Sample(tmp_path / "c.jpg", False, tmp_path.name, "c.jpg", "test"),
    ]


@pytest.mark.parametrize("name", ["faces.csv", "faces.parquet"])
def test_path_and_label_are_enough(tmp_path: Path, name: str) -> None:
    rows = [{"path": f"{i}.jpg", "label": "real"} for i in range(300)]
    if name.endswith("csv"):
        manifest = write_csv(tmp_path / name, rows, ("path", "label"))
    else:
        manifest = write(tmp_path / name, rows)
    samples = read_samples(manifest)
    splits = Counter(sample.split for sample in samples)
    assert 10 < splits["val"] < 60
    assert 10 < splits["test"] < 60
    assert splits.total() == 300
    assert samples == read_samples(manifest), "the draw is by name, so it stays"


def test_groups_are_never_split(tmp_path: Path) -> None:
    rows = [{"path": f"{i}.jpg", "label": "real", "group": f"p{i % 40}"} for i in range(400)]
    samples = read_samples(write_csv(tmp_path / "m.csv", rows, ("path", "label", "group")))
    assert len({(s.group, s.split) for s in samples}) == 40


def test_a_byte_order_mark_and_a_folder_with_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes(b"\xef\xbb\xbfpath,label\r\na.jpg,real\r\n")
    assert [s.path for s in read_samples(tmp_path)] == [tmp_path / "a.jpg"]


@pytest.mark.parametrize(
    ("train", "validation", "test", "real", "fake"),
    [
        ("Train", "Validation", "Test", "Real", "Fake"),
        ("train", "val", "test", "real", "fake"),
        ("TRAIN", "VALID", "TEST", "REAL", "FAKE"),
    ],
)
def test_reads_folders_by_split(
    tmp_path: Path, train: str, validation: str, test: str, real: str, fake: str
) -> None:
    counts = {
        f"{train}/{real}": 3,
        f"{train}/{fake}": 4,
        f"{validation}/{real}": 1,
        f"{validation}/{fake}": 2,
        f"{test}/{real}": 1,
        f"{test}/{fake}": 1,
    }
    folder = make_folders(tmp_path / "faces", counts)
    (folder / train / real / "notes.txt").write_text("no image")
    samples = read_samples(folder)
    assert Counter((s.split, s.fake) for s in samples) == {
        ("train", False): 3,
        ("train", True): 4,
        ("val", False): 1,
        ("val", True): 2,
        ("test", False): 1,
        ("test", True): 1,
    }
    assert {s.source for s in samples} == {"faces"}
    assert all(s.box is None and s.path.is_file() for s in samples)


@pytest.mark.parametrize(("real", "fake"), [("real", "fake"), ("Real", "FAKE")])
def test_reads_folders_by_class(tmp_path: Path, real: str, fake: str) -> None:
    samples = read_samples(make_folders(tmp_path / "faces", {f"{real}/deep": 20, real: 20, fake: 25}))
    assert Counter(s.fake for s in samples) == {False: 40, True: 25}
    assert {s.split for s in samples} <= {"train", "val", "test"}


def test_file_names_that_are_not_unicode_are_read(tmp_path: Path) -> None:
    for label in ("real", "fake"):
        (tmp_path / label).mkdir()
        (tmp_path / label / b"\xff\xfe.jpg".decode(errors="surrogateescape")).touch()
    assert len(read_samples(tmp_path)) == 2


NO_BOX = ("1 2 3", "1 2 3 4 5", "a b c d", "nan 2 3 4", "1 2 inf 4")
EMPTY_BOX = ("1 2 0 4", "1 2 3 -4")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("path", "", "row 3: the path is empty"),
        ("label", "maybe", "row 3: label is 'maybe'; it must be real or fake"),
        ("label", "", "row 3: label is ''"),
        ("split", "later", "row 3: split is 'later'; it must be train, val or test"),
        *(
            ("box", box, f"row 3: box is '{box}'; it must be four numbers: x y width height")
            for box in NO_BOX
        ),
        *(("box", box, f"row 3: box is '{box}'; width and height must be above 0") for box in EMPTY_BOX),
    ],
)
@pytest.mark.parametrize("name", ["faces.csv", "faces.parquet"])
def test_bad_rows_are_named(tmp_path: Path, name: str, column: str, value: str, message: str) -> None:
    manifest = write(tmp_path / name, [ROWS[0], ROWS[1] | {column: value}, ROWS[2]])
    with pytest.raises(DataError) as caught:
        read_samples(manifest)
    assert str(caught.value).startswith(str(manifest))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "how"),
    [
        ("a.jpg,real,\na.jpg,real,\n", "twice"),
        ("a.jpg,real,\nb/../a.jpg,fake,\n", "as real and as fake"),
        ("a.jpg,real,1 2 3 4\nb.jpg,real,\na.jpg,real,1 2 3 4\n", "twice"),
    ],
)
def test_an_image_listed_twice_is_refused(tmp_path: Path, rows: str, how: str) -> None:
    (tmp_path / "m.csv").write_text(f"path,label,box\n{rows}")
    with pytest.raises(DataError, match=f"m.csv: lists .*a.jpg {how}; each image counts once"):
        read_samples(tmp_path / "m.csv")


def test_two_faces_of_one_image_may_both_be_listed(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("path,label,box\na.jpg,real,1 2 3 4\na.jpg,fake,50 2 3 4\n")
    assert [s.fake for s in read_samples(tmp_path / "m.csv")] == [False, True]


def test_parquet_without_pyarrow_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = write(tmp_path / "faces.parquet", ROWS)
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DataError, match=r"reading Parquet needs pyarrow: pip install 'veraface\[evaluate\]'"):
        read_samples(manifest)


def test_row_numbers_are_those_an_editor_shows(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("path,label\n\na.jpg,real\n\nb.jpg,odd\n")
    with pytest.raises(DataError, match="row 5: label is 'odd'"):
        read_samples(tmp_path / "m.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Path,Label\r\nä.jpg,real\r\nb.jpg,odd\r\n", 3),
        ("path;label;group\nä.jpg;REAL;one, two\nb.jpg;odd;\n", 3),
        ("sep=;\r\nPATH ; LABEL\r\nä.jpg;real\r\nb.jpg;odd\r\n", 4),
        ("Label\tPath\nreal\tä.jpg\nodd\tb.jpg\n", 3),
    ],
)
def test_tables_of_spreadsheets_are_read(tmp_path: Path, encoding: str, text: str, first: int) -> None:
    path = tmp_path / "m.csv"
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    path.write_bytes(mark + text.replace("odd", "fake").encode(encoding))
    assert [(s.path.name, s.fake) for s in read_samples(path)] == [("ä.jpg", False), ("b.jpg", True)]
    path.write_bytes(mark + text.encode(encoding))
    with pytest.raises(DataError, match=f"row {first}: label is 'odd'"):
        read_samples(path)


def test_a_column_of_the_exact_name_counts(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("Path,path,label\n/old/a.jpg,a.jpg,real\n")
    (sample,) = read_samples(tmp_path / "m.csv")
    assert sample.path == tmp_path / "a.jpg"


@pytest.mark.parametrize("missing", ["path", "label"])
@pytest.mark.parametrize("rows", [[], ROWS])
@pytest.mark.parametrize("name", ["faces.csv", "faces.parquet"])
def test_missing_columns_are_named(
    tmp_path: Path, name: str, rows: list[dict[str, Any]], missing: str
) -> None:
    columns = [column for column in COLUMNS if column != missing]
    if name.endswith("csv"):
        write_csv(tmp_path / name, rows, columns)
    else:
        table = pyarrow.table({column: [row[column] for row in rows] for column in columns})
        pyarrow.parquet.write_table(table, tmp_path / name)
    with pytest.raises(DataError, match=f"lacks the column {missing}"):
        read_samples(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.csv", b"", "lacks the column label and path"),
        ("m.csv", b"path,label\n", "contains no images"),
        ("m.csv", b"path,label\n\xff,real\n", "cannot be read as CSV in UTF-8"),
        ("m.parquet", b"PAR1 no", "cannot be read as Parquet"),
        ("m.parquet", b"", "cannot be read as Parquet"),
        ("m.txt", b"path,label\n", "a manifest is a .csv or .parquet file"),
    ],
)
def test_unreadable_manifests(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_samples(tmp_path / name)


@pytest.mark.parametrize("name", ["nowhere", "x" * 300, "nul\0"])
def test_no_such_data(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="no such file or folder|cannot be read"):
        read_samples(tmp_path / name)


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        ({"real": 2}, "needs manifest.csv, or the folders real/ and fake/"),
        ({"Train/Real": 1, "Train/Fake": 1, "Validation/Real": 1}, "Validation: lacks the folder fake/"),
        ({"real": 0, "fake": 0}, "contains no images"),
        ({"cats": 1}, "needs manifest.csv"),
    ],
)
def test_invalid_folders(tmp_path: Path, folders: dict[str, int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_samples(make_folders(tmp_path / "faces", folders))


def sample(split: str, fake: bool, group: str) -> Sample:
    return Sample(Path(group), fake, "web", group, split)


GOOD = [sample(split, fake, f"{split}{fake}") for split in ("train", "val") for fake in (False, True)]


def test_good_samples_pass() -> None:
    check_samples(GOOD)
    check_samples([s for s in GOOD if s.split == "val"], needed=("val",))


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([s for s in GOOD if s.split != "val"], "the val split is empty"),
        ([s for s in GOOD if s.split != "train"], "the train split is empty"),
        (GOOD[1:], "the train split has 0 real and 1 fake images; both classes are needed"),
        (GOOD[:-1], "the val split has 1 real and 0 fake images"),
        ([*GOOD, sample("test", False, "trainTrue")], "1 groups are in more than one split.*: trainTrue"),
    ],
)
def test_samples_that_cannot_be_trained_on(samples: list[Sample], message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_samples(samples)


def outcome(manifest: Path) -> tuple[list[Sample], str]:
    """The samples, or what is wrong."""
    try:
        return read_samples(manifest), ""
    except DataError as error:
        return [], str(error)


HEADERS = st.sampled_from(
    [b"", b"path,label\n", b"path,label,split,box,group\n", b"\xef\xbb\xbflabel,path\n"]
)


@settings(max_examples=examples(60), deadline=None)
@given(header=HEADERS, rest=st.binary(max_size=200))
def test_hostile_csv_raises_nothing_but_data_errors(
    tmp_path_factory: pytest.TempPathFactory, header: bytes, rest: bytes
) -> None:
    manifest = tmp_path_factory.getbasetemp() / "hostile.csv"
    manifest.write_bytes(header + rest)
    samples, complaint = outcome(manifest)
    assert samples or complaint.startswith(str(manifest))


CELLS = st.text(max_size=12) | st.sampled_from(["real", "fake", "val", "1 2 3 4", "1e999 0 1 1", "\x00", '"'])


@settings(max_examples=examples(50), deadline=None)
@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), max_size=4))
def test_hostile_cells_raise_nothing_but_data_errors(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]]
) -> None:
    manifest = tmp_path_factory.getbasetemp() / "cells.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        file.write("path,label,split,box\n" + "".join(",".join(row) + "\n" for row in rows))
    samples, complaint = outcome(manifest)
    assert samples or complaint.startswith(str(manifest))
    for found in samples:
        assert found.split in ("train", "val", "test")
        assert found.box is None or found.box.width > 0


@pytest.mark.parametrize(
    "module", ["datasets.manifest", "datasets.degradations", "datasets.progress", "files"]
)
def test_does_without_torch_and_pandas(module: str) -> None:
    program = f"import sys, veraface.{module}; sys.exit(bool({{'torch', 'pandas'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
