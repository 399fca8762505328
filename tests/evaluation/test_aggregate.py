"""Rows of metrics on lists short enough to count by hand."""

from dataclasses import replace

import pytest
from sklearn.metrics import roc_auc_score

from tests.evaluation.sample_predictions import SHORT, F, N, R, U, many, prediction
from veraface.evaluation.aggregate import compute_metrics, face_size_rows, generator_rows, source_rows
from veraface.evaluation.bootstrap import MIN_GROUPS, BootstrapSamples


def test_counts() -> None:
    row = compute_metrics(SHORT)
    assert {name: row[name] for name in ("real", "fake", "groups", "uncertain")} == {
        "real": 5,
        "fake": 5,
        "groups": 10,
        "uncertain": 2,
    }
    assert (row["not_judged"], row["no_face"], row["too_small"], row["errors"]) == (3, 1, 1, 1)


def test_metrics_counted_by_hand() -> None:
    """Classified are four reals (real, real, uncertain, fake) and three fakes (real, uncertain, fake)."""
    row = compute_metrics(SHORT)
    expected = {
        "auc": 8 / 12,
        "accuracy": 4 / 7,  # three reals not called fake, one fake called fake
        "reals_called_fake": 1 / 4,
        "fakes_called_fake": 1 / 3,
        "fakes_called_real": 1 / 3,
        "reals_uncertain": 1 / 4,
        "fakes_uncertain": 1 / 3,
        "reals_covered": 3 / 4,
        "fakes_covered": 2 / 3,
        "accuracy_decided": 3 / 5,
        "reals_called_fake_decided": 1 / 3,
        "fakes_called_fake_decided": 1 / 2,
        "share_uncertain": 2 / 7,
        "share_no_face": 1 / 10,
        "share_errors": 1 / 10,
        "recall_at_5_percent": 1 / 3,
        "equal_error_rate": 3 / 7,
        "brier": (0.01 + 0.04 + 0.25 + 0.64 + 0.64 + 0.25 + 0.01) / 7,
    }
    assert {name: row[name] for name in expected} == pytest.approx(expected, abs=5e-5)
    assert set(row["intervals"]) >= set(expected)


def test_by_group_the_images_of_a_video_are_averaged() -> None:
    """Videos: fake 0.2 and 0.9 become 0.55, real 0.5 and 0.5 stay 0.5; per image the AUC is 0.5."""
    video = [("a", True, 0.2), ("a", True, 0.9), ("a", False, 0.5), ("a", False, 0.5)]
    images = [replace(prediction(str(i), fake, U, p), group=g) for i, (g, fake, p) in enumerate(video)]
    row = compute_metrics(images)
    assert (row["auc"], row["auc_by_group"], row["groups"]) == (0.5, 1.0, 1)
    alone = many(60)
    assert compute_metrics(alone)["auc_by_group"] == compute_metrics(alone)["auc"]


def test_one_class_is_ranked_against_the_other() -> None:
    """The reals .1 and .5 alone below the fakes .2, .5, .9: 4.5 of 6; all else stays that of the row."""
    own = [p for p in SHORT if p.path in ("r1", "r3")]
    row = compute_metrics(own, against=[p for p in SHORT if p.fake])
    assert row["auc"] == pytest.approx(4.5 / 6)
    assert (row["real"], row["fake"], row["not_judged"]) == (2, 0, 0)
    assert row["reals_uncertain"] == 0.5
    for name in ("fakes_called_fake", "average_precision", "calibration_error", "brier"):
        assert row[name] is None, name
    assert compute_metrics(own)["auc"] is None


def test_too_few_groups_have_no_interval() -> None:
    images = [prediction(f"r{i}", False, R, 0.1) for i in range(MIN_GROUPS)]
    images += [prediction(f"f{i}", True, F, 0.9) for i in range(MIN_GROUPS - 1)]
    intervals = compute_metrics(images)["intervals"]
    assert intervals["reals_called_fake"] == [0.0, 0.0]
    assert intervals["fakes_called_fake"] is None
    assert intervals["auc"] is None, "of too few fakes, however many reals there are"
    more = compute_metrics([*images, prediction("f9", True, F, 0.9)])["intervals"]
    assert more["fakes_called_fake"] == more["auc"] == [1.0, 1.0]


def test_unclassified_images_give_no_interval() -> None:
    """Nineteen reals without a face and one that is called fake say nothing of other reals."""
    images = [prediction(f"n{i}", False, N, None) for i in range(19)] + [prediction("r", False, F, 0.9)]
    row = compute_metrics(images)
    assert row["reals_called_fake"] == 1.0
    for name in ("reals_called_fake", "reals_uncertain", "accuracy", "share_uncertain", "brier"):
        assert row["intervals"][name] is None, name
    assert row["intervals"]["share_no_face"] is not None


def test_rows_by_source_and_pair() -> None:
    images = many(200)
    rows = {
        row["source"]: row
        for row in source_rows(images, BootstrapSamples(p.group for p in images), ["source 2:source 3"])
    }
    assert list(rows) == ["all", "source 0", "source 1", "source 2", "source 3", "source 2 / source 3"]
    assert sum(rows[f"source {i}"]["real"] for i in range(4)) == rows["all"]["real"]
    scored = [p for p in images if p.p_fake is not None]
    against = [p for p in scored if p.source == "source 2" or p.fake]
    assert rows["source 2"]["auc"] == pytest.approx(
        roc_auc_score([p.fake for p in against], [p.p_fake for p in against]), abs=1e-4
    )
    pair = [p for p in scored if p.source in ("source 2", "source 3")]
    assert rows["source 2 / source 3"]["auc"] == pytest.approx(
        roc_auc_score([p.fake for p in pair], [p.p_fake for p in pair]), abs=1e-4
    )


def test_a_pair_is_the_reals_of_the_one_and_the_fakes_of_the_other() -> None:
    """Sources 0 and 1 hold both classes."""
    images = many(200)
    row = source_rows(images, BootstrapSamples(p.group for p in images), ["source 0:source 1"])[-1]
    own = [p for p in images if p.source == f"source {int(p.fake)}"]
    assert (row["real"], row["fake"]) == (sum(not p.fake for p in own), sum(p.fake for p in own))
    assert row["real"] < sum(not p.fake for p in images if p.source in ("source 0", "source 1"))


def test_rows_by_generator_and_face_size() -> None:
    images = many(200)
    bootstrap = BootstrapSamples(p.group for p in images)
    generators = generator_rows(images, bootstrap)
    assert [row["generator"] for row in generators] == ["generator 0", "generator 1", "generator 3"]
    assert sum(row["fake"] for row in generators) == sum(p.fake for p in images)
    assert not any(row["real"] for row in generators)
    sized = [replace(SHORT[0], face_size=size) for size in (59.9, 60.0, 127.9, 128.0, 256.0, 900.0)]
    bands = face_size_rows([*sized, SHORT[7]], BootstrapSamples(p.group for p in SHORT))
    assert {row["face_size"]: row["real"] for row in bands} == {
        "under 60 px": 1,
        "60 to 80 px": 1,
        "80 to 128 px": 1,
        "128 to 256 px": 1,
        "from 256 px": 2,
    }
