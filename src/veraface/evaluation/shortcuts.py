"""Shortcuts: features that separate the classes of a data set without looking at a face.

File size, dimensions, color and sharpness are each evaluated as a detector. An AUC near 0.5 for all of them
does not prove that a set is fair, but one near 1 proves that it is not: a model may then score high by a
difference that only this set has.
"""

from collections.abc import Iterable, Sequence
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.datasets.progress import in_parallel
from veraface.datasets.samples import Sample
from veraface.errors import ImageError
from veraface.evaluation.aggregate import in_pair
from veraface.evaluation.arrays import PredictionArrays
from veraface.evaluation.bootstrap import BootstrapSamples, Values
from veraface.evaluation.predict import Prediction, decode_upright
from veraface.evaluation.roc import RocCurve

WARNING_AUC = 0.7  # a feature with at least this AUC is reported as a shortcut

# How the fakes differ from the reals if they have more or less of a feature.
FEATURES = {
    "file size": ("larger files", "smaller files"),
    "bytes per pixel": ("more bytes per pixel", "fewer bytes per pixel"),
    "longest side": ("larger images", "smaller images"),
    "saturation": ("stronger colors", "weaker colors"),
    "sharpness": ("sharper faces", "softer faces"),
}

Features = NDArray[np.float64]


def measure_features(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Features:
    """Return the features of each image, shape (images, `FEATURES`); NaN if an image cannot be read.

    The face boxes of the predictions, which are of the same images, replace missing boxes of samples.
    """

    def one(pair: tuple[Sample, Prediction]) -> list[float]:
        sample, prediction = pair
        try:
            size = float(sample.path.stat().st_size)
            pixels = decode_upright(sample)
        except (ImageError, OSError):
            return [np.nan] * len(FEATURES)
        box = prediction.box if sample.box is None else tuple(sample.box.to_list())
        return [
            size,
            size / (pixels.width * pixels.height) if sample.frame is None else np.nan,  # undefined for videos
            float(max(pixels.size)),
            float(np.asarray(pixels.convert("HSV"))[..., 1].mean()) / 255,
            sharpness(pixels, box),
        ]

    found = in_parallel(one, list(zip(samples, predictions, strict=True)), "Measuring shortcut features")
    return np.array(found, np.float64).reshape(-1, len(FEATURES))


def sharpness(image: Image.Image, box: tuple[float, ...] | None) -> float:
    """Return the variance of the Laplacian of a face's luminance, or of the image's without a box in it.

    Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", 2000.
    """
    if box is not None:
        x, y, width, height = box
        left, right = max(0, round(x)), min(image.width, round(x + width))
        top, bottom = max(0, round(y)), min(image.height, round(y + height))
        if min(right - left, bottom - top) >= 3:
            image = image.crop((left, top, right, bottom))
    gray = np.asarray(image.convert("L"), np.float64)
    if min(gray.shape) < 3:
        return 0.0
    around = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:]
    return float(np.var(around - 4 * gray[1:-1, 1:-1]))


def shortcut_blocks(
    features: Features,
    predictions: Sequence[Prediction],
    bootstrap: BootstrapSamples,
    pairs: Iterable[str] = (),
) -> list[dict[str, Any]]:
    """Compute the AUC of each feature alone, on the whole set and on each pair of sources."""
    blocks = [_block("all", features, predictions, bootstrap)]
    for pair in pairs:
        chosen = [in_pair(prediction, pair) for prediction in predictions]
        own = list(compress(predictions, chosen))
        blocks.append(_block(pair.replace(":", " / "), features[chosen], own, bootstrap))
    return blocks


def _block(
    name: str, features: Features, predictions: Sequence[Prediction], bootstrap: BootstrapSamples
) -> dict[str, Any]:
    images, found = PredictionArrays.of(predictions, bootstrap), []
    for (feature, (more, less)), values in zip(FEATURES.items(), features.T, strict=True):
        read = images.where(~np.isnan(values))
        scores = values[~np.isnan(values)]
        # Flipped to an AUC of at least 0.5: either class may have more of a feature.
        flip = bool(RocCurve(read.fake, scores, np.ones((1, len(read)))).area()[0] < 0.5)
        auc, interval = _auc(read, -scores if flip else scores, bootstrap)
        found.append(
            {
                "feature": feature,
                "auc": auc,
                "interval": interval,
                "direction": "" if auc is None else f"fakes have {less if flip else more}",
                "tells_apart": auc is not None and auc >= WARNING_AUC,
            }
        )
    return {"set": name, "features": found}


def _auc(
    images: PredictionArrays, scores: Values, bootstrap: BootstrapSamples
) -> tuple[float | None, list[float] | None]:
    """Return the AUC of scores and its interval."""
    measured = bootstrap.measure(lambda w: {"auc": RocCurve(images.fake, scores, w[:, images.group]).area()})
    return measured[0]["auc"], measured[1]["auc"]


def warnings(blocks: Iterable[dict[str, Any]]) -> list[str]:
    """Return a sentence for each set and feature that separates its classes."""
    return [
        f"{'This data set' if block['set'] == 'all' else block['set']} can be told apart by "
        f"{feature['feature']} alone (AUC {feature['auc']:.3f}: {feature['direction']})."
        for block in blocks
        for feature in block["features"]
        if feature["tells_apart"]
    ]
