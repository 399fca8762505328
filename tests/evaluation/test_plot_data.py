"""The numbers behind the plots."""

import numpy as np
import pytest

from tests.evaluation.sample_predictions import SHORT, many
from veraface.evaluation.aggregate import MAX_POINTS, confusion, plot_data, reliability, risk_coverage, roc

FAKE = np.array([0, 0, 0, 0, 1, 1, 1], bool)
P_FAKE = np.array([0.1, 0.2, 0.5, 0.8, 0.2, 0.5, 0.9])


def test_roc_counted_by_hand() -> None:
    curve = roc(FAKE, P_FAKE)
    assert curve["false_alarms"] == [0, 0, 0.25, 0.5, 0.75, 1]
    assert curve["recall"] == [0, 0.3333, 0.3333, 0.6667, 1, 1]
    assert roc(FAKE[4:], P_FAKE[4:]) == {"false_alarms": [], "recall": []}


def test_curves_have_few_points_and_keep_their_ends() -> None:
    found = plot_data(many(800))
    alarms, recall = found["roc"]["false_alarms"], found["roc"]["recall"]
    assert 40 < len(alarms) <= MAX_POINTS
    assert (alarms[0], recall[0], alarms[-1], recall[-1]) == (0, 0, 1, 1)
    assert alarms == sorted(alarms)
    assert np.trapezoid(recall, alarms) == pytest.approx(found_auc(800), abs=0.01)
    coverage = found["risk_coverage"]["coverage"]
    assert len(coverage) <= MAX_POINTS
    assert coverage == sorted(coverage)
    assert coverage[-1] == 1


def found_auc(count: int) -> float:
    from veraface.evaluation.aggregate import compute_metrics

    return float(compute_metrics(many(count))["auc"])


def test_reliability_counted_by_hand() -> None:
    """.1 in bin 1, .2 in bin 3 (its lower edge), .5 in 7, .8 in 12 (its lower edge), .9 in 13."""
    bins = reliability(FAKE, P_FAKE)
    assert [b["pictures"] for b in bins] == [0, 1, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0, 1, 1, 0]
    assert (bins[3]["p_fake"], bins[3]["share_fake"]) == (0.2, 0.5)
    assert bins[0]["p_fake"] is None
    assert (bins[0]["from"], bins[14]["to"]) == (0, 1)
    assert reliability(np.array([True]), np.array([1.0]))[14]["pictures"] == 1


def test_confusion_counted_by_hand() -> None:
    assert confusion(SHORT) == {
        "real": {"fake": 1, "uncertain": 1, "real": 2, "no_face": 0, "error": 1},
        "fake": {"fake": 1, "uncertain": 2, "real": 1, "no_face": 1, "error": 0},
    }


def test_risk_coverage_counted_by_hand() -> None:
    """Surest are .1 and .9 (right), then .2 and .8 with one right of three, then .5, called fake."""
    assert risk_coverage(FAKE, P_FAKE) == {
        "coverage": [pytest.approx(2 / 7, abs=1e-4), pytest.approx(5 / 7, abs=1e-4), 1.0],
        "risk": [0.0, 0.4, pytest.approx(3 / 7, abs=1e-4)],
    }


def test_histograms_count_every_classified_image() -> None:
    images = many(300)
    rows = plot_data(images)["histograms"]
    assert [row["source"] for row in rows] == [f"source {i}" for i in range(4)]
    assert sum(sum(row["real"]) + sum(row["fake"]) for row in rows) == sum(
        p.p_fake is not None for p in images
    )


def test_no_classified_images_give_empty_plots() -> None:
    found = plot_data(SHORT[-2:])
    assert found["roc"]["recall"] == found["risk_coverage"]["risk"] == found["histograms"] == []
