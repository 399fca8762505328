"""Run face detectors on labeled images; count found faces, false ones and processor time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from time import process_time

from face_sets import Chip, Sample, jpeg
from face_views import VIEWS, View, rotated
from PIL import Image

from veraface.geometry import Box
from veraface.imaging.decode import ImageFile
from veraface.imaging.lazy import LazyImage
from veraface.models import FaceDetection, FaceDetector

MIN_IOU = 0.4  # with the true box, from which a face counts as found
MAX_ROLL_ERROR = 20  # degrees, up to which landmarks count as right
BINS = (0, 16, 24, 40, 64, 100, 200, 400, 10**6)  # longer side of a face box, px
FACE_SIDE = 40  # px; faces from this size on are also counted together
ANGLES = (90, 180, 270)  # degrees, by which whole photos are rotated


class TimedImage(LazyImage):
    """An image that counts the processor time of its decoding, in `milliseconds`."""

    milliseconds = 0.0

    def decode(self, side: float) -> Image.Image:
        """Decode as `LazyImage` does."""
        started = process_time()
        try:
            return super().decode(side)
        finally:
            self.milliseconds += 1000 * (process_time() - started)


@dataclass
class Tally:
    """What one detector did on one set; keys are groups of images or of faces.

    Attributes:
        found: for each true face, whether it was found.
        overlaps: IoU of each found face with its true box.
        ratios: size of each found face over its true size.
        rolls: for each found face, whether the landmarks have the true roll.
        false: number of detections without a true face.
        further: number of detections beside a true face, in a region where others may be visible.
        detecting: milliseconds of processor time for each image, without decoding.
        decoding: milliseconds of processor time for each image.
        false_images: images with false detections and the highest score among these.
    """

    found: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    overlaps: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    ratios: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    rolls: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    false: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    further: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    detecting: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    decoding: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    false_images: list[str] = field(default_factory=list)

    def detect(self, detector: FaceDetector, data: bytes, *groups: str) -> list[FaceDetection]:
        """Detect faces in an encoded image; count the processor time in each group."""
        image = TimedImage(ImageFile(data))
        started = process_time()
        faces = detector.detect(image)
        total = 1000 * (process_time() - started)
        for group in groups:
            self.detecting[group].append(total - image.milliseconds)
            self.decoding[group].append(image.milliseconds)
        return faces


Detectors = Mapping[str, FaceDetector]
Tallies = Mapping[str, Tally]  # by the detector's name


def measure_chips(detectors: Detectors, tallies: Tallies, pool: Sequence[Chip]) -> None:
    """Detect one labeled face in each chip and in changed copies of it."""
    for chip in pool:
        data = chip.path.read_bytes()
        with Image.open(BytesIO(data)) as opened:
            image = opened.convert("RGB")
        upright: dict[str, FaceDetection] = {}
        for title, change in VIEWS.items():
            view = change(image, chip.box)
            encoded = data if title == "upright" else jpeg(view.image)
            for name, detector in detectors.items():
                faces = tallies[name].detect(detector, encoded, title)
                face = _count_chip(tallies[name], faces, view, chip, title)
                if title == "upright" and face:
                    upright[name] = face
                if face and name in upright:
                    error = view.roll_error(face.landmarks, upright[name].landmarks)
                    tallies[name].rolls[title].append(error <= MAX_ROLL_ERROR)


def _count_chip(
    tally: Tally, faces: list[FaceDetection], view: View, chip: Chip, title: str
) -> FaceDetection | None:
    """Count the detections in one view of a chip; return the one that matches its face, if any."""
    truth = view.box(chip.box)

    def overlap(box: Box) -> float:  # a cut face counts as found by its visible part, too
        return max(box.iou(truth), box.iou(view.visible) if view.visible else 0.0)

    best = max(faces, key=lambda face: overlap(face.box), default=None)
    found = best is not None and overlap(best.box) >= MIN_IOU
    tally.found[title].append(found)
    if title == "upright":
        tally.found[chip.source].append(found)
    tally.further[title] += len(faces) - found
    if best is None or not found:
        return None
    tally.overlaps[title].append(overlap(best.box))
    tally.ratios[title].append((best.box.area / truth.area) ** 0.5)
    return best


def measure_photos(detectors: Detectors, tallies: Tallies, files: Sequence[Path]) -> None:
    """Detect faces in whole photos, and those found upright again in the rotated photo."""
    for path in files:
        data = path.read_bytes()
        image = ImageFile(data).decode()
        views = {title: rotated(image, angle) for title, angle in rotations().items()}
        encoded = {title: jpeg(view.image) for title, view in views.items()}
        for name, detector in detectors.items():
            tally = tallies[name]
            upright = tally.detect(detector, data, "upright")
            tally.found["upright"].append(bool(upright))
            tally.further["upright"] += max(0, len(upright) - 1)
            for title, view in views.items():
                truth = [view.box(face.box) for face in upright]
                faces = tally.detect(detector, encoded[title], title)
                matched = match(faces, truth)
                tally.found[title] += [index in matched for index in range(len(truth))]
                tally.further[title] += len(faces) - len(matched)


def rotations() -> dict[str, int]:
    """Return the angles by which photos are rotated, by the title of the view."""
    return {f"rotated by {angle}°": angle for angle in ANGLES}


def measure_samples(detectors: Detectors, tallies: Tallies, samples: Iterable[Sample]) -> None:
    """Detect the faces of labeled images; count detections that are none of them."""
    for sample in samples:
        groups = [*sample.kinds, "all"]
        for name, detector in detectors.items():
            tally = tallies[name]
            faces = tally.detect(detector, sample.data, *groups)
            matched = match(faces, sample.faces)
            used = {detection for detection, _ in matched.values()}
            others = [face for index, face in enumerate(faces) if index not in used]
            false = [face for face in others if not any(_centered_in(face.box, r) for r in sample.ignored)]
            for group in groups:
                tally.false[group] += len(false)
                tally.further[group] += len(others) - len(false)
            if false:
                score = max(face.score for face in false)
                tally.false_images.append(f"{sample.name} ({len(false)}, {score:.2f})")
            for index, box in enumerate(sample.faces):
                for group in _face_groups(sample, index, box):
                    tally.found[group].append(index in matched)
            tally.overlaps["all"] += [overlap for _, overlap in matched.values()]


def _face_groups(sample: Sample, index: int, box: Box) -> list[str]:
    """Return the groups that a face is counted in."""
    groups = [size_bin(box.max_side)]
    if box.max_side >= FACE_SIDE:
        groups.append(f"{FACE_SIDE} px and more")
    groups += [f"{kind}, {group}" for kind in sample.kinds for group in list(groups)]
    groups += [f"clear, {group}" for group in groups] if sample.clear and sample.clear[index] else []
    return groups


def size_bin(side: float) -> str:
    """Return the bin of a face's size."""
    low = max(bound for bound in BINS if bound <= side)
    high = BINS[BINS.index(low) + 1]
    return f"over {low} px" if high == BINS[-1] else f"{low} to {high} px"


def match(faces: Sequence[FaceDetection], truth: Sequence[Box]) -> dict[int, tuple[int, float]]:
    """Assign detections to true boxes one to one, highest IoU first.

    Returns:
        For the index of each box that was found, the index of its detection and the IoU.
    """
    pairs = [(face.box.iou(box), d, t) for d, face in enumerate(faces) for t, box in enumerate(truth)]
    matched: dict[int, tuple[int, float]] = {}
    used: set[int] = set()
    for overlap, detection, index in sorted(pairs, reverse=True):
        if overlap >= MIN_IOU and detection not in used and index not in matched:
            matched[index] = (detection, overlap)
            used.add(detection)
    return matched


def _centered_in(box: Box, region: Box) -> bool:
    x, y = box.x + box.width / 2 - region.x, box.y + box.height / 2 - region.y
    return 0 <= x <= region.width and 0 <= y <= region.height
