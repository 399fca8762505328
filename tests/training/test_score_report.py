"""The report of a score table: each figure against one computed by hand, and its files."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.evaluation.sample_tables import SOURCES, make_table
from tests.sample_models import brightness_model, tuned_model
from veraface.errors import DataError, ModelError
from veraface.evaluation.score_table import NetworkScores
from veraface.models.card import ModelCard
from veraface.training.decision_fit import cross_fitted, fit_decision, refit
from veraface.training.group_thresholds import BoundSettings
from veraface.training.score_report import compute_score_report, evaluate_scores, score_markdown

TABLE = make_table(architectures=("vit",))
FIT = fit_decision(TABLE)
IMAGES = NetworkScores.of(TABLE, "vit", final=False)
P_FAKE = FIT.calibration.probability(IMAGES.logit)


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return compute_score_report(TABLE, FIT, bootstrap=50)


def row(rows: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    return next(r for r in rows if all(r[key] == value for key, value in wanted.items()))


def test_auc_of_a_left_out_source(report: dict[str, Any]) -> None:
    reals = ~IMAGES.fake
    own, fold = IMAGES.fake & (IMAGES.source == "swap"), TABLE.fold
    found = row(report["fakes"], source="swap")
    for key, against in {
        "auc": reals,
        "auc_same_network": reals & (fold == fold[own][0]),
        "auc_own": reals & (IMAGES.source == "swap"),
    }.items():
        chosen = own | against
        assert found[key] == pytest.approx(roc_auc_score(own[chosen], P_FAKE[chosen]), abs=1e-4), key
        low, high = found["intervals"][key]
        assert low <= found[key] <= high
    assert "auc_own" not in row(report["fakes"], source="gan")
    assert report["fakes"][0]["auc_own"] == found["auc_own"], "the only source with both classes"
    aucs = [r["auc"] for r in report["fakes"][1:]]
    assert report["fakes"][0]["auc"] == pytest.approx(np.mean(aucs), abs=1e-4)


def test_reals_of_left_out_sources(report: dict[str, Any]) -> None:
    scored = FIT.score(IMAGES)
    for found in report["reals"]:
        own = ~IMAGES.fake & (IMAGES.source == found["source"])
        fpr = scored.called_fake(FIT.thresholds)[own].mean()
        assert found["called_fake"] == pytest.approx(fpr, abs=1e-4)
        assert found["images"] == own.sum()
        assert sum(found[key] for key in ("called_fake", "uncertain", "called_real")) == pytest.approx(
            1, abs=1e-3
        )
        low, high = found["error_interval"]
        assert low <= found["called_fake"] + 0.01
        assert found["called_fake"] <= high


def test_a_refit_does_not_see_the_source(report: dict[str, Any]) -> None:
    others = IMAGES.where(IMAGES.source != "beach")
    final = NetworkScores.of(TABLE, "vit", final=True)
    validation = final.where((TABLE.split[final.rows] == "val") & (final.source != "beach"))
    again = refit(FIT, others, validation)
    own = IMAGES.where(~IMAGES.fake & (IMAGES.source == "beach"))
    expected = again.score(own).called_fake(again.thresholds).mean()
    assert again.calibration != FIT.calibration
    found = row(report["reals"], source="beach")["refitted"]
    assert found["called_fake"] == pytest.approx(expected, abs=1e-4)


def test_reals_of_one_source_have_no_refit() -> None:
    sources = [source for source in SOURCES if source.fake or source.name == "alps"]
    table = make_table(sources, architectures=("vit",))
    fit = fit_decision(table)
    p_fake = cross_fitted(NetworkScores.of(table, "vit", final=False))
    assert np.array_equal(np.isnan(p_fake), ~table.fake)
    (only,) = compute_score_report(table, fit, bootstrap=20)["reals"]
    assert (only["source"], only["refitted"]) == ("alps", None)
    assert score_markdown(compute_score_report(table, fit, bootstrap=20), fit)


def test_slices_cover_the_images(report: dict[str, Any]) -> None:
    assert sum(r["images"] for r in report["by_face_size"]) == len(TABLE)
    assert {r["generator"] for r in report["by_generator"]} == {
        f"made by {source.name}" for source in SOURCES if source.fake
    }


def test_calibration_is_cross_fitted(report: dict[str, Any]) -> None:
    crossed, fitted = report["calibration"]
    assert (crossed["images"], fitted["images"]) == ("cross-fitted", "the fit itself")
    assert 0 < fitted["calibration_error"] <= crossed["calibration_error"] + 0.01 < 0.2


def test_the_files(tmp_path: Path) -> None:
    TABLE.save(tmp_path / "scores.npz")
    markdown = evaluate_scores(tmp_path / "scores.npz", tmp_path / "out", BoundSettings(min_groups=50))
    assert (tmp_path / "out/crossval.md").read_text() == markdown
    stored = json.loads((tmp_path / "out/crossval.json").read_text())
    decision = json.loads((tmp_path / "out/decision.json").read_text())
    assert stored["decision"] == decision
    assert decision["settings"]["min_groups"] == 50
    assert all(set(bound) >= {"name", "sources", "rate", "bound", "held"} for bound in decision["bounds"])
    for title in ("Fakes of left-out sources", "Reals of left-out sources", "Bounds at confidence 0.95"):
        assert f"## {title}" in markdown
    widths = [line.count("|") for line in markdown.split("## Fakes")[1].split("##")[0].splitlines() if line]
    assert len({width for width in widths if width}) == 1


def test_a_card_takes_its_decision_from_the_report(tmp_path: Path) -> None:
    """Whether the network sees a face in one view is read from its card."""
    (tmp_path / "run").mkdir()
    card_file = tuned_model(tmp_path / "run")
    TABLE.save(tmp_path / "scores.npz")
    evaluate_scores(tmp_path / "scores.npz", tmp_path / "out", card=card_file)
    decision = json.loads((tmp_path / "out/decision.json").read_text())
    thresholds = ModelCard.load(tmp_path / "out" / card_file.name).thresholds
    assert decision["one_view"] is True
    assert decision["thresholds"] == {"real": thresholds.real, "fake": thresholds.fake}


def test_a_card_that_sees_more_than_a_table_has_is_refused(tmp_path: Path) -> None:
    card_file = brightness_model(tmp_path).with_suffix(".json")
    replace(ModelCard.load(card_file), wide_margin=1.5).save(card_file)
    TABLE.save(tmp_path / "scores.npz")
    with pytest.raises(ModelError, match="brightness.json: .* wide_margin"):
        evaluate_scores(tmp_path / "scores.npz", tmp_path / "out", card=card_file)
    assert not list((tmp_path / "out").iterdir())


def test_a_missing_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such score table"):
        evaluate_scores(tmp_path / "scores.npz", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_images_that_no_network_left_out_are_counted() -> None:
    table = replace(TABLE, fold=np.where(TABLE.source == "studio", 0, TABLE.fold))
    found = compute_score_report(table, fit_decision(table), bootstrap=20)
    assert found["images"]["not_left_out"] == 110
    assert "studio" not in {r["source"] for r in found["fakes"]}
