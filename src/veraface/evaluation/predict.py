"""From labeled images to judgements, through the pipeline that users get."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from veraface.datasets.frames import sample_picture
from veraface.datasets.manifest import Sample
from veraface.datasets.progress import in_parallel
from veraface.detector import Detector
from veraface.errors import ImageError
from veraface.imaging.decode import ImageFile, ImageSource
from veraface.results import Verdict

CLEAN = "clean"  # the name of no degradation


@dataclass(frozen=True)
class Judged:
    """One labeled image after judging."""

    path: str  # of the image or video, below the data's folder; never absolute
    fake: bool
    source: str
    group: str
    verdict: Verdict | None  # None: an error
    p_fake: float | None  # None: no face that could be judged, or an error
    error: str = ""
    generator: str = ""
    box: tuple[float, ...] | None = None  # of the face that p_fake is of: x, y, width, height, px
    face_size: float | None = None  # that box's longer side, px at full size
    degradation: str = CLEAN  # what was done to the image before it was judged
    frame: float | None = None  # place in a video, 0 its begin to 1 its end; None: an image file


@dataclass(frozen=True)
class Degradation:
    """Something done to images before they are judged."""

    name: str
    apply: Callable[[Image.Image, np.random.Generator], Image.Image]  # upright RGB to RGB


def judge(
    detector: Detector,
    samples: Sequence[Sample],
    degradation: Degradation | None = None,
    *,
    root: Path | None = None,
    title: str = "Judging",
) -> list[Judged]:
    """Judge every image, in their order.

    Args:
        detector: to judge with; load it with `threads=1`, as the images go in parallel.
        samples: the labeled images.
        degradation: what to do to each image first; None hands over the files themselves.
        root: folder of the data, to name images by their path below it; else by their file name.
        title: of the progress bar.

    Returns:
        A judgement for each image; one that cannot be read or degraded carries the error.
    """

    def one(sample: Sample) -> Judged:
        def image() -> ImageSource:
            if degradation is None:
                return sample_picture(sample)
            return degradation.apply(upright(sample), randomness(sample))

        return predict_image(detector, sample, image, degradation.name if degradation else CLEAN, root)

    return in_parallel(one, samples, title)


def predict_image(
    detector: Detector,
    sample: Sample,
    image: Callable[[], ImageSource],
    degradation: str = CLEAN,
    root: Path | None = None,
) -> Judged:
    """Judge what `image` returns under the label of a sample."""
    path = sample.path.name
    if root is not None and sample.path.is_relative_to(root):
        path = sample.path.relative_to(root).as_posix()
    verdict: Verdict | None = None
    p_fake, box, error = None, None, ""
    try:
        result = detector.detect(image(), heatmap=False)
        verdict, p_fake = result.verdict, result.p_fake
        # The face that an image's p_fake is of is the one with the largest.
        box = next((face.box for face in result.faces if p_fake is not None and face.p_fake == p_fake), None)
    except ImageError as failure:
        error = str(failure)
    except (OSError, ValueError) as failure:  # an encoder that cannot take an image of this size
        error = f"cannot be degraded: {failure}"
    return Judged(
        path=path,
        fake=sample.fake,
        source=sample.source,
        group=sample.group,
        verdict=verdict,
        p_fake=p_fake,
        error=error,
        generator=sample.generator,
        box=None if box is None else tuple(box.to_list()),
        face_size=None if box is None else round(box.max_side, 1),
        degradation=degradation,
        frame=sample.frame,
    )


def upright(sample: Sample) -> Image.Image:
    """The pixels of an image, without the metadata that would turn them a second time.

    Raises:
        ImageError: the image cannot be read.
    """
    pixels = ImageFile(sample_picture(sample)).decode()
    pixels.info = {}
    return pixels


def randomness(sample: Sample) -> np.random.Generator:
    """Random numbers of an image's own: the same in every run, whatever the threads and the folder."""
    name = "\0".join((sample.source, sample.group, sample.path.name, str(sample.frame)))
    return np.random.default_rng(list(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()))
