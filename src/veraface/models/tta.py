"""Test-time augmentation: the views in which the classifier sees a face."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veraface.models.protocols import Classifier

Predict = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32]]]


@dataclass(frozen=True)
class FaceLogits:
    """What a classifier returns for one face, all its TTA views taken together.

    Attributes:
        logit: positive for fake.
        heatmap: rows x columns in the same unit; its mean is the logit.
    """

    logit: float
    heatmap: NDArray[np.floating[Any]]


def classify_face(classifier: Classifier, crop: NDArray[np.uint8]) -> FaceLogits:
    """Classify one face in all TTA views that its classifier's card asks for.

    Args:
        classifier: any classifier.
        crop: RGB, shape (size, size, 3), cut out as `classifier.card.crop` defines.
    """
    return classify_views(classifier.predict, crop, tta=classifier.card.tta)


def classify_views(predict: Predict, crop: NDArray[np.uint8], *, tta: bool) -> FaceLogits:
    """Classify one face with `Classifier.predict`, with `tta` together with its mirror image.

    One face per call: on two cores, four or more in one batch take 1.5 times as long each, and 64 need
    gigabytes (benchmarks/results).
    """
    if not tta:
        (logit,), (heatmap,) = predict(crop[None])
        return FaceLogits(float(logit), heatmap)
    logits, heatmaps = predict(tta_batch(crop))
    return FaceLogits(float(logits.mean()), merge_heatmaps(heatmaps))


def tta_batch(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a crop and its mirror image, shape (2, size, size, 3); their mean logit becomes p_fake.

    The two differ by chance alone, and their mean ranks better than either (docs/experiments.md).
    """
    return np.stack([crop, crop[:, ::-1]])


def merge_heatmaps(heatmaps: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Average the two heatmaps of `tta_batch`, so that the mean of the result is the mean logit."""
    mean: NDArray[np.floating[Any]] = (heatmaps[0] + heatmaps[1, :, ::-1]) / 2
    return mean
