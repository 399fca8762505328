"""scripts/make_space.py assembles exactly the files of a Hugging Face Space."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts/make_space.py"


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "space"
    subprocess.run([sys.executable, SCRIPT, folder], check=True, timeout=300)
    return folder


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_readme_has_the_front_matter_that_hugging_face_requires(space: Path) -> None:
    _, front, text = (space / "README.md").read_text().split("---\n", 2)
    settings = yaml.safe_load(front)
    assert settings["sdk"] == "docker"
    assert settings["app_port"] == 7860
    colors = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {settings["colorFrom"], settings["colorTo"]} <= colors
    assert len(settings["short_description"]) <= 60  # the limit of Hugging Face
    assert settings["title"]
    assert settings["emoji"]
    assert "non-commercial" in text


def test_the_space_contains_everything_that_its_dockerfile_copies(space: Path) -> None:
    found = files(space)
    top_level = {"LICENSE", "README.md", "pyproject.toml", "Dockerfile", ".dockerignore", ".gitattributes"}
    locks = {"requirements/build.txt", "requirements/server.txt"}
    ignored = {".pyc"}
    sources = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "src").rglob("*")
        if path.is_file() and path.suffix not in ignored
    }
    assert found == top_level | locks | sources
    assert tomllib.loads((space / "pyproject.toml").read_text())["project"]["name"] == "veraface"


def test_the_dockerfile_allows_the_frame_of_hugging_face_and_changes_nothing_else(space: Path) -> None:
    added = (space / "Dockerfile").read_text().removeprefix((ROOT / "Dockerfile").read_text())
    instructions = [line for line in added.splitlines() if line and not line.startswith("#")]
    assert instructions == ["ENV VERAFACE_FRAME_ORIGINS=https://huggingface.co"]


def test_large_files_go_through_git_lfs(space: Path) -> None:
    large = [path for path in space.rglob("*") if path.is_file() and path.stat().st_size > 10_000_000]
    assert large
    assert all(path.suffix == ".onnx" for path in large)
    assert "*.onnx filter=lfs" in (space / ".gitattributes").read_text()


def test_a_folder_that_is_not_a_space_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("a text")
    done = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, check=False)
    assert done.returncode != 0
    assert (tmp_path / "thesis.txt").exists()
