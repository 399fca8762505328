"""Fill a score table: run classifiers on each image in the views of detection and of the tiers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from veraface.datasets.frames import sample_image
from veraface.datasets.progress import in_parallel
from veraface.datasets.samples import Sample
from veraface.errors import DataError
from veraface.evaluation.predict import CLEAN, random_generator
from veraface.evaluation.robustness import TIERS
from veraface.evaluation.score_table import FINAL, MIRRORED, RECOMPRESSED, VIEWS, ScoreTable
from veraface.geometry import roll
from veraface.imaging.decode import ImageFile
from veraface.models.crop import CropSettings, crop_face
from veraface.models.protocols import Classifier
from veraface.models.tta import jpeg_view, tta_batch


def view_crops(sample: Sample, settings: CropSettings, views: Sequence[str] = VIEWS) -> NDArray[np.uint8]:
    """Return what a classifier sees of a sample's face in each view, shape (views, size, size, 3).

    The sample has a box, as `prepare` returns it. A tier degrades the whole image before the crop.
    """
    if sample.box is None:
        raise DataError(f"{sample.path}: has no face box")
    image, lean = ImageFile(sample_image(sample)).decode(), roll(sample.landmarks)
    crop = crop_face(image, sample.box, settings, lean)
    crops = {CLEAN: crop, MIRRORED: tta_batch(crop)[1], RECOMPRESSED: jpeg_view(crop)[0]}
    for tier in TIERS:
        if tier.name in views:
            degraded = tier.apply(image, random_generator(sample))
            box = sample.box.scaled(degraded.width / image.width)
            crops[tier.name] = crop_face(degraded, box, settings, lean)
    return np.stack([crops[view] for view in views])


def score_images(
    classifiers: Mapping[str, Classifier],
    samples: Sequence[Sample],
    folds: Mapping[str, int],
    *,
    root: Path,
    views: Sequence[str] = VIEWS,
) -> ScoreTable:
    """Run classifiers on prepared samples, each on the images that its column of the table needs.

    Args:
        classifiers: by "ARCHITECTURE/final" or "ARCHITECTURE/fold-N"; those of a fold run only on the sources
            that it leaves out.
        samples: with a box, as `prepare` returns them.
        folds: by source, the number of the fold that leaves it out; 0 or missing for none.
        root: folder that paths are relative to.
        views: of each image.

    Raises `DataError` if a sample has no box, or `ImageError` if it cannot be read.
    """

    def one(sample: Sample) -> NDArray[np.float32]:
        found = np.full((len(classifiers), len(views)), np.nan, np.float32)
        crops: dict[CropSettings, NDArray[np.uint8]] = {}
        for row, (name, classifier) in enumerate(classifiers.items()):
            settings, part = classifier.card.crop, name.rpartition("/")[2]
            if part not in (FINAL, f"fold-{folds.get(sample.source, 0)}"):
                continue
            if settings not in crops:
                crops[settings] = view_crops(sample, settings, views)
            # One face per call, as detection does.
            found[row] = [classifier.predict(crop[None])[0][0] for crop in crops[settings]]
        return found

    logits = np.stack(in_parallel(one, samples, "Scoring"))
    return ScoreTable(
        path=np.array([s.path.relative_to(root).as_posix() for s in samples], np.str_),
        fake=np.array([s.fake for s in samples], np.bool_),
        source=np.array([s.source for s in samples], np.str_),
        generator=np.array([s.generator if s.fake else "" for s in samples], np.str_),
        group=np.array([s.group for s in samples], np.str_),
        split=np.array([s.split for s in samples], np.str_),
        face_size=np.array([np.nan if s.box is None else s.box.max_side for s in samples], np.float64),
        fold=np.array([folds.get(s.source, 0) for s in samples], np.int64),
        views=tuple(views),
        logits={name: logits[:, row] for row, name in enumerate(classifiers)},
    )
