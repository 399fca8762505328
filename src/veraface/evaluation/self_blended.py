"""Fakes made from the reals of the data itself: nothing but the seam of a swap tells them apart.

No generator, no camera, no compression of its own: what a detector finds here, it finds in the face. Shiohara
and Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR 2022.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from veraface.datasets.manifest import Sample
from veraface.datasets.progress import in_parallel
from veraface.datasets.synthesis.self_blending import self_blend
from veraface.datasets.validation import misplaced
from veraface.detector import Detector
from veraface.errors import ImageError
from veraface.evaluation.aggregate import figures
from veraface.evaluation.bootstrap import BootstrapSamples
from veraface.evaluation.predict import Judged, predict_image, randomness, upright

NAME = "self-blended"


def judge_self_blended(
    detector: Detector, samples: Sequence[Sample], *, root: Path | None = None
) -> list[Judged]:
    """Make one fake of every real image and judge it like the rest.

    Args:
        detector: to judge with, and to find the largest face where the manifest gives no box.
        samples: of both classes; fakes are left out.
        root: folder of the data, as in `judge`.

    Returns:
        A judgement for each real image, in their order; no_face where there was nothing to blend.
    """

    def one(sample: Sample) -> Judged:
        def image() -> Image.Image:
            pixels = upright(sample)
            box = sample.box
            if box is None:
                faces = detector.detect(pixels, heatmap=False).faces
                if not faces:
                    raise ImageError("no face to blend was found")
                box = faces[0].box
            elif problem := misplaced(box, pixels.width, pixels.height):
                raise ImageError(problem)  # blending beside the face would leave it as it is
            return self_blend(pixels, box, randomness(sample))

        fake = replace(sample, fake=True, generator=NAME)
        return predict_image(detector, fake, image, NAME, root)

    return in_parallel(one, [sample for sample in samples if not sample.fake], "Judging self-blended fakes")


def self_blended_block(
    clean: Sequence[Judged], blended: Sequence[Judged], draws: BootstrapSamples
) -> dict[str, Any]:
    """Figures of self-blended fakes against the reals they were made from; overall and by source."""
    reals = [p for p in clean if not p.fake]
    # A real that could not be judged has no part in the comparison, nor has a fake that could not be made.
    pairs = [(real, fake) for real, fake in zip(reals, blended, strict=True) if fake.verdict is not None]
    images = [image for pair in pairs for image in pair]

    def row(source: str, own: Sequence[Judged]) -> dict[str, Any]:
        return {"source": source, **figures(own, draws)}

    return {
        "not_made": len(reals) - len(pairs),
        **row(NAME, images),
        "rows": [row(s, [p for p in images if p.source == s]) for s in sorted({p.source for p in images})],
    }
