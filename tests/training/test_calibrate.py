"""From logits to probabilities, and the uncertain band."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veraface.errors import DataError
from veraface.training.calibrate import FALSE_ALARMS, MISSES, balance_weights, fit_calibration, fit_thresholds

ONES = np.ones(40_000)


def synthetic(slope: float, intercept: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose true probability is known, and labels drawn from it."""
    random = np.random.default_rng(0)
    logits = random.normal(-intercept / slope, 3 / slope, len(ONES))
    return logits, random.random(len(ONES)) < 1 / (1 + np.exp(-(slope * logits + intercept)))


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.5, 1.0), (2.5, -1.5)])
def test_recovers_a_known_slope_and_intercept(slope: float, intercept: float) -> None:
    logits, labels = synthetic(slope, intercept)
    fitted = fit_calibration(logits, labels, ONES / len(ONES))
    assert fitted.slope == pytest.approx(slope, rel=0.05)
    assert fitted.intercept == pytest.approx(intercept, abs=0.08)


def test_weights_move_the_intercept_by_the_odds() -> None:
    """Fakes that count three times raise the odds of fake threefold."""
    logits, labels = synthetic(1.0, 0.0)
    weights = np.where(labels, 3.0, 1.0)
    fitted = fit_calibration(logits, labels, weights / weights.sum())
    assert fitted.intercept == pytest.approx(np.log(3), abs=0.08)
    assert fitted.slope == pytest.approx(1, rel=0.05)


@given(logits=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30), slope=st.floats(0.01, 50))
@settings(deadline=None)
def test_p_fake_rises_with_the_logit(logits: list[float], slope: float) -> None:
    random = np.random.default_rng(0)
    labels = np.arange(60) % 2 == 1
    calibration = fit_calibration(random.normal(0, 1, 60) + slope * labels, labels, np.ones(60) / 60)
    p_fake = calibration.probability(np.array(sorted(logits)))
    assert (np.diff(p_fake) >= 0).all()
    assert ((p_fake >= 0) & (p_fake <= 1)).all()
    assert calibration.probability(np.array(-3.0)) < calibration.probability(np.array(3.0))


def test_classes_that_separate_give_a_finite_calibration() -> None:
    labels = np.arange(40) % 2 == 1
    calibration = fit_calibration(np.where(labels, 4.0, -4.0), labels, np.ones(40) / 40)
    assert calibration.probability(np.array([-4.0, 4.0])) == pytest.approx([0, 1], abs=0.01)


@pytest.mark.parametrize(("real", "fake"), [(9, 50), (50, 9), (0, 50), (0, 0)])
def test_too_few_samples(real: int, fake: int) -> None:
    labels = np.array([False] * real + [True] * fake, bool)
    with pytest.raises(
        DataError, match=f"needs 10 validation pictures of each class.*{real} real and {fake} fake"
    ):
        fit_calibration(labels.astype(float), labels, np.ones(len(labels)))


@pytest.mark.parametrize(
    ("sign", "message"), [(-1.0, "has learned nothing"), (0.0, "has learned nothing"), (np.nan, "no numbers")]
)
def test_a_model_that_learned_nothing(sign: float, message: str) -> None:
    labels = np.arange(60) % 2 == 1
    with pytest.raises(DataError, match=message):
        fit_calibration(sign * labels, labels, np.ones(60) / 60)


def test_balance_gives_classes_half_and_sources_equal_shares() -> None:
    labels = np.array([False] * 90 + [False] * 10 + [True] * 7)
    sources = np.array(["a"] * 90 + ["b"] * 10 + ["b"] * 7)
    weights = balance_weights(labels, sources)
    assert weights.sum() == pytest.approx(1)
    assert weights[:90].sum() == pytest.approx(0.25)
    assert weights[90:100].sum() == pytest.approx(0.25)
    assert weights[100:].sum() == pytest.approx(0.5)
    assert len(set(weights[:90])) == 1


CLASS = st.lists(
    st.tuples(st.floats(0.001, 0.999), st.floats(0.01, 1)) | st.sampled_from([(0.3, 1.0), (0.6, 1.0)]),
    min_size=1,
    max_size=80,
)


@given(reals=CLASS, fakes=CLASS)
@settings(max_examples=200, deadline=None)
def test_thresholds_keep_both_bounds(
    reals: list[tuple[float, float]], fakes: list[tuple[float, float]]
) -> None:
    """Counted anew by the decision rule of the verdict, ties and weights included."""
    p_fake, weights = np.array(reals + fakes).T
    labels = np.array([False] * len(reals) + [True] * len(fakes))
    thresholds, rates = fit_thresholds(p_fake, labels, weights)
    verdicts = np.array([thresholds.decide(p).value for p in p_fake])

    def share(verdict: str, of: np.ndarray) -> float:
        return float(weights[of & (verdicts == verdict)].sum() / weights[of].sum())

    assert share("fake", ~labels) <= FALSE_ALARMS + 1e-9
    assert share("real", labels) <= MISSES + 1e-9
    assert rates == pytest.approx(
        {
            "reals_called_fake": share("fake", ~labels),
            "fakes_called_real": share("real", labels),
            "reals_uncertain": share("uncertain", ~labels),
            "fakes_uncertain": share("uncertain", labels),
        },
        abs=6e-5,
    )


def test_classes_that_separate_leave_nothing_open() -> None:
    labels = np.arange(200) % 2 == 1
    p_fake = np.where(labels, 0.9, 0.2) + np.linspace(-0.05, 0.05, 200)
    thresholds, rates = fit_thresholds(p_fake, labels, np.ones(200))
    assert thresholds.real == thresholds.fake
    assert 0.25 < thresholds.fake < 0.85
    assert set(rates.values()) == {0.0}


def test_classes_that_overlap_leave_a_band_just_wide_enough() -> None:
    """Both uniform over 0..1: called fake are the upper 2 %, called real the lower 5 %."""
    p_fake = np.tile((np.arange(1000) + 0.5) / 1000, 2)
    labels = np.arange(2000) >= 1000
    thresholds, rates = fit_thresholds(p_fake, labels, np.ones(2000))
    assert thresholds.fake == pytest.approx(0.98, abs=0.002)
    assert thresholds.real == pytest.approx(0.05, abs=0.002)
    assert rates["reals_uncertain"] == pytest.approx(0.93, abs=0.003)
