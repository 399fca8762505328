"""The face detector: recall, positions, and no false positives."""

from concurrent.futures import ThreadPoolExecutor
from csv import DictReader
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from skimage import data as samples

from tests.sample_images import cat, encode, noise, portrait
from veraface.geometry import Box
from veraface.imaging.decode import ImageFile
from veraface.imaging.lazy import LazyImage
from veraface.models.protocols import FaceDetection
from veraface.models.retinaface import MAX_FACES, MIN_SCORE, RetinaFaceDetector

FACE = Box(175, 63, 93, 130)  # of the portrait, drawn by hand: hairline to chin, cheek to cheek
HEAD = portrait().crop((130, 20, 310, 230))  # the face with its surroundings, to paste elsewhere
FACE_IN_HEAD = Box(FACE.x - 130, FACE.y - 20, FACE.width, FACE.height)


@pytest.fixture(scope="module")
def detector() -> RetinaFaceDetector:
    return RetinaFaceDetector(threads=1)


def iou(one: Box, other: Box) -> float:
    """Return the intersection over union."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one.area + other.area - shared)


def place(canvas: Image.Image, x: int, y: int, face_height: float) -> Box:
    """Paste the portrait's head; return the box of its face."""
    factor = face_height / FACE.height
    size = (round(HEAD.width * factor), round(HEAD.height * factor))
    canvas.paste(HEAD.resize(size, Image.Resampling.LANCZOS), (x, y))
    face = FACE_IN_HEAD.scaled(factor)
    return Box(x + face.x, y + face.y, face.width, face.height)


def background(width: int, height: int) -> Image.Image:
    """Return a photo of a cup of coffee in any size."""
    return Image.fromarray(samples.coffee()).resize((width, height))


def only(faces: list[FaceDetection]) -> FaceDetection:
    assert len(faces) == 1
    return faces[0]


def test_a_face_has_a_box_landmarks_and_a_score(detector: RetinaFaceDetector) -> None:
    face = only(detector.detect(portrait()))
    assert iou(face.box, FACE) > 0.7
    assert MIN_SCORE <= face.score <= 1
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    for x, y in face.landmarks:
        assert face.box.x < x < face.box.x + face.box.width
        assert face.box.y < y < face.box.y + face.box.height


@pytest.mark.parametrize(
    ("size", "face_height"),
    [
        ((640, 480), 24),
        ((640, 480), 60),
        ((640, 480), 400),
        ((2048, 1536), 60),
        ((2048, 1536), 300),
        ((4032, 3024), 100),
        ((4032, 3024), 700),
        ((4032, 3024), 2000),
    ],
    ids=str,
)
def test_faces_of_many_sizes_are_detected(
    detector: RetinaFaceDetector, size: tuple[int, int], face_height: int
) -> None:
    canvas = background(*size)
    truth = place(canvas, size[0] // 8, size[1] // 20, face_height)
    assert iou(only(detector.detect(canvas)).box, truth) > 0.5


def test_faces_are_sorted_by_size(detector: RetinaFaceDetector) -> None:
    canvas = background(1200, 800)
    truths = [place(canvas, 20, 300, 80), place(canvas, 400, 60, 320), place(canvas, 950, 200, 150)]
    faces = detector.detect(canvas)
    assert [round(face.box.area) for face in faces] == sorted(
        (round(f.box.area) for f in faces), reverse=True
    )
    assert len(faces) == 3
    for face, truth in zip(faces, sorted(truths, key=lambda box: -box.area), strict=True):
        assert iou(face.box, truth) > 0.5


@pytest.mark.parametrize("x", range(1860, 2220, 70))
def test_a_small_face_at_the_border_of_tiles_is_detected_once(detector: RetinaFaceDetector, x: int) -> None:
    # Large images are processed in tiles, which meet here.
    canvas = background(4032, 3024)
    truth = place(canvas, x, 1400, 130)
    assert iou(only(detector.detect(canvas)).box, truth) > 0.5


def test_small_faces_beside_a_large_one_are_detected(detector: RetinaFaceDetector) -> None:
    canvas = background(2000, 1400)
    truths = [place(canvas, 100, 50, 700), place(canvas, 1500, 200, 90), place(canvas, 1500, 900, 90)]
    faces = detector.detect(canvas)
    assert len(faces) == 3
    assert all(max(iou(face.box, truth) for face in faces) > 0.5 for truth in truths)


def test_larger_scales_do_not_report_parts_of_a_large_face(detector: RetinaFaceDetector) -> None:
    canvas = background(4032, 3024)
    # The middle one triggers the second scale, the small one the third.
    truths = [place(canvas, 0, 0, 1800), place(canvas, 3500, 100, 260), place(canvas, 3500, 1500, 140)]
    faces = detector.detect(canvas)
    assert len(faces) == 3
    assert all(iou(face.box, truth) > 0.5 for face, truth in zip(faces, truths, strict=True))


def test_at_most_64_faces_are_reported(detector: RetinaFaceDetector) -> None:
    canvas = background(2000, 1700)
    for row in range(7):
        for column in range(10):
            place(canvas, 200 * column, 240 * row, 110)
    assert len(detector.detect(canvas)) == MAX_FACES == 64


@pytest.mark.parametrize("part", [1.0, 0.8])
def test_a_face_that_fills_the_image_is_detected(detector: RetinaFaceDetector, part: float) -> None:
    center_x, center_y = FACE.x + FACE.width / 2, FACE.y + FACE.height / 2
    half_width, half_height = part * FACE.width / 2, part * FACE.height / 2
    crop = portrait().crop(
        (
            round(center_x - half_width),
            round(center_y - half_height),
            round(center_x + half_width),
            round(center_y + half_height),
        )
    )
    for factor in (1, 3):
        enlarged = crop.resize((crop.width * factor, crop.height * factor), Image.Resampling.BICUBIC)
        face = only(detector.detect(enlarged))
        assert face.box.width > 0.7 * enlarged.width


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(cat(), id="cat"),
        pytest.param(background(600, 400), id="coffee"),
        pytest.param(Image.fromarray(samples.rocket()), id="rocket"),
        pytest.param(Image.fromarray(samples.brick()).convert("RGB"), id="brick"),
        pytest.param(Image.fromarray(samples.grass()).convert("RGB"), id="grass"),
        pytest.param(Image.fromarray(samples.page()).convert("RGB"), id="page of text"),
        pytest.param(Image.fromarray(samples.colorwheel()), id="color wheel"),
        pytest.param(Image.fromarray(samples.cell()).convert("RGB"), id="cell"),
        pytest.param(Image.fromarray(samples.coins()).convert("RGB"), id="coins"),
        pytest.param(noise(300, 300), id="noise"),
        pytest.param(noise(40, 40).resize((600, 600), Image.Resampling.BICUBIC), id="clouds"),
        pytest.param(Image.new("RGB", (600, 400), "white"), id="white"),
        pytest.param(Image.new("RGB", (1600, 900), "black"), id="black"),
        pytest.param(portrait().crop((0, 240, 512, 512)), id="body without a head"),
    ],
)
def test_images_without_a_face_have_no_detections(detector: RetinaFaceDetector, image: Image.Image) -> None:
    assert detector.detect(image) == []


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 5000), (5000, 1), (20_000, 3)], ids=str)
def test_extreme_shapes_have_no_detections(detector: RetinaFaceDetector, size: tuple[int, int]) -> None:
    assert detector.detect(Image.new("RGB", size, (200, 150, 120))) == []


