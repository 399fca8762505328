"""The pipeline: image, faces, crops, classifier, decision. Library, command, server and page all use it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import perf_counter

import numpy as np
from PIL import Image

from veraface.decision import MIN_FACE, decide_face, decide_image, image_range
from veraface.geometry import SAME_FACE, Box, roll
from veraface.imaging.decode import ImageFile, ImageLimits, ImageSource
from veraface.imaging.lazy import LazyImage
from veraface.models.card import ModelCard
from veraface.models.crop import FaceViews, crop_box, level_angle
from veraface.models.obscured import CROP as OBSCURED_CROP
from veraface.models.obscured import ObscuredFaces
from veraface.models.protocols import Classifier, FaceDetection, FaceDetector, FoundFaces
from veraface.models.registry import check_model, load_face_detector, load_model
from veraface.models.reliability import reliability
from veraface.models.tta import classify_face
from veraface.results import DetectionResult, FaceResult, Heatmap, Reason, Verdict
from veraface.utils import available_cores

MAX_FACES = 64  # by default; largest first
MAX_MAX_FACES = 256  # the face detector finds some more
SMALL_FACE = 80  # px; smaller faces are classified, and their size is given as a reason for doubt


class Detector:
    """Detects forged faces in images. Load it once and use it from any thread.

    Example:
        >>> from veraface import Detector
        >>> result = Detector().detect("photo.jpg")
        >>> print(result.verdict, result.p_fake)
    """

    def __init__(
        self,
        model: Classifier | Path | str | None = None,
        *,
        face_detector: FaceDetector | str | None = None,
        limits: ImageLimits | None = None,
        max_faces: int = MAX_FACES,
        threads: int = 0,
        providers: Sequence[str] | None = None,
    ) -> None:
        """Load the face detector and the classifier.

        Args:
            model: a classifier, its name (`veraface.list_models()`), or an `.onnx` file with its model card
                beside it; the default model if None.
            face_detector: a face detector or its name; the default one if None.
            limits: limits on bytes and pixels of an image; see `ImageLimits`.
            max_faces: how many faces of an image are classified, the largest first; 1 to 256. If there are
                more, the image is never real, with the reason `too_many_faces`.
            threads: CPU threads for one image; 0 for all that this process may use. With two or more, all
                views of a face are classified at the same time.
            providers: ONNX Runtime execution providers, best first, such as
                `["CUDAExecutionProvider", "CPUExecutionProvider"]`; the CPU if None. Used for models that are
                loaded here, not for those passed in.

        Raises:
            ModelError: a model is unknown, its files are missing or damaged, or an object lacks members of
                its protocol.
            ValueError: `max_faces` is out of range.
        """
        if not 1 <= max_faces <= MAX_MAX_FACES:
            raise ValueError(f"max_faces must be 1 to {MAX_MAX_FACES}, not {max_faces}")
        self._max_faces = max_faces
        self._limits = limits or ImageLimits()
        if face_detector is None or isinstance(face_detector, str):
            face_detector = load_face_detector(face_detector, threads=threads, providers=providers)
        # The views of a face are classified at the same time: the classifier takes only 1.2 times as long
        # with one thread as with two (benchmarks/results).
        threads = threads or available_cores()
        self._at_once = threads > 1
        if model is None or isinstance(model, Path | str):
            model = load_model(model, threads=max(1, threads // 2), providers=providers)
        self._face_detector: FaceDetector = check_model(face_detector, "face_detector")
        self._classifier: Classifier = check_model(model, "classifier")
        self._obscured = ObscuredFaces(threads=threads, providers=providers)

    def warm_up(self) -> None:
        """Run every code path once, so that the first image is as fast as the next ones."""
        self.detect(np.full((64, 64, 3), 127, np.uint8), heatmap=False)
        gray = Image.new("RGB", (64, 64), (127, 127, 127))
        classify_face(self._classifier, FaceViews(gray, Box(0, 0, 64, 64), self.card.crop))
        size = OBSCURED_CROP.size
        self._obscured.is_obscured(np.full((size, size, 3), 127, np.uint8))

    def release_memory(self) -> None:
        """Release memory that the classifier holds for the next image."""
        release = getattr(self._classifier, "release_memory", None)
        if release is not None:
            release()

    @property
    def limits(self) -> ImageLimits:
        """The limits on bytes and pixels of an image."""
        return self._limits

    @property
    def card(self) -> ModelCard:
        """The model card of the classifier."""
        return self._classifier.card

    @property
    def model_info(self) -> dict[str, str]:
        """Name, version and sha256 of the classifier."""
        return self.card.model_info

    def open(self, source: ImageSource) -> LazyImage:
        """Read the header of an image, so that its pixels can be used for more than one purpose.

        Raises:
            ImageError: the image is unsupported, unreadable or too large.
        """
        return LazyImage(ImageFile(source, self._limits))

    def detect(
        self, source: ImageSource | LazyImage, *, heatmap: bool = True, save_again: bool = True
    ) -> DetectionResult:
        """Detect forged faces in one image.

        Args:
            source: a path, the bytes of a file, a binary file object, a PIL image, an RGB uint8 array of
                shape (height, width, 3), or the return value of `open`.
            heatmap: keep the heatmap of each face in the result.
            save_again: also classify each face as it would be once the image is saved again as JPEG; a
                verdict that this would change is uncertain. Takes as long as another view of the face.

        Raises:
            ImageError: the image is unsupported, unreadable or too large; see `veraface.errors`.
            ModelError: a logit of the classifier is NaN.
        """
        started = perf_counter()
        image = source if isinstance(source, LazyImage) else self.open(source)
        timer = _StageTimer(image, decode=perf_counter() - started)
        with timer.stage("faces"):
            faces = self._face_detector.detect(image)
        with timer.stage("model"):
            results = self._classify_all(image, faces, heatmap, save_again)
        verdict, p_fake, reasons = decide_image(results, list(self._doubts(image, faces)))
        if verdict is Verdict.REAL and isinstance(faces, FoundFaces) and faces.search_fully:
            with timer.stage("faces"):
                everything = faces.search_fully()
            if any(all(face.box.iou(other.box) < SAME_FACE for other in faces) for face in everything):
                with timer.stage("model"):
                    results = self._classify_all(image, everything, heatmap, save_again)
            verdict, p_fake, reasons = decide_image(results, list(self._doubts(image, everything)))
        if image.file.color.problem is not None:
            message = f"the image could not be converted to sRGB: {image.file.color.problem}"
            reasons += (Reason("color_not_converted", message),)
        return DetectionResult(
            verdict=verdict,
            p_fake=p_fake,
            faces=tuple(results),
            reasons=reasons,
            width=image.file.width,
            height=image.file.height,
            format=image.file.format,
            model=self.model_info,
            thresholds=asdict(self.card.thresholds),
            timing_ms={**timer.milliseconds, "total": 1000 * (perf_counter() - started)},
            p_fake_range=image_range(results),
            reliability=reliability(self.card.measured, verdict, results, image.file.format),
        )

    def _classify_all(
        self, image: LazyImage, faces: Sequence[FaceDetection], heatmap: bool, save_again: bool
    ) -> list[FaceResult]:
        """Return the results of all faces, in their order."""
        large_enough = _large_enough(faces)[: self._max_faces]
        views = zip(large_enough, self._views(image, large_enough), strict=True)
        results = {id(face): self._classify(face, *seen, heatmap, save_again) for face, seen in views}
        return [results.get(id(face)) or self._not_classified(face) for face in faces]

    def _doubts(self, image: LazyImage, faces: Sequence[FaceDetection]) -> Iterator[Reason]:
        """Yield the reasons why only a part of the image was checked."""
        if image.file.frames > 1:
            count = image.file.frames
            message = f"only 1 of {count} frames or pages was analyzed; analyze the file as a video for all"
            yield Reason("first_frame_only", message)
        found = len(_large_enough(faces))
        if found > self._max_faces:
            message = (
                f"{found} faces, more than the limit of {self._max_faces}; only the largest were classified"
            )
            yield Reason("too_many_faces", message)
        if isinstance(faces, FoundFaces) and not faces.complete:
            message = "too many parts of the image resemble faces to check them all, so some may be missing"
            yield Reason("search_incomplete", message)

    def _not_classified(self, face: FaceDetection) -> FaceResult:
        """Return the result of a face that was left out: it is too small, or beyond the limit."""
        size = face.box.max_side
        if size < MIN_FACE:
            message = f"face only {size:.0f} px across; at least {MIN_FACE} px are needed"
            return _without_score(face, Reason("face_too_small", message))
        message = f"not classified, because the image has more than {self._max_faces} faces"
        return _without_score(face, Reason("too_many_faces", message))

    def _views(
        self, image: LazyImage, faces: Sequence[FaceDetection]
    ) -> Iterator[tuple[FaceViews, FaceViews]]:
        """Yield the views of each face for the classifier, and with its surroundings.

        They come from a decode with at least as many pixels as the classifier's crop has.
        """
        settings = self.card.crop
        smallest = min((crop_box(face.box, settings).width for face in faces), default=settings.size)
        pixels = image.decode(image.longest_side * settings.size / smallest)
        reduction = max(pixels.size) / image.longest_side
        for face in faces:
            box, lean = face.box.scaled(reduction), roll(face.landmarks)
            yield FaceViews(pixels, box, settings, lean), FaceViews(pixels, box, OBSCURED_CROP, lean)

    def _classify(
        self, face: FaceDetection, views: FaceViews, around: FaceViews, heatmap: bool, save_again: bool
    ) -> FaceResult:
        """Classify and decide one face, unless it is obscured."""
        if self._obscured.is_obscured(around.as_is()):
            message = "the face is covered or blurred, so it was not classified"
            return _without_score(face, Reason("face_obscured", message))
        probability = self.card.calibration.probability
        seen, again = classify_face(self._classifier, views, save_again=save_again, parallel=self._at_once)
        p_fake = saved_again = float(probability(np.array(seen.logit)))
        if again is not None:
            saved_again = float(probability(np.array(again.logit)))
        verdict, reasons = decide_face(p_fake, saved_again, self.card.thresholds)
        size = face.box.max_side
        if size < SMALL_FACE:
            message = f"face only {size:.0f} px across, so there is little detail to classify"
            reasons += (Reason("small_face", message),)
        grid = probability(seen.heatmap).astype(np.float32)
        grid = grid[:, ::-1] if views.mirrored else grid
        square = crop_box(face.box, self.card.crop)
        return FaceResult(
            box=face.box,
            landmarks=face.landmarks,
            detection_score=face.score,
            p_fake=p_fake,
            verdict=verdict,
            reasons=reasons,
            heatmap=Heatmap(square, grid, level_angle(roll(face.landmarks))) if heatmap else None,
            p_fake_range=(min(p_fake, saved_again), max(p_fake, saved_again)),
        )


def _large_enough(faces: Sequence[FaceDetection]) -> list[FaceDetection]:
    return [face for face in faces if face.box.max_side >= MIN_FACE]


def _without_score(face: FaceDetection, reason: Reason) -> FaceResult:
    return FaceResult(face.box, face.landmarks, face.score, None, Verdict.UNCERTAIN, (reason,))


class _StageTimer:
    """Measures stages; decoding inside a stage counts as decoding."""

    def __init__(self, image: LazyImage, decode: float) -> None:
        self._image = image
        self._seconds = {"decode": decode}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started, decoding = perf_counter(), self._image.seconds
        yield
        decoding = self._image.seconds - decoding
        self._seconds[name] = self._seconds.get(name, 0.0) + perf_counter() - started - decoding
        self._seconds["decode"] += decoding

    @property
    def milliseconds(self) -> dict[str, float]:
        return {name: 1000 * seconds for name, seconds in self._seconds.items()}
