"""The views in which the model sees a face, and what becomes of their logits. One rule for all surfaces."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.image import recompress

VIEWS = 3  # of a face, in this order: as it is, mirrored, recompressed

_QUALITY = 60  # JPEG quality of the recompressed view: about what messengers use


def face_views(crop: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """A crop as it is, mirrored, and recompressed as strongly as messengers do.

    Args:
        crop: RGB uint8, shape (size, size, 3).
    """
    return [crop, crop[:, ::-1], np.asarray(recompress(Image.fromarray(crop), _QUALITY))]


def join_logits(logits: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """The logit that p_fake is made of, and the one that the verdict must survive.

    The first is the mean of a face and its mirror image, which differ by chance alone: on validation it
    ranks better than either (docs/experiments.md). The second is that of the recompressed view.

    Args:
        logits: of the views of each face, shape (faces, 3).

    Returns:
        Shape (faces, 2).
    """
    return np.column_stack([logits[:, :2].mean(axis=1), logits[:, 2]])


def join_evidence(evidence: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """The map of evidence whose mean is the first of the joined logits.

    Args:
        evidence: of the views of each face, shape (faces, 3, rows, columns).

    Returns:
        Shape (faces, rows, columns).
    """
    mean: NDArray[np.floating[Any]] = (evidence[:, 0] + evidence[:, 1, :, ::-1]) / 2
    return mean
