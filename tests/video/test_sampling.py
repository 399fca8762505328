"""Selecting the frames of a video."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veraface.errors import VideoTooLargeError
from veraface.video.detect import sample_every, sample_uniform
from veraface.video.reader import FrameRef


def refs(times: list[float], keys: set[int] = frozenset()) -> list[FrameRef]:  # type: ignore[assignment]
    return [FrameRef(round(1000 * time), time, number in keys) for number, time in enumerate(times)]


SEED = b"seed"


def intervals(chosen: list[FrameRef], length: float, count: int) -> list[int]:
    """The number of the interval that each frame is in."""
    return [min(int(ref.time / length * count + 1e-9), count - 1) for ref in chosen]


@pytest.mark.parametrize("keys", [set(), {0}, {0, 16, 36, 44, 99}, set(range(0, 101, 5)), set(range(101))])
def test_one_from_each_stretch(keys: set[int]) -> None:
    every = refs([i / 10 for i in range(101)], keys)
    for number in range(50):
        chosen = sample_uniform(every, 5, number.to_bytes())
        assert intervals(chosen, 10, 5) == [0, 1, 2, 3, 4]


def test_the_seed_decides_and_every_frame_can_be_taken() -> None:
    every = refs([i / 10 for i in range(101)], {0, 50, 90})
    seeds = [number.to_bytes(2) for number in range(1000)]
    assert all(sample_uniform(every, 5, seed) == sample_uniform(every, 5, seed) for seed in seeds[:20])
    taken = {ref.pts for seed in seeds for ref in sample_uniform(every, 5, seed)}
    assert len(taken) >= 100  # the very last frame ends the last stretch


def test_key_frames_are_preferred_in_half_of_the_stretches() -> None:
    """Genuine key frames do not hide forged frames between them."""
    keys = set(range(5, 1000, 10))
    chosen = sample_uniform(refs([i / 10 for i in range(1001)], keys), 100, SEED)
    assert 40 <= sum(ref.key for ref in chosen) <= 75


def test_far_from_a_key_frame_another_one_is_taken() -> None:
    """Thousands of frames would be decoded to get at one."""
    every = refs([i / 10 for i in range(100_001)], set(range(0, 100_001, 1_500)))
    positions = [ref.pts // 100 % 1_500 for ref in sample_uniform(every, 30, SEED)]
    assert max(positions) <= 300


def test_time_counts_and_not_the_number_of_the_frame() -> None:
    """Ten seconds at one frame a second, then one second at a hundred."""
    times = [float(i) for i in range(10)] + [10 + i / 100 for i in range(100)]
    assert sum(m.time >= 10 for m in sample_uniform(refs(times), 11, SEED)) == 1


@given(
    st.lists(st.floats(0, 1000), min_size=1, max_size=60, unique=True),
    st.integers(1, 70),
    st.binary(),
    st.data(),
)
def test_as_many_as_asked_for_at_most_each_once_and_in_order(
    times: list[float], count: int, seed: bytes, data: st.DataObject
) -> None:
    keys = data.draw(st.sets(st.integers(0, len(times) - 1)))
    every = refs(sorted(times), keys)
    chosen = sample_uniform(every, count, seed)
    assert 1 <= len(chosen) <= max(1, min(count, len(every)))
    assert [m.time for m in chosen] == sorted({m.time for m in chosen})
    if len(every) <= count:
        assert chosen == every


def test_at_a_rate() -> None:
    every = refs([i / 10 for i in range(101)])
    assert [m.time for m in sample_every(every, 2.5, 100)] == pytest.approx([0, 2.5, 5, 7.5, 10])
    assert sample_every(every, 0.01, 1000) == every
    assert [m.time for m in sample_every(every, 60, 100)] == [0]


def test_a_rate_is_bounded() -> None:
    every = refs([i / 10 for i in range(1001)])
    with pytest.raises(VideoTooLargeError, match=r"more than 50 frames; take one every 2 s or less"):
        sample_every(every, 0.1, 50)
    assert len(sample_every(every, 100 / 49, 50)) <= 50
    with pytest.raises(VideoTooLargeError):
        sample_every(every, 1e-9, 50)
    for wrong in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="positive"):
            sample_every(every, wrong, 50)