def test_a_face_in_a_narrow_strip_is_detected(detector: RetinaFaceDetector) -> None:
    canvas = background(3000, 200)
    truth = place(canvas, 1400, 0, 120)
    assert iou(only(detector.detect(canvas)).box, truth) > 0.5


def test_grayscale_and_blurred_faces_are_detected(detector: RetinaFaceDetector) -> None:
    for image in (portrait().convert("L").convert("RGB"), portrait().filter(ImageFilter.GaussianBlur(3))):
        assert iou(only(detector.detect(image)).box, FACE) > 0.6


def test_a_reduced_decode_gives_the_same_box(detector: RetinaFaceDetector) -> None:
    image = ImageFile(encode(portrait(4200), "JPEG"))
    reduced = image.decode(min_side=2000)
    assert reduced.width == 2100
    full, small = only(detector.detect(image.decode())), only(detector.detect(reduced))
    assert iou(full.box, small.box.scaled(2)) > 0.9


def test_the_image_is_not_modified(detector: RetinaFaceDetector) -> None:
    image = portrait()
    before = image.tobytes()
    detector.detect(image)
    assert image.tobytes() == before


def test_concurrent_threads_give_equal_detections(detector: RetinaFaceDetector) -> None:
    canvas = background(1200, 800)
    place(canvas, 300, 100, 200)
    jobs = [portrait(), canvas] * 4
    alone = [detector.detect(image) for image in jobs[:2]] * 4
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(detector.detect, jobs)) == alone


def test_recall_on_every_source_of_the_data_set(data: Path) -> None:
    # The manifest's boxes come from a detector themselves, so only misses count.
    detector = RetinaFaceDetector(threads=1)
    with (data / "faces" / "manifest.csv").open(newline="") as file:
        rows = list(DictReader(file))
    generator = np.random.default_rng(0)
    chosen = [rows[index] for index in generator.choice(len(rows), 200, replace=False)]
    overlaps = []
    for row in chosen:
        faces = detector.detect(ImageFile(data / "faces" / row["path"]).decode())
        truth = Box(*map(float, row["box"].split()))
        overlaps.append(max((iou(face.box, truth) for face in faces), default=0.0))
    assert np.mean(np.array(overlaps) > 0.5) >= 0.98


def test_recall_on_whole_photos(photos: list[Path]) -> None:
    detector = RetinaFaceDetector(threads=1)
    found = [bool(detector.detect(LazyImage(ImageFile(path)))) for path in photos]
    assert np.mean(found) >= 0.98
