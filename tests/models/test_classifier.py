import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.sample_models import brightness_model
from veraface.decision import Calibration
from veraface.errors import ModelError
from veraface.models.card import ModelCard, SecondNetwork
from veraface.models.classifier import WEIGHTS, OnnxClassifier, weight_files

SHIPPED = WEIGHTS / "veraface-lite0.onnx"
SIDE = OnnxClassifier(SHIPPED).card.crop.size


@pytest.fixture(scope="module")
def shipped() -> OnnxClassifier:
    return OnnxClassifier(SHIPPED)


def crops(count: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def test_the_shipped_model_has_a_complete_card(shipped: OnnxClassifier) -> None:
    card = shipped.card
    assert card.name == "veraface-lite0"
    assert card.limits
    assert "non-commercial" in card.license
    assert 0 < card.thresholds.real <= card.thresholds.fake < 1


def test_a_logit_is_the_mean_of_its_heatmap(shipped: OnnxClassifier) -> None:
    logits, heatmaps = shipped.predict(crops(3))
    assert logits.shape == (3,)
    assert heatmaps.ndim == 3
    np.testing.assert_allclose(heatmaps.mean(axis=(1, 2)), logits, atol=1e-4)


def test_a_score_does_not_depend_on_the_batch(shipped: OnnxClassifier) -> None:
    batch = crops(16)
    together = shipped.card.calibration.probability(shipped.predict(batch)[0])
    alone = [shipped.card.calibration.probability(shipped.predict(crop[None])[0])[0] for crop in batch]
    np.testing.assert_allclose(together, alone, atol=5e-7)  # results have six digits


def test_p_fake_increases_with_the_logit() -> None:
    p_fake = Calibration(0.7, -0.2).probability(np.array([-1e9, -3, 0, 3, 1e9]))
    assert (np.diff(p_fake) > 0).all()
    assert p_fake[0] == pytest.approx(0)
    assert p_fake[-1] == pytest.approx(1)


@pytest.mark.parametrize("slope", [0, -1, float("nan"), float("inf")])
def test_a_calibration_with_an_invalid_slope_is_refused(slope: float) -> None:
    with pytest.raises(ValueError, match="slope"):
        Calibration(slope, 0)


def test_a_card_is_equal_after_saving_and_loading(tmp_path: Path) -> None:
    card = ModelCard.load(brightness_model(tmp_path).with_suffix(".json"))
    card.save(tmp_path / "copy.json")
    assert ModelCard.load(tmp_path / "copy.json") == card
    assert not list(tmp_path.glob("*.part"))


def test_weights_with_a_wrong_hash_are_refused(tmp_path: Path) -> None:
    path = brightness_model(tmp_path)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ModelError, match=r"brightness\.onnx.*sha256"):
        OnnxClassifier(path)


def test_missing_files_are_reported(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.onnx: no such model$"):
        OnnxClassifier(tmp_path / "none.onnx")
    path = brightness_model(tmp_path)
    path.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match=r"brightness\.json: no such model card"):
        OnnxClassifier(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"crop": 3}', "\0"])
def test_a_damaged_card_is_refused(tmp_path: Path, text: str) -> None:
    path = brightness_model(tmp_path)
    path.with_suffix(".json").write_text(text)
    with pytest.raises(ModelError, match="invalid model card"):
        OnnxClassifier(path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("thresholds", {"real": 0.9, "fake": 0.1}),
        ("calibration", {"slope": -1, "intercept": 0}),
        ("crop", {"size": 0, "margin": 1.3}),
        ("wide_margin", 1.29),
        ("wide_margin", 4.1),
        ("wide_margin", "1.5"),
        ("wide_margin", True),
        ("surprise", 1),
        ("data", None),
        ("limits", [1]),
        ("error_rates", {"reals_called_fake": "few"}),
        ("error_rates", {"reals_called_fake": float("nan")}),
        ("measured", []),
        ("measured", {"rows": {}}),
        ("measured", {"rows": [{"auc": float("inf")}]}),
        ("measured", {"rows": [{"intervals": {"auc": [0.1]}}]}),
        ("measured", {"rows": [{"intervals": {"auc": "wide"}}]}),
    ],
)
def test_a_card_with_an_invalid_field_is_refused(tmp_path: Path, field: str, value: object) -> None:
    path = brightness_model(tmp_path).with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(ModelError, match="invalid model card"):
        ModelCard.load(path)


