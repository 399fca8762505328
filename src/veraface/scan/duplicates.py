"""Pictures that look the same, found by their perceptual hashes."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

# Bits in which the hashes of two pictures may differ that are called near-duplicates; measured by
# `benchmarks/near_duplicates.py`.
MOST_DIFFERENT_BITS = 4
_BANDS = MOST_DIFFERENT_BITS + 1  # of two hashes so close, at least one band of bits is the same (pigeonhole)


def first_alike(hashes: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Groups pictures that look the same, directly or by way of others.

    Args:
        hashes: Position and perceptual hash, as signed 64-bit numbers, of each picture.

    Returns:
        For each picture of a group but its first: its position, and the first one's.
    """
    table = np.fromiter((pair for both in hashes for pair in both), np.int64).reshape(-1, 2)
    positions, values = table[:, 0], table[:, 1].view(np.uint64)
    distinct, which = np.unique(values, return_inverse=True)
    groups = _Groups(len(distinct))
    for band in _bands(distinct):
        _join_within(distinct, band, groups)
    group = groups.of_all()[which]
    first = np.full(len(distinct), np.iinfo(np.int64).max)
    np.minimum.at(first, group, positions)
    firsts = first[group]
    return {int(p): int(f) for p, f in zip(positions, firsts, strict=True) if p != f}


def _bands(values: NDArray[np.uint64]) -> Iterable[NDArray[np.uint64]]:
    edges = np.linspace(0, 64, _BANDS + 1).astype(int)
    for low, high in zip(edges, edges[1:], strict=False):
        yield (values >> np.uint64(low)) & np.uint64((1 << int(high - low)) - 1)


def _join_within(values: NDArray[np.uint64], band: NDArray[np.uint64], groups: "_Groups") -> None:
    """Compares all that have the same band of bits: each with the one after it, then the next, and so on."""
    order = np.argsort(band, kind="stable")
    for step in range(1, len(values)):
        left, right = order[:-step], order[step:]
        same = band[left] == band[right]
        if not same.any():
            return
        left, right = left[same], right[same]
        close = np.bitwise_count(values[left] ^ values[right]) <= MOST_DIFFERENT_BITS
        for one, other in zip(left[close], right[close], strict=True):
            groups.join(int(one), int(other))


class _Groups:
    """Disjoint sets of the numbers from 0 on."""

    def __init__(self, count: int) -> None:
        self._above = np.arange(count)

    def join(self, one: int, other: int) -> None:
        one, other = self._top(one), self._top(other)
        self._above[max(one, other)] = min(one, other)

    def of_all(self) -> NDArray[np.int64]:
        """The name of each number's set."""
        while True:
            higher = self._above[self._above]
            if np.array_equal(higher, self._above):
                return higher
            self._above = higher

    def _top(self, number: int) -> int:
        while (above := int(self._above[number])) != number:
            self._above[number] = self._above[above]
            number = above
        return number
