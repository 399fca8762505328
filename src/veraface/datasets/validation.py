"""Before any training: every image is opened once, and faces without a box get one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from veraface.datasets.frames import sample_picture
from veraface.datasets.manifest import Sample, check_samples
from veraface.datasets.progress import in_parallel
from veraface.errors import DataError, ImageError
from veraface.geometry import Box
from veraface.imaging.decode import ImageFile
from veraface.models.retinaface import RetinaFaceDetector


@dataclass(frozen=True)
class Prepared:
    """The samples that can be used, and why the others cannot."""

    samples: list[Sample]  # all with a box
    unreadable: list[str]  # "path: reason"
    without_face: list[str]  # paths


def prepare(samples: Sequence[Sample], *, skip_bad: bool) -> Prepared:
    """Decode every image and find the largest face where no box is given.

    Args:
        samples: as read from a manifest or folders.
        skip_bad: leave unreadable images out instead of refusing.

    Raises:
        DataError: some images cannot be read, or their box lies outside them, and `skip_bad` is not
            set; all are named, up to twenty.
    """
    detector = RetinaFaceDetector(threads=1)

    def look(sample: Sample) -> Sample | str | None:
        try:
            pixels = ImageFile(sample_picture(sample)).decode()
        except ImageError as error:
            return f"{sample.path}: {error}"
        if sample.box is not None:
            if problem := misplaced(sample.box, pixels.width, pixels.height):
                return f"{sample.path}: {problem}"
            return sample
        faces = detector.detect(pixels)
        return replace(sample, box=faces[0].box) if faces else None

    prepared = Prepared([], [], [])
    for sample, result in zip(samples, in_parallel(look, samples, "Checking images"), strict=True):
        if result is None:
            prepared.without_face.append(str(sample.path))
        elif isinstance(result, str):
            prepared.unreadable.append(result)
        else:
            prepared.samples.append(result)
    if prepared.unreadable and not skip_bad:
        lines = [*dict.fromkeys(prepared.unreadable)]  # a broken video says the same of each of its frames
        listed = "\n  ".join(lines[:20])
        more = len(lines) - 20
        raise DataError(
            f"{_pictures(len(prepared.unreadable))} cannot be used; mend them or pass --skip-bad:\n  {listed}"
            + (f"\n  and {more} more" if more > 0 else "")
        )
    return prepared


def check_prepared(prepared: Prepared, needed: Iterable[str] = ("train", "val")) -> None:
    """Make sure that what is left can be trained on.

    Raises:
        DataError: as from `check_samples`, with what was left out as the likely cause.
    """
    try:
        check_samples(prepared.samples, needed)
    except DataError as error:
        raise DataError(
            f"{error} ({_pictures(len(prepared.unreadable))} cannot be used, and no face was found in "
            f"{len(prepared.without_face)}; a box in the manifest says where it is)"
        ) from error


def misplaced(box: Box, width: int, height: int) -> str:
    """What is wrong with the place of a box; training moves it a little, so its center must lie inside."""
    if not (0 <= box.x + box.width / 2 <= width and 0 <= box.y + box.height / 2 <= height):
        return f"its face box {box.to_list()} lies outside its {width} x {height} pixels"
    return f"its face box {box.to_list()} is smaller than a pixel" if box.max_side < 1 else ""


def _pictures(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"
