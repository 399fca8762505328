"""Images with a wrong verdict: what is kept, and that evaluation and training read it."""

import csv
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sample_images import encode, portrait
from veraface.datasets.feedback import FeedbackFolder
from veraface.datasets.manifest import read_samples
from veraface.detector import Detector
from veraface.errors import DataError
from veraface.results import DetectionResult


@pytest.fixture(scope="module")
def content() -> bytes:
    return encode(portrait(), "JPEG", comment=b"metadata stays")


@pytest.fixture(scope="module")
def result(content: bytes) -> DetectionResult:
    return Detector("fast").detect(content)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def size(folder: Path) -> int:
    """Bytes of images and manifest."""
    return sum(file.stat().st_size for file in folder.rglob("*.*") if file.name != ".lock")


def test_the_folder_is_a_data_set(tmp_path: Path, content: bytes, result: DetectionResult) -> None:
    folder = FeedbackFolder(tmp_path / "wrong")
    folder.add(content, "fake", result, note="seen in a game", generator="flux", by="anna")
    folder.add(content + b" ", "real", replace(result, format="PNG"))
    real, fake = sorted(read_samples(tmp_path / "wrong"), key=lambda sample: sample.fake)
    assert fake.path.read_bytes() == content  # as it is, with its metadata
    assert (fake.source, fake.generator, fake.path.suffix) == ("feedback", "flux", ".jpg")
    assert (real.source, real.path.suffix) == ("feedback", ".png")
    assert real.group != fake.group
    row = rows(tmp_path / "wrong")[0]
    assert (row["note"], row["by"], row["verdict"]) == ("seen in a game", "anna", result.verdict)
    assert row["model"].startswith(result.model["name"])


def test_of_several_reports_about_an_image_the_last_one_counts(
    tmp_path: Path, content: bytes, result: DetectionResult
) -> None:
    folder = FeedbackFolder(tmp_path)
    for label, note in (("fake", "first"), ("real", "second"), ("real", "third")):
        folder.add(content, label, result, note=note)  # type: ignore[arg-type]
    folder.add(content + b" ", "fake", result)
    assert [row["note"] for row in rows(tmp_path)] == ["first", "second", "third", ""]
    changed, other = read_samples(tmp_path)
    assert (changed.fake, changed.path.read_bytes(), other.fake) == (False, content, True)
    assert len(list((tmp_path / "fake").iterdir())) == 1
    changed, other = read_samples(tmp_path / "manifest.csv")
    assert not changed.fake


def test_a_report_leaves_what_is_in_the_manifest_as_it_is(
    tmp_path: Path, content: bytes, result: DetectionResult
) -> None:
    """The work of one report does not grow with the number of reports."""
    folder, manifest = FeedbackFolder(tmp_path), tmp_path / "manifest.csv"
    for number in range(3):
        before, inode = (manifest.read_bytes(), manifest.stat().st_ino) if number else (b"", None)
        folder.add(content + b" " * number, "fake", result)
        assert manifest.read_bytes().startswith(before)
        assert inode in (None, manifest.stat().st_ino)


@pytest.mark.parametrize("cut", [1, 3, 30, 90, 250])
def test_a_line_that_a_crash_has_cut_off_does_no_harm(
    tmp_path: Path, content: bytes, result: DetectionResult, cut: int
) -> None:
    folder, manifest = FeedbackFolder(tmp_path), tmp_path / "manifest.csv"
    folder.add(content, "fake", result, note="kept")
    whole = manifest.stat().st_size
    folder.add(content + b" ", "fake", result, note='cut "off" \N{SNOWMAN}' * 9)
    os.truncate(manifest, manifest.stat().st_size - cut)
    complete = cut == 1  # only the line break is missing
    assert len(read_samples(tmp_path)) == 1 + complete
    folder.add(content + b"  ", "real", result, note="next")
    notes = [row["note"] for row in rows(tmp_path)]
    assert (notes[0], notes[-1], len(notes)) == ("kept", "next", 2 + complete)
    assert len(read_samples(tmp_path)) == 2 + complete
    os.truncate(manifest, whole - 1)  # as an editor saves it
    folder.add(content, "real", result, note="after an editor")
    assert [row["note"] for row in rows(tmp_path)] == ["kept", "after an editor"]


