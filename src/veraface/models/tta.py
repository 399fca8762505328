"""Test-time augmentation: the views in which the classifier sees a face."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.imaging.decode import recompress

_QUALITY = 60  # JPEG quality of the recompressed view, about what messengers use


def tta_batch(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a crop and its mirror image, shape (2, size, size, 3); their mean logit becomes p_fake.

    The two differ by chance alone, and their mean ranks better than either (docs/experiments.md).
    """
    return np.stack([crop, crop[:, ::-1]])


def jpeg_view(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a crop recompressed as strongly as messengers do, shape (1, size, size, 3)."""
    return np.asarray(recompress(Image.fromarray(crop), _QUALITY))[None]


def merge_heatmaps(heatmaps: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Average the two heatmaps of `tta_batch`, so that the mean of the result is the mean logit."""
    mean: NDArray[np.floating[Any]] = (heatmaps[0] + heatmaps[1, :, ::-1]) / 2
    return mean
