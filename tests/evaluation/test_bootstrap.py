"""Intervals: they hold the value, repeat, and are drawn by group."""

from collections.abc import Mapping
from dataclasses import replace
from time import process_time

import numpy as np
import pytest

from tests.evaluation.sample_predictions import F, R, many, prediction
from veraface.evaluation.aggregate import compute_metrics, source_rows
from veraface.evaluation.bootstrap import BootstrapSamples
from veraface.evaluation.metrics import Values
from veraface.evaluation.predict import Prediction


def crowd(groups: int, size: int, seed: int = 0) -> list[Prediction]:
    """Groups of images that are nearly alike."""
    random = np.random.default_rng(seed)
    images = []
    for group in range(groups):
        fake, shift = group % 2 == 1, random.normal(0, 0.1)
        for i in range(size):
            p_fake = float(np.clip(0.4 + 0.2 * fake + shift + random.normal(0, 0.02), 0, 1))
            image = prediction(f"{group}.{i}", fake, F if p_fake > 0.5 else R, p_fake)
            images.append(replace(image, group=f"person {group}"))
    return images


@pytest.mark.parametrize("seed", range(3))
def test_intervals_contain_the_value_and_are_reproducible(seed: int) -> None:
    images = crowd(40, 3, seed)
    row = compute_metrics(images)
    assert row == compute_metrics(images)
    for name, interval in row["intervals"].items():
        if interval is not None and not name.startswith("calibration"):  # which is biased upwards
            assert interval[0] <= row[name] <= interval[1], name
    assert row["intervals"]["auc"][0] < row["intervals"]["auc"][1]
    other = compute_metrics(images, BootstrapSamples((p.group for p in images), seed=1))
    assert other["auc"] == row["auc"]
    assert other["intervals"] != row["intervals"]


def test_intervals_are_resampled_by_group() -> None:
    """Twelve images of one person say hardly more than one: the interval must not shrink with them."""

    def width(size: int) -> float:
        low, high = compute_metrics(crowd(60, size, 3))["intervals"]["reals_called_fake"]
        return float(high - low)

    assert width(12) > 0.6 * width(1)


def test_intervals_have_the_width_of_theory() -> None:
    """400 groups, a share of one half: 1.96 x sqrt(.25 / 400) to each side."""
    images = [prediction(str(i), False, F if i % 2 else R, 0.5) for i in range(400)]
    low, high = compute_metrics(images)["intervals"]["reals_called_fake"]
    assert high - low == pytest.approx(2 * 1.96 * 0.025, rel=0.1)


def test_a_resample_has_the_number_of_groups() -> None:
    bootstrap = BootstrapSamples(["a", "b", "c", "d", "e", "a"], count=50)

    def compute(weights: Values) -> Mapping[str, Values]:
        assert weights.shape[1] == 5
        return {"groups": weights.sum(axis=1), "first": weights[:, 0]}

    values, intervals = bootstrap.measure(compute)
    assert values == {"groups": 5.0, "first": 1.0}
    assert intervals["groups"] == [5.0, 5.0]
    assert bootstrap.index(["c", "a"]).tolist() == [2, 0]


def test_undefined_values_have_no_interval() -> None:
    bootstrap = BootstrapSamples("abcdef", count=10)
    values, intervals = bootstrap.measure(lambda w: {"none": np.full(len(w), np.nan)})
    assert (values, intervals) == ({"none": None}, {"none": None})


def test_few_groups_are_not_resampled() -> None:
    values, intervals = BootstrapSamples("abcd").measure(lambda w: {"one": np.ones(len(w))})
    assert (values, intervals) == ({"one": 1.0}, {"one": None})


def test_no_groups() -> None:
    row = compute_metrics([])
    assert (row["auc"], row["accuracy"], row["real"]) == (None, None, 0)
    assert set(row["intervals"].values()) == {None}


def test_a_large_set_takes_seconds() -> None:
    """25 rows over 2,700 images: of the processor's time, since tests share their machine."""
    images = many(2700, sources=25)
    started = process_time()
    rows = source_rows(images, BootstrapSamples(p.group for p in images))
    assert len(rows) == 26
    assert process_time() - started < 10