@pytest.mark.parametrize("wide", [1.29, 4.1, float("nan"), "1.5"])
def test_a_card_made_in_a_program_needs_a_usable_wide_margin(tmp_path: Path, wide: float) -> None:
    card = OnnxClassifier(brightness_model(tmp_path)).card
    assert card.crop.margin == 1.3
    with pytest.raises(ValueError, match="wide_margin must be 1.3 to 4"):
        replace(card, wide_margin=wide)


def test_an_invalid_onnx_file_with_a_matching_card_is_refused(tmp_path: Path) -> None:
    import hashlib

    path = brightness_model(tmp_path)
    path.write_bytes(b"not a model")
    card = json.loads(path.with_suffix(".json").read_text())
    card["sha256"] = hashlib.sha256(b"not a model").hexdigest()
    path.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="ONNX Runtime cannot load"):
        OnnxClassifier(path)


def joined_model(folder: Path, *, weight: float = 0.5, cells: int = 2, size: int = 160) -> Path:
    """Write a model with a second network, which is brighter by 10; return its card."""
    first = brightness_model(folder, name="first", cells=4).with_suffix(".json")
    second = brightness_model(folder, name="second", cells=cells, center=117.5, size=size)
    card = ModelCard.load(first)
    known = ModelCard.load(second.with_suffix(".json")).sha256
    replace(card, second=SecondNetwork("second.json", known, weight)).save(first)
    return first


@pytest.mark.parametrize("cells", [2, 3])
def test_logits_and_heatmaps_of_a_second_network_are_added(tmp_path: Path, cells: int) -> None:
    model = OnnxClassifier(joined_model(tmp_path, cells=cells))
    faces = np.random.default_rng(5).integers(0, 256, (3, 160, 160, 3), dtype=np.uint8)
    faces[:, :, :80] //= 4
    logits, heatmaps = model.predict(faces)
    first = (faces.mean(axis=(1, 2, 3)) - 127.5) / 10
    np.testing.assert_allclose(logits, first + 0.5 * (first + 1), atol=0.01)
    assert heatmaps.shape == (3, 4, 4)
    np.testing.assert_allclose(heatmaps.mean(axis=(1, 2)), logits, rtol=1e-4)
    assert (heatmaps[:, :, 0] < heatmaps[:, :, 3]).all()
    model.release_memory()


def test_a_second_network_belongs_to_the_files_of_a_model(tmp_path: Path) -> None:
    path = joined_model(tmp_path)
    card = ModelCard.load(path)
    assert ModelCard.load(path).second == card.second
    names = [file.name for file in weight_files(path, card)]
    assert names == ["first.onnx", "second.json", "second.onnx"]


def test_a_second_network_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = joined_model(tmp_path, size=64)
    with pytest.raises(ModelError, match="another crop"):
        OnnxClassifier(path)
    joined_model(tmp_path)
    brightness_model(tmp_path, name="second", center=1.0)
    with pytest.raises(ModelError, match=r"second\.json: is not the model that first\.json was fitted with"):
        OnnxClassifier(path)
    (tmp_path / "second.json").unlink()
    with pytest.raises(ModelError, match=r"second\.json: no such model"):
        OnnxClassifier(path)
    for weight in (0, -1, float("nan"), float("inf"), "1"):
        with pytest.raises(ValueError, match="weight of the second network"):
            SecondNetwork("second.json", "", weight)  # type: ignore[arg-type]
