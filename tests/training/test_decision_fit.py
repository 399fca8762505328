"""The decision fitted to a score table: calibration, thresholds, and what a card stores of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.evaluation.sample_tables import SOURCES, Source, make_table
from tests.sample_images import portrait
from tests.sample_models import brightness_model, tuned_model
from veraface import Detector
from veraface.errors import DataError, ModelError
from veraface.evaluation.score_table import FINAL, RECOMPRESSED, NetworkScores
from veraface.models.card import ModelCard, bound_lines
from veraface.training.decision_fit import cross_fitted, fit_decision, write_card
from veraface.training.group_thresholds import BoundSettings

TABLE = make_table()
IMAGES = NetworkScores.of(TABLE, "vit", final=False)
FIT = fit_decision(TABLE, architecture="vit")


def test_a_network_is_chosen_by_name() -> None:
    assert fit_decision(TABLE, architecture="lite").architecture == "lite"
    with pytest.raises(DataError, match="has the networks vit, lite; choose one with --network"):
        fit_decision(TABLE)
    with pytest.raises(DataError, match="has no network resnet, only vit, lite"):
        fit_decision(TABLE, architecture="resnet")
    assert fit_decision(make_table(architectures=("lite",))).architecture == "lite"


def test_a_network_with_one_view() -> None:
    images = NetworkScores.of(TABLE, "vit", final=False, one_view=True)
    assert np.array_equal(images.logit, TABLE.out_of_fold("vit"))
    assert np.array_equal(images.recompressed, TABLE.out_of_fold("vit", RECOMPRESSED))
    fit = fit_decision(TABLE, architecture="vit", one_view=True)
    scored = fit.score(images)
    assert np.array_equal(scored.lowest < scored.highest, images.logit != images.recompressed)


def test_p_fake_is_the_share_of_fakes() -> None:
    sources = [Source(f"s{i}", fake, 400, 1, (s, s)) for i, (fake, s) in enumerate([(False, -1), (True, 1)])]
    table = make_table(sources)
    images = NetworkScores.of(table, "vit", final=False)
    p_fake = fit_decision(table, architecture="vit").calibration.probability(images.logit)
    for low, high in ((0.1, 0.4), (0.4, 0.6), (0.6, 0.9)):
        chosen = (p_fake >= low) & (p_fake < high)
        assert images.fake[chosen].mean() == pytest.approx(p_fake[chosen].mean(), abs=0.15)


def test_each_source_is_scored_by_a_fit_to_the_others() -> None:
    p_fake = cross_fitted(IMAGES)
    own = IMAGES.source == "gan"
    moved = replace(IMAGES, logit=np.where(own, IMAGES.logit + 5, IMAGES.logit))
    assert np.allclose(cross_fitted(moved)[~own], p_fake[~own], atol=0.25)
    logits, scored = IMAGES.logit[own], p_fake[own]
    assert np.array_equal(np.argsort(logits), np.argsort(scored)), "its own images are not in its fit"


@pytest.mark.parametrize("fake", [False, True])
def test_a_missing_class(fake: bool) -> None:
    sources = [source for source in SOURCES if source.fake == fake]
    with pytest.raises(DataError, match="calibration needs 10 validation images of each class"):
        fit_decision(make_table(sources), architecture="vit")


def test_a_table_without_networks_of_folds() -> None:
    final = {name: values for name, values in TABLE.logits.items() if name.endswith(FINAL)}
    with pytest.raises(DataError, match="has no network vit"):
        fit_decision(replace(TABLE, logits=final), architecture="vit")


def test_a_network_without_signal() -> None:
    sources = [replace(source, shift=(0.0, 0.0)) for source in SOURCES]
    with pytest.raises(DataError, match="has learned nothing"):
        fit_decision(make_table(sources, architectures=("vit",), seed=1))
    reversed_labels = {name: -values for name, values in TABLE.logits.items()}
    with pytest.raises(DataError, match="has learned nothing"):
        fit_decision(replace(TABLE, logits=reversed_labels), architecture="vit")


def test_fakes_without_signal_do_not_spoil_the_others() -> None:
    """A generator that looks real is named as not kept; the reals keep their bounds."""
    hidden = Source("hidden", True, 150, 1, (-1.4, -1.4))
    fit = fit_decision(make_table((*SOURCES, hidden)), architecture="vit")
    held = {(bound.name, bound.fake): bound.held for bound in fit.bounds}
    assert not held["hidden", True]
    assert all(kept for (_, fake), kept in held.items() if not fake)
    assert fit.error_rates["fakes_called_real"] <= fit.settings.mean_fnr + 1e-3


def test_the_share_of_uncertain_images_is_that_of_the_final_network() -> None:
    settings = BoundSettings(max_uncertain=0.2, mean_fnr=0.45)
    fit = fit_decision(TABLE, settings, architecture="vit")
    final = NetworkScores.of(TABLE, "vit", final=True)
    validation = final.where(TABLE.split[final.rows] == "val")
    assert fit.score(validation).uncertain(fit.thresholds).mean() <= 0.2 + 0.01
    without = {name: values for name, values in TABLE.logits.items() if FINAL not in name}
    other = fit_decision(replace(TABLE, logits=without), settings, architecture="vit")
    assert other.score(IMAGES).uncertain(other.thresholds).mean() <= 0.2 + 0.01
    assert other.thresholds.real > fit.thresholds.real


def test_the_card_states_confidence_and_groups(tmp_path: Path) -> None:
    """Decision and copies of the weights are written; the detector takes them."""
    (tmp_path / "run").mkdir()
    for made in (brightness_model, tuned_model):
        card_file = made(tmp_path / "run").with_suffix(".json")
        write_card(card_file, FIT.card_fields(), tmp_path / "out")
        detector = Detector(tmp_path / "out" / card_file.name)
        read = detector.card
        assert (read.calibration, read.thresholds) == (FIT.calibration, FIT.thresholds)
        assert detector.detect(portrait()).verdict is not None
    assert read.error_rates["allowed_reals_called_fake"] == 0.06
    assert read.error_rates["reals_called_fake"] == FIT.error_rates["reals_called_fake"]
    bounds = read.error_bounds
    assert bounds["confidence"] == 0.95
    assert set(bounds["reals_called_fake"]) == {"alps", "beach", "swap", "small sources"}
    assert bounds["reals_called_fake"]["alps"]["groups"] == 150
    assert bounds["reals_called_fake"]["alps"]["bound"] <= 0.06
    assert bounds["fakes_called_real"]["small sources"]["held"] is False


def test_a_card_can_be_written_in_place(tmp_path: Path) -> None:
    card_file = brightness_model(tmp_path).with_suffix(".json")
    write_card(card_file, FIT.card_fields(), tmp_path)
    assert ModelCard.load(card_file).thresholds == FIT.thresholds
    with pytest.raises(ModelError, match="no such model"):
        write_card(tmp_path / "missing.json", FIT.card_fields(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_bounds_of_a_card_as_text() -> None:
    lines = bound_lines(FIT.card_fields()["error_bounds"])
    assert [line.split(":")[0] for line in lines] == [
        "FPR at most, at confidence 0.95",
        "FNR at most, at confidence 0.95",
        "FNR at most, at confidence 0.95, above the target",
    ]
    alps = next(bound.bound for bound in FIT.bounds if bound.name == "alps")
    assert f"alps {alps:.1%}" in lines[0]
    assert bound_lines({}) == []
