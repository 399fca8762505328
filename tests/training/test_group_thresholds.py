"""Thresholds with a confidence bound in each group of sources."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from veraface.decision import Thresholds
from veraface.errors import DataError
from veraface.training.calibration import ErrorTargets
from veraface.training.group_thresholds import (
    SMALL_SOURCES,
    BoundSettings,
    ScoredImages,
    bound_groups,
    confidence_interval,
    fit_group_thresholds,
    measure_bounds,
    real_for_uncertain,
    upper_bound,
)

SETTINGS = BoundSettings(ErrorTargets(0.1, 0.1), mean_fpr=0.4, mean_fnr=0.4, min_groups=60, max_uncertain=1)


def draw(
    random: np.random.Generator,
    sources: dict[str, tuple[int, int, float]],
    fakes: dict[str, tuple[int, int, float]],
) -> ScoredImages:
    """Draw images of sources by name, as people, images of each, and mean logit."""
    scores, fake, source, group = [], [], [], []
    for kind, classes in ((False, sources), (True, fakes)):
        for name, (people, each, mean) in classes.items():
            logits = random.normal(mean, 1, people)[:, None] + random.normal(0, 0.5, (people, each))
            scores.append(logits.ravel())
            fake += [kind] * logits.size
            source += [name] * logits.size
            group += np.repeat(len(group) + np.arange(people), each).tolist()
    logits = np.concatenate(scores)
    other = logits + random.normal(0, 0.2, len(logits))
    p_fake, second = 1 / (1 + np.exp(-logits)), 1 / (1 + np.exp(-other))
    lowest, highest = np.minimum(p_fake, second), np.maximum(p_fake, second)
    return ScoredImages(lowest, highest, np.array(fake), np.array(source), np.array(group))


@pytest.mark.parametrize(
    ("errors", "groups", "expected"),
    [(0, 59, 0.0495), (0, 49, 0.0593), (1, 100, 0.0466), (5, 100, 0.1023), (10, 10, 1.0), (0, 1, 0.95)],
)
def test_upper_bounds_are_those_of_the_binomial_distribution(
    errors: int, groups: int, expected: float
) -> None:
    assert float(upper_bound(errors, groups, 0.95)) == pytest.approx(expected, abs=1e-4)


def test_two_sided_intervals() -> None:
    """As published for 0 of 20, 5 of 50 and 20 of 20."""
    assert confidence_interval(0, 20) == pytest.approx((0, 0.1684), abs=1e-4)
    assert confidence_interval(5, 50) == pytest.approx((0.0333, 0.2181), abs=1e-4)
    assert confidence_interval(20, 20) == pytest.approx((0.8316, 1), abs=1e-4)


@pytest.mark.parametrize("each", [1, 3])
def test_bounds_hold_on_new_images_of_each_source(each: int) -> None:
    """In at most one of twenty calibrations a source has a higher error rate than its bound."""
    random = np.random.default_rng(0)
    sources = {"easy": (80, each, -2.0), "hard": (100, each, -0.5)}
    fakes = {"easy": (80, each, 2.0), "hard": (100, each, 0.5)}
    fresh = draw(
        random, {n: (20_000, each, m) for n, (_, _, m) in sources.items()}, {"hard": (20_000, each, 0.5)}
    )
    failed = {"easy": 0, "hard": 0, "fakes": 0}
    trials = 300
    for _ in range(trials):
        thresholds = fit_group_thresholds(draw(random, sources, fakes), SETTINGS)
        called_fake, called_real = fresh.called_fake(thresholds), fresh.called_real(thresholds)
        for name in sources:
            own = ~fresh.fake & (fresh.source == name)
            failed[name] += called_fake[own].mean() > SETTINGS.targets.max_fpr
        failed["fakes"] += called_real[fresh.fake].mean() > SETTINGS.targets.max_fnr
    noise = 3 * (0.05 * 0.95 / trials) ** 0.5
    assert all(count / trials <= 0.05 + noise for count in failed.values()), failed
    assert failed["hard"] > 0, "the bound is not idle"


@given(
    people=st.lists(st.integers(1, 90), min_size=1, max_size=4),
    means=st.lists(st.floats(-3, 3), min_size=8, max_size=8),
    seed=st.integers(0, 999),
    rate=st.floats(0.03, 0.4),
)
@settings(max_examples=examples(60), deadline=None)
def test_kept_bounds_are_within_their_targets(
    people: list[int], means: list[float], seed: int, rate: float
) -> None:
    """Each group of reals that is large enough for a bound keeps it; others are named as not kept."""
    random = np.random.default_rng(seed)
    sources = {f"s{i}": (count, 1 + i % 2, means[i]) for i, count in enumerate(people)}
    fakes = {f"s{i}": (count, 1, means[4 + i]) for i, count in enumerate(people)}
    images = draw(random, sources, fakes)
    chosen = replace(SETTINGS, targets=ErrorTargets(rate, rate))
    thresholds = fit_group_thresholds(images, chosen)
    bounds = measure_bounds(images, thresholds, chosen)
    for bound in bounds:
        possible = float(upper_bound(0, bound.groups, chosen.confidence)) <= rate
        assert bound.held == (possible and bound.bound <= rate * (1 + 1e-9))
        if possible and not bound.fake:
            assert bound.held
    reals = [bound for bound in bounds if not bound.fake]
    assert sum(bound.images for bound in reals) == (~images.fake).sum()
    if not any(bound.held for bound in reals):
        assert thresholds.fake == 1, "no group has enough people for a bound"


def test_small_sources_are_pooled() -> None:
    source = np.array(["large"] * 5 + ["tiny"] * 4 + ["small"] * 2)
    group = np.array([0, 1, 2, 3, 4, 5, 5, 5, 5, 6, 7])
    assert bound_groups(source, group, 3).tolist() == ["large"] * 5 + [SMALL_SOURCES] * 6
    images = ScoredImages(*np.full((2, 11), 0.9), np.zeros(11, bool), source, group)
    found = measure_bounds(images, Thresholds(0.2, 0.8), replace(SETTINGS, min_groups=3))
    assert [(b.name, b.sources, b.groups, b.images, b.rate) for b in found] == [
        ("large", ("large",), 5, 5, 1.0),
        (SMALL_SOURCES, ("small", "tiny"), 3, 6, 1.0),
    ]


def test_images_of_a_person_count_once() -> None:
    """One person of ten with a hundred images, all called fake, is one error of ten."""
    group = np.concatenate([np.zeros(100, int), np.arange(1, 10)])
    p_fake = np.where(group == 0, 0.9, 0.1)
    images = ScoredImages(p_fake, p_fake, np.zeros(109, bool), np.full(109, "web"), group)
    (bound,) = measure_bounds(images, Thresholds(0.2, 0.8), replace(SETTINGS, min_groups=1))
    assert (bound.groups, bound.images, bound.rate) == (10, 109, pytest.approx(0.1))
    assert bound.bound == pytest.approx(float(upper_bound(1, 10, 0.95)))


def test_the_mean_over_sources_is_limited() -> None:
    random = np.random.default_rng(1)
    images = draw(random, {f"s{i}": (400, 1, -0.5) for i in range(4)}, {"f": (400, 1, 0.5)})
    thresholds = fit_group_thresholds(images, replace(SETTINGS, mean_fpr=0.01))
    assert images.called_fake(thresholds)[~images.fake].mean() <= 0.01
    assert fit_group_thresholds(images, SETTINGS).fake < thresholds.fake


def test_uncertain_images_have_priority_over_fakes_that_are_not_found() -> None:
    """A generator whose fakes look real cannot have a bound and few uncertain images."""
    random = np.random.default_rng(2)
    images = draw(
        random, {"a": (500, 1, -1.5), "b": (500, 1, -1.5)}, {"found": (500, 1, 2.0), "hidden": (90, 1, -1.5)}
    )
    strict = fit_group_thresholds(images, SETTINGS)
    assert images.uncertain(strict).mean() > 0.4
    chosen = replace(SETTINGS, max_uncertain=0.2)
    thresholds = fit_group_thresholds(images, chosen)
    assert 0.18 < images.uncertain(thresholds).mean() <= 0.2
    assert thresholds.fake == strict.fake
    held = {(b.name, b.fake): b.held for b in measure_bounds(images, thresholds, chosen)}
    assert held == {("a", False): True, ("b", False): True, ("found", True): True, ("hidden", True): False}
    limited = fit_group_thresholds(images, replace(chosen, mean_fnr=0.05))
    errors = images.called_real(limited)
    assert np.mean([errors[images.source == name].mean() for name in ("found", "hidden")]) <= 0.05


def test_the_budget_is_of_other_images() -> None:
    random = np.random.default_rng(3)
    images = draw(random, {"a": (300, 1, -1.0)}, {"a": (300, 1, 0.5)})
    easy = draw(random, {"a": (300, 1, -4.0)}, {"a": (300, 1, 4.0)})
    chosen = replace(SETTINGS, max_uncertain=0.2)
    assert fit_group_thresholds(images, chosen, easy).real < fit_group_thresholds(images, chosen).real


@given(seed=st.integers(0, 999), share=st.floats(0.01, 0.9), fake=st.floats(0.2, 0.99))
@settings(max_examples=examples(60), deadline=None)
def test_the_share_of_uncertain_images_is_kept(seed: int, share: float, fake: float) -> None:
    images = draw(np.random.default_rng(seed), {"a": (100, 1, -1.0)}, {"a": (100, 1, 1.0)})
    real = real_for_uncertain(images, fake, share)
    changed_mind = (images.lowest < fake) & (images.highest >= fake)
    if real < fake:
        assert images.uncertain(Thresholds(real, fake)).mean() <= share + 1e-9
    else:
        assert changed_mind.any(), "only images whose views disagree are left"


def test_separated_classes_need_no_uncertain_band() -> None:
    fake = np.arange(400) % 2 == 1
    p_fake = np.where(fake, 0.9, 0.1) + np.linspace(-0.05, 0.05, 400)
    images = ScoredImages(p_fake, p_fake, fake, np.full(400, "web"), np.arange(400))
    thresholds = fit_group_thresholds(images, SETTINGS)
    assert thresholds.real == thresholds.fake
    assert not images.uncertain(thresholds).any()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("confidence", 0.4, "confidence is 0.4"),
        ("confidence", 1.0, "confidence is 1.0"),
        ("max_uncertain", 0.0, "max-uncertain is 0.0"),
        ("min_groups", 0, "min-groups is 0"),
        ("mean_fpr", 0.7, "mean-fpr is 0.7"),
    ],
)
def test_invalid_settings(name: str, value: float, message: str) -> None:
    with pytest.raises(DataError, match=message):
        BoundSettings(**{name: value})
