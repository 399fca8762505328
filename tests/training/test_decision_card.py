"""Model cards of a decision that was fitted to a score table: what they say is what detection does."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.evaluation.sample_tables import make_table
from tests.sample_images import portrait
from tests.sample_models import brightness_model, tuned_model
from veraface import Detector
from veraface.errors import DataError, ModelError
from veraface.models.card import ModelCard
from veraface.models.crop import crop_face
from veraface.models.ensemble import EnsembleClassifier
from veraface.models.tta import classify_face
from veraface.training.decision_card import write_decision
from veraface.training.decision_fit import fit_decision
from veraface.training.group_thresholds import BoundSettings
from veraface.training.score_evaluation import evaluate_scores

TABLE = make_table()


@pytest.fixture
def networks(tmp_path: Path) -> dict[str, Path]:
    """A network that sees two views, and one that sees one."""
    folder = tmp_path / "runs"
    folder.mkdir()
    return {"vit": tuned_model(folder), "lite": brightness_model(folder, center=107.5)}


def test_the_ensemble_decides_as_it_was_fitted(networks: dict[str, Path], tmp_path: Path) -> None:
    fit = write_decision(TABLE, networks, tmp_path / "out", name="both")
    classifier = EnsembleClassifier(tmp_path / "out/both.json")
    assert fit.one_view == ("vit",)
    assert {part.name: part.weight for part in classifier.card.parts} == pytest.approx(
        {"tuned": fit.join.networks[0].weight, "brightness": fit.join.networks[1].weight}
    )
    box = Detector().detect(portrait()).faces[0].box
    crop = crop_face(portrait(), box, classifier.card.crop)
    logits = {
        architecture: np.array([classify_face(Detector(path)._classifier, crop).logit])
        for architecture, path in networks.items()
    }
    probability = classifier.card.calibration.probability
    assert probability(np.array([classifier.classify_face(crop).logit])) == pytest.approx(
        fit.join.probability(logits)
    )
    assert classifier.card.thresholds == fit.thresholds
    assert classifier.card.max_disagreement == fit.disagreement
    assert classifier.card.error_bounds["confidence"] == 0.95
    assert Detector(tmp_path / "out/both.json").detect(portrait()).verdict is not None


def test_each_network_has_a_decision_of_its_own(networks: dict[str, Path], tmp_path: Path) -> None:
    settings = BoundSettings(min_groups=120)
    write_decision(TABLE, networks, tmp_path / "out", name="both", settings=settings)
    for architecture, name in (("vit", "tuned"), ("lite", "brightness")):
        card = ModelCard.load(tmp_path / f"out/{name}.json")
        own = fit_decision(TABLE, settings, architectures=[architecture], one_view=["vit"])
        assert (card.calibration, card.thresholds) == (own.join.calibration, own.thresholds)
        assert Detector(tmp_path / f"out/{name}.json").card.name == name


def test_one_network_needs_no_ensemble(networks: dict[str, Path], tmp_path: Path) -> None:
    write_decision(TABLE, {"lite": networks["lite"]}, tmp_path / "out", name="both")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "brightness.json",
        "brightness.onnx",
    ]


def test_the_report_is_of_the_cards(networks: dict[str, Path], tmp_path: Path) -> None:
    TABLE.save(tmp_path / "scores.npz")
    evaluate_scores(tmp_path / "scores.npz", tmp_path / "out", cards=networks, name="both")
    stored = json.loads((tmp_path / "out/decision.json").read_text())
    card = ModelCard.load(tmp_path / "out/both.json")
    assert stored["thresholds"] == {"real": card.thresholds.real, "fake": card.thresholds.fake}
    assert stored["one_view"] == ["vit"]


def test_cards_can_be_written_in_place(networks: dict[str, Path]) -> None:
    folder = networks["vit"].parent
    write_decision(TABLE, networks, folder, name="both")
    assert len(EnsembleClassifier(folder / "both.json").card.parts) == 2


def test_networks_that_cannot_be_joined(networks: dict[str, Path], tmp_path: Path) -> None:
    other = {**networks, "lite": brightness_model(tmp_path, size=96)}
    with pytest.raises(DataError, match="networks with another crop cannot be joined"):
        write_decision(TABLE, other, tmp_path / "out", name="both")
    with pytest.raises(DataError, match="name is 'tuned', the name of one of the networks"):
        write_decision(TABLE, networks, tmp_path / "out", name="tuned")
    with pytest.raises(ModelError, match="no such model card"):
        write_decision(TABLE, {"vit": tmp_path / "missing.json"}, tmp_path / "out", name="both")
    assert not (tmp_path / "out").exists()
