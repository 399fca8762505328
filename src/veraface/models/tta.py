"""The views in which the model sees a face, and what becomes of their logits. One rule for all surfaces."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.imaging.decode import recompress

_QUALITY = 60  # JPEG quality of the recompressed view: about what messengers use


def tta_batch(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What p_fake is made of: a crop as it is, and its mirror image.

    The two differ by chance alone, and the mean of their logits ranks better than either
    (docs/experiments.md).

    Args:
        crop: RGB uint8, shape (size, size, 3).

    Returns:
        Shape (2, size, size, 3).
    """
    return np.stack([crop, crop[:, ::-1]])


def jpeg_view(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What a verdict must survive: a crop recompressed as strongly as messengers do.

    Returns:
        Shape (1, size, size, 3).
    """
    return np.asarray(recompress(Image.fromarray(crop), _QUALITY))[None]


def merge_heatmaps(evidence: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """The map of evidence whose mean is the mean logit of what `tta_batch` returned.

    Args:
        evidence: of these views, shape (2, rows, columns).

    Returns:
        Shape (rows, columns).
    """
    mean: NDArray[np.floating[Any]] = (evidence[0] + evidence[1, :, ::-1]) / 2
    return mean
