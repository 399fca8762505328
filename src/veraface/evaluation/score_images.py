"""Fill a score table: classify each image in the views of detection."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from veraface.datasets.frames import sample_image
from veraface.datasets.progress import in_parallel
from veraface.datasets.samples import Sample
from veraface.errors import DataError
from veraface.evaluation.score_table import VIEWS, ScoreTable
from veraface.geometry import roll
from veraface.imaging.decode import ImageFile
from veraface.models.crop import CropSettings, FaceViews
from veraface.models.tta import tta_batch

Classify = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def view_crops(sample: Sample, settings: CropSettings) -> NDArray[np.uint8]:
    """Return what a classifier sees of a sample's face in each of `VIEWS`, shape (views, size, size, 3).

    Raises `DataError` if the sample has no box; `prepare` adds missing ones.
    """
    if sample.box is None:
        raise DataError(f"{sample.path}: has no face box")
    image = ImageFile(sample_image(sample)).decode()
    views = FaceViews(image, sample.box, settings, roll(sample.landmarks))
    return np.concatenate([tta_batch(views.as_is()), views.saved_again()[None]])


def score_images(
    network: str, classify: Classify, crop: CropSettings, samples: Sequence[Sample], fold: int, root: Path
) -> ScoreTable:
    """Return the score table of one network.

    Args:
        network: name in the table, "ARCHITECTURE/final" or "ARCHITECTURE/fold-N".
        classify: returns logits (N,) of crops (N, size, size, 3).
        crop: crop geometry of the network.
        samples: with a box, as `prepare` returns them; the others are not scored.
        fold: number of the fold that leaves the sources of the samples out; 0 for none.
        root: folder that paths are relative to.

    Raises `ImageError` if a sample cannot be read.
    """

    def one(sample: Sample) -> NDArray[np.float32]:
        if sample.box is None:
            return np.full(len(VIEWS), np.nan, np.float32)
        # One face per call, as detection does.
        return np.concatenate([classify(view[None]) for view in view_crops(sample, crop)])

    logits = np.stack(in_parallel(one, samples, "Scoring"))
    return score_table(samples, {network: logits}, fold, root)


def score_table(
    samples: Sequence[Sample], logits: Mapping[str, NDArray[np.float32]], fold: int, root: Path
) -> ScoreTable:
    """Return a table of samples; `logits` by network have the shape (samples, `VIEWS`)."""
    paths = (s.path.relative_to(root) if s.path.is_relative_to(root) else s.path for s in samples)
    return ScoreTable(
        path=np.array([path.as_posix() for path in paths], np.str_),
        fake=np.array([s.fake for s in samples], np.bool_),
        source=np.array([s.source for s in samples], np.str_),
        generator=np.array([s.generator if s.fake else "" for s in samples], np.str_),
        group=np.array([s.group for s in samples], np.str_),
        split=np.array([s.split for s in samples], np.str_),
        face_size=np.array([np.nan if s.box is None else s.box.max_side for s in samples], np.float64),
        fold=np.full(len(samples), fold, np.int64),
        views=VIEWS,
        logits=logits,
    )
