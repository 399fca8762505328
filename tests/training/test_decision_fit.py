"""The decision fitted to a score table: networks, calibration, thresholds, and what a card stores of it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.evaluation.sample_tables import SOURCES, Source, make_table
from tests.sample_models import brightness_model
from veraface.decision import Calibration, Thresholds
from veraface.errors import DataError
from veraface.evaluation.score_table import NetworkScores, ScoreTable
from veraface.models.card import ModelCard, bound_lines
from veraface.training.decision_fit import fit_decision, refit_without
from veraface.training.disagreement import find_bound
from veraface.training.group_thresholds import BoundSettings, ScoredImages
from veraface.training.joining import Join, NetworkWeight, choose_networks, cross_fitted, fit_join, mean_auc

TABLE = make_table()
IMAGES = NetworkScores.of(TABLE, final=False)
FIT = fit_decision(TABLE)


def test_both_networks_are_kept_where_each_finds_what_the_other_misses() -> None:
    assert [network.name for network in FIT.join.networks] == ["vit", "lite"]
    assert sum(network.weight for network in FIT.join.networks) == pytest.approx(1)
    assert FIT.candidates["vit + lite"] > max(FIT.candidates["vit"], FIT.candidates["lite"]) + 0.01


def test_a_network_that_adds_nothing_is_dropped() -> None:
    random = np.random.default_rng(0)
    logits = dict(TABLE.logits)
    for name in [name for name in logits if name.startswith("lite/")]:
        twin = TABLE.logits[name.replace("lite", "vit")]
        logits[name] = (twin + random.normal(0, 2, twin.shape)).astype(np.float32)
    fit = fit_decision(replace(TABLE, logits=logits))
    assert [network.name for network in fit.join.networks] == ["vit"]
    assert fit.join.networks[0].weight == 1
    assert fit.candidates["vit + lite"] < fit.candidates["vit"] + 0.01
    assert fit.disagreement is None


def test_networks_can_be_limited() -> None:
    fit = fit_decision(TABLE, architectures=["lite"])
    assert [network.name for network in fit.join.networks] == ["lite"]
    assert set(fit.candidates) == {"lite"}


def test_networks_with_one_view() -> None:
    fit = fit_decision(TABLE, one_view=["lite"])
    images = fit.read(TABLE, final=False)
    assert np.array_equal(images.scores["lite"], TABLE.out_of_fold("lite"))
    assert np.array_equal(images.recompressed["lite"], images.scores["lite"])
    assert np.array_equal(images.scores["vit"], IMAGES.scores["vit"])
    assert fit.to_dict()["one_view"] == ("lite",)


def test_a_network_with_a_negative_weight_is_left_out() -> None:
    scores = {"good": IMAGES.scores["vit"], "wrong": -IMAGES.scores["lite"]}
    join = fit_join(replace(IMAGES, scores=scores), ["good", "wrong"])
    assert [network.name for network in join.networks] == ["good"]


def test_the_join_is_a_calibrated_mean() -> None:
    """With independent normal logits of equal quality, both count alike and p_fake is the share of fakes."""
    sources = [Source(f"s{i}", fake, 400, 1, (s, s)) for i, (fake, s) in enumerate([(False, -1), (True, 1)])]
    images = NetworkScores.of(make_table(sources), final=False)
    join = fit_join(images, ["vit", "lite"])
    assert join.networks[0].weight == pytest.approx(0.5, abs=0.05)
    p_fake = join.probability(images.scores)
    for low, high in ((0.1, 0.4), (0.4, 0.6), (0.6, 0.9)):
        chosen = (p_fake >= low) & (p_fake < high)
        assert images.fake[chosen].mean() == pytest.approx(p_fake[chosen].mean(), abs=0.15)


def test_each_source_is_scored_by_a_fit_to_the_others() -> None:
    p_fake = cross_fitted(IMAGES, ["vit", "lite"])
    own = IMAGES.source == "gan"
    expected = fit_join(IMAGES.where(~own), ["vit", "lite"]).probability(IMAGES.where(own).scores)
    assert np.allclose(p_fake[own], expected)
    moved = replace(IMAGES, scores={n: np.where(own, v + 5, v) for n, v in IMAGES.scores.items()})
    assert np.allclose(cross_fitted(moved, ["vit", "lite"])[~own], p_fake[~own], atol=0.25)
    assert mean_auc(IMAGES, p_fake) == pytest.approx(FIT.candidates["vit + lite"], abs=1e-4)


def test_one_source_of_a_class_is_too_few_to_leave_it_out() -> None:
    sources = [source for source in SOURCES if not source.fake or source.name == "gan"]
    with pytest.raises(DataError, match="calibration needs 10 validation images of each class"):
        fit_decision(make_table(sources))


@pytest.mark.parametrize("fake", [False, True])
def test_a_missing_class(fake: bool) -> None:
    sources = [source for source in SOURCES if source.fake == fake]
    with pytest.raises(DataError, match="calibration needs 10 validation images of each class"):
        fit_decision(make_table(sources))


def test_a_table_without_networks_of_folds() -> None:
    final = {name: values for name, values in TABLE.logits.items() if name.endswith("final")}
    with pytest.raises(DataError, match="there are 0 real and 0 fake"):
        fit_decision(replace(TABLE, logits=final))


def test_networks_without_signal() -> None:
    sources = [replace(source, shift=(0.0, 0.0)) for source in SOURCES]
    with pytest.raises(DataError, match="has learned nothing"):
        fit_decision(make_table(sources, architectures=("vit",), seed=1))
    reversed_labels = {name: -values for name, values in TABLE.logits.items()}
    with pytest.raises(DataError, match="has learned nothing"):
        fit_decision(replace(TABLE, logits=reversed_labels))


def test_fakes_without_signal_do_not_spoil_the_others() -> None:
    """A generator that looks real is named as not kept; the reals keep their bounds."""
    hidden = Source("hidden", True, 150, 1, (-1.4, -1.4))
    fit = fit_decision(make_table((*SOURCES, hidden)))
    held = {(bound.name, bound.fake): bound.held for bound in fit.bounds}
    assert not held["hidden", True]
    assert all(kept for (_, fake), kept in held.items() if not fake)
    assert fit.error_rates["fakes_called_real"] <= fit.settings.mean_fnr + 1e-3


def test_the_share_of_uncertain_images_is_that_of_the_final_networks() -> None:
    settings = BoundSettings(max_uncertain=0.03, mean_fnr=0.4)
    fit = fit_decision(TABLE, settings)
    validation = fit.read(TABLE, final=True, where=TABLE.split == "val")
    assert fit.score(validation).uncertain(fit.thresholds).mean() <= 0.03 + 0.01
    without = {name: values for name, values in TABLE.logits.items() if "final" not in name}
    other = fit_decision(replace(TABLE, logits=without), settings)
    assert other.score(IMAGES).uncertain(other.thresholds).mean() <= 0.03 + 0.01
    assert other.thresholds.real > fit.thresholds.real


def test_a_refit_does_not_see_the_source() -> None:
    refit = refit_without(FIT, IMAGES, "beach")
    moved = {n: np.where(IMAGES.source == "beach", v + 3, v) for n, v in IMAGES.scores.items()}
    assert refit_without(FIT, replace(IMAGES, scores=moved), "beach").join == refit.join
    assert refit.join != FIT.join


def test_the_card_states_confidence_and_groups(tmp_path: Path) -> None:
    card = ModelCard.load(brightness_model(tmp_path).with_suffix(".json"))
    replace(card, **FIT.card_fields()).save(tmp_path / "card.json")
    read = ModelCard.load(tmp_path / "card.json")
    assert (read.calibration, read.thresholds) == (FIT.join.calibration, FIT.thresholds)
    assert read.error_rates["allowed_reals_called_fake"] == 0.06
    assert read.error_rates["reals_called_fake"] == FIT.error_rates["reals_called_fake"]
    bounds = read.error_bounds
    assert bounds["confidence"] == 0.95
    assert set(bounds["reals_called_fake"]) == {"alps", "beach", "swap", "small sources"}
    assert bounds["reals_called_fake"]["alps"]["groups"] == 150
    assert bounds["reals_called_fake"]["alps"]["bound"] <= 0.06
    assert bounds["fakes_called_real"]["small sources"]["held"] is False


def test_the_bounds_of_a_card_as_text() -> None:
    lines = bound_lines(FIT.card_fields()["error_bounds"])
    assert [line.split(":")[0] for line in lines] == [
        "FPR at most, at confidence 0.95",
        "FNR at most, at confidence 0.95",
        "FNR at most, at confidence 0.95, above the target",
    ]
    assert "alps 4.6%" in lines[0]
    assert lines[2].endswith(": small sources 11.3%")
    assert bound_lines({}) == []


def test_the_fit_is_stored_as_json(tmp_path: Path) -> None:
    FIT.save(tmp_path / "decision.json")
    stored = json.loads((tmp_path / "decision.json").read_text())
    assert stored["thresholds"] == {"real": FIT.thresholds.real, "fake": FIT.thresholds.fake}
    assert [network["name"] for network in stored["join"]["networks"]] == ["vit", "lite"]
    assert stored["settings"]["confidence"] == 0.95
    assert all(set(bound) >= {"name", "sources", "rate", "bound", "held"} for bound in stored["bounds"])


def pair(signal: float) -> tuple[ScoredImages, np.ndarray, Thresholds]:
    """Images of four sources whose errors have a large disagreement with this probability."""
    random = np.random.default_rng(0)
    fake = np.arange(8000) % 2 == 1
    logits = random.normal(np.where(fake, 1.5, -1.5), 1.2)
    p_fake = 1 / (1 + np.exp(-logits))
    wrong = (logits > 0) != fake
    marked = wrong & (random.random(8000) < signal)
    disagreement = np.where(marked, random.uniform(2, 3, 8000), random.uniform(0, 2, 8000))
    source = np.array(["a", "b", "c", "d"])[np.arange(8000) // 2000]
    images = ScoredImages(p_fake, p_fake, fake, source, np.arange(8000))
    return images, disagreement, Thresholds(0.4, 0.6)


def test_disagreement_that_marks_errors_becomes_a_rule() -> None:
    images, disagreement, thresholds = pair(0.9)
    test = find_bound(images, disagreement, thresholds)
    assert test.auc is not None
    assert test.auc > 0.9
    assert test.bound is not None
    assert 1.5 < test.bound < 2.5
    best = next(row for row in test.tried if row["bound"] == pytest.approx(test.bound, abs=1e-3))
    assert best["with_bound"] < best["with_wider_band"] < best["before"]


def test_disagreement_without_signal_is_no_rule() -> None:
    images, disagreement, thresholds = pair(0.0)
    test = find_bound(images, disagreement, thresholds)
    assert test.bound is None
    assert test.auc == pytest.approx(0.5, abs=0.05)
    assert len(test.tried) == 4
    assert find_bound(images, np.zeros(8000), thresholds).tried == ()


def test_images_beyond_the_bound_are_uncertain() -> None:
    fit = replace(FIT, disagreement=1.0)
    beyond = fit.join.disagreement(IMAGES.scores) > 1.0
    assert 0 < beyond.mean() < 1
    scored = fit.score(IMAGES)
    assert scored.uncertain(fit.thresholds)[beyond].all()
    assert np.array_equal(scored.lowest[~beyond], FIT.score(IMAGES).lowest[~beyond])


def test_disagreement_is_the_difference_of_calibrated_logits() -> None:
    networks = (
        NetworkWeight("a", 0.5, Calibration(2.0, 1.0)),
        NetworkWeight("b", 0.5, Calibration(1.0, -1.0)),
    )
    join = Join(networks, Calibration(1.0, 0.0))
    logits = {"a": np.array([0.0, 1.0]), "b": np.array([2.0, 1.0])}
    assert join.disagreement(logits).tolist() == [0.0, 3.0]
    assert join.probability(logits) == pytest.approx([1 / (1 + np.exp(-1))] * 2)


def test_candidates_are_tried_one_by_one() -> None:
    kept, tried = choose_networks(IMAGES, 0.01)
    assert kept == ["vit", "lite"]
    assert list(tried) == ["vit", "lite", "vit + lite"]
    kept, _ = choose_networks(IMAGES, 0.5)
    assert kept == ["vit"]


def test_tables_of_one_architecture(tmp_path: Path) -> None:
    table = make_table(architectures=("lite",))
    table.save(tmp_path / "scores.npz")
    fit = fit_decision(ScoreTable.load(tmp_path / "scores.npz"))
    assert [network.name for network in fit.join.networks] == ["lite"]
    assert fit.join.networks[0].calibration == fit.join.calibration
