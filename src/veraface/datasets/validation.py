"""Before training: decode every image once, and detect its face as serving does."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from veraface.datasets.frames import sample_image
from veraface.datasets.manifest import Sample, check_samples
from veraface.datasets.progress import in_parallel
from veraface.errors import DataError, ImageError
from veraface.geometry import Box
from veraface.imaging.decode import ImageFile
from veraface.models.face_search import YuNetDetector

_SAME_FACE = 0.4  # intersection over union of the sample's box and the detected one

Known = dict[Sample, Sample | str | None]  # what `prepare` found before


@dataclass(frozen=True)
class Prepared:
    """The result of `prepare`."""

    samples: list[Sample]  # usable samples, all with a box
    unreadable: list[str]  # "path: reason" of unusable images
    without_face: list[str]  # paths of images in which no face was found


def prepare(
    samples: Sequence[Sample], *, skip_bad: bool, needed: Iterable[str] = (), known: Known | None = None
) -> Prepared:
    """Decode every image and detect its face: that of the box, or the largest where no box is given.

    A face that is not detected keeps its box, and has no landmarks. `known` is a cache shared between calls.

    Raises `DataError` if some images cannot be read or have a box outside of them, unless `skip_bad`; and, as
    `check_samples`, if the usable samples of the needed splits cannot be trained on.
    """
    detector = YuNetDetector(threads=1)

    def check(sample: Sample) -> Sample | str | None:
        try:
            pixels = ImageFile(sample_image(sample)).decode()
        except ImageError as error:
            return f"{sample.path}: {error}"
        box = sample.box
        if box is not None and (problem := box_problem(box, pixels.width, pixels.height)):
            return f"{sample.path}: {problem}"
        faces = detector.detect(pixels)
        if box is None:
            return replace(sample, box=faces[0].box, landmarks=faces[0].landmarks) if faces else None
        best = max(faces, key=lambda face: box.iou(face.box), default=None)
        if best is None or box.iou(best.box) < _SAME_FACE:
            return sample
        return replace(sample, box=best.box, landmarks=best.landmarks)

    known = {} if known is None else known
    new = [sample for sample in samples if sample not in known]
    known.update(zip(new, in_parallel(check, new, "Checking images"), strict=True))
    prepared = Prepared([], [], [])
    for sample in samples:
        result = known[sample]
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


def box_problem(box: Box, width: int, height: int) -> str:
    """Describe why a face box is invalid, or return "". The box center must be inside the image."""
    if not (0 <= box.x + box.width / 2 <= width and 0 <= box.y + box.height / 2 <= height):
        return f"its face box {box.to_list()} lies outside its {width} x {height} pixels"
    return f"its face box {box.to_list()} is smaller than a pixel" if box.max_side < 1 else ""


def _count_images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"
