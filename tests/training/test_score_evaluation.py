"""The report of a score table: each figure against one computed by hand, and its files."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.evaluation.sample_tables import SOURCES, Source, make_table
from veraface.errors import DataError
from veraface.evaluation.predict import SELF_BLENDED
from veraface.evaluation.score_table import NetworkScores, ScoreTable
from veraface.training.decision_fit import fit_decision
from veraface.training.group_thresholds import BoundSettings
from veraface.training.score_evaluation import compute_score_report, evaluate_scores

TABLE = replace(make_table(), attributes={"age": np.where(make_table().fake, "", "20-39")})
FIT = fit_decision(TABLE)
IMAGES = NetworkScores.of(TABLE, final=False)
P_FAKE = FIT.join.probability(IMAGES.scores)


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return compute_score_report(TABLE, FIT, bootstrap=50)


def row(rows: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    return next(r for r in rows if all(r[key] == value for key, value in wanted.items()))


def figure(report: dict[str, Any], name: str) -> dict[str, Any]:
    return row(report["figures"], figure=name)


def test_auc_of_a_left_out_source(report: dict[str, Any]) -> None:
    reals = ~IMAGES.fake
    own, fold = IMAGES.fake & (IMAGES.source == "swap"), TABLE.fold
    found = row(report["fakes"], source="swap")
    for key, against in {
        "auc": reals,
        "auc_same_networks": reals & (fold == fold[own][0]),
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
    assert figure(report, "AUC of fakes of left-out sources, mean")["value"] == report["fakes"][0]["auc"]


def test_pairs_of_left_out_sources() -> None:
    found = compute_score_report(TABLE, FIT, pairs=("beach:gan", "beach:unknown"), bootstrap=20)
    chosen = (IMAGES.fake & (IMAGES.source == "gan")) | (~IMAGES.fake & (IMAGES.source == "beach"))
    pair = row(found["fakes"], source="beach / gan")
    expected = roc_auc_score(IMAGES.fake[chosen], P_FAKE[chosen])
    assert pair["auc_own"] == pytest.approx(expected, abs=1e-4)
    assert "images" not in pair
    assert [r["source"] for r in found["fakes"]] == ["mean", "edit", "gan", "studio", "swap", "beach / gan"]


def test_the_final_network_is_compared_on_the_same_images(report: dict[str, Any]) -> None:
    """The final networks of these tables separate 1.5 times as well."""
    found = row(report["scale"], network="vit/fold-1", images_of="validation")
    assert found["final_deviation"] == pytest.approx(1.5 * found["deviation"], rel=0.01)
    assert "deviation" not in row(report["scale"], network="vit/final")


def test_swaps_are_named_by_source_or_generator(report: dict[str, Any]) -> None:
    assert {r["source"]: r["swap"] for r in report["fakes"][1:]} == {
        "swap": True,
        "gan": False,
        "edit": False,
        "studio": False,
    }
    assert figure(report, "AUC of swaps of left-out sources, mean")["value"] == pytest.approx(
        row(report["fakes"], source="swap")["auc"]
    )


def test_reals_of_left_out_sources(report: dict[str, Any]) -> None:
    scored = FIT.score(IMAGES)
    fprs = []
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
        fprs.append(fpr)
    assert figure(report, "FPR on left-out reals, worst source")["value"] == pytest.approx(
        max(fprs), abs=1e-4
    )
    mean = figure(report, "FPR on left-out reals, mean of sources")
    assert mean["value"] == pytest.approx(np.mean(fprs), abs=1e-4)


def test_slices_cover_the_images(report: dict[str, Any]) -> None:
    assert sum(r["images"] for r in report["by_face_size"]) == len(TABLE)
    assert {r["generator"] for r in report["by_generator"]} == {
        f"made by {source.name}" for source in SOURCES if source.fake
    }
    (ages,) = report["by_attribute"]["age"]
    assert (ages["value"], ages["label"], ages["images"]) == ("20-39", "real", (~TABLE.fake).sum())


def test_the_test_split_is_scored_by_the_final_networks(report: dict[str, Any]) -> None:
    test = TABLE.split == "test"
    images = NetworkScores.of(TABLE, final=True, where=test)
    auc = roc_auc_score(images.fake, FIT.join.probability(images.scores))
    whole = row(report["test"]["rows"], source="all")
    assert whole["auc"] == pytest.approx(auc, abs=1e-4)
    assert (whole["real"], whole["fake"]) == ((~TABLE.fake[test]).sum(), TABLE.fake[test].sum())
    uncertain = FIT.score(images).uncertain(FIT.thresholds).mean()
    assert figure(report, "uncertain, test")["value"] == pytest.approx(uncertain, abs=1e-4)
    assert set(report["test"]["tiers"]) == {"web", "hard"}
    assert figure(report, "AUC lost from clean to web")["value"] == report["test"]["tiers"]["web"]["value"]


def test_goals_are_compared(report: dict[str, Any]) -> None:
    for found in report["figures"]:
        assert found["kept"] in {"aim", "must", "missed", ""}
        assert (found["value"] is None) == (found["kept"] == "")
    ece = figure(report, "ECE on left-out sources")
    assert (
        ece["value"]
        == row(report["calibration"], images="left-out sources, cross-fitted")["calibration_error"]
    )
    assert figure(report, "AUC of ciplab, test")["value"] is None


def test_the_trade_off_starts_with_the_fit(report: dict[str, Any]) -> None:
    first, unchecked, *others = report["trade_off"]
    assert first["bound"] == "chosen"
    assert unchecked["bound"] == "chosen, without recompression"
    assert unchecked["fake"] > first["fake"], "the check avoids some false positives by itself"
    assert first["fake"] == pytest.approx(FIT.thresholds.fake, abs=1e-4)
    assert first["fpr_worst"] == pytest.approx(max(r["called_fake"] for r in report["reals"]), abs=1e-4)
    one_bound = [r for r in others if r["bound"].startswith("6%")]
    assert len({r["fake"] for r in one_bound}) == 1
    uncertain, missed = ([r[key] for r in one_bound] for key in ("uncertain", "fnr_mean"))
    assert uncertain == sorted(uncertain)
    assert missed == sorted(missed, reverse=True)


def test_bounds_of_the_fpr_with_and_without_each_source(report: dict[str, Any]) -> None:
    rows = report["bounds_of_fpr"]
    assert [r["bound"] for r in rows] == ["3%", "4%", "6%", "8%", "12%"]
    for key, rising in (("fake", False), ("recall_mean", True), ("fpr_worst", True), ("fpr_mean", True)):
        values = [r[key] for r in rows]
        assert values == sorted(values, reverse=not rising), key
    same = row(rows, bound="6%")
    refitted = [r["refitted"]["called_fake"] for r in report["reals"]]
    assert same["fake"] == pytest.approx(FIT.thresholds.fake, abs=1e-4)
    # Without an uncertain band, the threshold of a fit lies above what the bound alone needs.
    assert max(refitted) <= same["fpr_refitted_worst"] <= 0.1
    assert np.mean(refitted) <= same["fpr_refitted_mean"] + 1e-3
    worst = figure(report, "the same, fitted without the source, worst")
    assert worst["of"].split(",")[0] in {r["source"] for r in report["reals"]}


def test_self_blended_fakes_have_their_own_figure() -> None:
    blended = Source("blended", True, 40, 1, (1.0, 1.0))
    table = make_table((*SOURCES, blended))
    table = replace(table, generator=np.where(table.source == "blended", SELF_BLENDED, table.generator))
    found = compute_score_report(table, fit_decision(table), bootstrap=20)
    assert "blended" not in {r["source"] for r in found["fakes"]}
    value = figure(found, "AUC of self-blended, test")["value"]
    assert 0.8 < value <= 1


def test_a_table_without_final_networks_has_no_test_figures(tmp_path: Path) -> None:
    table = make_table(final=False, views=("clean",))
    table.save(tmp_path / "scores.npz")
    markdown = evaluate_scores(tmp_path / "scores.npz", tmp_path / "out")
    assert "## Test split" not in markdown
    assert json.loads((tmp_path / "out/crossval.json").read_text())["test"] is None


def test_files(tmp_path: Path) -> None:
    TABLE.save(tmp_path / "scores.npz")
    markdown = evaluate_scores(tmp_path / "scores.npz", tmp_path / "out", BoundSettings(min_groups=200))
    assert (tmp_path / "out/crossval.md").read_text() == markdown
    assert json.loads((tmp_path / "out/decision.json").read_text())["settings"]["min_groups"] == 200
    report = json.loads((tmp_path / "out/crossval.json").read_text())
    assert report["images"] == {"real": 690, "fake": 430, "sources": 8, "not_left_out": 0}
    titles = [line for line in markdown.splitlines() if line.startswith("#")]
    assert titles[:7] == [
        "# Left-out sources",
        "## Main figures",
        "## Fakes of left-out sources",
        "## Reals of left-out sources",
        "## Bounds at confidence 0.95",
        "## Bounds of the FPR",
        "## Uncertain images against errors",
    ]
    again = evaluate_scores(tmp_path / "scores.npz", tmp_path / "again", BoundSettings(min_groups=200))
    assert again == markdown


def test_attributes_from_a_file(tmp_path: Path) -> None:
    TABLE.save(tmp_path / "scores.npz")
    lines = [f"{path},{'old' if i % 2 else ''}" for i, path in enumerate(TABLE.path) if i < 100]
    (tmp_path / "ages.csv").write_text("\n".join(["path,age group", *lines]))
    markdown = evaluate_scores(tmp_path / "scores.npz", tmp_path / "out", attributes=tmp_path / "ages.csv")
    assert "## Left-out sources by age group" in markdown
    report = json.loads((tmp_path / "out/crossval.json").read_text())
    assert [(r["value"], r["images"]) for r in report["by_attribute"]["age group"]] == [("old", 50)]
    for content, message in (
        ("path,age\nunknown.jpg,old\n", "lists no image of the score table"),
        ("name,age\na,b\n", "cannot be read as a CSV file with the column path"),
    ):
        (tmp_path / "ages.csv").write_text(content)
        with pytest.raises(DataError, match=message):
            evaluate_scores(tmp_path / "scores.npz", tmp_path / "out", attributes=tmp_path / "ages.csv")


def test_a_missing_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such score table"):
        evaluate_scores(tmp_path / "scores.npz", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_images_that_no_network_left_out_are_counted() -> None:
    table = replace(TABLE, fold=np.where(TABLE.source == "studio", 0, TABLE.fold))
    found = compute_score_report(table, fit_decision(table), bootstrap=20)
    assert found["images"]["not_left_out"] == 110
    assert "studio" not in {r["source"] for r in found["fakes"]}
    assert isinstance(table, ScoreTable)
