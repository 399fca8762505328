"""Pictures that look the same, found by their perceptual hashes."""

from collections.abc import Iterable, Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

# Bits in which the hashes of two images may differ that are called near-duplicates; measured by
# `benchmarks/near_duplicates.py`.
MAX_DIFFERENT_BITS = 4
# Of two hashes so close, at least two of six bands of bits are the same (pigeonhole): each pair of bands is a
# key of 21 or 22 bits, under which few images meet that do not look the same, up to 10^8 of them.
_BANDS = MAX_DIFFERENT_BITS + 2
# Under one key, each is compared with so many of the first. More share a key only where very many look nearly
# the same, of which one of the first is close to any other, or where somebody has made it so.
_MAX_COMPARED = 1000


def first_alike(hashes: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Finds for each image the first one that looks the same.

    Args:
        hashes: Rank and perceptual hash, as signed 64-bit numbers, of each image.

    Returns:
        For each image with one of a lower rank whose hash differs in at most `MAX_DIFFERENT_BITS`: its
        rank, and the lowest such rank.
    """
    table = np.fromiter((pair for both in hashes for pair in both), np.int64).reshape(-1, 2)
    ranks, values = table[:, 0], table[:, 1].view(np.uint64)
    distinct, which = np.unique(values, return_inverse=True)
    own = np.full(len(distinct), np.iinfo(np.int64).max)
    np.minimum.at(own, which, ranks)
    by_rank = np.argsort(own)
    first = own.copy()
    first[by_rank] = _first_close(distinct[by_rank], own[by_rank])
    firsts = first[which]
    return {int(p): int(f) for p, f in zip(ranks, firsts, strict=True) if p != f}


def _first_close(values: NDArray[np.uint64], ranks: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each of some distinct hashes in the order of their ranks: the rank of the first that is close."""
    first = np.arange(len(values))
    for key in _keys(values):
        order = np.argsort(key, kind="stable")  # by rank where keys are the same
        keys = key[order]
        begins = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.empty(0, np.intp)
        sizes = np.diff(np.r_[begins, len(keys)])
        start = np.repeat(begins, sizes)
        left = np.flatnonzero(np.repeat(sizes > 1, sizes))  # places in `order` that may yet find one
        for step in range(_MAX_COMPARED):
            left = left[left > start[left] + step]
            if not len(left):
                break
            ours, theirs = order[left], order[start[left] + step]
            close = np.bitwise_count(values[ours] ^ values[theirs]) <= MAX_DIFFERENT_BITS
            np.minimum.at(first, ours[close], theirs[close])
            left = left[~close]
    return ranks[first]


def _keys(values: NDArray[np.uint64]) -> Iterator[NDArray[np.uint64]]:
    edges = [round(64 * number / _BANDS) for number in range(_BANDS + 1)]
    bands = [
        (values >> np.uint64(low)) & np.uint64((1 << high - low) - 1)
        for low, high in zip(edges, edges[1:], strict=False)
    ]
    for one, other in combinations(bands, 2):
        yield one << np.uint64(32) | other
