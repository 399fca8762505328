"""Landmarks of the faces that are exchanged between people; only training needs them beforehand."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from veraface.errors import ImageError
from veraface.faces import Face, FaceDetector
from veraface.image import Picture
from veraface.training.clips import sample_picture
from veraface.training.exchange import Points
from veraface.training.progress import progress
from veraface.training.samples import Sample
from veraface.verdict import Box

_SAME_FACE = 0.4  # intersection over union of the sample's box and the detected one


def find_landmarks(samples: Sequence[Sample], threads: int = 2) -> list[Points | None]:
    """Five landmarks of each real face, px of its picture; None for fakes and where it is not found again.

    Args:
        samples: all with a box, of pictures that can be read.
        threads: pictures looked at at a time.
    """
    detector = FaceDetector(threads=1)

    def look(sample: Sample) -> Points | None:
        assert sample.box is not None
        if sample.fake:
            return None  # only real faces are exchanged
        try:
            faces = detector.find(Picture(sample_picture(sample)).pixels())
        except ImageError:
            return None
        best = max(faces, key=lambda face: _overlap(face, sample.box), default=None)
        if best is None or _overlap(best, sample.box) < _SAME_FACE:
            return None
        return np.array(best.landmarks)

    with ThreadPoolExecutor(threads) as pool:
        return list(progress(pool.map(look, samples), "Finding landmarks", len(samples)))


def _overlap(face: Face, box: Box | None) -> float:
    """Intersection over union."""
    if box is None:
        return 0.0
    a, b = face.box, box
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    shared = max(0.0, width) * max(0.0, height)
    return shared / (a.area + b.area - shared)
