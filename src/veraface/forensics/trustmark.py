"""The message of a TrustMark watermark: from the 100 bits that its decoder reads to a checked payload.

TrustMark (Bui, Agarwal and Collomosse, arXiv 2311.18297) writes 100 bits: a payload, the parity bits of a BCH
code over GF(2^7) (primitive polynomial x^7 + x^3 + 1, roots a^1 to a^2t), and four bits that name the scheme
(adobe/trustmark, python/trustmark/datalayer.py). Payloads are filled up with zeros to whole bytes before
their parity is computed. Decoding is Berlekamp's and Massey's (Massey, IEEE Trans. Inf. Theory 15, 1969).
"""

from dataclasses import dataclass
from itertools import zip_longest
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BITS = 100
_ORDER = 127  # of the multiplicative group of GF(2^7)
_SUPER_GENERATOR = 0x195A08E5AACAFEB  # polynomial over GF(2), of degree 56

Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class Scheme:
    """A way to divide the 100 bits.

    Attributes:
        name: as TrustMark calls it.
        payload: bits of the payload; the parity bits follow up to bit 96.
        correctable: flipped bits that the code can correct.
        accepted: flipped bits up to which a message counts as a mark. Random bits pass with the probability
            sum(comb(96, i) for i in range(accepted + 1)) / 2**(7 * correctable) / 16, together one in two
            million. With all that the codes can correct it would be one in 180.
    """

    name: str
    payload: int
    correctable: int
    accepted: int


# By the number in the last four bits.
SCHEMES = (
    Scheme("BCH_SUPER", payload=40, correctable=8, accepted=8),
    Scheme("BCH_5", payload=61, correctable=5, accepted=3),
    Scheme("BCH_4", payload=68, correctable=4, accepted=1),
    Scheme("BCH_3", payload=75, correctable=3, accepted=0),
)


@dataclass(frozen=True)
class Message:
    """A checked message.

    Attributes:
        scheme: its name.
        payload: its bits, corrected, as a string of 0 and 1.
        flipped: how many of the 96 bits of payload and parity were corrected.
    """

    scheme: str
    payload: str
    flipped: int


class BitReader(Protocol):
    """Reads the bits of a mark out of pixels: a decoder network."""

    @property
    def name(self) -> str:
        """Name of the mark, with its variant."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the decoder's file."""

    def read_bits(self, image: Image.Image) -> Bits:
        """Return 100 bits of an upright RGB image at full size, whether or not it has a mark."""


def decode_message(bits: Bits) -> Message | None:
    """Return the message in 100 bits; None if they are no mark, or one with more flipped bits than accepted.

    A payload of zeros is no mark: decoders without a response return it.
    """
    number = int(_text(bits[96:]), 2)
    if number >= len(SCHEMES):
        return None
    scheme, word = SCHEMES[number], bits[:96]
    corrected = _corrected(word, scheme)
    if corrected is None and scheme is SCHEMES[0]:
        corrected = _corrected_as_rust(word, scheme)
    if corrected is None or not corrected.any():
        return None
    return Message(scheme.name, _text(corrected[: scheme.payload]), int((corrected != word).sum()))


def _corrected(word: Bits, scheme: Scheme) -> Bits | None:
    """Return payload and parity without flipped bits; None if more are flipped than accepted."""
    # The power of x that each bit stands for; those of the zeros that fill up the last byte are left out.
    powers = np.arange(95, -1, -1)
    powers[: scheme.payload] += -scheme.payload % 8
    flipped = _find_errors(powers[word], scheme.correctable)
    if flipped is None or len(flipped) > scheme.accepted or not np.isin(flipped, powers).all():
        return None
    return word ^ np.isin(powers, flipped)


def _corrected_as_rust(word: Bits, scheme: Scheme) -> Bits | None:
    """Return the same of a message in BCH_SUPER by Adobe's Rust library; None if it is none.

    That library (rust/src/bits.rs and bits/bch.rs, up to 0.4.0) appends a whole byte of zeros to the payload,
    and takes both halves of the last steps of its division from the same place of a table. The result is no
    BCH code: as in the library itself, flipped bits are corrected in the parity alone.
    """
    payload = int(_text(word[: scheme.payload]), 2)
    state = 0  # 64 bits, which begin with the parity
    for at, byte in enumerate((payload << 8).to_bytes(6, "big")):
        step = (state >> 56 ^ byte) << 56
        for power in range(63, 55, -1):
            step ^= _SUPER_GENERATOR << power - 56 if step >> power & 1 else 0
        step <<= 8
        if at >= 4:  # after whole words of 32 bits
            step = step >> 32 << 32 | step >> 32
        state = (state << 8) % 2**64 ^ step
    corrected = word.copy()
    corrected[scheme.payload :] = [bit == "1" for bit in f"{state >> 8:056b}"]
    return corrected if (corrected != word).sum() <= scheme.accepted else None


def _text(bits: Bits) -> str:
    return "".join(map(str, bits.astype(int)))


def _field() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the powers of the primitive element, twice over, and the logarithms."""
    powers, logarithms, value = np.zeros(2 * _ORDER, np.int64), np.zeros(128, np.int64), 1
    for exponent in range(_ORDER):
        powers[exponent] = powers[exponent + _ORDER] = value
        logarithms[value] = exponent
        value = value << 1 ^ (0b10001001 if value & 64 else 0)
    return powers, logarithms


_POWERS, _LOGARITHMS = _field()


def _multiply(left: int, right: int) -> int:
    return int(_POWERS[_LOGARITHMS[left] + _LOGARITHMS[right]]) if left and right else 0


def _find_errors(ones: NDArray[np.int64], correctable: int) -> list[int] | None:
    """Return the powers of x that are wrong in a word with these ones; None if it cannot be corrected."""
    roots = range(1, 2 * correctable + 1)
    syndromes = [int(np.bitwise_xor.reduce(_POWERS[ones * root % _ORDER])) for root in roots]
    locator, previous, length, shift, scale = [1], [1], 0, 1, 1
    for step, syndrome in enumerate(syndromes):
        discrepancy = syndrome
        for i, coefficient in enumerate(locator[1 : step + 1], start=1):
            discrepancy ^= _multiply(coefficient, syndromes[step - i])
        if not discrepancy:
            shift += 1
            continue
        factor = _multiply(discrepancy, int(_POWERS[_ORDER - _LOGARITHMS[scale]]))
        old, change = locator, [0] * shift + [_multiply(factor, c) for c in previous]
        locator = [a ^ b for a, b in zip_longest(old, change, fillvalue=0)]
        if 2 * length <= step:
            previous, length, scale, shift = old, step + 1 - length, discrepancy, 1
        else:
            shift += 1
    wrong = [power for power in range(_ORDER) if not _evaluate(locator, -power % _ORDER)]
    return wrong if len(wrong) == length else None


def _evaluate(polynomial: list[int], exponent: int) -> int:
    total = 0
    for i, coefficient in enumerate(polynomial):
        total ^= _multiply(coefficient, int(_POWERS[i * exponent % _ORDER]))
    return total
