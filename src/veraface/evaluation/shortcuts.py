"""What a data set gives away without a look at any face: file size, dimensions, color, sharpness.

A figure near .5 for each of these does not prove that a set is fair, but one near 1 proves that it is not: a
detector may then score high by what only this set's real and fake images differ in.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.datasets.manifest import Sample
from veraface.datasets.progress import in_parallel
from veraface.errors import ImageError
from veraface.evaluation.aggregate import in_pair
from veraface.evaluation.bootstrap import BootstrapSamples
from veraface.evaluation.metrics import Flags, RocCurve, Values
from veraface.evaluation.predict import Judged, upright

TELLS_APART = 0.7  # AUC from which a feature alone is named as telling the classes apart

# What is said of the fakes where they have more or less of it.
FEATURES = {
    "file size": ("larger files", "smaller files"),
    "bytes per pixel": ("more bytes per pixel", "fewer bytes per pixel"),
    "longest side": ("larger images", "smaller images"),
    "saturation": ("stronger colors", "weaker colors"),
    "sharpness": ("sharper faces", "softer faces"),
}

Features = NDArray[np.float64]


def measure_features(samples: Sequence[Sample], judged: Sequence[Judged]) -> Features:
    """The trivial features of each image.

    Args:
        samples: the images.
        judged: the same images judged, whose face boxes stand in where a sample has none.

    Returns:
        Shape (images, features), in the order of `FEATURES`; NaN where an image cannot be read.
    """

    def one(pair: tuple[Sample, Judged]) -> list[float]:
        sample, image = pair
        try:
            size = float(sample.path.stat().st_size)
            pixels = upright(sample)
        except (ImageError, OSError):
            return [np.nan] * len(FEATURES)
        box = image.box if sample.box is None else tuple(sample.box.to_list())
        return [
            size,
            size / (pixels.width * pixels.height)
            if sample.frame is None
            else np.nan,  # a video's are of many
            float(max(pixels.size)),
            float(np.asarray(pixels.convert("HSV"))[..., 1].mean()) / 255,
            sharpness(pixels, box),
        ]

    found = in_parallel(one, list(zip(samples, judged, strict=True)), "Measuring trivial features")
    return np.array(found, np.float64).reshape(-1, len(FEATURES))


def sharpness(image: Image.Image, box: tuple[float, ...] | None) -> float:
    """Variance of the Laplacian of the luminance of a face, or of the image if there is no box in it.

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


def trivial_blocks(
    features: Features, judged: Sequence[Judged], draws: BootstrapSamples, pairs: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """How well each feature alone tells fake from real, on the whole set and on each pair of sources."""
    blocks = [_block("all", features, judged, draws)]
    for pair in pairs:
        chosen = [i for i, image in enumerate(judged) if in_pair(image, pair)]
        own = [judged[i] for i in chosen]
        blocks.append(_block(pair.replace(":", " / "), features[chosen], own, draws))
    return blocks


def _block(
    name: str, features: Features, judged: Sequence[Judged], draws: BootstrapSamples
) -> dict[str, Any]:
    group = draws.index([p.group for p in judged])
    fake = np.array([p.fake for p in judged], bool)
    found = []
    for (feature, (more, less)), values in zip(FEATURES.items(), features.T, strict=True):
        read = ~np.isnan(values)
        # Turned so that the figure is never below .5: a feature may tell the classes apart either way.
        plain = RocCurve(fake[read], values[read], np.ones((1, int(read.sum())))).area()[0]
        sign = -1.0 if plain < 0.5 else 1.0
        value, interval = draws.measure(partial(_area, fake[read], sign * values[read], group[read]))
        auc = value["auc"]
        found.append(
            {
                "feature": feature,
                "auc": auc,
                "interval": interval["auc"],
                "direction": "" if auc is None else f"fakes have {more if sign > 0 else less}",
                "tells_apart": auc is not None and auc >= TELLS_APART,
            }
        )
    return {"set": name, "features": found}


def _area(fake: Flags, scores: Values, group: NDArray[np.intp], weights: Values) -> dict[str, Values]:
    return {"auc": RocCurve(fake, scores, weights[:, group]).area()}


def warnings(blocks: Iterable[dict[str, Any]]) -> list[str]:
    """A sentence for each set and feature that gives its classes away."""
    return [
        f"{'This data set' if block['set'] == 'all' else block['set']} can be told apart by "
        f"{feature['feature']} alone (AUC {feature['auc']:.3f}: {feature['direction']})."
        for block in blocks
        for feature in block["features"]
        if feature["tells_apart"]
    ]
