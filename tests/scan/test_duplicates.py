"""Near-duplicate search by perceptual hashes."""

from time import process_time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from tests.sample_images import cat, encode, noise, portrait
from veraface.imaging.decode import ImageFile
from veraface.imaging.perceptual_hash import perceptual_hash
from veraface.scan.duplicates import MAX_DISTANCE, find_near_duplicates

HASHES = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40)


def distance(one: str | None, other: str | None) -> int:
    assert one is not None
    assert other is not None
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_copies_have_similar_hashes_and_other_images_do_not() -> None:
    original = portrait()
    hash_ = perceptual_hash(original)
    for copy in (
        original.resize((256, 256), Image.Resampling.BICUBIC),
        ImageFile(encode(original, "JPEG", quality=40)).decode(),
        ImageFile(encode(original, "WEBP", quality=60)).decode(min_side=64),
        original.point(lambda value: min(255, round(value * 1.1))),
    ):
        assert distance(hash_, perceptual_hash(copy)) <= MAX_DISTANCE
    for other in (cat(), noise(), original.rotate(180), original.transpose(Image.Transpose.FLIP_LEFT_RIGHT)):
        assert distance(hash_, perceptual_hash(other)) > 3 * MAX_DISTANCE


def test_plain_images_have_no_hash() -> None:
    half = Image.new("RGB", (300, 200), "white")
    half.paste("black", (0, 0, 150, 200))
    gray = Image.new("RGB", (300, 200), "grey")
    noisy = ImageFile(encode(gray, "JPEG", quality=30)).decode()
    for plain in (gray, half, half.rotate(180), noisy, Image.linear_gradient("L").convert("RGB")):
        assert perceptual_hash(plain) is None
    for size in ((1, 1), (3, 700), (700, 3)):
        assert perceptual_hash(Image.new("RGB", size, "teal")) is None


def test_images_of_any_size_have_a_hash() -> None:
    for size in ((9, 9), (30, 700), (700, 30)):
        assert len(perceptual_hash(noise(*size)) or "") == 16


@settings(deadline=None)
@given(HASHES, st.lists(st.tuples(st.integers(0, 39), st.sets(st.integers(0, 63), max_size=6)), max_size=20))
def test_first_near_duplicate_is_that_of_a_pairwise_comparison(
    values: list[int], near: list[tuple[int, set[int]]]
) -> None:
    for at, bits in near:  # so that some are close
        if values:
            value = values[at % len(values)] % 2**64
            for bit in bits:
                value ^= 1 << bit
            values.append(value - 2**64 if value >= 2**63 else value)
    expected = {}
    for at, value in enumerate(values):
        close = [f for f in range(at) if ((value ^ values[f]) % 2**64).bit_count() <= MAX_DISTANCE]
        if close:
            expected[10 * at] = 10 * close[0]
    assert find_near_duplicates((10 * at, value) for at, value in enumerate(values)) == expected


def test_many_equal_hashes_are_fast() -> None:
    generator = np.random.default_rng(1)
    some = generator.integers(-(2**63), 2**63 - 1, 20_000)
    values = [*([0] * 20_000), *map(int, some)]
    assert len(find_near_duplicates(enumerate(values))) == 19_999


def seconds(values: NDArray[np.int64]) -> float:
    started = process_time()
    find_near_duplicates(enumerate(map(int, values)))
    return process_time() - started


def test_time_is_linear_in_the_number_of_hashes() -> None:
    generator = np.random.default_rng(2)
    lots = generator.integers(-(2**63), 2**63 - 1, 400_000)
    few = lots[:50_000]
    assert seconds(lots) < 25 * max(seconds(few), 0.05)  # eight times as many


def test_many_similar_hashes_are_fast() -> None:
    """Frames of one camera, and images made to share a band of bits, as in an attack."""
    generator = np.random.default_rng(3)
    near = np.zeros(20_000, np.int64)
    for _ in range(3):
        near ^= np.int64(1) << generator.integers(0, 63, len(near))
    assert seconds(near) < 10
    shared = generator.integers(0, 2**42, 40_000)
    assert seconds(shared) < 20
