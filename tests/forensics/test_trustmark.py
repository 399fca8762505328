"""Messages of TrustMark: error correction, damaged bits, and how often random bits pass."""

from dataclasses import replace
from math import comb

import numpy as np
import pytest

from tests.sample_trustmark import MESSAGES, RUST_SUPER, bits_of
from veraface.forensics import trustmark
from veraface.forensics.trustmark import SCHEMES, Scheme, decode_message

by_scheme = pytest.mark.parametrize("scheme", SCHEMES, ids=[scheme.name for scheme in SCHEMES])


def chance(scheme: Scheme, accepted: int) -> float:
    """Return the probability that 96 random bits are a message with at most so many flipped bits."""
    words = 2**scheme.payload * sum(comb(96, flipped) for flipped in range(accepted + 1))
    return words / 2**96


@by_scheme
def test_messages_of_the_original_encoder_are_read(scheme: Scheme) -> None:
    payload, word = MESSAGES[scheme.name]
    found = decode_message(bits_of(word))
    assert found == trustmark.Message(scheme.name, payload, 0)


@by_scheme
def test_flipped_bits_are_corrected_up_to_the_accepted_number(scheme: Scheme) -> None:
    payload, word = MESSAGES[scheme.name]
    rng = np.random.default_rng(7)
    for flipped in range(scheme.correctable + 1):
        for _ in range(20):
            bits = bits_of(word)
            bits[rng.choice(96, flipped, replace=False)] ^= True
            found = decode_message(bits)
            if flipped <= scheme.accepted:
                assert found == trustmark.Message(scheme.name, payload, flipped)
            else:
                assert found is None


@by_scheme
def test_all_that_the_code_can_correct_is_found(scheme: Scheme, monkeypatch: pytest.MonkeyPatch) -> None:
    """The correction itself reaches further than what counts as a mark."""
    every = tuple(replace(known, accepted=known.correctable) for known in SCHEMES)
    monkeypatch.setattr(trustmark, "SCHEMES", every)
    payload, word = MESSAGES[scheme.name]
    rng = np.random.default_rng(8)
    for _ in range(20):
        bits = bits_of(word)
        bits[rng.choice(96, scheme.correctable, replace=False)] ^= True
        assert decode_message(bits) == trustmark.Message(scheme.name, payload, scheme.correctable)


def test_a_mark_of_the_rust_library_is_read_if_its_payload_is_whole() -> None:
    """Its parity in BCH_SUPER is another one than that of the Python package, and corrects itself alone."""
    payload, word = RUST_SUPER
    rng = np.random.default_rng(11)
    for flipped in range(10):
        for _ in range(20):
            bits = bits_of(word)
            bits[rng.choice(np.arange(40, 96), flipped, replace=False)] ^= True
            expected = trustmark.Message("BCH_SUPER", payload, flipped) if flipped <= 8 else None
            assert decode_message(bits) == expected
    for place in range(40):
        bits = bits_of(word)
        bits[place] ^= True
        assert decode_message(bits) is None


@by_scheme
def test_another_scheme_is_no_mark(scheme: Scheme) -> None:
    _, word = MESSAGES[scheme.name]
    for place in range(96, 100):
        bits = bits_of(word)
        bits[place] ^= True
        assert decode_message(bits) is None


def test_bits_of_a_silent_decoder_are_no_mark() -> None:
    for value in (False, True):
        assert decode_message(np.full(100, value)) is None
    almost = np.zeros(100, bool)
    almost[[5, 50]] = True  # corrected to zeros
    assert decode_message(almost) is None


def test_random_bits_pass_in_one_of_two_million_images() -> None:
    """As documented in docs/provenance.md and beside `Scheme.accepted`."""
    rust = sum(comb(56, flipped) for flipped in range(SCHEMES[0].accepted + 1)) / 2**56
    assert 1 / 690_000_000 < rust / 16 < 1 / 680_000_000
    total = (sum(chance(scheme, scheme.accepted) for scheme in SCHEMES) + rust) / 16
    assert 1 / 2_300_000 < total < 1 / 2_200_000
    everything = sum(chance(scheme, scheme.correctable) for scheme in SCHEMES) / 16
    assert 1 / 190 < everything < 1 / 180


def test_the_formula_holds_where_it_can_be_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    weakest = replace(SCHEMES[3], accepted=3)
    monkeypatch.setattr(trustmark, "SCHEMES", (*SCHEMES[:3], weakest))
    rng, draws = np.random.default_rng(9), 3000
    words = rng.random((draws, 100)) < 0.5
    words[:, 96:] = bits_of("0011")
    passed = sum(decode_message(word) is not None for word in words)
    expected = draws * chance(weakest, 3)
    assert abs(passed - expected) < 4 * expected**0.5


def test_random_bits_are_no_mark() -> None:
    words = np.random.default_rng(10).random((3000, 100)) < 0.5
    words[:, 96:98] = False  # makes a scheme out of each
    assert not any(decode_message(word) for word in words)
