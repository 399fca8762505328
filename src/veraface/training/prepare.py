"""Before any training: every picture is opened once, and faces without a box get one."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from rich.progress import track

from veraface.errors import DataError, ImageError
from veraface.faces import FaceDetector
from veraface.image import Picture
from veraface.training.manifest import Sample


@dataclass(frozen=True)
class Prepared:
    """The samples that can be used, and why the others cannot."""

    samples: list[Sample]  # all with a box
    unreadable: list[str]  # "path: reason"
    without_face: list[str]  # paths


def prepare(samples: Sequence[Sample], *, skip_bad: bool, threads: int = 2) -> Prepared:
    """Decode every picture and find the largest face where no box is given.

    Args:
        samples: as read from a manifest or folders.
        skip_bad: leave unreadable pictures out instead of refusing.
        threads: pictures decoded at a time.

    Raises:
        DataError: some pictures cannot be read and `skip_bad` is not set; all are named, up to twenty.
    """
    detector = FaceDetector(threads=1)

    def look(sample: Sample) -> Sample | str | None:
        try:
            pixels = Picture(sample.path).pixels()
        except ImageError as error:
            return f"{sample.path}: {error}"
        if sample.box is not None:
            return sample
        faces = detector.find(pixels)
        return replace(sample, box=faces[0].box) if faces else None

    prepared = Prepared([], [], [])
    with ThreadPoolExecutor(threads) as pool:
        results = pool.map(look, samples)
        for sample, result in track(
            zip(samples, results, strict=True), "Checking pictures", total=len(samples), transient=True
        ):
            if result is None:
                prepared.without_face.append(str(sample.path))
            elif isinstance(result, str):
                prepared.unreadable.append(result)
            else:
                prepared.samples.append(result)
    if prepared.unreadable and not skip_bad:
        listed = "\n  ".join(prepared.unreadable[:20])
        more = len(prepared.unreadable) - 20
        raise DataError(
            f"{len(prepared.unreadable)} pictures cannot be read; mend them or pass --skip-bad:\n  {listed}"
            + (f"\n  and {more} more" if more > 0 else "")
        )
    return prepared
