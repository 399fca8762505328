"""Synthesized face swaps: the face of one real person blended over that of another.

Li et al., "Face X-ray for More General Face Forgery Detection", CVPR 2020, blend two people whose landmarks
agree; here the donor with the best fitting landmarks out of a few is used. Unlike self-blended images, these
fakes combine features of two people, different light, and colors matched afterwards.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from veraface.datasets.synthesis.blending import blend_mask, paste, rerender, warp
from veraface.geometry import Box

Points = NDArray[np.float64]  # five landmarks, shape (5, 2): eyes, nose, mouth corners, px

_SPREAD = 3.0  # standard deviations of color are matched by at most this factor
_COLOR, _SEAMLESS, _RERENDERED = 0.8, 0.4, 0.7  # probability of each step of a swap
_RATIOS = (0.85, 1.0, 1.0)  # weights of the donor in the blend


def misfit(donor: Points, target: Points) -> float:
    """Return the RMS distance of one face's landmarks from another's after a similarity transform.

    It is a share of the target's interocular distance; below 0.1 the poses agree.
    """
    moved = np.c_[donor, np.ones(5)] @ _similarity(donor, target).T
    eyes = float(np.hypot(*(target[1] - target[0]))) or 1.0
    return float(np.sqrt(((moved - target) ** 2).sum(axis=1).mean())) / eyes


def best_donor(candidates: Sequence[Points], target: Points) -> int:
    """Return the index of the candidate with the best fitting pose."""
    return int(np.argmin([misfit(candidate, target) for candidate in candidates]))


def swap_face(
    target: Image.Image,
    box: Box,
    landmarks: Points,
    donor: Image.Image,
    donor_landmarks: Points,
    random: np.random.Generator,
) -> Image.Image:
    """Return the target with the donor's face blended over the face in the box; both images are RGB.

    The box and `landmarks` are px of the target, which stays the same outside the face.
    """
    warped, covered = warp(donor, _similarity(landmarks, donor_landmarks), target.size)
    mask = blend_mask(target.size, box, random) * covered
    if random.random() < _RERENDERED:
        warped = rerender(warped, box, random)
    if random.random() < _COLOR:
        warped = _match_color(warped, target, mask)
    if random.random() < _SEAMLESS:
        warped = _match_light(warped, target, mask, 0.12 * box.max_side)
    return paste(warped, target, mask * np.float32(random.choice(_RATIOS)))


def _similarity(of: Points, to: Points) -> Points:
    """Return the least-squares similarity transform, shape (2, 3): Umeyama, PAMI 1991, no reflection."""
    mean_of, mean_to = of.mean(axis=0), to.mean(axis=0)
    x, y = (of - mean_of).T
    u, v = (to - mean_to).T
    size = float((x**2 + y**2).sum()) or 1.0
    cosine, sine = float((x * u + y * v).sum()) / size, float((x * v - y * u).sum()) / size
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([turn, mean_to - turn @ mean_of])


def _match_color(source: Image.Image, target: Image.Image, mask: NDArray[np.float32]) -> Image.Image:
    """Match mean and standard deviation of each channel under the mask (Reinhard et al., 2001, in RGB)."""
    weights = mask / max(float(mask.sum()), 1e-6)
    pixels = np.asarray(source, np.float32)
    matched = np.empty_like(pixels)
    for channel, wanted in enumerate(np.moveaxis(np.asarray(target, np.float32), 2, 0)):
        own = pixels[..., channel]
        mean, goal = float((own * weights).sum()), float((wanted * weights).sum())
        spread = float((((own - mean) ** 2) * weights).sum()) ** 0.5
        wide = float((((wanted - goal) ** 2) * weights).sum()) ** 0.5
        matched[..., channel] = (own - mean) * min(_SPREAD, wide / max(spread, 1.0)) + goal
    return Image.fromarray(np.clip(matched, 0, 255).astype(np.uint8))


def _match_light(
    source: Image.Image, target: Image.Image, mask: NDArray[np.float32], sigma: float
) -> Image.Image:
    """Take the low-frequency light of the target under the mask, similar to seamless cloning."""
    softened = [
        np.asarray(image.filter(ImageFilter.GaussianBlur(sigma)), np.float32) for image in (source, target)
    ]
    lit = np.asarray(source, np.float32) + (softened[1] - softened[0])
    pixels = np.where(mask[..., None] > 0, lit, np.asarray(source, np.float32))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
