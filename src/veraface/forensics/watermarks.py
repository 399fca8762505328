"""Open watermarks in the pixels: the marks that Stable Diffusion and FLUX write with `invisible-watermark`.

The method (its `dwtDct`, class EmbedMaxDct): of the chroma channel U, the low-frequency band of a Haar
wavelet is cut into blocks of 4 x 4. In each block, the coefficient of the largest magnitude holds one bit of
the message, in the half of its interval of 36 gray levels that it lies in; the message repeats until the
image ends. Changes of size or position, and strong compression, remove the mark.
"""

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_STEP = 36  # gray levels of the wavelet's band; `scales` of EmbedMaxDct
_BLOCK = 4
_MIN_PIXELS = 256 * 256  # the encoder marks no smaller image
_MAX_PIXELS = 16_000_000  # generators make no larger image
# Agreement that chance reaches in at most one of this many images, if the bits are independent.
_CHANCE = 1e-8


@dataclass(frozen=True)
class KnownMark:
    """A message that a program writes into all of its images."""

    name: str
    bits: str


def _text_bits(text: str) -> str:
    return "".join(f"{byte:08b}" for byte in text.encode())


KNOWN_MARKS = (
    # CompVis/stable-diffusion, scripts/txt2img.py; Stability-AI/stablediffusion, scripts/txt2img.py
    KnownMark("Stable Diffusion 1", _text_bits("StableDiffusionV1")),
    KnownMark("Stable Diffusion 2", _text_bits("SDV2")),
    # huggingface/diffusers, pipelines/stable_diffusion_xl/watermark.py; black-forest-labs/flux, util.py
    KnownMark("Stable Diffusion XL", f"{0b101100111110110010010000011110111011000110011110:b}"),
    KnownMark("FLUX", f"{0b001010101111111010000111100111001111010100101110:b}"),
)


@dataclass(frozen=True)
class FoundMark:
    """A known mark in an image.

    Attributes:
        name: the program that writes it.
        agreement: share of its bits that were read as they should be.
    """

    name: str
    agreement: float


def find_watermarks(image: Image.Image) -> list[FoundMark]:
    """Return the known marks in an upright RGB image at full size, as it was saved."""
    if not _MIN_PIXELS <= image.width * image.height <= _MAX_PIXELS:
        return []
    ones = _block_bits(image)
    found = []
    for mark in KNOWN_MARKS:
        expected = np.array([int(bit) for bit in mark.bits])
        whole = ones[: len(ones) // len(expected) * len(expected)].reshape(-1, len(expected))
        if not len(whole):
            continue
        read = whole.mean(axis=0) * 255 > 127
        agreement = float((read == expected).mean())
        if agreement >= _needed(len(expected)):
            found.append(FoundMark(mark.name, agreement))
    return found


def _block_bits(image: Image.Image) -> NDArray[np.bool_]:
    """Return the bit of each block, row by row."""
    rgb = np.asarray(image.convert("RGB"), np.float32)
    rgb = rgb[: rgb.shape[0] // 4 * 4, : rgb.shape[1] // 4 * 4]
    luma = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    chroma = np.clip(np.rint((rgb[..., 2] - np.rint(luma)) * np.float32(0.492) + 128), 0, 255)  # U of OpenCV
    band = (chroma[::2, ::2] + chroma[1::2, ::2] + chroma[::2, 1::2] + chroma[1::2, 1::2]) / 2
    rows, columns = band.shape[0] // _BLOCK, band.shape[1] // _BLOCK
    blocks = band[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, columns, _BLOCK)
    values = np.abs(blocks.swapaxes(1, 2).reshape(-1, _BLOCK**2)[:, 1:]).max(axis=1)  # not the first one
    return np.asarray(values % _STEP > _STEP / 2)


def _needed(bits: int) -> float:
    """Return the share of bits that chance reaches in one of 1 / `_CHANCE` images (binomial)."""
    tail, agreeing = 0.0, bits + 1
    while tail + comb(bits, agreeing - 1) / 2**bits <= _CHANCE:
        agreeing -= 1
        tail += comb(bits, agreeing) / 2**bits
    return agreeing / bits
