"""Tuned tensors beside a shared base file, and several networks as one classifier."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.sample_images import portrait
from tests.sample_models import brightness_model, ensemble_model, tuned_model
from veraface import Detector, ModelError
from veraface.models.card import ModelCard
from veraface.models.classifier import OnnxClassifier
from veraface.models.ensemble import EnsembleClassifier, model_files
from veraface.models.registry import card_path, load_card, load_model
from veraface.models.tta import classify_face, tta_batch
from veraface.results import Verdict

DARK_RIGHT = np.repeat(np.linspace(200, 40, 160).astype(np.uint8)[None, :, None], 160, 0).repeat(3, 2)
GRAY = np.full((160, 160, 3), 147, np.uint8)


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """An ensemble of a network with 4 x 4 cells and two views, and one with 8 x 8 cells and one view."""
    parts = [brightness_model(tmp_path), tuned_model(tmp_path, cells=8, center=107.5)]
    return ensemble_model(tmp_path, parts, (0.25, 0.75))


def changed(path: Path, **values: Any) -> Path:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    return path


def test_tuned_tensors_replace_those_of_the_base(tmp_path: Path) -> None:
    logits = []
    for center in (127.5, 107.5):
        model = OnnxClassifier(tuned_model(tmp_path, center=center))
        logits.append(model.predict(np.stack([GRAY, DARK_RIGHT]))[0])
    assert logits[1] - logits[0] == pytest.approx([2, 2], abs=1e-4)
    assert logits[0] == pytest.approx(
        OnnxClassifier(brightness_model(tmp_path)).predict(np.stack([GRAY, DARK_RIGHT]))[0], abs=1e-5
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tuned.npz", None, r"tuned\.npz: cannot be read"),
        ("tuned.npz", b"other", r"tuned\.npz: does not match its model card"),
        ("tuned-base.onnx", None, r"tuned-base\.onnx: cannot be read"),
        ("tuned-base.onnx", b"other", r"tuned-base\.onnx: does not match its model card"),
    ],
)
def test_files_that_are_missing_or_damaged_are_named(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    card = tuned_model(tmp_path)
    (tmp_path / name).unlink() if content is None else (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=message):
        OnnxClassifier(card)


@pytest.mark.parametrize("tensors", [{"center": np.zeros(2)}, {"other": np.zeros(1)}, {}, None])
def test_tensors_that_do_not_fit_the_base_are_refused(tmp_path: Path, tensors: dict | None) -> None:
    import hashlib

    card, file = tuned_model(tmp_path), tmp_path / "tuned.npz"
    file.write_bytes(b"no archive") if tensors is None else np.savez(file, **tensors)
    changed(card, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    message = "cannot be read as tensors" if tensors is None else "ONNX Runtime cannot load"
    with pytest.raises(ModelError, match=message):
        OnnxClassifier(card)


def test_joined_logits_and_heatmaps(pair: Path) -> None:
    model = EnsembleClassifier(pair)
    crops = tta_batch(DARK_RIGHT)
    logits, heatmaps = model.predict(crops)
    one, other = (
        OnnxClassifier(pair.with_name(name)).predict(crops) for name in ("brightness.json", "tuned.json")
    )
    assert logits == pytest.approx(0.25 * one[0] + 0.75 * other[0], abs=1e-5)
    assert heatmaps.shape == (2, 8, 8)
    assert heatmaps.mean(axis=(1, 2)) == pytest.approx(logits, abs=1e-4)
    assert (np.diff(heatmaps[0], axis=1) < 0).all()
    model.release_memory()


def test_each_part_classifies_a_face_in_its_own_views(pair: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, int]] = []
    predict = OnnxClassifier.predict

    def recording(model: OnnxClassifier, crops: np.ndarray) -> Any:
        calls.append((model.card.name, len(crops)))
        return predict(model, crops)

    monkeypatch.setattr(OnnxClassifier, "predict", recording)
    face = classify_face(EnsembleClassifier(pair), DARK_RIGHT)
    assert calls == [("brightness", 2), ("tuned", 1)]
    assert face.heatmap.mean() == pytest.approx(face.logit, abs=1e-4)
    assert not face.disagree
    face.recompressed()
    assert calls[2:] == [("brightness", 1)]


@pytest.mark.parametrize(
    ("bound", "verdict"), [(2.1, Verdict.FAKE), (1.9, Verdict.UNCERTAIN), (None, Verdict.FAKE)]
)
def test_a_face_on_which_the_networks_disagree_is_uncertain(
    pair: Path, bound: float | None, verdict: Verdict
) -> None:
    """The logits of the parts always differ by 2."""
    changed(pair, max_disagreement=bound, thresholds={"real": 0.0, "fake": 0.0})
    (face,) = Detector(pair).detect(portrait()).faces
    assert face.verdict is verdict
    assert [reason.code for reason in face.reasons] == ["networks_disagree"] * (verdict is Verdict.UNCERTAIN)
    changed(pair, thresholds={"real": 0.0, "fake": 1.0})
    (face,) = Detector(pair).detect(portrait()).faces
    assert [reason.code for reason in face.reasons] == ["weak_evidence"]


def test_the_files_of_a_model(pair: Path) -> None:
    names = ["both.json", "brightness.json", "brightness.onnx", "tuned.json", "tuned-base.onnx", "tuned.npz"]
    assert [file.name for file in model_files(pair)] == names
    assert all(file.exists() for file in model_files(pair))


def test_loading_by_path(pair: Path) -> None:
    assert isinstance(load_model(pair), EnsembleClassifier)
    assert isinstance(load_model(str(pair.with_name("tuned.json"))), OnnxClassifier)
    assert card_path(pair) == pair
    assert load_card(pair) == ModelCard.load(pair)
    with pytest.raises(ModelError, match=r"none\.json: no such model"):
        load_model(pair.with_name("none.json"))


@pytest.mark.parametrize(
    ("file", "values", "message"),
    [
        ("both.json", {"sha256": "0"}, r"both\.json: its sha256 differs from that of its parts"),
        (
            "tuned.json",
            {"crop": {"size": 160, "margin": 1.5}},
            r"tuned\.json: has another crop than both\.json",
        ),
        ("both.json", {"parts": [{"name": "../x"}]}, "invalid model card"),
        ("both.json", {"parts": 5}, "invalid model card"),
        ("both.json", {"tta": "no"}, "tta must be true or false"),
        ("both.json", {"max_disagreement": "far"}, "max_disagreement must be a number or null"),
        ("tuned.json", {"base": {"file": "../../secret", "sha256": ""}}, "must be the name of a file"),
        ("tuned.json", {"base": {"file": "x"}}, "invalid model card"),
    ],
)
def test_cards_that_do_not_fit_are_refused(pair: Path, file: str, values: dict, message: str) -> None:
    changed(pair.with_name(file), **values)
    with pytest.raises(ModelError, match=message):
        load_model(pair)


def test_parts_with_other_weights_are_refused(pair: Path) -> None:
    tuned_model(pair.parent, center=99)
    with pytest.raises(ModelError, match=r"tuned\.json: has other weights than both\.json"):
        load_model(pair)


def test_the_card_of_one_network_is_no_ensemble(pair: Path) -> None:
    with pytest.raises(ModelError, match="not the card of an ensemble"):
        EnsembleClassifier(pair.with_name("tuned.json"))


def test_a_weight_must_be_a_number(pair: Path) -> None:
    parts = json.loads(pair.read_text())["parts"]
    changed(pair, parts=[parts[0] | {"weight": "much"}, parts[1]])
    with pytest.raises(ModelError, match="weight must be a number"):
        load_model(pair)


def test_a_card_with_the_fields_of_an_ensemble_is_equal_after_saving_and_loading(pair: Path) -> None:
    for name in ("both.json", "tuned.json"):
        card = ModelCard.load(pair.with_name(name))
        card.save(pair.with_name("copy.json"))
        assert ModelCard.load(pair.with_name("copy.json")) == card


def test_one_view_gives_the_same_logit_recompressed(tmp_path: Path) -> None:
    face = classify_face(OnnxClassifier(tuned_model(tmp_path)), DARK_RIGHT)
    assert face.recompressed() == face.logit == pytest.approx(face.heatmap.mean(), abs=1e-4)


def test_the_ensemble_is_the_default_once_it_is_installed() -> None:
    from veraface.models import registry

    default = "veraface" if "veraface" in registry.list_models() else "veraface-lite0"
    assert load_card() == load_card(default)
    assert load_card("fast") == load_card("veraface-lite0") == load_model("fast").card
    with pytest.raises(ModelError, match="'fast' is the name of a shipped classifier"):
        registry.register("fast", OnnxClassifier)