def test_a_header_that_was_cut_off_is_written_again(
    tmp_path: Path, content: bytes, result: DetectionResult
) -> None:
    (tmp_path / "manifest.csv").write_bytes(b"path,lab")
    FeedbackFolder(tmp_path).add(content, "fake", result)
    assert len(read_samples(tmp_path)) == 1


def test_a_manifest_of_other_columns_is_left_alone(
    tmp_path: Path, content: bytes, result: DetectionResult
) -> None:
    (tmp_path / "manifest.csv").write_text("path,label\na.png,real\n")
    with pytest.raises(DataError, match="has other columns"):
        FeedbackFolder(tmp_path).add(content, "fake", result)
    assert (tmp_path / "manifest.csv").read_text() == "path,label\na.png,real\n"
    assert not list(tmp_path.glob("*/*"))


def test_a_note_is_one_cell_and_no_formula(tmp_path: Path, content: bytes, result: DetectionResult) -> None:
    note = '=HYPERLINK("https://example.org")\r\nfake,real\x00"'
    FeedbackFolder(tmp_path).add(content, "fake", result, note=note, generator="@x", by="-y")
    (row,) = rows(tmp_path)
    assert row["note"].startswith(" =")
    assert "\n" not in row["note"]
    assert (row["generator"], row["by"]) == (" @x", " -y")
    assert row["label"] == "fake"


def test_the_manifest_counts_towards_the_limit(
    tmp_path: Path, content: bytes, result: DetectionResult
) -> None:
    """Reports of the same image keep one file, but a line each."""
    folder = FeedbackFolder(tmp_path, max_bytes=len(content) + 8_500)
    for _ in range(6):
        folder.add(content, "fake", result, note="x" * 1000)
    with pytest.raises(DataError, match="is full"):
        folder.add(content, "fake", result, note="x" * 2000)
    assert len(rows(tmp_path)) == 6
    assert size(tmp_path) <= len(content) + 8_500


def test_room_that_a_person_makes_is_used_again(
    tmp_path: Path, content: bytes, result: DetectionResult
) -> None:
    folder = FeedbackFolder(tmp_path, max_bytes=2 * len(content) + 2_000)
    for number in range(2):
        folder.add(content + b" " * number, "fake", result)
    with pytest.raises(DataError, match="is full"):
        folder.add(content + b"  ", "real", result)
    next((tmp_path / "fake").iterdir()).unlink()
    (tmp_path / ".lock").write_text('{"bytes":')  # as a crash leaves it
    folder.add(content + b"  ", "real", result)
    assert size(tmp_path) <= 2 * len(content) + 2_000


def test_limits(tmp_path: Path, content: bytes, result: DetectionResult) -> None:
    folder = FeedbackFolder(tmp_path, max_bytes=len(content) + 1_000)
    folder.add(content, "fake", result)
    with pytest.raises(DataError, match="is full"):
        folder.add(content + b" ", "fake", result)
    assert len(rows(tmp_path)) == 1
    with pytest.raises(ValueError, match="a label is one of"):
        folder.add(content, "perhaps", result)  # type: ignore[arg-type]
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be created as a folder"):
        FeedbackFolder(tmp_path / "file")


WRITER = """
import sys
from pathlib import Path
from veraface.datasets.feedback import FeedbackFolder
from veraface.results import DetectionResult, Verdict
model = {"name": "m", "version": "1", "sha256": "0"}
result = DetectionResult(Verdict.FAKE, 0.9, (), (), 9, 9, "PNG", model, {"real": 0.3, "fake": 0.7}, {})
for number in range(10):
    FeedbackFolder(Path(sys.argv[1])).add(f"{sys.argv[2]} {number}".encode(), "real", result)
"""


def test_concurrent_processes_lose_no_report(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(n)]) for n in range(3)]
    assert [writer.wait(300) for writer in writers] == [0] * 3
    assert len(rows(tmp_path)) == len(read_samples(tmp_path)) == 30
