"""Validation before training: decode every image once, and detect the face of images without a box."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from veraface.datasets.frames import sample_image
from veraface.datasets.manifest import Sample, check_samples
from veraface.datasets.progress import in_parallel
from veraface.errors import DataError, ImageError
from veraface.geometry import Box
from veraface.imaging.decode import ImageFile
from veraface.models.retinaface import RetinaFaceDetector


@dataclass(frozen=True)
class Prepared:
    """The result of `prepare`.

    Attributes:
        samples: usable samples, all with a box.
        unreadable: "path: reason" of unusable images.
        without_face: paths of images in which no face was found.
    """

    samples: list[Sample]
    unreadable: list[str]
    without_face: list[str]


def prepare(samples: Sequence[Sample], *, skip_bad: bool) -> Prepared:
    """Decode every image and find the largest face where no box is given.

    Args:
        samples: as read from a manifest or folders.
        skip_bad: skip unreadable images instead of raising.

    Raises:
        DataError: some images cannot be read, or their box is outside of them, and `skip_bad` is False;
            the message lists up to twenty.
    """
    detector = RetinaFaceDetector(threads=1)

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
        listed = "\n  ".join(lines[:20])
        more = len(lines) - 20
        raise DataError(
            f"{_count_images(len(prepared.unreadable))} cannot be used; repair them or pass --skip-bad:"
            f"\n  {listed}" + (f"\n  and {more} more" if more > 0 else "")
        )
    return prepared


def check_prepared(prepared: Prepared, needed: Iterable[str] = ("train", "val")) -> None:
    """Check that the usable samples can be trained on.

    Raises:
        DataError: as from `check_samples`, with the number of skipped images.
    """
    try:
        check_samples(prepared.samples, needed)
    except DataError as error:
        raise DataError(
            f"{error} ({_count_images(len(prepared.unreadable))} cannot be used, and no face was found in "
            f"{len(prepared.without_face)}; add a box to the manifest if they have one)"
        ) from error


def box_problem(box: Box, width: int, height: int) -> str:
    """Describe why a face box is invalid, or return "". The box center must be inside the image."""
    if not (0 <= box.x + box.width / 2 <= width and 0 <= box.y + box.height / 2 <= height):
        return f"its face box {box.to_list()} lies outside its {width} x {height} pixels"
    return f"its face box {box.to_list()} is smaller than a pixel" if box.max_side < 1 else ""


def _count_images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"
