"""`evaluate`: judged through the pipeline that users get, and written down."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from tests.datasets import face, make_rows, write_csv
from tests.models import brightness_model
from veraface import Detector
from veraface.errors import DataError, ModelError
from veraface.evaluation.protocol import evaluate
from veraface.model import Model, ModelCard

SPLITS = {"train": 2, "test": 16}


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 test pictures; the fakes are bright. One more is cut off, and one shows no face."""
    folder = tmp_path_factory.mktemp("evaluate") / "faces"
    rows = make_rows(folder, SPLITS)
    for row in rows:
        number = int(row["path"][:3])
        light = 1.5 if row["label"] == "fake" else 0.55 + 0.1 * (number % 5)
        face(number, fake=False).point(lambda v, light=light: min(255, v * light)).save(folder / row["path"])
    for name, group, label in (("cut.png", "x", "real"), ("wall.png", "y", "fake")):
        Image.new("RGB", (90, 90), (90, 120, 150)).save(folder / name)
        rows.append(
            {"path": name, "label": label, "source": "odd", "group": group, "split": "test", "box": ""}
        )
    (folder / "cut.png").write_bytes((folder / "cut.png").read_bytes()[:60])
    write_csv(folder / "manifest.csv", rows)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return brightness_model(tmp_path)


def test_writes_what_it_measured(faces: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "report"
    before = model.with_suffix(".json").read_bytes()
    markdown = evaluate(faces, out, model=model, pairs=["left:right"])
    assert sorted(path.name for path in out.iterdir()) == ["pictures.jsonl", "report.json", "report.md"]
    assert (out / "report.md").read_text() == markdown
    assert model.with_suffix(".json").read_bytes() == before, "the card changes on demand only"

    pictures = [json.loads(line) for line in (out / "pictures.jsonl").read_text().splitlines()]
    assert len(pictures) == 18
    detector = Detector(model)
    for picture in pictures[:16]:
        result = detector.detect(faces / picture["path"])
        assert (picture["verdict"], picture["p_fake"]) == (result.verdict, result.p_fake)
        assert picture["fake"] == bool(int(picture["path"][:3]) % 2)
    lost, wall = pictures[16:]
    assert (lost["verdict"], lost["p_fake"]) == (None, None)
    assert "cut off or corrupt" in lost["error"]
    assert (wall["verdict"], wall["p_fake"], wall["error"]) == ("no_face", None, "")

    report = json.loads((out / "report.json").read_text())
    rows = {row["source"]: row for row in report["rows"]}
    assert list(rows) == ["all", "left", "odd", "right", "left / right"]
    judged = [p for p in pictures if p["p_fake"] is not None]
    assert rows["all"]["auc"] == pytest.approx(
        roc_auc_score([p["fake"] for p in judged], [p["p_fake"] for p in judged]), abs=1e-4
    )
    assert (rows["all"]["real"], rows["all"]["fake"], rows["all"]["not_judged"]) == (9, 9, 2)
    assert rows["all"]["fakes_called_fake"] == sum(p["verdict"] == "fake" for p in judged if p["fake"]) / 8
    assert rows["odd"]["auc"] is None
    assert report["model"] == detector.model_info
    low, high = report["intervals"]["auc"]
    assert low <= rows["all"]["auc"] <= high
    assert report["data"] == "faces, test split"
    assert "| left / right | 8 | 8 |" in markdown
    assert str(faces.parent) not in json.dumps(report), "the report names no folders of the machine"


def test_figures_go_into_the_card(faces: Path, model: Path, tmp_path: Path) -> None:
    evaluate(faces, tmp_path / "report", model=model, write_card=True)
    card = ModelCard.load(model.with_suffix(".json"))
    assert card.measured == json.loads((tmp_path / "report" / "report.json").read_text())
    assert Model(model).card == card, "weights and card still belong together"


def test_same_data_same_report(faces: Path, model: Path, tmp_path: Path) -> None:
    evaluate(faces, tmp_path / "one", model=model)
    evaluate(faces / "manifest.csv", tmp_path / "two", model=model)
    for name in ("report.json", "report.md", "pictures.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize(("split", "count"), [("train", 2), ("test", 18), ("all", 20)])
def test_splits(faces: Path, model: Path, tmp_path: Path, split: str, count: int) -> None:
    evaluate(faces, tmp_path / "out", model=model, split=split)
    assert len((tmp_path / "out" / "pictures.jsonl").read_text().splitlines()) == count


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"split": "later"}, "split is 'later'; it must be train, val, test or all"),
        ({"split": "val"}, "the val split is empty"),
        (
            {"pairs": ["left"]},
            "pair is 'left'; it must be two sources as REAL:FAKE, out of: left, odd, right",
        ),
        ({"pairs": ["left:nowhere"]}, "pair is 'left:nowhere'"),
        ({"pairs": ["a:b:c"]}, "pair is 'a:b:c'"),
    ],
)
def test_nonsense_is_refused_before_judging(
    faces: Path, model: Path, tmp_path: Path, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        evaluate(faces, tmp_path / "out", model=model, **settings)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_paths_that_do_not_work(faces: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        evaluate(tmp_path / "nowhere", tmp_path / "out", model=model)
    with pytest.raises(ModelError, match="no such model card"):
        evaluate(faces, tmp_path / "out", model=tmp_path / "nowhere.onnx")
    with pytest.raises(DataError, match="cannot be made a folder"):
        evaluate(faces, model, model=model)


def test_does_without_torch(faces: Path, model: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from veraface.evaluation.protocol import evaluate\n"
        "evaluate(Path(sys.argv[1]), Path(sys.argv[2]), model=Path(sys.argv[3]), split='train')\n"
        "sys.exit('torch' in sys.modules or 'veraface.server' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program, faces, tmp_path / "out", model], check=False)
    assert done.returncode == 0
    assert (tmp_path / "out" / "report.json").is_file()
