"""Landmarks of the faces that synthesized face swaps use."""

from collections.abc import Sequence

import numpy as np

from veraface.datasets.frames import sample_image
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
    """Detect five landmarks of each real face, px of its image; None for fakes and if it is not detected.

    Args:
        samples: all with a box.
        known: cache of landmarks from earlier calls; new ones are added.
    """
    known = {} if known is None else known
    detector = RetinaFaceDetector(threads=1)

    def detect(sample: Sample) -> Points | None:
        own = sample.box
        if sample.fake or own is None:
            return None  # only real faces are swapped
        try:
            faces = detector.detect(ImageFile(sample_image(sample)).decode())
        except ImageError:
            return None
        best = max(faces, key=lambda face: own.iou(face.box), default=None)
        if best is None or own.iou(best.box) < _SAME_FACE:
            return None
        return np.array(best.landmarks)

    new = [sample for sample in samples if sample not in known]
    known.update(zip(new, in_parallel(detect, new, "Finding landmarks"), strict=True))
    return [known[sample] for sample in samples]
