"""Test-time augmentation: the views in which the classifier sees a face."""

from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from math import isnan
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veraface.errors import ModelError
from veraface.models.crop import FaceViews
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


def classify_face(
    classifier: Classifier, views: FaceViews, *, save_again: bool = True, parallel: bool = False
) -> tuple[FaceLogits, FaceLogits | None]:
    """Classify one face in all views that its classifier's card asks for.

    Args:
        classifier: any classifier.
        views: of the face, cut out as `classifier.card.crop` defines.
        save_again: also classify the face as it would be once the image is saved again.
        parallel: classify all views at the same time, in threads.

    Returns:
        The logits of the face as it is, and saved again (None unless asked for). Both are averaged with those
        of the same wider crop, if the card has one (docs/experiments.md).

    Raises:
        ModelError: a logit is NaN.
    """
    margin = classifier.card.wide_margin
    cuts = [views.as_is]
    cuts += [views.saved_again] if save_again else []
    cuts += [partial(views.wide, margin)] if margin is not None else []

    def seen(cut: Callable[[], NDArray[np.uint8]]) -> FaceLogits:
        found = classify_crop(classifier.predict, cut(), tta=classifier.card.tta)
        if isnan(found.logit):
            raise ModelError(f"the classifier {classifier.card.name!r} returned a logit that is no number")
        return found

    if parallel:
        others = [_in_thread(partial(seen, cut)) for cut in cuts[1:]]
        try:
            found = [seen(cuts[0])]
        finally:
            wait(others)
        found += [other.result() for other in others]
    else:
        found = [seen(cut) for cut in cuts]
    wide = None if margin is None else found.pop().logit
    return _averaged(found[0], wide), _averaged(found[1], wide) if save_again else None


def _in_thread(function: Callable[[], FaceLogits]) -> Future[FaceLogits]:
    """Run a function in a new thread; in this one if there can be none, as at a limit of processes.

    No pool: it would be lost in a fork, and takes no work once the main thread of a program has ended.
    """
    future: Future[FaceLogits] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)

    try:
        Thread(target=run).start()
    except RuntimeError:
        run()
    return future


def _averaged(face: FaceLogits, wide: float | None) -> FaceLogits:
    """Return the mean with the logit of a wider crop, which is spread evenly over the heatmap."""
    if wide is None:
        return face
    logit = (face.logit + wide) / 2
    return FaceLogits(logit, face.heatmap + (logit - face.logit))


def classify_crop(predict: Predict, crop: NDArray[np.uint8], *, tta: bool) -> FaceLogits:
    """Classify one crop with `Classifier.predict`, with `tta` together with its mirror image.

    One crop per call: on two cores, four or more in one batch take 1.5 times as long each, and 64 need
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
