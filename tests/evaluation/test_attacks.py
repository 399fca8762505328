"""Error rates as ISO/IEC 30107-3 reports them, and by attributes of the people."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from tests.evaluation.sample_predictions import F, N, R, U, many, prediction
from veraface.errors import DataError
from veraface.evaluation.attacks import attack_report
from veraface.evaluation.attributes import attribute_rows, read_attributes
from veraface.evaluation.binomial import clopper_pearson
from veraface.evaluation.predict import Prediction
from veraface.evaluation.report import full_markdown, page, short_form


@pytest.mark.parametrize(
    ("errors", "images"), [(0, 1), (1, 1), (0, 40), (40, 40), (1, 3), (7, 100), (500, 1000), (3, 20_000)]
)
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_the_interval_is_that_of_scipy(errors: int, images: int, confidence: float) -> None:
    exact = binomtest(errors, images).proportion_ci(confidence, "exact")
    assert clopper_pearson(errors, images, confidence) == pytest.approx((exact.low, exact.high), abs=1e-6)


@pytest.mark.parametrize(("errors", "images"), [(0, 0), (-1, 3), (4, 3)])
def test_impossible_counts_are_refused(errors: int, images: int) -> None:
    with pytest.raises(ValueError, match="errors must be"):
        clopper_pearson(errors, images)


def fakes(kind: str, verdicts: dict[Any, int]) -> list[Prediction]:
    scores = {R: 0.1, U: 0.5, F: 0.9}
    return [
        replace(prediction(f"{kind}{verdict}{n}", True, verdict, scores[verdict]), attack=kind, face_size=100)
        for verdict, count in verdicts.items()
        for n in range(count)
    ]


def reals(count: int, called_fake: int) -> list[Prediction]:
    return [
        replace(
            prediction(
                f"r{n}", False, F if n < called_fake else R, 0.95 if n < called_fake else 0.05 + n / 1e4
            ),
            face_size=300 if n % 2 else 100,
        )
        for n in range(count)
    ]


@pytest.fixture
def report() -> dict[str, Any]:
    found = attack_report(
        [
            *reals(100, 2),
            *fakes("swap", {F: 10, U: 10, R: 20}),
            *fakes("GAN", {F: 38, U: 1, R: 1}),
            *fakes("rare", {R: 5}),
            prediction("none", True, N, None),
            replace(prediction("lost", True, N, None), attack="GAN"),
        ]
    )
    assert found is not None
    return found


def test_the_rates_at_the_verdicts(report: dict[str, Any]) -> None:
    fake, not_real = report["points"][:2]
    assert fake["bpcer"]["value"] == not_real["bpcer"]["value"] == 0.02
    assert [(row["kind"], row["value"]) for row in fake["kinds"]] == [
        ("rare", 1),
        ("swap", 0.75),
        ("GAN", 0.05),
    ]
    assert [(row["kind"], row["value"]) for row in not_real["kinds"]] == [
        ("rare", 1),
        ("swap", 0.5),
        ("GAN", 0.025),
    ]
    assert fake["apcer"]["kind"] == "swap"  # 5 images are too few to be the worst kind
    assert fake["bpcer"]["interval"] == pytest.approx(clopper_pearson(2, 100), abs=1e-4)


def test_the_rates_at_fixed_shares_of_reals(report: dict[str, Any]) -> None:
    one, five = report["points"][2:]
    assert (one["name"], five["name"]) == ("BPCER 1%", "BPCER 5%")
    assert one["bpcer"]["value"] <= 0.01
    assert five["bpcer"]["value"] <= 0.05
    assert five["apcer"]["value"] <= one["apcer"]["value"]
    for point in (one, five):
        assert "p_fake is above" in point["detected_if"]


def test_the_reals_at_a_limit_for_the_worst_kind(report: dict[str, Any]) -> None:
    ten, five = report["bpcer_at_apcer"]
    assert ten["kind"] == five["kind"] == "swap"  # half of them score like reals
    assert ten["bpcer"]["value"] <= five["bpcer"]["value"]


def test_images_without_a_result_are_counted(report: dict[str, Any]) -> None:
    kinds = report["not_classified"]["kinds"]
    assert kinds["GAN"] | {"interval": None} == {"errors": 1, "images": 41, "value": 0.0244, "interval": None}
    assert report["not_classified"]["reals"]["errors"] == 0


def test_by_face_size(report: dict[str, Any]) -> None:
    bands = {row["face_size"]: row["points"][0] for row in report["by_face_size"]}
    assert bands["80 to 128 px"]["bpcer"]["images"] == bands["from 256 px"]["bpcer"]["images"] == 50
    assert bands["80 to 128 px"]["apcer"]["kind"] == "swap"
    assert bands["from 256 px"]["apcer"] is None


def test_one_class_has_no_such_rates() -> None:
    assert attack_report(reals(5, 0)) is None
    assert attack_report(fakes("swap", {F: 3})) is None


def test_fixed_points_hold_for_random_scores() -> None:
    images = [replace(p, attack="a" if p.fake else "") for p in many(800)]
    found = attack_report(images)
    assert found is not None
    scores = np.array([p.p_fake for p in images if not p.fake and p.p_fake is not None])
    for point, limit in zip(found["points"][2:], (0.01, 0.05), strict=True):
        assert limit - 1 / len(scores) <= point["bpcer"]["value"] <= limit


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "attributes.csv"
    lines = [f"r{n},{'0-9' if n < 10 else '20-39'},{'' if n == 0 else 'female'}" for n in range(100)]
    path.write_text("\n".join(["path,age_group,sex", *lines]) + "\n")
    return path


def test_false_positive_rates_by_attribute(csv: Path) -> None:
    found = attribute_rows([*reals(100, 2), *fakes("swap", {F: 3})], *read_attributes(csv))
    ages = found["age_group"]
    assert [(row["value"], row["fpr"]["errors"], row["fpr"]["images"]) for row in ages] == [
        ("0-9", 2, 10),
        ("20-39", 0, 90),
    ]
    assert ages[1]["fpr"]["interval"] == pytest.approx(clopper_pearson(0, 90), abs=1e-4)
    assert found["sex"][0]["fpr"]["images"] == 99
    assert found["sex"][0]["fnr"]["value"] is None


def test_a_file_of_attributes_of_other_images_is_refused(csv: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="lists no image of the data"):
        attribute_rows([prediction("other", False, R, 0.1)], *read_attributes(csv))
    (tmp_path / "no.csv").write_text("name,age\n")
    (tmp_path / "one.csv").write_text("name,age\na,b\n")
    with pytest.raises(DataError, match="with the column path"):
        read_attributes(tmp_path / "one.csv")
    with pytest.raises(DataError, match="cannot be read"):
        read_attributes(tmp_path / "none.csv")


def test_tables_and_card_contain_them() -> None:
    from tests.evaluation.sample_reports import small_report

    images = [replace(p, attack="face <swap>" if p.fake else "") for p in many(200)]
    values = {p.path: {"age_group": "0-9"} for p in images}
    more = {
        "attacks": attack_report(images),
        "by_attribute": attribute_rows(images, ["age_group"], values),
    }
    report = {**small_report(), **more}
    markdown, html = full_markdown(report), page(report)
    assert "Error rates by kind of attack: BPCER 1%" in markdown
    assert "By age group" in markdown
    assert "face &lt;swap&gt;" in html
    assert "<swap>" not in html
    assert {name: short_form(report)[name] for name in more} == more
