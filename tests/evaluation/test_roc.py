"""ROC and calibration on arrays: counted by hand, and against scikit-learn with random weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score, roc_curve

from tests.examples import examples
from veraface.evaluation.bootstrap import Values
from veraface.evaluation.roc import (
    Flags,
    RocCurve,
    brier_score,
    calibration_error,
    equal_mass_edges,
    equal_width_edges,
    share,
)

FAKE = np.array([0, 0, 0, 0, 1, 1, 1], bool)
P_FAKE = np.array([0.1, 0.2, 0.5, 0.8, 0.2, 0.5, 0.9])
ONCE = np.ones((1, 7))


def random_set(seed: int, count: int = 200) -> tuple[Flags, Values, Values]:
    """Labels, scores with ties, and weights as bootstrap draws have them: whole numbers, many of them 0."""
    random = np.random.default_rng(seed)
    fake = random.random(count) < 0.4
    p_fake: Values = np.round(np.clip(random.normal(0.4 + 0.2 * fake, 0.2), 0, 1), 2).astype(np.float64)
    return fake, p_fake, random.poisson(1.0, (5, count)).astype(np.float64)


def test_area_counted_by_hand() -> None:
    """Of 12 pairs the fake is higher in 1 + 2 + 4, and equal in 1 + 1: (7 + 2 x .5) / 12."""
    assert RocCurve(FAKE, P_FAKE, ONCE).area() == pytest.approx([8 / 12])


def test_recall_counted_by_hand() -> None:
    """Above .8 lies one fake of three and no real; from .8 on, a quarter of the reals with it."""
    ranking = RocCurve(FAKE, P_FAKE, ONCE)
    assert ranking.recall_at(0.0) == pytest.approx([1 / 3])
    assert ranking.recall_at(0.24) == pytest.approx([1 / 3])
    assert ranking.recall_at(0.5) == pytest.approx([2 / 3])
    assert ranking.recall_at(1.0) == pytest.approx([1])


def test_equal_error_rate_counted_by_hand() -> None:
    """Between .8 (1/4 of reals, 1/3 of fakes above) and .5 (2/4, 2/3): x = 1 - 4/3 x, so 3/7."""
    assert RocCurve(FAKE, P_FAKE, ONCE).equal_error_rate() == pytest.approx([3 / 7])


@pytest.mark.parametrize("seed", range(4))
def test_ranking_is_that_of_scikit_learn(seed: int) -> None:
    fake, p_fake, weights = random_set(seed)
    ranking = RocCurve(fake, p_fake, weights)
    area, precision, recall = ranking.area(), ranking.average_precision(), ranking.recall_at(0.05)
    rate = ranking.equal_error_rate()
    for i, w in enumerate(weights):
        assert area[i] == pytest.approx(roc_auc_score(fake, p_fake, sample_weight=w))
        assert precision[i] == pytest.approx(average_precision_score(fake, p_fake, sample_weight=w))
        alarms, hits, _ = roc_curve(fake, p_fake, sample_weight=w, drop_intermediate=False)
        assert recall[i] == pytest.approx(hits[alarms <= 0.05].max())
        assert rate[i] == pytest.approx(np.interp(0, alarms + hits - 1, alarms))


@pytest.mark.parametrize("seed", range(4))
def test_calibration_is_that_of_scikit_learn(seed: int) -> None:
    fake, p_fake, weights = random_set(seed)
    brier = brier_score(fake, p_fake, weights)
    for i, w in enumerate(weights):
        assert brier[i] == pytest.approx(brier_score_loss(fake, p_fake, sample_weight=w))
    p_fake = p_fake * 0.97 + 0.01  # off the edges, which count to the bin above here and to that below there
    shares, means = calibration_curve(fake, p_fake, n_bins=15)
    counts = np.histogram(p_fake, np.linspace(0, 1, 16))[0]
    expected = np.sum(np.abs(shares - means) * counts[counts > 0]) / len(fake)
    once = np.ones((1, len(fake)))
    assert calibration_error(fake, p_fake, once, equal_width_edges()) == pytest.approx([expected])


def test_weights_count_as_repetitions() -> None:
    fake, p_fake, weights = random_set(9)
    counts = weights[0].astype(int)
    repeated_fake, repeated_p, once = (
        np.repeat(fake, counts),
        np.repeat(p_fake, counts),
        np.ones((1, counts.sum())),
    )
    for edges in (equal_width_edges(), equal_mass_edges(p_fake)):
        assert calibration_error(fake, p_fake, weights[:1], edges) == pytest.approx(
            calibration_error(repeated_fake, repeated_p, once, edges)
        )
    one, other = RocCurve(fake, p_fake, weights[:1]), RocCurve(repeated_fake, repeated_p, once)
    assert one.equal_error_rate() == pytest.approx(other.equal_error_rate())


def test_bins_of_equal_mass_hold_equally_many() -> None:
    p_fake = np.random.default_rng(0).random(300) ** 3
    counts = np.bincount(np.searchsorted(equal_mass_edges(p_fake), p_fake, side="right"))
    assert counts.tolist() == [20] * 15


def test_a_calibrated_score_has_no_error() -> None:
    """Of the images at .25 one in four is fake, of those at .75 three in four."""
    fake = np.array([1, 0, 0, 0, 1, 1, 1, 0], bool)
    p_fake = np.repeat([0.25, 0.75], 4)
    weights = np.ones((1, 8))
    assert calibration_error(fake, p_fake, weights, equal_width_edges()) == pytest.approx([0])
    assert calibration_error(~fake, p_fake, weights, equal_width_edges()) == pytest.approx([0.5])
    assert brier_score(fake, p_fake, weights) == pytest.approx([3 / 16])


def test_metrics_are_undefined_without_a_class() -> None:
    weights = np.vstack([ONCE, np.where(FAKE, 0.0, 1.0), np.where(FAKE, 1.0, 0.0), 0 * ONCE])
    ranking = RocCurve(FAKE, P_FAKE, weights)
    for values in (
        ranking.area(),
        ranking.average_precision(),
        ranking.recall_at(0.05),
        ranking.equal_error_rate(),
    ):
        assert np.isnan(values).tolist() == [False, True, True, True]
    assert np.isnan(share(FAKE, ~FAKE, weights)).tolist() == [False, False, True, True]
    assert np.isnan(brier_score(FAKE, P_FAKE, weights)).tolist() == [False, False, False, True]


def test_no_images() -> None:
    nothing = np.zeros(0)
    assert np.isnan(RocCurve(nothing.astype(bool), nothing, np.ones((2, 0))).area()).all()


@settings(deadline=None, max_examples=examples(50))
@given(
    arrays(np.bool_, 12),
    arrays(np.float64, 12, elements=st.integers(0, 10).map(lambda i: i / 10)),
    arrays(np.float64, (3, 12), elements=st.integers(0, 3).map(float)),
)
def test_reversed_scores_give_the_complementary_auc(fake: Flags, p_fake: Values, weights: Values) -> None:
    one, other = RocCurve(fake, p_fake, weights).area(), RocCurve(fake, 1 - p_fake, weights).area()
    assert np.allclose(one + other, 1, equal_nan=True) or np.isnan(one + other).any()
    ranking = RocCurve(fake, p_fake, weights)
    for values in (one, ranking.average_precision(), ranking.recall_at(0.05), ranking.equal_error_rate()):
        seen = values[~np.isnan(values)]
        assert ((seen >= -1e-12) & (seen <= 1 + 1e-12)).all()
