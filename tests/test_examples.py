"""Every example runs and prints the documented output."""

import base64
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.programs import load_program
from tests.sample_images import close_up, encode, portrait
from tests.sample_videos import make_portrait

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "face.jpg").write_bytes(encode(portrait(), "JPEG"))
    (tmp_path / "note.txt").write_text("no image")
    return tmp_path


def test_each_example_is_listed_and_tested() -> None:
    names = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb")}
    listed = (EXAMPLES / "README.md").read_text("utf-8")
    assert all(f"({name})" in listed for name in names)
    tests = Path(__file__).read_text("utf-8")
    assert all(Path(name).stem in tests for name in names)


def test_check_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load_program("examples/check_folder.py").main(folder)
    face, note = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert (Path(face[0]).name, face[1]) == ("face.jpg", "real")
    assert 0 <= float(face[2]) <= 1
    assert (Path(note[0]).name, note[1]) == ("note.txt", "unsupported_image")


def test_video_timeline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("av", reason="needs the extra video")
    load_program("examples/video_timeline.py").main(str(make_portrait(tmp_path / "video.mp4")))
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.split()[0] in ("real", "fake", "uncertain")
    assert rest
    assert all(" s  " in line for line in rest)


def test_fastapi_app(folder: Path) -> None:
    from fastapi.testclient import TestClient

    client = TestClient(load_program("examples/fastapi_app.py").app)
    response = client.post("/check", files={"file": (folder / "face.jpg").open("rb")})
    assert response.json()["verdict"] == "real"
    refused = client.post("/check", files={"file": (folder / "note.txt").open("rb")})
    assert (refused.status_code, refused.json()["detail"]["code"]) == (422, "unsupported_image")


@pytest.mark.parametrize(("brightness", "verdict"), [(50, "real"), (210, "fake")])
def test_own_model(brightness: int, verdict: str) -> None:
    example = load_program("examples/own_model.py")
    detector = example.Detector(example.Brightness(), face_detector=example.Centered())
    assert detector.detect(close_up(brightness)).verdict == verdict


def test_train_model(tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load_program("examples/train_model.py").main(
        [str(tiny_data), str(tmp_path / "run"), "--epochs=1", "--backbone=test_efficientnet", "--size=64"]
    )
    assert "trained on 12 real and 12 fake faces" in capsys.readouterr().out
    assert (tmp_path / "run" / "mine.onnx").exists()


def test_quickstart_notebook() -> None:
    nbformat = pytest.importorskip("nbformat", reason="needs nbclient")
    from nbclient import NotebookClient

    notebook = nbformat.read(EXAMPLES / "quickstart.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ()))
    assert printed.startswith("real 0.")
    assert "not proof" in printed
    drawn = [
        output["data"]["image/png"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    ]
    assert len(drawn) == 2
    assert Image.open(BytesIO(base64.b64decode(drawn[1]))).size == (340, 300)
