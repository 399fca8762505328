"""The pipeline: image, faces, crops, model, verdict. Every surface of Veraface calls this one."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from veraface.decision import decide_face, decide_image
from veraface.geometry import Box
from veraface.imaging.decode import ImageFile, ImageLimits, ImageSource
from veraface.imaging.lazy import LazyImage
from veraface.models.classifier import ModelCard, OnnxClassifier
from veraface.models.crop import crop_box, crop_face
from veraface.models.retinaface import COARSE_SIDE, FaceDetection, RetinaFaceDetector
from veraface.models.tta import jpeg_view, merge_heatmaps, tta_batch
from veraface.provenance import Level
from veraface.provenance.credentials import CredentialReader
from veraface.provenance.reading import read_provenance
from veraface.results import DetectionResult, FaceResult, Heatmap, Reason, Verdict

MIN_FACE = 40  # px of the longer side of the face box at full size; below, a face is reported, not judged
SMALL_FACE = 80  # px; below, a face is judged, and its size is given as a reason for doubt


class Detector:
    """Judges the faces of images; load it once, use it from any thread.

    Example:
        result = Detector().detect("photo.jpg")
        print(result.verdict, result.p_fake)
    """

    def __init__(
        self,
        model: Path | str | None = None,
        *,
        limits: ImageLimits | None = None,
        threads: int = 0,
        trust_anchors: Path | str | None = None,
    ) -> None:
        """Load the face detector and the classifier.

        Args:
            model: an `.onnx` file with its card beside it; the shipped model if None.
            limits: what an image may cost; see `ImageLimits`.
            threads: CPU threads for one image; 0 lets ONNX Runtime choose.
            trust_anchors: a PEM file of the authorities whose signers of Content Credentials are trusted;
                None trusts nobody.

        Raises:
            ModelError: the model or its card is missing or damaged.
            VerafaceError: the trust anchors cannot be read.
        """
        self._limits = limits or ImageLimits()
        self._credentials = CredentialReader(trust_anchors)
        self._faces = RetinaFaceDetector(threads=threads)
        self._model = OnnxClassifier(model, threads=threads)

    def warm(self) -> None:
        """Run everything once, so that no image waits for what is done at the first time only."""
        self.detect(np.full((64, 64, 3), 127, np.uint8), heatmap=False)
        size = self.card.crop.size
        crop = np.full((size, size, 3), 127, np.uint8)
        self._judge_crop(crop)
        self._model.predict(jpeg_view(crop))  # which not every verdict needs

    def release_memory(self) -> None:
        """Give back what the classifier holds ready for the next image, which will take it again."""
        self._model.release_memory()

    @property
    def limits(self) -> ImageLimits:
        """What an image may cost."""
        return self._limits

    @property
    def card(self) -> ModelCard:
        """The card of the classifier."""
        return self._model.card

    @property
    def model_info(self) -> dict[str, str]:
        """Name, version and sha256 of the classifier."""
        return {"name": self.card.name, "version": self.card.version, "sha256": self.card.sha256}

    def open(self, source: ImageSource) -> LazyImage:
        """Read an image's header, so that its pixels can be used for more than judging it.

        Raises:
            ImageError: it is unsupported, unreadable or too large.
        """
        return LazyImage(ImageFile(source, self._limits))

    def detect(
        self, source: ImageSource | LazyImage, *, heatmap: bool = True, provenance: Level | None = None
    ) -> DetectionResult:
        """Judge one image.

        Args:
            source: a path, the bytes of a file, a binary file object, a PIL image, an RGB uint8 array of
                shape (height, width, 3), or what `open` made of one of these.
            heatmap: keep the map of evidence of each face in the result.
            provenance: also read what the file claims of itself, "quick" or "full"; see `read_provenance`. It
                has no influence on the verdict.

        Raises:
            ImageError: the image is unsupported, unreadable or too large; see `veraface.errors`.
        """
        started = perf_counter()
        pixels = source if isinstance(source, LazyImage) else self.open(source)
        image = pixels.file
        pixels.decode(COARSE_SIDE)
        opened, decode_opened = perf_counter(), pixels.seconds
        faces = self._faces.detect(pixels)
        found, decode_found = perf_counter(), pixels.seconds
        results = self._judge(pixels, faces, heatmap)
        judged = perf_counter()
        verdict, p_fake, reasons = decide_image(results)
        claimed = read_provenance(image, self._credentials, level=provenance) if provenance else None
        stages = {
            "decode": opened - started + pixels.seconds - decode_opened,
            "faces": found - opened - (decode_found - decode_opened),
            "model": judged - found - (pixels.seconds - decode_found),
            "total": perf_counter() - started,
        }
        return DetectionResult(
            verdict=verdict,
            p_fake=p_fake,
            faces=tuple(results),
            reasons=reasons,
            width=image.width,
            height=image.height,
            format=image.format,
            model=self.model_info,
            thresholds={"real": self.card.thresholds.real, "fake": self.card.thresholds.fake},
            timing_ms={stage: 1000 * seconds for stage, seconds in stages.items()},
            provenance=claimed,
        )

    def _judge(self, pixels: LazyImage, faces: Sequence[FaceDetection], heatmap: bool) -> list[FaceResult]:
        """Results for all faces, in their order."""
        judged = [face.box for face in faces if _judgeable(face.box)]
        judgements = map(self._judge_crop, self._crops(pixels, judged))
        results = []
        for face in faces:
            unjudged = FaceResult(face.box, face.landmarks, face.score, None, Verdict.UNCERTAIN)
            size = face.box.max_side
            if not _judgeable(face.box):
                message = f"face only {size:.0f} px across; at least {MIN_FACE} px are needed"
                results.append(replace(unjudged, reasons=(Reason("face_too_small", message),)))
                continue
            p_fake, evidence, verdict, reasons = next(judgements)
            if size < SMALL_FACE:
                reasons += (
                    Reason("small_face", f"face only {size:.0f} px across, so there is less to go by"),
                )
            square = crop_box(face.box, self.card.crop)
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

    def _crops(self, pixels: LazyImage, boxes: Sequence[Box]) -> Iterator[NDArray[np.uint8]]:
        """What the model sees of each face, from a decode with at least as many pixels as it takes."""
        settings = self.card.crop
        smallest = min((crop_box(box, settings).width for box in boxes), default=settings.size)
        image = pixels.decode(pixels.longest_side * settings.size / smallest)
        reduction = max(image.size) / pixels.longest_side
        for box in boxes:
            yield crop_face(image, box.scaled(reduction), settings)

    def _judge_crop(
        self, crop: NDArray[np.uint8]
    ) -> tuple[float, NDArray[np.float32], Verdict, tuple[Reason, ...]]:
        """p_fake, the heatmap grid, the verdict and its reasons.

        One face a call: on two cores, four or more at once take half as long again each, and 64 of them take
        gigabytes (benchmarks/results).
        """
        probability = self.card.calibration.probability
        logits, evidence = self._model.predict(tta_batch(crop))
        p_fake = float(probability(logits.mean()))
        grid = probability(merge_heatmaps(evidence)).astype(np.float32)

        def recompressed() -> float:
            return float(probability(self._model.predict(jpeg_view(crop))[0][0]))

        return p_fake, grid, *decide_face(p_fake, recompressed, self.card.thresholds)


def _judgeable(box: Box) -> bool:
    """Whether a face is large enough, in pixels of the full-size image."""
    return box.max_side >= MIN_FACE
