"""Fakes made from two real people: the face of one pasted over that of the other, as face swaps do it.

Li et al., "Face X-ray for More General Face Forgery Detection", CVPR 2020, blend two people whose
landmarks agree; here the donor whose five landmarks fit best out of a few is taken. Beside what
self-blended images show, such fakes have features of two people, other light and a color that was
matched afterwards.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from veraface.datasets.synthesis.blending import blend_mask, paste, rerender, warp
from veraface.geometry import Box

Points = NDArray[np.float64]  # five landmarks, shape (5, 2): eyes, nose, mouth corners, px

_SPREAD = 3.0  # standard deviations of color are matched by at most this factor
_COLOUR, _SEAMLESS, _RERENDERED = 0.8, 0.4, 0.7  # how often each step of a swap happens
_RATIOS = (0.85, 1.0, 1.0)  # of the donor in the blend


def misfit(donor: Points, target: Points) -> float:
    """How badly one face's landmarks fit another's after a similarity transform.

    Returns:
        The root mean square distance, as a share of the target's distance between the eyes; below .1 the
        poses agree.
    """
    moved = np.c_[donor, np.ones(5)] @ _similarity(donor, target).T
    eyes = float(np.hypot(*(target[1] - target[0]))) or 1.0
    return float(np.sqrt(((moved - target) ** 2).sum(axis=1).mean())) / eyes


def best_donor(candidates: Sequence[Points], target: Points) -> int:
    """The index of the candidate whose pose fits best."""
    return int(np.argmin([misfit(candidate, target) for candidate in candidates]))


def exchange_face(
    target: Image.Image,
    box: Box,
    landmarks: Points,
    donor: Image.Image,
    donor_landmarks: Points,
    random: np.random.Generator,
) -> Image.Image:
    """Paste the donor's face over the target's.

    Args:
        target: RGB, holding the real face that is covered.
        box: of that face, px of `target`.
        landmarks: of that face, px of `target`.
        donor: RGB, holding the real face that is taken.
        donor_landmarks: of that face, px of `donor`.
        random: decides everything.

    Returns:
        An image of the size of `target`, which it equals outside the face.
    """
    warped, covered = warp(donor, _similarity(landmarks, donor_landmarks), target.size)
    mask = blend_mask(target.size, box, random) * covered
    if random.random() < _RERENDERED:
        warped = rerender(warped, box, random)
    if random.random() < _COLOUR:
        warped = _match_colour(warped, target, mask)
    if random.random() < _SEAMLESS:
        warped = _match_light(warped, target, mask, 0.12 * box.max_side)
    return paste(warped, target, mask * np.float32(random.choice(_RATIOS)))


def _similarity(of: Points, to: Points) -> Points:
    """The least-squares similarity transform, shape (2, 3): Umeyama, PAMI 1991, without reflection."""
    mean_of, mean_to = of.mean(axis=0), to.mean(axis=0)
    x, y = (of - mean_of).T
    u, v = (to - mean_to).T
    size = float((x**2 + y**2).sum()) or 1.0
    cosine, sine = float((x * u + y * v).sum()) / size, float((x * v - y * u).sum()) / size
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([turn, mean_to - turn @ mean_of])


def _match_colour(source: Image.Image, target: Image.Image, mask: NDArray[np.float32]) -> Image.Image:
    """Mean and spread of each channel under the mask as in the target: Reinhard et al., 2001, in RGB."""
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
    """Slow changes of light taken from the target under the mask, as seamless cloning leaves it."""
    softened = [
        np.asarray(image.filter(ImageFilter.GaussianBlur(sigma)), np.float32) for image in (source, target)
    ]
    lit = np.asarray(source, np.float32) + (softened[1] - softened[0])
    pixels = np.where(mask[..., None] > 0, lit, np.asarray(source, np.float32))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
