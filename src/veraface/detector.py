"""The pipeline: picture, faces, crops, model, verdict. Every surface of Veraface calls this one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.crop import crop_face, crop_square
from veraface.faces import Face, FaceDetector
from veraface.image import ImageLimits, ImageSource, Picture
from veraface.model import Model, ModelCard
from veraface.verdict import DetectionResult, FaceResult, Heatmap, Reason, Verdict, judge_face, judge_picture
from veraface.views import VIEWS, face_views, join_evidence, join_logits

MIN_FACE = 40  # px of the longer side of the face box at full size; below, a face is reported, not judged
SMALL_FACE = 80  # px; below, a face is judged, and its size is given as a reason for doubt


class Detector:
    """Judges the faces of pictures; load it once, use it from any thread.

    Example:
        result = Detector().detect("photo.jpg")
        print(result.verdict, result.p_fake)
    """

    def __init__(
        self, model: Path | str | None = None, *, limits: ImageLimits | None = None, threads: int = 0
    ) -> None:
        """Load the face detector and the classifier.

        Args:
            model: an `.onnx` file with its card beside it; the shipped model if None.
            limits: what a picture may cost; see `ImageLimits`.
            threads: CPU threads for one picture; 0 lets ONNX Runtime choose.

        Raises:
            ModelError: the model or its card is missing or damaged.
        """
        self._limits = limits or ImageLimits()
        self._faces = FaceDetector(threads=threads)
        self._model = Model(model, threads=threads)

    def warm(self) -> None:
        """Run everything once, so that no picture waits for what is done at the first time only."""
        self.detect(np.full((64, 64, 3), 127, np.uint8), heatmap=False)
        size = self.card.crop.size
        self._judge_crops([np.full((size, size, 3), 127, np.uint8)])

    @property
    def card(self) -> ModelCard:
        """The card of the classifier."""
        return self._model.card

    @property
    def model_info(self) -> dict[str, str]:
        """Name, version and sha256 of the classifier."""
        return {"name": self.card.name, "version": self.card.version, "sha256": self.card.sha256}

    def detect(self, source: ImageSource, *, heatmap: bool = True) -> DetectionResult:
        """Judge one picture.

        Args:
            source: a path, the bytes of a file, a binary file object, a PIL image, or an RGB uint8 array of
                shape (height, width, 3).
            heatmap: keep the map of evidence of each face in the result.

        Raises:
            ImageError: the picture is unsupported, unreadable or too large; see `veraface.errors`.
        """
        started = perf_counter()
        picture = Picture(source, self._limits)
        pixels = picture.pixels(at_least=FaceDetector.sufficient_side())
        decoded = perf_counter()
        faces = self._faces.find(pixels)
        found = perf_counter()
        pixels, faces = self._sharpen(picture, pixels, faces)
        sharpened = perf_counter()
        results = self._judge(picture, pixels, faces, heatmap)
        judged = perf_counter()
        verdict, p_fake, reasons = judge_picture(results)
        decode = decoded - started + sharpened - found
        stages = {
            "decode": decode,
            "faces": found - decoded,
            "model": judged - sharpened,
            "total": judged - started,
        }
        return DetectionResult(
            verdict=verdict,
            p_fake=p_fake,
            faces=tuple(results),
            reasons=reasons,
            width=picture.width,
            height=picture.height,
            format=picture.format,
            model=self.model_info,
            thresholds={"real": self.card.thresholds.real, "fake": self.card.thresholds.fake},
            timing_ms={stage: 1000 * seconds for stage, seconds in stages.items()},
        )

    def _sharpen(
        self, picture: Picture, pixels: Image.Image, faces: list[Face]
    ) -> tuple[Image.Image, list[Face]]:
        """Decode again, larger, where a reduced decode left fewer pixels of a face than the model takes.

        Returns the pixels and the same faces with boxes in them.
        """
        reduction = picture.longest_side / max(pixels.size)
        judged = [face for face in faces if _judgeable(face, reduction)]
        if reduction == 1.0 or not judged:
            return pixels, faces
        smallest = min(crop_square(face.box, self.card.crop).width for face in judged)
        if smallest >= self.card.crop.size:
            return pixels, faces
        larger = picture.pixels(at_least=max(pixels.size) * self.card.crop.size / smallest)
        factor = max(larger.size) / max(pixels.size)
        return larger, [_scaled(face, factor) for face in faces]

    def _judge(
        self, picture: Picture, pixels: Image.Image, faces: Sequence[Face], heatmap: bool
    ) -> list[FaceResult]:
        """Results for all faces, in their order, from one call of the model."""
        to_full_size = picture.longest_side / max(pixels.size)
        crops = [crop_face(pixels, f.box, self.card.crop) for f in faces if _judgeable(f, to_full_size)]
        judgements = iter(self._judge_crops(crops))
        results = []
        for face in faces:
            full = _scaled(face, to_full_size)
            unjudged = FaceResult(full.box, full.landmarks, face.score, None, Verdict.UNCERTAIN)
            size = full.box.longer_side
            if not _judgeable(face, to_full_size):
                message = f"face only {size:.0f} px across; at least {MIN_FACE} px are needed"
                results.append(replace(unjudged, reasons=(Reason("face_too_small", message),)))
                continue
            p_fake, p_fake_recompressed, evidence = next(judgements)
            verdict, reasons = judge_face(p_fake, p_fake_recompressed, self.card.thresholds)
            if size < SMALL_FACE:
                reasons += (
                    Reason("small_face", f"face only {size:.0f} px across, so there is less to go by"),
                )
            square = crop_square(full.box, self.card.crop)
            results.append(
                replace(
                    unjudged,
                    p_fake=p_fake,
                    verdict=verdict,
                    reasons=reasons,
                    heatmap=Heatmap(square, evidence) if heatmap else None,
                )
            )
        return results

    def _judge_crops(
        self, crops: Sequence[NDArray[np.uint8]]
    ) -> list[tuple[float, float, NDArray[np.float32]]]:
        """p_fake, p_fake of the recompressed view, and the heatmap grid of each crop."""
        if not crops:
            return []
        logits, evidence = self._model.run(np.stack([view for crop in crops for view in face_views(crop)]))
        p_fake = self.card.calibration.probability(join_logits(logits.reshape(-1, VIEWS)))
        joined = join_evidence(evidence.reshape(-1, VIEWS, *evidence.shape[1:]))
        grids = self.card.calibration.probability(joined).astype(np.float32)
        return [(float(a), float(b), grid) for (a, b), grid in zip(p_fake, grids, strict=True)]


def _judgeable(face: Face, to_full_size: float) -> bool:
    """Whether a face is large enough; `to_full_size` leads from its picture to the full-size one."""
    return face.box.longer_side * to_full_size >= MIN_FACE


def _scaled(face: Face, factor: float) -> Face:
    """The same face in a picture whose sides are `factor` times as long."""
    points = tuple((x * factor, y * factor) for x, y in face.landmarks)
    return Face(face.box.scaled(factor), points, face.score)
