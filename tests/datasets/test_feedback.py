"""Images with a wrong verdict: what is kept, and that evaluation and training read it."""

import csv
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
    return Detector().detect(content)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


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


def test_a_second_report_replaces_the_first(tmp_path: Path, content: bytes, result: DetectionResult) -> None:
    folder = FeedbackFolder(tmp_path)
    for label, note in (("fake", "first"), ("real", "second"), ("real", "third")):
        folder.add(content, label, result, note=note)  # type: ignore[arg-type]
    (row,) = rows(tmp_path)
    assert (row["label"], row["note"]) == ("real", "third")
    assert len(read_samples(tmp_path)) == 1
    assert not list((tmp_path / "fake").iterdir())


def test_a_note_is_one_cell_and_no_formula(tmp_path: Path, content: bytes, result: DetectionResult) -> None:
    note = '=HYPERLINK("https://example.org")\r\nfake,real\x00"'
    FeedbackFolder(tmp_path).add(content, "fake", result, note=note, generator="@x", by="-y")
    (row,) = rows(tmp_path)
    assert row["note"].startswith(" =")
    assert "\n" not in row["note"]
    assert (row["generator"], row["by"]) == (" @x", " -y")
    assert row["label"] == "fake"


def test_limits(tmp_path: Path, content: bytes, result: DetectionResult) -> None:
    folder = FeedbackFolder(tmp_path, max_bytes=len(content) + 100)
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
    assert [writer.wait(60) for writer in writers] == [0] * 3
    assert len(rows(tmp_path)) == 30
