"""Figures on lists short enough to count by hand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from veraface.evaluation.metrics import Judged, area_under_curve, interval, row, share
from veraface.verdict import Verdict

R, U, F, N = Verdict.REAL, Verdict.UNCERTAIN, Verdict.FAKE, Verdict.NO_FACE


def judged(
    name: str, fake: bool, verdict: Verdict | None, p_fake: float | None, source: str = "web"
) -> Judged:
    return Judged(name, fake, source, name, verdict, p_fake, "" if verdict else "broken")


PICTURES = [
    judged("r1", False, R, 0.1),
    judged("r2", False, R, 0.2),
    judged("r3", False, U, 0.5),
    judged("r4", False, F, 0.8),
    judged("f1", True, R, 0.2),
    judged("f2", True, U, 0.5),
    judged("f3", True, F, 0.9),
    judged("none", True, N, None),
    judged("lost", False, None, None),
]


def test_area_under_the_curve() -> None:
    """Of 12 pairs the fake is higher in 1 + 2 + 4, and equal in 1 + 1: (7 + 2 x .5) / 12."""
    assert area_under_curve(PICTURES) == pytest.approx(8 / 12)


def test_area_needs_both_classes() -> None:
    assert area_under_curve([p for p in PICTURES if p.fake]) is None
    assert area_under_curve([]) is None
    assert area_under_curve(PICTURES[-2:]) is None


def test_shares_are_of_the_judged_pictures_of_a_class() -> None:
    assert share(PICTURES, False, F) == pytest.approx(1 / 4)
    assert share(PICTURES, False, U) == pytest.approx(1 / 4)
    assert share(PICTURES, True, F) == pytest.approx(1 / 3)
    assert share(PICTURES[-2:], True, F) is None


def test_row() -> None:
    assert row("web", PICTURES) == {
        "source": "web",
        "real": 5,
        "fake": 4,
        "auc": 0.6667,
        "reals_called_fake": 0.25,
        "fakes_called_fake": 0.3333,
        "reals_uncertain": 0.25,
        "fakes_uncertain": 0.3333,
        "fakes_called_real": 0.3333,
        "not_judged": 2,
    }


def test_row_of_one_class_is_measured_against_the_other() -> None:
    """The reals .1 and .5 alone below the fakes .2, .5, .9: 4.5 of 6; counts stay those of the source."""
    own = [p for p in PICTURES if p.path in ("r1", "r3")]
    figures = row("few", own, [p for p in PICTURES if p.fake])
    assert figures["auc"] == pytest.approx(4.5 / 6)
    assert (figures["real"], figures["fake"], figures["not_judged"]) == (2, 0, 0)
    assert figures["fakes_called_fake"] is None
    assert row("few", own)["auc"] is None


def sample(groups: int, size: int, seed: int) -> list[Judged]:
    random = np.random.default_rng(seed)
    pictures = []
    for group in range(groups):
        fake, shift = group % 2 == 1, random.normal(0, 0.1)
        for i in range(size):
            p_fake = float(np.clip(0.4 + 0.2 * fake + shift + random.normal(0, 0.02), 0, 1))
            picture = judged(f"{group}.{i}", fake, F if p_fake > 0.5 else R, p_fake)
            pictures.append(replace(picture, group=f"person {group}"))
    return pictures


@pytest.mark.parametrize("seed", range(3))
def test_intervals_hold_the_value_and_repeat(seed: int) -> None:
    pictures = sample(40, 3, seed)
    found, value = interval(area_under_curve, pictures), area_under_curve(pictures)
    assert found is not None
    assert value is not None
    assert found[0] <= value <= found[1]
    assert found[0] < found[1]

    def called_fake(drawn: Sequence[Judged]) -> float | None:
        return share(drawn, True, F)

    assert interval(called_fake, pictures) == interval(called_fake, pictures)
    assert any(interval(called_fake, pictures) != interval(called_fake, pictures, s) for s in range(1, 5))


def test_intervals_are_drawn_by_group() -> None:
    """Twelve pictures of one person say hardly more than one: the interval must not shrink with them."""

    def width(size: int) -> float:
        found = interval(lambda p: share(p, False, F), sample(60, size, 3))
        assert found is not None
        return found[1] - found[0]

    assert width(12) > 0.6 * width(1)


def test_no_interval_where_there_is_no_figure() -> None:
    assert interval(area_under_curve, PICTURES[:3]) is None
