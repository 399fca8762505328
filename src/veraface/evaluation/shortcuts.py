"""Shortcuts: features that separate the classes of a data set without looking at a face.

File size, dimensions, color and sharpness are each evaluated as a detector. An AUC near 0.5 for all of them
does not prove that a set is fair, but one near 1 proves that it is not: a model may then score high by a
difference that only this set has.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.datasets.progress import in_parallel
from veraface.datasets.samples import Sample
from veraface.errors import ImageError
from veraface.evaluation.aggregate import in_pair
from veraface.evaluation.bootstrap import BootstrapSamples, Values
from veraface.evaluation.predict import Prediction, decode_upright
from veraface.evaluation.roc import Flags, RocCurve

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
    """Measure the features of each image.

    Args:
        samples: the images.
        predictions: of the same images; their face boxes replace missing boxes of samples.

    Returns:
        Shape (images, features), in the order of `FEATURES`; NaN if an image cannot be read.
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
        inside = (
            max(0, round(x)),
            max(0, round(y)),
            min(image.width, round(x + width)),
            min(image.height, round(y + height)),
        )
        if inside[2] - inside[0] >= 3 and inside[3] - inside[1] >= 3:
            image = image.crop(inside)
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
        chosen = [i for i, prediction in enumerate(predictions) if in_pair(prediction, pair)]
        own = [predictions[i] for i in chosen]
        blocks.append(_block(pair.replace(":", " / "), features[chosen], own, bootstrap))
    return blocks


def _block(
    name: str, features: Features, predictions: Sequence[Prediction], bootstrap: BootstrapSamples
) -> dict[str, Any]:
    group = bootstrap.index([p.group for p in predictions])
    fake = np.array([p.fake for p in predictions], bool)
    found = []
    for (feature, (more, less)), values in zip(FEATURES.items(), features.T, strict=True):
        read = ~np.isnan(values)
        # Flipped to an AUC of at least 0.5: either class may have more of a feature.
        plain = RocCurve(fake[read], values[read], np.ones((1, int(read.sum())))).area()[0]
        sign = -1.0 if plain < 0.5 else 1.0
        value, interval = bootstrap.measure(partial(_area, fake[read], sign * values[read], group[read]))
        auc = value["auc"]
        found.append(
            {
                "feature": feature,
                "auc": auc,
                "interval": interval["auc"],
                "direction": "" if auc is None else f"fakes have {more if sign > 0 else less}",
                "tells_apart": auc is not None and auc >= WARNING_AUC,
            }
        )
    return {"set": name, "features": found}


def _area(fake: Flags, scores: Values, group: NDArray[np.intp], weights: Values) -> dict[str, Values]:
    return {"auc": RocCurve(fake, scores, weights[:, group]).area()}


def warnings(blocks: Iterable[dict[str, Any]]) -> list[str]:
    """Return a sentence for each set and feature that separates its classes."""
    return [
        f"{'This data set' if block['set'] == 'all' else block['set']} can be told apart by "
        f"{feature['feature']} alone (AUC {feature['auc']:.3f}: {feature['direction']})."
        for block in blocks
        for feature in block["features"]
        if feature["tells_apart"]
    ]
