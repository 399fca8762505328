"""`evaluate`: the whole pipeline and the files it writes."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from tests.sample_data import face, make_rows, write_csv
from tests.sample_models import brightness_model
from veraface import Detector
from veraface.errors import DataError, ModelError
from veraface.evaluation.report import short_form
from veraface.evaluation.run import EvaluationConfig, evaluate
from veraface.models.card import ModelCard
from veraface.models.classifier import OnnxClassifier

SPLITS = {"train": 2, "test": 16}
FILES = ["images.jsonl", "report.html", "report.json", "report.md"]
CLEAN_ONLY = EvaluationConfig(tiers=False, curves=0, self_blend=False)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 test images; the fakes are bright. One more is cut off, and one shows no face."""
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


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "images.jsonl").read_text().splitlines()]


def test_all_files_are_written(faces: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "report"
    before = model.with_suffix(".json").read_bytes()
    config = replace(CLEAN_ONLY, pairs=("left:right",))
    printed = evaluate(faces, out, config, model=model)
    assert sorted(path.name for path in out.iterdir()) == FILES
    markdown = (out / "report.md").read_text()
    assert markdown.startswith(printed)
    assert model.with_suffix(".json").read_bytes() == before, "the card changes on demand only"

    images = lines(out)
    assert len(images) == 18
    detector = Detector(model)
    for image in images[:16]:
        result = detector.detect(faces / image["path"])
        assert (image["verdict"], image["p_fake"]) == (result.verdict, result.p_fake)
        assert image["fake"] == bool(int(image["path"][:3]) % 2)
    lost, wall = images[16:]
    assert (lost["verdict"], lost["p_fake"]) == (None, None)
    assert "cut off or corrupt" in lost["error"]
    assert (wall["verdict"], wall["p_fake"], wall["error"]) == ("no_face", None, "")

    report = json.loads((out / "report.json").read_text())
    rows = {row["source"]: row for row in report["rows"]}
    assert list(rows) == ["all", "left", "odd", "right", "left / right"]
    classified = [p for p in images if p["p_fake"] is not None]
    assert rows["all"]["auc"] == pytest.approx(
        roc_auc_score([p["fake"] for p in classified], [p["p_fake"] for p in classified]), abs=1e-4
    )
    assert (rows["all"]["real"], rows["all"]["fake"], rows["all"]["not_judged"]) == (9, 9, 2)
    assert (
        rows["all"]["fakes_called_fake"] == sum(p["verdict"] == "fake" for p in classified if p["fake"]) / 8
    )
    assert rows["odd"]["auc"] is None
    assert report["model"] == detector.model_info
    low, high = rows["all"]["intervals"]["auc"]
    assert low <= rows["all"]["auc"] <= high
    assert report["data"] == "faces, test split"
    assert "| left / right | 4 | 4 |" in markdown, "reals of the one, fakes of the other"
    assert not {"tiers", "curves", "self_blended"} & set(report)


@pytest.fixture(scope="module")
def whole(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder of a report with everything in it, and the model, whose card holds it."""
    folder = tmp_path_factory.mktemp("whole")
    model = brightness_model(folder)
    evaluate(faces, folder / "report", EvaluationConfig(curves=6), model=model, write_card=True)
    return folder / "report", model


def test_every_degradation_is_evaluated(whole: tuple[Path, Path]) -> None:
    images = lines(whole[0])
    counts = Counter(image["degradation"] for image in images)
    assert (counts["clean"], counts["web"], counts["hard"], counts["self-blended"]) == (18, 18, 18, 9)
    assert len(counts) == 4 + 28
    assert {count for name, count in counts.items() if name.startswith(("JPEG", "blur", "noise"))} == {6}
    report = json.loads((whole[0] / "report.json").read_text())
    assert [tier["tier"] for tier in report["tiers"]] == ["clean", "web", "hard"]
    assert report["self_blended"]["fake"] == 8
    assert report["self_blended"]["not_made"] == 1
    darkest = next(c for c in report["curves"]["degradations"] if c["degradation"] == "brightness")["steps"][
        0
    ]
    assert darkest["fakes_called_fake"] < report["curves"]["clean"]["fakes_called_fake"]


def test_rows_of_clean_images_do_not_depend_on_the_rest(
    whole: tuple[Path, Path], faces: Path, model: Path, tmp_path: Path
) -> None:
    """Degraded and synthesized images do not count in the rows of clean images."""
    evaluate(faces, tmp_path, CLEAN_ONLY, model=model)
    alone, beside = (json.loads((folder / "report.json").read_text()) for folder in (tmp_path, whole[0]))
    for key in ("rows", "by_generator", "by_face_size", "trivial", "diagrams"):
        assert alone[key] == beside[key]


def test_the_rates_are_also_given_by_format(whole: tuple[Path, Path]) -> None:
    for image in lines(whole[0]):
        expected = "PNG" if image["degradation"] == "clean" and image["verdict"] else ""
        assert image["format"] == expected, image
    report = json.loads((whole[0] / "report.json").read_text())
    assert report["by_format"] == [{"format": "PNG", **row} for row in report["by_face_size"]]


def test_the_short_form_is_stored_in_the_card(whole: tuple[Path, Path]) -> None:
    out, model = whole
    card = ModelCard.load(model.with_suffix(".json"))
    assert card.measured == short_form(json.loads((out / "report.json").read_text()))
    assert OnnxClassifier(model).card == card, "weights and card still belong together"


def test_same_data_same_bytes(whole: tuple[Path, Path], faces: Path, tmp_path: Path) -> None:
    """Another process, called from elsewhere, with the data given in another way."""
    program = (
        "import sys; from pathlib import Path\n"
        "from veraface.evaluation.run import EvaluationConfig, evaluate\n"
        "data, out, model = map(Path, sys.argv[1:])\n"
        "evaluate(data, out, EvaluationConfig(curves=6), model=model)\n"
        "sys.exit('torch' in sys.modules or 'veraface.server' in sys.modules)"
    )
    command = [sys.executable, "-c", program, "faces/manifest.csv", str(tmp_path / "again"), str(whole[1])]
    done = subprocess.run(command, check=False, cwd=faces.parent)
    assert done.returncode == 0, "it failed, or loaded torch"
    for name in FILES:
        content = (whole[0] / name).read_bytes()
        assert content == (tmp_path / "again" / name).read_bytes(), name
        assert str(faces.parent).encode() not in content, f"{name} names a folder of the machine"


@pytest.mark.parametrize(("split", "count"), [("train", 2), ("test", 18), ("all", 20)])
def test_splits(faces: Path, model: Path, tmp_path: Path, split: str, count: int) -> None:
    evaluate(faces, tmp_path / "out", replace(CLEAN_ONLY, split=split), model=model)
    assert len(lines(tmp_path / "out")) == count


def test_the_command_repeats_the_evaluation() -> None:
    assert EvaluationConfig().command("faces") == "veraface evaluate --data faces --split test --out report"
    config = EvaluationConfig("all", 32, ("a b:c",), tiers=False, curves=0, self_blend=False)
    assert config.command("my faces") == (
        "veraface evaluate --data 'my faces' --split all --frames 32 --pair 'a b:c' --no-tiers --curves 0 "
        "--no-self-blend --out report"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"split": "later"}, "split is 'later'; it must be train, val, test or all"),
        ({"split": "val"}, "the val split is empty"),
        ({"pairs": ("left",)}, "pair is 'left'; it must be two sources as REAL:FAKE"),
        ({"curves": -1}, "curves is -1; it must be a number of images"),
        ({"curves": 1}, "curves is 1; it must be a number of images, at least one of each class"),
        (
            {"pairs": ("left:nowhere",)},
            "no source with fakes is called nowhere; there are: left, odd, right",
        ),
        ({"frames": 0}, "frames is 0; at least one image of a video is needed"),
        ({"pairs": ("a:b:c",)}, "pair is 'a:b:c'"),
    ],
)
def test_invalid_settings_are_refused_before_detection(
    faces: Path, model: Path, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        evaluate(faces, tmp_path / "out", EvaluationConfig(**settings), model=model)
    assert not (tmp_path / "out").exists()


def test_invalid_paths(faces: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        evaluate(tmp_path / "nowhere", tmp_path / "out", model=model)
    with pytest.raises(ModelError, match="nowhere.onnx: no such model"):
        evaluate(faces, tmp_path / "out", model=tmp_path / "nowhere.onnx")
    with pytest.raises(DataError, match="cannot be created as a folder"):
        evaluate(faces, model, model=model)
