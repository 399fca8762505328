"""What a card keeps of a report."""

import json

from tests.evaluation.sample_reports import make_report, small_report
from veraface.evaluation.aggregate import MAX_POINTS
from veraface.evaluation.report import short_form

MAX_BYTES = 100_000


def test_it_contains_the_data_of_the_pages() -> None:
    report = small_report()
    short = short_form(report)
    assert [row["source"] for row in short["rows"]] == [row["source"] for row in report["rows"]]
    assert short["rows"][0] == report["rows"][0]
    for row in short["rows"]:
        assert {"real", "fake", "auc", "reals_uncertain", "intervals"} <= set(row)
    assert [row["tier"] for row in short["tiers"]] == ["clean", "web", "hard"]
    assert set(short["tiers"][1]) >= {"how", "auc", "auc_lost", "changes", "intervals"}
    assert len(short["curves"]["degradations"]) == 7
    assert {"strength", "auc", "reals_called_fake", "fakes_called_fake", "share_uncertain"} <= set(
        short["curves"]["degradations"][0]["steps"][0]
    )
    assert len(short["diagrams"]["roc"]["recall"]) <= MAX_POINTS
    assert short["self_blended"]["auc"] == report["self_blended"]["auc"]
    assert short["trivial"] == report["trivial"]
    assert short["weak_spots"] == report["weak_spots"]
    assert {"by_generator", "by_face_size", "thresholds", "data", "command", "model"} <= set(short)


def test_parts_that_were_not_measured_are_absent() -> None:
    report = {k: v for k, v in small_report().items() if k not in ("tiers", "curves", "self_blended")}
    assert not {"tiers", "curves", "self_blended"} & set(short_form(report))


def test_a_card_of_many_sources_stays_small() -> None:
    text = json.dumps({"measured": short_form(make_report(600, 22))}, indent=2)
    assert len(text) < MAX_BYTES
