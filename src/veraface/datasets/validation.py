"""Before training: decode every image once, detect the face of images without a box, and landmarks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from veraface.datasets.frames import sample_image
from veraface.datasets.manifest import Sample, check_samples
from veraface.datasets.progress import in_parallel
from veraface.datasets.synthesis.face_swap import Points
from veraface.errors import DataError, ImageError
from veraface.geometry import Box
from veraface.imaging.decode import ImageFile
from veraface.models.face_search import YuNetDetector

_SAME_FACE = 0.4  # intersection over union of the sample's box and the detected one


@dataclass(frozen=True)
class Prepared:
    """The result of `prepare`."""

    samples: list[Sample]  # usable samples, all with a box
    unreadable: list[str]  # "path: reason" of unusable images
    without_face: list[str]  # paths of images in which no face was found


def prepare(samples: Sequence[Sample], *, skip_bad: bool, needed: Iterable[str] = ()) -> Prepared:
    """Decode every image and find the largest face where no box is given.

    Raises `DataError` if some images cannot be read or have a box outside of them, unless `skip_bad`; and, as
    `check_samples`, if the usable samples of the needed splits cannot be trained on.
    """
    detector = YuNetDetector(threads=1)

    def check(sample: Sample) -> Sample | str | None:
        try:
            pixels = ImageFile(sample_image(sample)).decode()
        except ImageError as error:
            return f"{sample.path}: {error}"
        if sample.box is not None:
            if problem := box_problem(sample.box, pixels.width, pixels.height):
                return f"{sample.path}: {problem}"
            return sample
        faces = detector.detect(pixels)
        return replace(sample, box=faces[0].box) if faces else None

    prepared = Prepared([], [], [])
    for sample, result in zip(samples, in_parallel(check, samples, "Checking images"), strict=True):
        if result is None:
            prepared.without_face.append(str(sample.path))
        elif isinstance(result, str):
            prepared.unreadable.append(result)
        else:
            prepared.samples.append(result)
    if prepared.unreadable and not skip_bad:
        lines = [*dict.fromkeys(prepared.unreadable)]  # the frames of a broken video have the same error
        lines[20:] = [f"and {len(lines) - 20} more"] if len(lines) > 20 else []
        count = _count_images(len(prepared.unreadable))
        raise DataError("\n  ".join([f"{count} cannot be used; repair them or pass --skip-bad:", *lines]))
    try:
        check_samples(prepared.samples, needed)
    except DataError as error:
        raise DataError(
            f"{error} ({_count_images(len(prepared.unreadable))} cannot be used, and no face was found in "
            f"{len(prepared.without_face)}; add a box to the manifest if they have one)"
        ) from error
    return prepared


def find_landmarks(
    samples: Sequence[Sample], known: dict[Sample, Points | None] | None = None
) -> list[Points | None]:
    """Detect five landmarks of each real face, px of its image; None for fakes and if it is not detected.

    All samples must have a box. `known` is a cache of landmarks from earlier calls; new ones are added.
    """
    known = {} if known is None else known
    detector = YuNetDetector(threads=1)

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


def box_problem(box: Box, width: int, height: int) -> str:
    """Describe why a face box is invalid, or return "". The box center must be inside the image."""
    if not (0 <= box.x + box.width / 2 <= width and 0 <= box.y + box.height / 2 <= height):
        return f"its face box {box.to_list()} lies outside its {width} x {height} pixels"
    return f"its face box {box.to_list()} is smaller than a pixel" if box.max_side < 1 else ""


def _count_images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"
