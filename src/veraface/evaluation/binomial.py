"""Exact intervals of error rates."""

from math import lgamma

import numpy as np


def clopper_pearson(errors: int, images: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the two-sided interval of an error rate.

    Clopper and Pearson, "The Use of Confidence or Fiducial Limits Illustrated in the Case of the Binomial",
    1934. It holds for independent images; several of one person or video make it too narrow.

    Args:
        errors: number of errors, 0 to `images`.
        images: number of images, at least 1.
        confidence: of the interval.
    """
    if not 0 <= errors <= images or images < 1:
        raise ValueError(f"errors must be 0 to the number of images, at least 1, not {errors} of {images}")
    tail = (1 - confidence) / 2
    return 1 - _upper(images - errors, images, tail), _upper(errors, images, tail)


def _upper(errors: int, images: int, tail: float) -> float:
    """Return the rate at which `errors` or fewer have the probability `tail`, by bisection."""
    if errors == images:
        return 1.0
    counts = np.arange(errors + 1)
    choices = lgamma(images + 1) - np.array([lgamma(k + 1) + lgamma(images - k + 1) for k in counts])
    low, high = errors / images, 1.0
    while high - low > 1e-9:
        rate = (low + high) / 2
        logs = choices + counts * np.log(rate) + (images - counts) * np.log1p(-rate)
        if np.exp(logs).sum() > tail:
            low = rate
        else:
            high = rate
    return high
