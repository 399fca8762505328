"""Test-time augmentation: the views in which the classifier sees a face."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.imaging.decode import recompress
from veraface.models.protocols import Classifier

Predict = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32]]]

_QUALITY = 60  # JPEG quality of the recompressed view, about what messengers use


@dataclass(frozen=True)
class FaceLogits:
    """What a classifier returns for one face, all its views taken together.

    Attributes:
        logit: positive for fake.
        heatmap: rows x columns in the same unit; its mean is the logit.
        recompressed: returns the logit of a recompressed copy; called only if the verdict depends on it.
    """

    logit: float
    heatmap: NDArray[np.floating[Any]]
    recompressed: Callable[[], float]


def classify_face(classifier: Classifier, crop: NDArray[np.uint8]) -> FaceLogits:
    """Classify one face in all views that its classifier needs, one face per call of a network.

    On two cores, four or more faces in one batch take 1.5 times as long each, and 64 of them take gigabytes
    (benchmarks/results). A classifier with its own method `classify_face(crop)` decides on views itself.

    Args:
        classifier: any classifier.
        crop: RGB, shape (size, size, 3), cut out as `classifier.card.crop` defines.
    """
    own: Callable[[NDArray[np.uint8]], FaceLogits] | None = getattr(classifier, "classify_face", None)
    if own is not None:
        return own(crop)
    return classify_views(classifier.predict, crop, tta=classifier.card.tta)


def classify_views(predict: Predict, crop: NDArray[np.uint8], *, tta: bool) -> FaceLogits:
    """Classify one face with `Classifier.predict`, with `tta` in three views, otherwise in one."""
    if not tta:
        (logit,), (heatmap,) = predict(crop[None])
        return FaceLogits(float(logit), heatmap, lambda: float(logit))
    logits, heatmaps = predict(tta_batch(crop))
    return FaceLogits(
        float(logits.mean()), merge_heatmaps(heatmaps), lambda: float(predict(jpeg_view(crop))[0][0])
    )


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
