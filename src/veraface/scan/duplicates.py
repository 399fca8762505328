"""Find near-duplicate images by their perceptual hashes.

imagehash is not used: it depends on SciPy, and compares hashes pair by pair.
"""

from collections.abc import Iterable, Iterator
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

# Maximum Hamming distance between the hashes of near-duplicates; see `benchmarks/near_duplicates.py`.
MAX_DISTANCE = 4
# Two hashes at most that far apart share at least two of six bands of bits (pigeonhole principle). Each pair
# of bands is a key of 21 or 22 bits, which few unrelated images share, up to 10^8 of them.
_BANDS = MAX_DISTANCE + 2
# Under one key, each image is compared with at most this many of the first. More images share a key only if
# very many look nearly the same, so that one of the first is close to any other, or to attack the scan.
_MAX_COMPARED = 1000


def find_near_duplicates(hashes: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Return the first near-duplicate of each image that has one, both by their ranks.

    `hashes` are rank and perceptual hash (signed, 64 bits) of each image. Those of near-duplicates differ in
    at most `MAX_DISTANCE` bits; the first one is that of the lowest rank, below the image's own.
    """
    table = np.fromiter((pair for both in hashes for pair in both), np.int64).reshape(-1, 2)
    ranks, values = table[:, 0], table[:, 1].view(np.uint64)
    distinct, which = np.unique(values, return_inverse=True)
    own = np.full(len(distinct), np.iinfo(np.int64).max)
    np.minimum.at(own, which, ranks)
    by_rank = np.argsort(own)
    first = own.copy()
    first[by_rank] = _first_close(distinct[by_rank], own[by_rank])
    return {int(p): int(f) for p, f in zip(ranks, first[which], strict=True) if p != f}


def _first_close(values: NDArray[np.uint64], ranks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each of the distinct hashes, sorted by rank, the lowest rank of a near-duplicate."""
    first = np.arange(len(values))
    for key in _keys(values):
        order = np.argsort(key, kind="stable")  # by rank where keys are equal
        keys = key[order]
        begins = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.empty(0, np.intp)
        sizes = np.diff(np.r_[begins, len(keys)])
        start = np.repeat(begins, sizes)
        left = np.flatnonzero(np.repeat(sizes > 1, sizes))  # places in `order` without a match so far
        for step in range(_MAX_COMPARED):
            left = left[left > start[left] + step]
            if not len(left):
                break
            ours, theirs = order[left], order[start[left] + step]
            close = np.bitwise_count(values[ours] ^ values[theirs]) <= MAX_DISTANCE
            np.minimum.at(first, ours[close], theirs[close])
            left = left[~close]
    return ranks[first]


def _keys(values: NDArray[np.uint64]) -> Iterator[NDArray[np.uint64]]:
    edges = [round(64 * number / _BANDS) for number in range(_BANDS + 1)]
    bands = [(values >> np.uint64(a)) & np.uint64((1 << b - a) - 1) for a, b in pairwise(edges)]
    for one, other in combinations(bands, 2):
        yield one << np.uint64(32) | other
