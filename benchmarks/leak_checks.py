"""Leak checks: whether anything but the face tells synthesized fakes from their reals.

A classifier of simple statistics must not beat chance on pixels outside the blended region, nor much on
trivial properties of whole images; otherwise a network learns those instead of the forgery.
"""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.geometry import Box

Features = NDArray[np.float64]  # shape (N, K), a row per image

TRIVIAL = ("width", "height", "bytes", "sharpness", "saturation", "brightness", "contrast")
_FOLDS = 5
_PENALTY = 1.0  # L2, on standardized features
_STEPS = 12  # of Newton's method
_GRID = 8  # px, blocks of JPEG
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green and blue, ITU-R BT.601


def outside(size: tuple[int, int], box: Box, margin: float) -> NDArray[np.bool_]:
    """Return which pixels lie outside the box dilated by a share of each side; shape (height, width)."""
    xs, ys = (np.arange(side) + 0.5 for side in size)
    across = np.abs(xs - box.x - box.width / 2) > box.width * (0.5 + margin)
    down = np.abs(ys - box.y - box.height / 2) > box.height * (0.5 + margin)
    return np.asarray(across[None, :] | down[:, None])


def pixel_statistics(image: Image.Image, where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return simple statistics of the pixels of an RGB image where a mask is true.

    Mean and standard deviation of each channel, high-frequency energy, variance of the noise residual, and
    JPEG blockiness along both axes.
    """
    pixels = np.asarray(image, np.float32)
    seen = pixels[where]
    luma = pixels @ _LUMA
    center, inner = luma[1:-1, 1:-1], where[1:-1, 1:-1]
    laplacian = 4 * center - luma[:-2, 1:-1] - luma[2:, 1:-1] - luma[1:-1, :-2] - luma[1:-1, 2:]
    # Immerkaer, "Fast Noise Variance Estimation", 1996: insensitive to edges and ramps.
    corners = luma[:-2, :-2] + luma[:-2, 2:] + luma[2:, :-2] + luma[2:, 2:]
    residual = corners + 2 * laplacian - 4 * center
    high = np.abs(laplacian[inner])
    return np.array(
        [
            *seen.mean(axis=0),
            *seen.std(axis=0),
            np.log1p(_mean(high)),
            np.log1p(_mean(np.abs(residual[inner]))),
            np.log1p(_mean(high**2)),
            _blockiness(luma, where),
            _blockiness(luma.T, where.T),
        ]
    )


def trivial_features(image: Image.Image) -> NDArray[np.float64]:
    """Return the properties of `TRIVIAL` of an RGB image; bytes are those of a PNG."""
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    pixels = np.asarray(image, np.float32)
    luma = pixels @ _LUMA
    sharpness = _mean(np.abs(np.diff(luma, axis=0))) + _mean(np.abs(np.diff(luma, axis=1)))
    most, least = pixels.max(axis=2), pixels.min(axis=2)
    saturation = float(((most - least) / np.maximum(most, 1)).mean())
    return np.array(
        [image.width, image.height, buffer.tell(), sharpness, saturation, luma.mean(), luma.std()], np.float64
    )


def separability(fakes: Features, reals: Features) -> float:
    """Return the AUC at which a logistic regression tells fakes from reals; row i of both is a pair.

    It is cross-validated, with both of a pair in the same fold; 0.5 is chance.
    """
    folds = np.arange(len(fakes)) % _FOLDS
    areas = []
    for fold in range(_FOLDS):
        train, test = folds != fold, folds == fold
        rows = np.concatenate([fakes[train], reals[train]])
        mean, spread = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-9)
        weights = _fit((rows - mean) / spread, np.repeat([1.0, 0.0], int(train.sum())))
        areas.append(auc(*(((side[test] - mean) / spread) @ weights for side in (fakes, reals))))
    return float(np.mean(areas))


def auc(fakes: Sequence[float] | NDArray[np.float64], reals: Sequence[float] | NDArray[np.float64]) -> float:
    """Return the probability that a fake has a higher value than a real; ties count half."""
    ordered = np.sort(reals)
    below, up_to = (np.searchsorted(ordered, fakes, side) for side in ("left", "right"))
    return float((below + up_to).mean() / 2 / len(ordered))


def _fit(rows: Features, labels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights of a logistic regression by Newton's method; standardized rows need no intercept."""
    weights = np.zeros(rows.shape[1])
    for _ in range(_STEPS):
        odds = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (labels - odds) - _PENALTY * weights
        curvature = (rows * (odds * (1 - odds))[:, None]).T @ rows + _PENALTY * np.eye(len(weights))
        weights = weights + np.linalg.solve(curvature, slope)
    return weights


def _blockiness(luma: NDArray[np.float32], where: NDArray[np.bool_]) -> float:
    """Return the largest mean step between neighboring columns of the same phase over that of all columns."""
    steps, valid = np.abs(np.diff(luma, axis=1)), where[:, 1:] & where[:, :-1]
    phases = [_mean(steps[:, p::_GRID][valid[:, p::_GRID]]) for p in range(_GRID)]
    return max(phases) / max(_mean(steps[valid]), 1e-3)


def _mean(values: NDArray[np.float32]) -> float:
    return float(values.mean()) if values.size else 0.0
