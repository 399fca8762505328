"""Self-blended fakes of the data's own reals, which differ from them in the blending seam alone.

They share camera, compression and framing with their reals, so that only the face can reveal them. Shiohara
and Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR 2022.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from veraface.datasets.progress import in_parallel
from veraface.datasets.samples import Sample
from veraface.datasets.synthesis.self_blending import self_blend
from veraface.datasets.validation import box_problem
from veraface.detector import Detector
from veraface.errors import ImageError
from veraface.evaluation.aggregate import compute_metrics
from veraface.evaluation.bootstrap import BootstrapSamples
from veraface.evaluation.predict import Prediction, decode_upright, predict_image, random_generator

NAME = "self-blended"


def predict_self_blended(
    detector: Detector, samples: Sequence[Sample], *, root: Path | None = None
) -> list[Prediction]:
    """Synthesize one fake of every real image and run the detector on it.

    Args:
        detector: also finds the largest face of samples without a box.
        samples: of both classes; fakes are ignored.
        root: folder of the data, as in `predict`.

    Returns:
        A prediction for each real image, in their order; an error if there was no face to blend.
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
            return self_blend(pixels, box, random_generator(sample))

        fake = replace(sample, fake=True, generator=NAME)
        return predict_image(detector, fake, image, NAME, root)

    return in_parallel(one, [sample for sample in samples if not sample.fake], "Detecting self-blended fakes")


def self_blended_block(
    clean: Sequence[Prediction], blended: Sequence[Prediction], bootstrap: BootstrapSamples
) -> dict[str, Any]:
    """Compute metrics of self-blended fakes against the reals they were made from; overall and by source."""
    reals = [p for p in clean if not p.fake]
    # Pairs of which one could not be read or synthesized are excluded.
    pairs = [(real, fake) for real, fake in zip(reals, blended, strict=True) if fake.verdict is not None]
    images = [image for pair in pairs for image in pair]

    def row(source: str, own: Sequence[Prediction]) -> dict[str, Any]:
        return {"source": source, **compute_metrics(own, bootstrap)}

    return {
        "not_made": len(reals) - len(pairs),
        **row(NAME, images),
        "rows": [row(s, [p for p in images if p.source == s]) for s in sorted({p.source for p in images})],
    }
