"""From logits to probabilities, and the uncertain band."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.examples import examples
from veraface.decision import decide_face
from veraface.errors import DataError
from veraface.results import Verdict
from veraface.training.calibration import ErrorTargets, balance_weights, fit_calibration, fit_thresholds

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
ONES = np.ones(40_000)


def synthetic(slope: float, intercept: float) -> tuple[Floats, Flags]:
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
        DataError, match=f"needs 10 validation images of each class.*{real} real and {fake} fake"
    ):
        fit_calibration(labels.astype(float), labels, np.ones(len(labels)))


@pytest.mark.parametrize(
    ("sign", "message"), [(-1.0, "has learned nothing"), (0.0, "has learned nothing"), (np.nan, "not finite")]
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


TARGETS = ErrorTargets(max_fpr=0.1, max_fnr=0.2)
SHARES = st.floats(0.01, 0.49)
SCORE = st.floats(1e-12, 0.9999) | st.sampled_from([0.03, 0.3, 0.6])
CLASS = st.lists(st.tuples(SCORE, SCORE, st.floats(0.01, 1) | st.just(1.0)), min_size=1, max_size=80)


@given(reals=CLASS, fakes=CLASS, targets=st.builds(ErrorTargets, SHARES, SHARES), copies=st.integers(1, 3))
@settings(max_examples=examples(150), deadline=None)
def test_thresholds_keep_both_bounds(
    reals: list[tuple[float, float, float]],
    fakes: list[tuple[float, float, float]],
    targets: ErrorTargets,
    copies: int,
) -> None:
    """Counted anew by the rule of the verdict on a face with two views, ties and weights included."""
    one, two, weights = np.array(reals + fakes).T
    labels = np.array([False] * len(reals) + [True] * len(fakes))
    lowest, highest = np.minimum(one, two), np.maximum(one, two)
    images = max(1, len(labels) // copies)
    thresholds, rates = fit_thresholds(lowest, highest, labels, weights, targets, images)
    verdicts = np.array([decide_face(a, b, thresholds)[0] for a, b in zip(one, two, strict=True)])

    def share(verdict: Verdict, of: Flags) -> float:
        return float(weights[of & (verdicts == verdict)].sum() / weights[of].sum())

    assert share(Verdict.FAKE, ~labels) <= targets.max_fpr + 1e-9
    assert share(Verdict.REAL, labels) <= targets.max_fnr + 1e-9
    assert rates == pytest.approx(
        {
            "reals_called_fake": share(Verdict.FAKE, ~labels),
            "fakes_called_real": share(Verdict.REAL, labels),
            "reals_uncertain": share(Verdict.UNCERTAIN, ~labels),
            "fakes_uncertain": share(Verdict.UNCERTAIN, labels),
        },
        abs=6e-5,
    )


def faces(count: int, random: np.random.Generator) -> tuple[Floats, Floats, Flags]:
    """Lowest and highest p_fake of two views, and labels, half of each; the classes overlap widely."""
    labels = np.arange(count) % 2 == 1
    logits = random.normal(0, 1, (count, 1)) + np.where(labels, 0.5, -0.5)[:, None]
    views = 1 / (1 + np.exp(-(logits + random.normal(0, 0.3, (count, 2)))))
    return views.min(axis=1), views.max(axis=1), labels


@pytest.mark.parametrize("targets", [TARGETS, ErrorTargets(0.02, 0.05)])
@pytest.mark.parametrize("count", [60, 260])
def test_new_faces_keep_the_target_error_rates(targets: ErrorTargets, count: int) -> None:
    """Over many calibrations, each followed by new faces: at most the target, and little less.

    The rule of split conformal prediction: between the target and the effect of one face more or less.
    """
    fprs, fnrs = [], []
    for seed in range(500):
        random = np.random.default_rng(seed)
        lowest, highest, labels = faces(count, random)
        thresholds, _ = fit_thresholds(lowest, highest, labels, np.ones(count), targets, count)
        lowest, highest, labels = faces(2000, random)
        fprs.append(np.mean(lowest[~labels] >= thresholds.fake))
        fnrs.append(np.mean(highest[labels] <= thresholds.real))
    for errors, target in (
        (fprs, targets.max_fpr),
        (fnrs, targets.max_fnr),
    ):
        noise = 4 * np.std(errors) / len(errors) ** 0.5
        assert np.mean(errors) <= target + noise
        assert np.mean(errors) >= target - 1 / (count / 2 + 1) - noise


def test_the_targets_hold_under_sources_of_unequal_weight() -> None:
    """New faces come from both sources alike, though one gave ten times as many images as the other."""
    fprs = []
    for seed in range(500):
        random = np.random.default_rng(seed)
        sources = np.array(["large"] * 200 + ["small"] * 20)
        shift = np.where(sources == "small", 0.5, 0.0)
        labels = np.arange(220) % 2 == 1
        p_fake = 1 / (1 + np.exp(-random.normal(shift + labels, 1)))
        weights = balance_weights(labels, sources)
        thresholds, _ = fit_thresholds(p_fake, p_fake, labels, weights, TARGETS, 220)
        new = 1 / (1 + np.exp(-random.normal(np.tile([0.0, 0.5], 500), 1)))
        fprs.append(np.mean(new >= thresholds.fake))
    assert np.mean(fprs) == pytest.approx(TARGETS.max_fpr, abs=0.02)


@pytest.mark.parametrize(
    ("count", "target", "enough"), [(18, 0.05, False), (19, 0.05, True), (8, 0.1, False), (9, 0.1, True)]
)
def test_too_few_images_for_a_target_leave_that_verdict_out(count: int, target: float, enough: bool) -> None:
    """18 reals do not prove an error rate of 1 in 20: neither verdict is given."""
    labels = np.arange(2 * count) % 2 == 1
    p_fake = np.linspace(0.1, 0.9, 2 * count)
    arguments = (p_fake, p_fake, labels, np.ones(2 * count), ErrorTargets(target, target))
    thresholds, rates = fit_thresholds(*arguments, 2 * count)
    assert (thresholds.fake < 1) == (thresholds.real > 0) == enough
    if not enough:
        assert (rates["reals_uncertain"], rates["fakes_uncertain"]) == (1, 1)
        assert {thresholds.decide(p) for p in (1e-9, 0.5, 1 - 1e-9)} == {Verdict.UNCERTAIN}


def test_copies_of_an_image_count_once() -> None:
    """Three faces of each of 18 images are 54 faces, and still too few for one in twenty."""
    labels = np.arange(108) % 2 == 1
    p_fake = np.repeat(np.linspace(0.1, 0.9, 36), 3)
    arguments = (p_fake, p_fake, labels, np.ones(108), ErrorTargets())
    assert fit_thresholds(*arguments, 36)[0].fake == 1
    assert fit_thresholds(*arguments, 108)[0].fake < 1


@given(data=st.data())
@settings(max_examples=examples(100), deadline=None)
def test_a_stricter_target_decides_no_more_faces(data: st.DataObject) -> None:
    strict, lax = sorted((data.draw(SHARES), data.draw(SHARES)))
    count = data.draw(st.integers(4, 200))
    lowest, highest, labels = faces(count, np.random.default_rng(data.draw(st.integers(0, 999))))
    overlap = labels ^ (np.arange(count) % 3 == 0)  # so that no target is met without a band
    one, two = (
        fit_thresholds(lowest, highest, overlap, np.ones(count), ErrorTargets(target, target), count)[0]
        for target in (strict, lax)
    )
    if two.real < two.fake:
        assert one.fake >= two.fake
        assert one.real <= two.real


def test_separated_classes_need_no_uncertain_band() -> None:
    labels = np.arange(200) % 2 == 1
    p_fake = np.where(labels, 0.9, 0.2) + np.linspace(-0.05, 0.05, 200)
    thresholds, rates = fit_thresholds(p_fake, p_fake, labels, np.ones(200), TARGETS, 200)
    assert thresholds.real == thresholds.fake
    assert 0.25 < thresholds.fake < 0.85
    assert set(rates.values()) == {0.0}


def test_classes_that_overlap_leave_a_band_just_wide_enough() -> None:
    """Both uniform over 0..1: called fake is the upper tenth, called real the lower fifth."""
    p_fake = np.tile((np.arange(1000) + 0.5) / 1000, 2)
    labels = np.arange(2000) >= 1000
    thresholds, rates = fit_thresholds(p_fake, p_fake, labels, np.ones(2000), TARGETS, 2000)
    assert thresholds.fake == pytest.approx(0.9, abs=0.002)
    assert thresholds.real == pytest.approx(0.2, abs=0.002)
    assert rates["reals_uncertain"] == pytest.approx(0.7, abs=0.003)


def test_views_that_disagree_narrow_the_band() -> None:
    """Only faces both of whose views agree get a verdict, so the bounds may lie further in."""
    lowest = np.tile((np.arange(1000) + 0.5) / 1000, 2)
    labels = np.arange(2000) >= 1000
    alone, _ = fit_thresholds(lowest, lowest, labels, np.ones(2000), TARGETS, 2000)
    with_second, rates = fit_thresholds(
        0.9 * lowest, 0.1 + 0.9 * lowest, labels, np.ones(2000), TARGETS, 2000
    )
    assert with_second.fake < alone.fake - 0.05
    assert with_second.real > alone.real + 0.05
    assert rates["reals_called_fake"] == pytest.approx(0.1, abs=0.002)


@pytest.mark.parametrize("target", [0, 0.5, -0.1, 1, float("nan")])
@pytest.mark.parametrize("name", ["max_fpr", "max_fnr"])
def test_invalid_targets(name: str, target: float) -> None:
    with pytest.raises(DataError, match=f"^{name.replace('_', '-')} is {target}; it must lie between 0 and"):
        ErrorTargets(**{name: target})
