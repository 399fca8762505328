"""Synthesized face swaps: the face of one real person blended over that of another.

Li et al., "Face X-ray for More General Face Forgery Detection", CVPR 2020, blend two people whose landmarks
agree; here the donor with the best fitting landmarks out of a few is used. Unlike self-blended images, these
fakes combine features of two people, different light, and colors matched afterwards.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.datasets.synthesis.blending import (
    blend_mask,
    feather_coverage,
    match_color,
    match_light,
    paste,
    rerender,
    restore,
    warp,
)
from veraface.datasets.synthesis.face_shapes import FaceShapes
from veraface.geometry import Box

Points = NDArray[np.float64]  # five landmarks, shape (5, 2): eyes, nose, mouth corners, px

_COLOR, _SEAMLESS, _RERENDERED, _RESTORED = 0.8, 0.4, 0.7, 0.25  # probability of each step of a swap
_AFFINE = 0.5  # share of swaps with dense landmarks that are fitted with stretch and shear
_MAX_STRETCH = 1.35  # of an affine fit relative to the similarity; more is a wrong fit or another pose
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
    shapes: FaceShapes | None = None,
    donor_shapes: FaceShapes | None = None,
) -> Image.Image:
    """Return the target with the donor's face blended over the face in the box.

    Outside the face the target stays the same. The transform is fitted to the points of the shapes if both
    are given, otherwise to the landmarks.

    Args:
        target: RGB.
        box: of the face in the target, px.
        landmarks: of that face, shape (5, 2), px of the target.
        donor: RGB.
        donor_landmarks: of the donor's face, shape (5, 2), px of the donor.
        random: draws the steps.
        shapes: contours of the face in the target, px.
        donor_shapes: contours of the donor's face, px.
    """
    if shapes is not None and donor_shapes is not None:
        points, others = shapes.to_array().astype(float), donor_shapes.to_array().astype(float)
        matrix = _affine(points, others) if random.random() < _AFFINE else _similarity(points, others)
    else:
        matrix = _similarity(landmarks, donor_landmarks)
    warped, covered = warp(donor, matrix, target.size)
    mask = blend_mask(target.size, box, random, shapes) * feather_coverage(covered, box)
    if random.random() < _RERENDERED:
        warped = rerender(warped, box, random)
    if random.random() < _RESTORED:
        warped = restore(warped, box, random)
    if random.random() < _COLOR:
        warped = match_color(warped, target, mask)
    if random.random() < _SEAMLESS:
        warped = match_light(warped, target, mask, box)
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


def _affine(of: Points, to: Points) -> Points:
    """Return the least-squares affine transform, shape (2, 3); a similarity if it would distort the face."""
    matrix = np.asarray(np.linalg.lstsq(np.c_[of, np.ones(len(of))], to, rcond=None)[0].T, np.float64)
    similarity = _similarity(of, to)
    scale = max(float(np.hypot(*similarity[:, 0])), 1e-6)
    stretch = np.linalg.svd(matrix[:, :2], compute_uv=False) / scale
    usual = stretch.min() > 1 / _MAX_STRETCH and stretch.max() < _MAX_STRETCH
    return matrix if usual and np.linalg.det(matrix[:, :2]) > 0 else similarity
