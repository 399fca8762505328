"""Reconstructions pasted back: what face-swap tools leave behind, without a swap network.

Such tools align a face to a square of 128 to 256 px, pass it through an autoencoder and paste its output back
under a soft mask. Here the face stays that of the same person, so that only these traces reveal the fake.
"""

from math import ceil, floor

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from veraface.datasets.synthesis.blending import (
    blend_mask,
    feather_coverage,
    match_color,
    match_light,
    paste,
    random_bend,
    restore,
    small_move,
    warp,
)
from veraface.datasets.synthesis.face_shapes import FaceShapes
from veraface.geometry import Box

_FILTERS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
_RESTORED, _SHARPENED = 0.35, 0.25  # shares of reconstructions
_GRAIN, _MOVED, _COLOR, _SEAMLESS = 0.2, 0.3, 0.6, 0.25  # probability of each step
_GRAIN_SIGMA = (1.0, 5.0)  # standard deviation of added grain, 0 to 255
_MOVE = 0.012  # largest shift, scaling and standard deviation of the elastic warp, share of the face
_SQUARE = 0.25  # share of masks that are the whole square with feathered edges
_FACE = 0.85  # share of whole faces among the other masks; lip-sync tools paste the mouth alone
_RATIOS = (0.85, 1.0, 1.0)  # weights of the reconstruction in the blend


def paste_reconstruction(
    image: Image.Image,
    box: Box,
    reconstruction: Image.Image,
    square: Box,
    random: np.random.Generator,
    shapes: FaceShapes | None = None,
) -> Image.Image:
    """Return an RGB image with its face replaced by a reconstruction of it, as face-swap tools paste.

    Outside the mask, the result is `image` to the last bit.

    Args:
        image: RGB.
        box: of the face, px.
        reconstruction: RGB, what an autoencoder made of the square; any size.
        square: region that was reconstructed, px of the image; may reach over its edges.
        random: draws the steps.
        shapes: contours of the face, px; without them, masks are ellipses.
    """
    edges = _inside(square, image.size)
    if edges is None:
        return image.copy()
    left, top, right, bottom = edges
    scale = reconstruction.width / square.width, reconstruction.height / square.height
    seen = (
        max(0.0, (left - square.x) * scale[0]),
        max(0.0, (top - square.y) * scale[1]),
        min(float(reconstruction.width), (right - square.x) * scale[0]),
        min(float(reconstruction.height), (bottom - square.y) * scale[1]),
    )
    resample = _FILTERS[random.integers(len(_FILTERS))]
    region = reconstruction.resize((right - left, bottom - top), resample, box=seen)
    region = _finish(region, box, random)
    source = image.copy()
    source.paste(region, (left, top))
    covered = _feathered(image.size, square, float(random.uniform(0.03, 0.15)))
    mask = covered
    if random.random() >= _SQUARE:
        mask = mask * blend_mask(image.size, box, random, shapes, whole=_FACE)
    if random.random() < _MOVED:
        bend = random_bend(image.size, box, random, _MOVE) if random.random() < 0.5 else None
        source, whole = warp(source, small_move(box, random, _MOVE, _MOVE), image.size, bend)
        mask = mask * feather_coverage(whole, box)
    if random.random() < _COLOR:
        source = match_color(source, image, mask)
    if random.random() < _SEAMLESS:
        source = match_light(source, image, mask, box)
    return paste(source, image, mask * np.float32(random.choice(_RATIOS)))


def _finish(region: Image.Image, box: Box, random: np.random.Generator) -> Image.Image:
    """Restore or sharpen a reconstruction or leave it as it is, and sometimes add grain, as tools offer."""
    way = random.random()
    if way < _RESTORED:
        region = restore(region, box, random)
    elif way < _RESTORED + _SHARPENED:
        region = ImageEnhance.Sharpness(region).enhance(float(random.uniform(1.5, 3.5)))
    if random.random() < _GRAIN:
        grain = random.standard_normal((region.height, region.width, 1), np.float32)
        pixels = np.asarray(region, np.float32) + grain * np.float32(random.uniform(*_GRAIN_SIGMA))
        region = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    return region


def _inside(square: Box, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return left, top, right and bottom of the whole pixels that lie in the square and in the image."""
    left, top = max(0, ceil(square.x)), max(0, ceil(square.y))
    right = min(size[0], floor(square.x + square.width))
    bottom = min(size[1], floor(square.y + square.height))
    return (left, top, right, bottom) if left < right and top < bottom else None


def _feathered(size: tuple[int, int], square: Box, share: float) -> NDArray[np.float32]:
    """Return 1 within the square, falling to 0 at its edges over a share of its side; (height, width)."""
    ramps = []
    for length, start, side in ((size[0], square.x, square.width), (size[1], square.y, square.height)):
        middle = np.arange(length) + 0.5
        inner = np.minimum(middle - start, start + side - middle) / max(share * side, 1.0)
        ramp = np.clip(inner, 0, 1)
        ramps.append((ramp * ramp * (3 - 2 * ramp)).astype(np.float32))
    return np.outer(ramps[1], ramps[0])
