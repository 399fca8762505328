"""Samplers: shares of classes and sources, and pairs."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from veraface.datasets.samples import Sample
from veraface.training.sampling import FACE_SWAP, SELF_BLEND, PairSampler, SampleDraw, fixed_draws

COUNTS = {(False, "large"): 1600, (False, "small"): 100, (True, "lab"): 400}
SKEWED = [
    Sample(Path(f"{source}{i}"), fake, source, f"{source}{i}", "train")
    for (fake, source), count in COUNTS.items()
    for i in range(count)
]
LANDMARKS = ((36.0, 41.0), (55.0, 42.0), (45.0, 51.0), (36.0, 57.0), (54.0, 58.0))
DETECTED = [replace(sample, landmarks=LANDMARKS) for sample in SKEWED]


def draws(sampler: PairSampler, epoch: int = 0) -> list[SampleDraw]:
    sampler.set_epoch(epoch)
    return list(sampler)


def pairs(sampler: PairSampler, epoch: int = 0) -> list[tuple[SampleDraw, SampleDraw]]:
    drawn = draws(sampler, epoch)
    return list(zip(drawn[::2], drawn[1::2], strict=True))


def test_both_classes_get_half_and_sources_the_root_of_their_size() -> None:
    """1600 and 100 images of the two sources of reals: 4 to 1 instead of 16 to 1."""
    sampler = PairSampler(SKEWED, seed=1)
    assert len(sampler) == len(SKEWED)
    drawn: Counter[tuple[bool, str]] = Counter()
    for epoch in range(10):
        chosen = [SKEWED[draw.sample] for draw in draws(sampler, epoch)]
        drawn.update((sample.fake, sample.source) for sample in chosen)
    total = drawn.total()
    assert total == 10 * len(SKEWED)
    assert drawn[True, "lab"] / total == pytest.approx(0.5, abs=0.02)
    assert drawn[False, "large"] / total == pytest.approx(0.4, abs=0.02)
    assert drawn[False, "small"] / total == pytest.approx(0.1, abs=0.02)


def test_sources_of_fakes_get_the_root_of_their_size_too() -> None:
    turned = [replace(sample, fake=not sample.fake) for sample in SKEWED]
    drawn: Counter[str] = Counter()
    for epoch in range(10):
        drawn.update(turned[fake.sample].source for fake, _ in pairs(PairSampler(turned, 1), epoch))
    assert set(drawn) == {"large", "small"}
    assert drawn["small"] / drawn.total() == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize("synthesized", [{}, {SELF_BLEND: 0.4}, {SELF_BLEND: 0.3, FACE_SWAP: 0.7}])
def test_fakes_and_reals_alternate(synthesized: dict[str, float]) -> None:
    """With the same number, and so the same degradations; numbers are unique."""
    sampler = PairSampler(DETECTED, 1, synthesized=synthesized)
    drawn = pairs(sampler, epoch=2)
    assert len(sampler) == 2 * len(drawn)
    for fake, real in drawn:
        assert SKEWED[fake.sample].fake or fake.synthesized
        assert not SKEWED[real.sample].fake
        assert real.synthesized == fake.synthesized
        assert (fake.real, real.real) == (False, True)
        assert fake.number == real.number
        assert fake.epoch == real.epoch == 2
    assert len({fake.number for fake, _ in drawn}) == len(drawn)


def test_synthesized_fakes_have_their_shares_and_are_paired_with_their_reals() -> None:
    synthesized = {SELF_BLEND: 0.2, FACE_SWAP: 0.15}
    drawn = pairs(PairSampler(DETECTED, 1, synthesized=synthesized))
    counts = Counter(fake.synthesized for fake, _ in drawn)
    assert counts[SELF_BLEND] / len(drawn) == pytest.approx(0.2, abs=0.04)
    assert counts[FACE_SWAP] / len(drawn) == pytest.approx(0.15, abs=0.04)
    assert counts[""] / len(drawn) == pytest.approx(0.65, abs=0.05)
    assert all(fake.sample == real.sample for fake, real in drawn if fake.synthesized)
    assert len({real.sample for fake, real in drawn if fake.synthesized}) > 100


def test_only_faces_with_landmarks_are_swapped() -> None:
    """And among them sources still count by the root of their size."""
    able = [i % 3 == 0 for i in range(len(SKEWED))]
    samples = [replace(sample, landmarks=LANDMARKS * can) for sample, can in zip(SKEWED, able, strict=True)]
    drawn = [
        fake.sample
        for epoch in range(5)
        for fake, _ in pairs(PairSampler(samples, 1, synthesized={FACE_SWAP: 0.5}), epoch)
        if fake.synthesized
    ]
    assert len(drawn) > 2000
    assert all(able[index] and not SKEWED[index].fake for index in drawn)
    assert np.mean([SKEWED[index].source == "small" for index in drawn]) == pytest.approx(0.2, abs=0.04)


@pytest.mark.parametrize("of_fakes", [False, True])
def test_no_faces_are_swapped_where_no_real_has_landmarks(of_fakes: bool) -> None:
    """The others keep their shares: of the fakes that lie there and of self-blends."""
    samples = [replace(sample, landmarks=LANDMARKS * (sample.fake and of_fakes)) for sample in SKEWED]
    sampler = PairSampler(samples, 1, synthesized={SELF_BLEND: 0.3, FACE_SWAP: 0.3})
    counts = Counter(fake.synthesized for fake, _ in pairs(sampler))
    assert set(counts) == {"", SELF_BLEND}
    assert counts[SELF_BLEND] / counts.total() == pytest.approx(0.3, abs=0.05)


def test_fakes_are_paired_with_a_real_of_their_group() -> None:
    """As in DFDC, where the original of every fake is in the data; others are paired with any real."""
    samples = [
        Sample(Path(f"{group}{i}"), fake, "dfdc", f"video {group}", "train")
        for group in range(10)
        for i, fake in enumerate((False, False, True, True, True))
    ]
    samples += [Sample(Path(f"gan{i}"), True, "gan", f"gan {i}", "train") for i in range(10)]
    partners: dict[int, set[int]] = {}
    for epoch in range(40):
        for fake, real in pairs(PairSampler(samples, 1), epoch):
            partners.setdefault(fake.sample, set()).add(real.sample)
    assert len(partners) == 40
    for index, reals in partners.items():
        if samples[index].source == "dfdc":
            assert reals == {index - index % 5, index - index % 5 + 1}
        else:
            assert len({samples[real].group for real in reals}) > 5


def test_draws_depend_on_seed_and_epoch_alone() -> None:
    def drawn(seed: int, epoch: int) -> list[SampleDraw]:
        return draws(PairSampler(DETECTED, seed, synthesized={SELF_BLEND: 0.2, FACE_SWAP: 0.2}), epoch)

    assert drawn(1, 3) == drawn(1, 3)
    assert {draw.epoch for draw in drawn(1, 3)} == {3}
    for change in ("sample", "synthesized"):
        one, later, other = ([getattr(d, change) for d in drawn(*key)] for key in ((1, 3), (1, 4), (2, 3)))
        assert one != later
        assert one != other


def test_fakes_of_a_matched_source_are_paired_with_its_reals() -> None:
    """Unless their own group holds reals; other fakes still get any real."""
    samples = [
        Sample(Path(f"{source}{i}"), fake, source, f"{source}{i}", "train")
        for source, fake in (("photos", False), ("web", False), ("gan", True), ("lab", True))
        for i in range(20)
    ]
    samples.append(Sample(Path("own"), True, "gan", "web3", "train"))
    beside: dict[str, set[str]] = {}
    for epoch in range(10):
        for fake, real in pairs(PairSampler(samples, 1, matched={"gan": ["photos"]}), epoch):
            key = "own" if fake.sample == len(samples) - 1 else samples[fake.sample].source
            beside.setdefault(key, set()).add(samples[real.sample].source)
    assert beside == {"gan": {"photos"}, "lab": {"photos", "web"}, "own": {"web"}}


def test_matched_reals_are_drawn_by_the_root_of_their_source_too() -> None:
    """1600 to 100: 4 to 1, and 1 to 1 where the small source is drawn four times as often."""
    for source_weights, share in (({}, 0.2), ({"small": 4.0}, 0.5)):
        sampler = PairSampler(SKEWED, 1, matched={"lab": ["large", "small"]}, source_weights=source_weights)
        drawn = Counter(SKEWED[real.sample].source for epoch in range(5) for _, real in pairs(sampler, epoch))
        assert drawn["small"] / drawn.total() == pytest.approx(share, abs=0.03)


def test_unknown_sources_match_nothing() -> None:
    """A recipe that names a source also serves the runs that leave it out."""
    plain, naming = (pairs(PairSampler(SKEWED, 1, matched=m)) for m in (None, {"lab": ["gone"]}))
    assert plain == naming


def test_source_weights_multiply_how_often_a_source_is_drawn() -> None:
    """The small source of reals, of 1 in 5 without: four times the weight makes it 4 to 4."""
    sampler = PairSampler(SKEWED, 1, source_weights={"small": 4.0})
    drawn = Counter(SKEWED[real.sample].source for epoch in range(5) for _, real in pairs(sampler, epoch))
    assert drawn["small"] / drawn.total() == pytest.approx(0.5, abs=0.03)


def test_validation_sees_every_sample_once() -> None:
    drawn = list(fixed_draws(SKEWED))
    assert [draw.sample for draw in drawn] == list(range(len(SKEWED)))
    assert len(fixed_draws(SKEWED)) == len(SKEWED)
    assert {draw.epoch for draw in drawn} == {0}
