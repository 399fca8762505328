"""Landmarks of the faces that are exchanged between people; only training needs them beforehand."""

from collections.abc import Sequence

import numpy as np

from veraface.datasets.frames import sample_picture
from veraface.datasets.progress import in_parallel
from veraface.datasets.samples import Sample
from veraface.datasets.synthesis.face_swap import Points
from veraface.errors import ImageError
from veraface.imaging.decode import ImageFile
from veraface.models.retinaface import RetinaFaceDetector

_SAME_FACE = 0.4  # intersection over union of the sample's box and the detected one


def find_landmarks(
    samples: Sequence[Sample], known: dict[Sample, Points | None] | None = None
) -> list[Points | None]:
    """Five landmarks of each real face, px of its image; None for fakes and where it is not found again.

    Args:
        samples: all with a box, of images that can be read.
        known: what earlier calls found, so that it is not looked for again; this one adds to it.
    """
    known = {} if known is None else known
    detector = RetinaFaceDetector(threads=1)

    def look(sample: Sample) -> Points | None:
        own = sample.box
        if sample.fake or own is None:
            return None  # only real faces are exchanged
        try:
            faces = detector.detect(ImageFile(sample_picture(sample)).decode())
        except ImageError:
            return None
        best = max(faces, key=lambda face: own.iou(face.box), default=None)
        if best is None or own.iou(best.box) < _SAME_FACE:
            return None
        return np.array(best.landmarks)

    new = [sample for sample in samples if sample not in known]
    known.update(zip(new, in_parallel(look, new, "Finding landmarks"), strict=True))
    return [known[sample] for sample in samples]
