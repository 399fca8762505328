"""Pictures that look the same."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.pictures import cat, encode, noise, portrait
from veraface.image import Picture
from veraface.perceptual_hash import perceptual_hash
from veraface.scan.duplicates import MOST_DIFFERENT_BITS, first_alike

HASHES = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40)


def distance(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_copies_have_nearly_the_same_hash_and_other_pictures_another() -> None:
    original = portrait()
    print_ = perceptual_hash(original)
    for copy in (
        original.resize((256, 256), Image.Resampling.BICUBIC),
        Picture(encode(original, "JPEG", quality=40)).pixels(),
        Picture(encode(original, "WEBP", quality=60)).pixels(at_least=64),
        original.point(lambda value: min(255, round(value * 1.1))),
    ):
        assert distance(print_, perceptual_hash(copy)) <= MOST_DIFFERENT_BITS
    for other in (cat(), noise(), original.rotate(180), original.transpose(Image.Transpose.FLIP_LEFT_RIGHT)):
        assert distance(print_, perceptual_hash(other)) > 3 * MOST_DIFFERENT_BITS


def test_any_size_has_a_hash() -> None:
    for size in ((1, 1), (3, 700), (700, 3)):
        assert len(perceptual_hash(Image.new("RGB", size, "teal"))) == 16


@settings(deadline=None)
@given(HASHES, st.lists(st.tuples(st.integers(0, 39), st.sets(st.integers(0, 63), max_size=6)), max_size=20))
def test_groups_are_those_of_comparing_each_with_each(
    values: list[int], near: list[tuple[int, set[int]]]
) -> None:
    for at, bits in near:  # so that some are close
        if values:
            value = values[at % len(values)] % 2**64
            for bit in bits:
                value ^= 1 << bit
            values.append(value - 2**64 if value >= 2**63 else value)
    group = list(range(len(values)))
    for one in range(len(values)):
        for other in range(one):
            if ((values[one] ^ values[other]) % 2**64).bit_count() <= MOST_DIFFERENT_BITS:
                old, new = max(group[one], group[other]), min(group[one], group[other])
                group = [new if name == old else name for name in group]
    expected = {10 * at: 10 * first for at, first in enumerate(group) if at != first}
    assert first_alike((10 * at, value) for at, value in enumerate(values)) == expected


def test_many_alike_take_no_time() -> None:
    generator = np.random.default_rng(1)
    some = generator.integers(-(2**63), 2**63 - 1, 20_000)
    values = [*([0] * 20_000), *map(int, some)]
    assert len(first_alike(enumerate(values))) == 19_999
