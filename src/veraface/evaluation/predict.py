"""Predictions on labeled images, through the same pipeline that users get."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from veraface.datasets.attacks import attack_kind
from veraface.datasets.frames import sample_image
from veraface.datasets.progress import in_parallel
from veraface.datasets.samples import Sample
from veraface.datasets.synthesis.self_blending import self_blend
from veraface.datasets.validation import box_problem
from veraface.detector import Detector
from veraface.errors import ImageError
from veraface.imaging.decode import ImageFile, ImageSource
from veraface.models.reliability import face_size_band
from veraface.results import Verdict

CLEAN = "clean"  # name of images without a degradation
SELF_BLENDED = "self-blended"


@dataclass(frozen=True)
class Prediction:
    """The prediction of one labeled image; a line of `images.jsonl`."""

    path: str  # of the image or video, relative to the data's folder; never absolute
    fake: bool  # the label
    source: str  # data set the image came from
    group: str  # person, video or base photo
    verdict: Verdict | None  # None for an error
    p_fake: float | None  # None if no face was classified
    error: str = ""  # message; "" for none
    generator: str = ""  # what made the face; "" if unknown
    box: tuple[float, ...] | None = None  # of the face with this p_fake: x, y, width, height, px
    face_size: float | None = None  # longer side of that box, px of the full-size image
    degradation: str = CLEAN  # applied before detection
    frame: float | None = None  # position in a video, 0 to 1; None for an image file
    attack: str = ""  # kind of attack; "" for reals
    format: str = ""  # of the file, such as JPEG; "" if it was decoded or degraded before detection

    @property
    def outcome(self) -> str:
        """The verdict's name, or "error"."""
        return "error" if self.verdict is None else self.verdict.value

    @property
    def face_band(self) -> str | None:
        """The band of face sizes; None without a classified face."""
        return None if self.face_size is None else face_size_band(self.face_size)


def grouped(
    predictions: Iterable[Prediction], name_of: Callable[[Prediction], str | None]
) -> dict[str, list[Prediction]]:
    """Return predictions by a name of theirs, without those that have none."""
    groups: dict[str, list[Prediction]] = {}
    for prediction in predictions:
        if (name := name_of(prediction)) is not None:
            groups.setdefault(name, []).append(prediction)
    return groups


@dataclass(frozen=True)
class Degradation:
    """A named degradation applied to upright RGB images before detection."""

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
    """Return a prediction per image, in their order; one that cannot be read or degraded has an error.

    Args:
        detector: loaded with `threads=1`, as images are processed in parallel.
        samples: the labeled images.
        degradation: applied to the decoded images; if None, the detector reads the files themselves.
        root: folder of the data, to which the paths of predictions are relative; file names if None.
        title: of the progress bar.
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
    verdict, p_fake, box, error, file_format = None, None, None, "", ""
    try:
        result = detector.detect(image(), heatmap=False)
        verdict, p_fake = result.verdict, result.p_fake
        file_format = "" if result.format == "pixels" else result.format
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
        attack=(sample.attack or attack_kind(sample.generator, sample.source)) if sample.fake else "",
        format=file_format,
    )


def predict_self_blended(
    detector: Detector, samples: Sequence[Sample], *, root: Path | None = None
) -> list[Prediction]:
    """Return predictions on a self-blended fake of every real image; errors without a face to blend.

    They share camera, compression and framing with their reals, so that only the face can reveal them; see
    `self_blending.py`. The detector also finds the largest face of samples without a box.
    """

    def one(sample: Sample) -> Prediction:
        def image() -> Image.Image:
            pixels = decode_upright(sample)
            box = sample.box
            if box is None:
                faces = detector.detect(pixels, heatmap=False).faces
                if not faces:
                    raise ImageError("no face to blend was found")
                box = faces[0].box
            elif problem := box_problem(box, pixels.width, pixels.height):
                raise ImageError(problem)  # blending outside the image would change nothing
            # The reals are the images themselves, so that only the face may reveal a fake.
            fake, _ = self_blend(pixels, box, random_generator(sample), keep_target=True)
            return fake

        fake = replace(sample, fake=True, generator=SELF_BLENDED)
        return predict_image(detector, fake, image, SELF_BLENDED, root)

    return in_parallel(one, [sample for sample in samples if not sample.fake], "Detecting self-blended fakes")


def decode_upright(sample: Sample) -> Image.Image:
    """Decode an image without its metadata, whose orientation would be applied a second time."""
    pixels = ImageFile(sample_image(sample)).decode()
    pixels.info = {}
    return pixels


def random_generator(sample: Sample) -> np.random.Generator:
    """Return a generator seeded by the sample's name, independent of threads, order and folder."""
    name = "\0".join((sample.source, sample.group, sample.path.name, str(sample.frame)))
    return np.random.default_rng(list(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()))
