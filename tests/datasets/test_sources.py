"""Leaving sources out."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veraface.datasets.samples import (
    Sample,
    leave_out,
    leave_out_folds,
    matched_sources,
    parse_source_weights,
)
from veraface.errors import DataError

NAMES = st.sets(st.text("abcdef", min_size=1, max_size=3), min_size=2, max_size=8)


def samples_of(with_fakes: list[str], reals_alone: list[str]) -> list[Sample]:
    """Two reals of every source, a fake of some."""
    return [
        Sample(Path(f"{source}{i}"), fake, source, f"{source}{i}", "train")
        for source in [*with_fakes, *reals_alone]
        for i, fake in enumerate((False, False, True))
        if not fake or source in with_fakes
    ]


def test_leaves_the_sources_out_and_keeps_the_order() -> None:
    samples = samples_of(["lab", "web"], ["street"])
    assert leave_out(samples, ["web", "street"]) == samples[:3]
    assert leave_out(samples, []) == samples


def test_unknown_sources_are_named_with_those_there_are() -> None:
    with pytest.raises(DataError, match="^no source is called lap, wep; there are: lab, street, web$"):
        leave_out(samples_of(["lab", "web"], ["street"]), ["wep", "lab", "lap"])


@given(names=NAMES, data=st.data())
def test_folds_leave_every_source_out_once_and_one_with_fakes_each(
    names: set[str], data: st.DataObject
) -> None:
    ordered = data.draw(st.permutations(sorted(names)))
    count = data.draw(st.integers(2, len(ordered)))
    with_fakes, reals_alone = ordered[:count], ordered[count:]
    samples = samples_of(with_fakes, reals_alone)
    folds = leave_out_folds(samples)
    assert sorted(name for fold in folds for name in fold) == sorted(names)
    assert [fold[0] for fold in folds] == sorted(with_fakes)
    assert all(not set(fold[1:]) & set(with_fakes) for fold in folds)
    sizes = [len(fold) for fold in folds]
    assert max(sizes) - min(sizes) <= 1, "dealt out evenly"
    shuffled = data.draw(st.permutations(samples))
    assert leave_out_folds(shuffled) == folds, "the order of the rows changes nothing"
    for fold in folds:
        kept = leave_out(samples, fold)
        assert {s.fake for s in kept} == {False, True}
        assert {s.source for s in kept} == names - set(fold)


@pytest.mark.parametrize(("with_fakes", "count"), [([], 0), (["lab"], 1)])
def test_one_source_with_fakes_cannot_be_left_out(with_fakes: list[str], count: int) -> None:
    with pytest.raises(DataError, match=f"^{count} source has fakes; leaving one out needs at least two"):
        leave_out_folds(samples_of(with_fakes, ["street", "studio"]))


def test_pairs_are_read_from_the_fakes_to_their_reals() -> None:
    samples = samples_of(["lab", "web"], ["street"])
    assert matched_sources(samples, ["street:lab", "web:lab", "street:web"]) == {
        "lab": ["street", "web"],
        "web": ["street"],
    }
    assert matched_sources(samples, []) == {}


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("street", "pair is 'street'; it must be two sources as REAL:FAKE"),
        ("a:b:c", "pair is 'a:b:c'; it must be"),
        ("lap:web", "no source with reals is called lap; there are: lab, street, web"),
        ("web:street", "no source with fakes is called street; there are: lab, web"),
    ],
)
def test_invalid_pairs(pair: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        matched_sources(samples_of(["lab", "web"], ["street"]), [pair])


def test_source_weights_are_parsed() -> None:
    samples = samples_of(["lab", "a=b"], [])
    assert parse_source_weights(samples, ["lab=2", "a=b=0.5"]) == {"lab": 2.0, "a=b": 0.5}


@pytest.mark.parametrize("entry", ["lab", "lab=", "lab=0", "lab=-1", "lab=nan", "lab=inf", "=2", "lab=much"])
def test_invalid_source_weights(entry: str) -> None:
    with pytest.raises(DataError, match="it must be SOURCE=FACTOR with a factor above 0"):
        parse_source_weights(samples_of(["lab", "web"], []), [entry])


def test_source_weight_of_an_unknown_source() -> None:
    with pytest.raises(DataError, match="no source is called lap; there are: lab, web"):
        parse_source_weights(samples_of(["lab", "web"], []), ["lap=2"])
