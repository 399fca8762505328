"""Export: the ONNX file and its model card."""

import csv
import hashlib
import json
from dataclasses import fields
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray

from tests.sample_data import COLUMNS, face, make_dataset, write_csv
from tests.sample_images import difference, portrait
from tests.training.runs import settings
from veraface import Detector
from veraface.datasets.manifest import read_samples
from veraface.datasets.samples import Sample
from veraface.datasets.validation import prepare
from veraface.errors import DataError, ModelError
from veraface.geometry import Box
from veraface.geometry import roll as face_roll
from veraface.models.card import ModelCard
from veraface.models.classifier import OnnxClassifier
from veraface.models.crop import CropSettings, FaceViews
from veraface.models.onnx_session import open_session
from veraface.models.tta import tta_batch
from veraface.results import Verdict
from veraface.training.calibration import ErrorTargets, fit_thresholds
from veraface.training.config import TrainConfig
from veraface.training.dataset import open_sample
from veraface.training.export import (
    LIMITS,
    average_weights,
    calibrate,
    export,
    face_logits,
    validation_logits,
)
from veraface.training.network import Network
from veraface.training.trainer import load_network, train


@pytest.fixture
def ready_file(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports of the tiny run copy its ONNX file instead of tracing the same network again."""
    content = tiny_model.read_bytes()
    monkeypatch.setattr(
        "veraface.training.export.write_onnx", lambda network, size, path: path.write_bytes(content)
    )


def crops(count: int, size: int = 64) -> NDArray[np.uint8]:
    images = [face(i, fake=i % 2 == 1).resize((size, size)) for i in range(count)]
    return np.stack([np.asarray(image) for image in images])


@pytest.mark.parametrize("batch", [1, 2, 5, 33])
def test_onnx_equals_torch(tiny_run: Path, tiny_model: Path, batch: int) -> None:
    pixels = crops(batch)
    logits, evidence = OnnxClassifier(tiny_model).predict(pixels)
    network = load_network(tiny_run, TrainConfig.load(tiny_run / "config.yaml"))
    with torch.inference_mode():
        expected, expected_evidence = network(torch.from_numpy(pixels))
    assert logits.shape == (batch,)
    assert np.abs(logits - expected.numpy()).max() < 1e-4
    assert np.abs(evidence - expected_evidence.numpy()).max() < 1e-3
    assert evidence.mean(axis=(1, 2)) == pytest.approx(logits, abs=1e-4)
    assert batch == 1 or logits.std() > 1e-3


def test_file_is_fp32_with_a_free_batch_and_nothing_beside_it(tiny_model: Path) -> None:
    graph = onnx.load(tiny_model).graph
    assert [tensor.name for tensor in graph.input] == ["pixels"]
    assert [tensor.name for tensor in graph.output] == ["logit", "evidence"]
    batch, *rest = graph.input[0].type.tensor_type.shape.dim
    assert batch.dim_param
    assert [side.dim_value for side in rest] == [64, 64, 3]
    kinds = {tensor.data_type for tensor in graph.initializer}
    assert onnx.TensorProto.FLOAT in kinds
    assert not kinds & {onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16, onnx.TensorProto.INT8}
    assert sorted(path.name for path in tiny_model.parent.iterdir()) == ["tiny.json", "tiny.onnx"]


def test_card_is_complete(tiny_data: Path, tiny_run: Path, tiny_model: Path) -> None:
    card = ModelCard.load(tiny_model.with_suffix(".json"))
    written = json.loads(tiny_model.with_suffix(".json").read_text())
    assert set(written) == {field.name for field in fields(ModelCard)}
    assert card.sha256 == hashlib.sha256(tiny_model.read_bytes()).hexdigest()
    assert (card.name, card.backbone, card.license) == ("tiny", "test_efficientnet", "for tests")
    assert card.crop == CropSettings(64, 1.3)
    assert card.data == "12 real and 12 fake faces; sources: left, right"
    assert card.limits == LIMITS
    assert abs((date.fromisoformat(card.made) - date.today()).days) <= 1
    assert card.calibration.slope > 0
    assert 0 <= card.thresholds.real <= card.thresholds.fake <= 1
    assert card.error_rates["reals_called_fake"] <= card.error_rates["allowed_reals_called_fake"]
    assert card.error_rates["fakes_called_real"] <= card.error_rates["allowed_fakes_called_real"]
    assert card.training["epochs"] == 5
    assert str(tiny_data) not in json.dumps(written), "the card names no folders of the machine"


@pytest.mark.usefixtures("ready_file")
def test_card_names_the_licenses_of_the_training_data(tmp_path: Path, tiny_run: Path) -> None:
    (tmp_path / "licenses.yaml").write_text("left: 2024-99-01\nelsewhere: MIT\n2020: CC BY\n")
    card = export(tiny_run, tmp_path, name="licensed", data_licenses=tmp_path / "licenses.yaml")
    assert card.data_terms == {"left": "2024-99-01", "right": "not stated"}
    assert ModelCard.load(tmp_path / "licensed.json").data_terms == card.data_terms


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read as YAML"),
        (b"a: [", "cannot be read as YAML"),
        (b"\xff\xfe\x00", "cannot be read as YAML"),
        (b"just words", "must contain lines of SOURCE: LICENSE"),
        (b"left: [a]", "must contain lines of SOURCE: LICENSE"),
        (b"left:", "must contain lines of SOURCE: LICENSE"),
    ],
)
def test_unreadable_licenses(tmp_path: Path, tiny_run: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "licenses.yaml").write_bytes(content)
    with pytest.raises(DataError, match=f"licenses.yaml: {message}"):
        export(tiny_run, tmp_path / "out", name="x", data_licenses=tmp_path / "licenses.yaml")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("ready_file")
def test_target_error_rates_are_kept_and_on_the_card(tmp_path: Path, tiny_run: Path) -> None:
    """The default of 5% cannot be reached with a dozen images per class."""
    cards = [
        export(tiny_run, tmp_path, name=name, targets=targets)
        for name, targets in (("lax", ErrorTargets(0.2, 0.3)), ("default", None))
    ]
    for card, max_fpr, max_fnr in zip(cards, (0.2, 0.05), (0.3, 0.05), strict=True):
        rates = ModelCard.load(tmp_path / f"{card.name}.json").error_rates
        assert rates["allowed_reals_called_fake"] == max_fpr >= rates["reals_called_fake"]
        assert rates["allowed_fakes_called_real"] == max_fnr >= rates["fakes_called_real"]
    lax, default = (card.thresholds for card in cards)
    assert (default.real, default.fake) == (0, 1)
    assert 0 < lax.real <= lax.fake < 1


def test_calibrates_an_exported_model_on_other_data(
    tmp_path: Path, tiny_model: Path, tiny_data: Path
) -> None:
    """Equal data and targets give the thresholds of the export; the weights are the same, old figures go."""
    old = ModelCard.load(tiny_model.with_suffix(".json"))
    targets = ErrorTargets(
        old.error_rates["allowed_reals_called_fake"], old.error_rates["allowed_fakes_called_real"]
    )
    card = calibrate(tiny_model, tmp_path, data=tiny_data, targets=targets)
    assert ModelCard.load(tmp_path / "tiny.json") == card
    assert (tmp_path / "tiny.onnx").read_bytes() == tiny_model.read_bytes()
    assert card.measured == {}
    assert card.calibration.slope == pytest.approx(old.calibration.slope, rel=0.2)
    lax = calibrate(tiny_model, tmp_path, data=tiny_data, targets=ErrorTargets(0.45, 0.45))
    assert lax.thresholds.fake - lax.thresholds.real < card.thresholds.fake - card.thresholds.real
    OnnxClassifier(tmp_path / "tiny.onnx")


def test_damaged_weights_are_not_calibrated(tmp_path: Path, tiny_model: Path, tiny_data: Path) -> None:
    damaged = tmp_path / "tiny.onnx"
    damaged.write_bytes(tiny_model.read_bytes()[:-100])
    damaged.with_suffix(".json").write_bytes(tiny_model.with_suffix(".json").read_bytes())
    with pytest.raises(ModelError, match="does not match its model card"):
        calibrate(damaged, tmp_path / "out", data=tiny_data)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("ready_file")
def test_all_views_of_a_face_are_calibrated(tmp_path: Path, tiny_run: Path, tiny_data: Path) -> None:
    """As the detector compares them; the verdict rests on the recompressed view too."""
    targets = ErrorTargets(0.2, 0.2)
    card = export(tiny_run, tmp_path, name="tiny", targets=targets)
    validation = [s for s in read_samples(tiny_data) if s.split == "val"]
    samples = prepare(validation, skip_bad=False).samples
    session = open_session(tmp_path / "tiny.onnx", threads=0)
    seed = TrainConfig.load(tiny_run / "config.yaml").seed
    classifier = OnnxClassifier(tmp_path / "tiny.onnx")
    logits, labels, _ = validation_logits(partial(face_logits, classifier), samples, card.crop, seed)
    assert logits.shape == (3 * len(samples), 2)
    clean = [open_sample(sample, card.crop).views(card.crop) for sample in samples]
    for of_face, views in zip(logits[::3], clean, strict=True):
        batches = tta_batch(views.as_is()), tta_batch(views.saved_again())
        expected = [session.run(["logit"], {"pixels": batch})[0].mean() for batch in batches]
        assert of_face == pytest.approx(expected, abs=1e-5)
    assert np.abs(logits[:, 0] - logits[:, 1]).max() > 1e-3
    p_fake = card.calibration.probability(logits)
    weights = np.ones(len(labels))
    both, _ = fit_thresholds(p_fake.min(axis=1), p_fake.max(axis=1), labels, weights, targets, len(samples))
    assert card.thresholds == both


@pytest.mark.parametrize("roll", [0, 30])
def test_a_wide_crop_is_calibrated_on_what_surrounds_the_face(tmp_path: Path, roll: float) -> None:
    """As the detector sees it: not cut off at the context of the crop."""
    image, box = portrait(), Box(200, 90, 60, 80)
    image.save(tmp_path / "portrait.png")
    turn = np.exp(1j * np.radians(roll))
    upright = [complex(x, y) * turn for x, y in ((-1, -1), (1, -1), (0, 0), (-0.8, 1), (0.8, 1))]
    points = tuple((230 + 15 * point.real, 130 + 15 * point.imag) for point in upright)
    path = tmp_path / "portrait.png"
    sample = Sample(path, fake=False, source="one", group="one", split="val", box=box, landmarks=points)
    crop, seen = CropSettings(size=64, margin=1.3), []

    def classify(views: FaceViews) -> list[float]:
        seen.append(views.wide(3.0))
        return [0.0]

    validation_logits(classify, [sample], crop, 0, wide_margin=3.0)
    assert difference(seen[0], FaceViews(image, box, crop, face_roll(points)).wide(3.0)) < 0.5


def test_weights_are_averaged() -> None:
    networks = []
    for seed in range(3):
        torch.manual_seed(seed)
        networks.append(Network("test_efficientnet", 64))
    states = [{k: v.clone() for k, v in network.state_dict().items()} for network in networks]
    average_weights(networks[0], networks[1:])
    for name, tensor in networks[0].state_dict().items():
        mean = sum(state[name].double() for state in states) / 3
        assert torch.allclose(tensor.double(), mean, atol=1e-6), name
    assert not torch.equal(states[0]["backbone.conv_stem.weight"], states[1]["backbone.conv_stem.weight"])


def test_runs_are_averaged(tiny_run: Path, tiny_model: Path, tmp_path: Path) -> None:
    """Twice the same run is that run."""
    export(tiny_run, tmp_path, name="twice", average=[tiny_run])
    expected, found = (
        OnnxClassifier(path).predict(crops(4))[0] for path in (tiny_model, tmp_path / "twice.onnx")
    )
    assert found == pytest.approx(expected, abs=1e-5)


def test_runs_of_other_backbones_cannot_be_averaged(tiny_run: Path, tiny_data: Path, tmp_path: Path) -> None:
    other = copied(tiny_run, tmp_path / "other")
    settings(tiny_data, backbone="test_resnet").save(other / "config.yaml")
    with pytest.raises(DataError, match=r"other: has another backbone than .*; runs must agree in it"):
        export(tiny_run, tmp_path, name="tiny", average=[other])


@pytest.mark.usefixtures("ready_file")
def test_left_out_sources_are_not_used(tmp_path: Path, tiny_run: Path) -> None:
    """Neither in calibration nor on the card; their images may be unreadable."""
    data = make_dataset(tmp_path / "faces", {"train": 8, "val": 48})
    for sample in read_samples(data):
        if sample.source == "left":
            sample.path.write_bytes(b"")
    run = copied(tiny_run, tmp_path / "run")
    settings(data, epochs=5, leave_out=("left",)).save(run / "config.yaml")
    card = export(run, tmp_path / "out", name="tiny")
    assert card.data == "2 real and 2 fake faces; sources: right"
    assert list(card.training["leave_out"]) == ["left"]


def test_detector_uses_it(tiny_model: Path) -> None:
    detector = Detector(tiny_model)
    real, fake = (detector.detect(face(1000 + i, fake=i == 1)) for i in (0, 1))
    assert detector.model_info["name"] == "tiny"
    assert real.p_fake is not None
    assert Verdict.NO_FACE not in (real.verdict, fake.verdict)
    if fake.p_fake is not None:  # painted cheeks can be taken for a covered face
        assert real.p_fake < fake.p_fake


@pytest.mark.parametrize("backbone", ["test_vit", "test_resnet"])
def test_other_backbones_export(tmp_path: Path, tiny_data: Path, backbone: str) -> None:
    config = settings(tiny_data, backbone=backbone, epochs=5, lr=5e-3, head_lr=2e-2)
    train(config, tmp_path / "run")
    export(tmp_path / "run", tmp_path / "out", name=backbone)
    model = OnnxClassifier(tmp_path / "out" / f"{backbone}.onnx")
    for batch in (1, 3, 17):
        logits, evidence = model.predict(crops(batch))
        with torch.inference_mode():
            expected = load_network(tmp_path / "run", config)(torch.from_numpy(crops(batch)))[0].numpy()
        assert np.abs(logits - expected).max() < 1e-4
        assert evidence.mean(axis=(1, 2)) == pytest.approx(logits, abs=1e-4)


def copied(run: Path, to: Path) -> Path:
    to.mkdir()
    for name in ("config.yaml", "best.ckpt"):
        (to / name).write_bytes((run / name).read_bytes())
    return to


@pytest.mark.parametrize(
    ("message", "name", "content"),
    [
        ("config.yaml: no such file; give the folder of a training run", "config.yaml", None),
        ("is not the config of a training run", "config.yaml", b""),
        ("is not the config of a training run", "config.yaml", b"\xff\xfe\x00"),
        ("is not the config of a training run", "config.yaml", b"data: x\nsize: large\n"),
        ("is not the config of a training run", "config.yaml", b"data: x\nstranger: 1\n"),
        (
            "best.ckpt: is not a checkpoint of test_vit",
            "config.yaml",
            b"data: x\nbackbone: test_vit\nsize: 64\n",
        ),
        ("timm cannot build the backbone 'nonsense'", "config.yaml", b"data: x\nbackbone: nonsense\n"),
        ("best.ckpt: no checkpoint; train first", "best.ckpt", None),
        ("best.ckpt: is not a checkpoint of test_efficientnet, or is damaged", "best.ckpt", b""),
        (
            "best.ckpt: is not a checkpoint of test_efficientnet, or is damaged",
            "best.ckpt",
            b"PK\x03\x04 cut off",
        ),
    ],
)
def test_broken_runs(tmp_path: Path, tiny_run: Path, name: str, content: bytes | None, message: str) -> None:
    run = copied(tiny_run, tmp_path / "run")
    if content is None:
        (run / name).unlink()
    else:
        (run / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        export(run, tmp_path / "out", name="tiny")
    assert not (tmp_path / "out").exists()


def relabelled(data: Path, to: Path) -> Path:
    """The same images with swapped labels."""
    to.mkdir()
    with (data / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["path"] = str(data / row["path"])
        row["label"] = {"real": "fake", "fake": "real"}[row["label"]]
    write_csv(to / "manifest.csv", rows, COLUMNS)
    return to


@pytest.mark.usefixtures("ready_file")
def test_a_failed_calibration_leaves_nothing_behind(tmp_path: Path, tiny_run: Path, tiny_data: Path) -> None:
    """With swapped labels the calibration has a negative slope; an existing model is kept."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "tiny.onnx").write_text("older model")
    (out / "tiny.json").write_text("older card")
    with pytest.raises(DataError, match="has learned nothing"):
        export(tiny_run, out, name="tiny", data=relabelled(tiny_data, tmp_path / "wrong"))
    assert {path.name: path.read_text() for path in out.iterdir()} == {
        "tiny.onnx": "older model",
        "tiny.json": "older card",
    }


def test_too_few_images_are_refused_before_any_work(tmp_path: Path, tiny_run: Path) -> None:
    few = make_dataset(tmp_path / "few", {"train": 4, "val": 18})
    with pytest.raises(
        DataError, match="needs 10 validation images of each class; there are 9 real and 9 fake"
    ):
        export(tiny_run, tmp_path / "out", name="tiny", data=few)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("ready_file")
def test_moved_data_and_unreadable_images(tmp_path: Path, tiny_run: Path) -> None:
    moved = make_dataset(tmp_path / "moved", {"train": 4, "val": 24})
    (moved / "010.png").write_bytes(b"")
    with pytest.raises(DataError, match="1 image cannot be used"):
        export(tiny_run, tmp_path / "out", name="tiny", data=moved)
    card = export(tiny_run, tmp_path / "out", name="tiny", data=moved, skip_bad=True)
    assert card.data == "2 real and 2 fake faces; sources: left, right"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../tiny"])
def test_names_that_are_paths(tmp_path: Path, tiny_run: Path, name: str) -> None:
    with pytest.raises(DataError, match="plain file name"):
        export(tiny_run, tmp_path / "out", name=name)


def test_out_that_is_a_file(tmp_path: Path, tiny_run: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(DataError, match="out: cannot be created as a folder"):
        export(tiny_run, tmp_path / "out", name="tiny")
