"""`veraface feedback`."""

import json
from base64 import b64encode
from pathlib import Path

import pytest

from tests.cli.terminal import veraface
from tests.sample_images import encode, portrait
from veraface.datasets.manifest import read_samples


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photo.png").write_bytes(encode(portrait(), "PNG"))
    (tmp_path / "broken.png").write_bytes(encode(portrait(), "PNG")[:2000])
    return tmp_path


def test_an_image_is_put_aside_for_evaluation(folder: Path) -> None:
    done = veraface("feedback", "photo.png", "--label", "real", "--note", "my passport", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "kept as real: feedback/real/" in done.stdout
    assert "(the verdict was: likely real)" in done.stdout
    assert "veraface evaluate --data feedback --split all" in done.stdout
    (sample,) = read_samples(folder / "feedback")
    assert sample.path.read_bytes() == (folder / "photo.png").read_bytes()
    assert not sample.fake
    done = veraface("feedback", "photo.png", "--label", "real", "--never-say-real", cwd=folder)
    assert "(the verdict was: no sign of forgery found)" in done.stdout


def test_evaluate_reads_the_folder(folder: Path) -> None:
    (folder / "other.png").write_bytes(encode(portrait().rotate(3), "PNG"))
    place = {"VERAFACE_FEEDBACK_FOLDER": "wrong"}
    veraface("feedback", "photo.png", "--label", "real", cwd=folder, environment=place)
    veraface(
        "feedback", "other.png", "--label", "fake", "--generator", "flux", "--folder", "wrong", cwd=folder
    )
    options = ("--split", "all", "--no-tiers", "--curves", 0, "--no-self-blend", "--out", "report")
    done = veraface("evaluate", "--data", "wrong", *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    report = json.loads((folder / "report/report.json").read_text())
    assert (report["rows"][0]["real"], report["rows"][0]["fake"]) == (1, 1)
    assert report["attacks"]["points"][0]["kinds"][0]["kind"] == "diffusion portrait"


def test_a_report_that_the_page_has_saved(folder: Path) -> None:
    image = b64encode((folder / "photo.png").read_bytes()).decode()
    saved = {"format": "veraface-feedback/1", "label": "fake", "note": "a filter", "image": image}
    (folder / "saved.json").write_text(json.dumps(saved))
    done = veraface("feedback", "saved.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    (sample,) = read_samples(folder / "feedback")
    assert sample.fake
    assert sample.path.read_bytes() == (folder / "photo.png").read_bytes()
    assert "a filter" in (folder / "feedback/manifest.csv").read_text()
    (folder / "saved.json").write_text(json.dumps({**saved, "image": "?"}))
    assert "is a damaged report" in veraface("feedback", "saved.json", cwd=folder).stderr


def test_mistakes_are_explained(folder: Path) -> None:
    assert "say what the image is: real or fake" in veraface("feedback", "photo.png", cwd=folder).stderr
    done = veraface("feedback", "none.png", "broken.png", "--label", "real", cwd=folder)
    assert done.returncode == 1
    assert "no such file" in done.stderr
    assert not list(folder.glob("feedback/real/*"))
    done = veraface("feedback", "photo.png", "--label", "real", "--note", "x" * 2001, cwd=folder)
    assert "at most 2000 are allowed" in done.stderr
