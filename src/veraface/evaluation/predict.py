"""Predictions on labeled images, through the same pipeline that users get."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from veraface.datasets.frames import sample_image
from veraface.datasets.progress import in_parallel
from veraface.datasets.samples import Sample
from veraface.detector import Detector
from veraface.errors import ImageError
from veraface.imaging.decode import ImageFile, ImageSource
from veraface.results import Verdict

CLEAN = "clean"  # name of images without a degradation


@dataclass(frozen=True)
class Prediction:
    """The prediction of one labeled image; a line of `pictures.jsonl`.

    Attributes:
        path: of the image or video, relative to the data's folder; never absolute.
        fake: the label.
        source: data set the image came from.
        group: person, video or base photo.
        verdict: None for an error.
        p_fake: None if no face was classified.
        error: message; "" for none.
        generator: what made the face; "" if unknown.
        box: of the face with this p_fake: x, y, width, height, px.
        face_size: longer side of that box, px of the full-size image.
        degradation: applied before detection.
        frame: position in a video, 0 to 1; None for an image file.
    """

    path: str
    fake: bool
    source: str
    group: str
    verdict: Verdict | None
    p_fake: float | None
    error: str = ""
    generator: str = ""
    box: tuple[float, ...] | None = None
    face_size: float | None = None
    degradation: str = CLEAN
    frame: float | None = None

    @property
    def outcome(self) -> str:
        """The verdict's name, or "error"."""
        return "error" if self.verdict is None else self.verdict.value


@dataclass(frozen=True)
class Degradation:
    """A degradation applied to images before detection.

    Attributes:
        name: as predictions name it.
        apply: from an upright RGB image to an RGB image.
    """

    name: str
    apply: Callable[[Image.Image, np.random.Generator], Image.Image]


def predict(
    detector: Detector,
    samples: Sequence[Sample],
    degradation: Degradation | None = None,
    *,
    root: Path | None = None,
    title: str = "Detecting",
) -> list[Prediction]:
    """Run the detector on every image.

    Args:
        detector: load it with `threads=1`, as images are processed in parallel.
        samples: the labeled images.
        degradation: applied to each image first; None passes the files themselves.
        root: folder of the data, to name images by their path relative to it; else by their file name.
        title: of the progress bar.

    Returns:
        One prediction per image, in their order; one that cannot be read or degraded has an error.
    """

    def one(sample: Sample) -> Prediction:
        def image() -> ImageSource:
            if degradation is None:
                return sample_image(sample)
            return degradation.apply(decode_upright(sample), random_generator(sample))

        return predict_image(detector, sample, image, degradation.name if degradation else CLEAN, root)

    return in_parallel(one, samples, title)


def predict_image(
    detector: Detector,
    sample: Sample,
    image: Callable[[], ImageSource],
    degradation: str = CLEAN,
    root: Path | None = None,
) -> Prediction:
    """Run the detector on what `image` returns, labeled as a sample."""
    path = sample.path.name
    if root is not None and sample.path.is_relative_to(root):
        path = sample.path.relative_to(root).as_posix()
    verdict: Verdict | None = None
    p_fake, box, error = None, None, ""
    try:
        result = detector.detect(image(), heatmap=False)
        verdict, p_fake = result.verdict, result.p_fake
        # An image's p_fake is the maximum over its faces.
        box = next((face.box for face in result.faces if p_fake is not None and face.p_fake == p_fake), None)
    except ImageError as failure:
        error = str(failure)
    except (OSError, ValueError) as failure:  # an encoder that does not support an image of this size
        error = f"cannot be degraded: {failure}"
    return Prediction(
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


def decode_upright(sample: Sample) -> Image.Image:
    """Decode an image without its metadata, whose orientation would be applied a second time.

    Raises:
        ImageError: the image cannot be read.
    """
    pixels = ImageFile(sample_image(sample)).decode()
    pixels.info = {}
    return pixels


def random_generator(sample: Sample) -> np.random.Generator:
    """Return a generator seeded by the sample's name, independent of threads, order and folder."""
    name = "\0".join((sample.source, sample.group, sample.path.name, str(sample.frame)))
    return np.random.default_rng(list(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()))
