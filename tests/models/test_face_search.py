"""The face detector: recall, sizes, any position, and no false positives."""

from concurrent.futures import ThreadPoolExecutor
from csv import DictReader
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter, ImageOps
from skimage import data as samples

from tests.examples import examples
from tests.sample_images import cat, encode, noise, portrait
from veraface import Detector
from veraface.geometry import Box, roll
from veraface.imaging.decode import ImageFile
from veraface.imaging.lazy import QUARTER_TURNS, LazyImage
from veraface.models import load_face_detector
from veraface.models.face_search import MIN_SCORE, YuNetDetector
from veraface.models.protocols import FaceDetection

FACE = Box(175, 63, 93, 130)  # of the portrait, drawn by hand: hairline to chin, cheek to cheek
HEAD = portrait().crop((130, 20, 310, 230))  # the face with its surroundings, to paste elsewhere
FACE_IN_HEAD = Box(FACE.x - 130, FACE.y - 20, FACE.width, FACE.height)

pipeline = cache(lambda: Detector("fast", threads=1))


@pytest.fixture(scope="module")
def detector() -> YuNetDetector:
    found = load_face_detector(threads=1)
    assert isinstance(found, YuNetDetector)
    return found


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


def test_a_face_has_a_box_landmarks_and_a_score(detector: YuNetDetector) -> None:
    face = only(detector.detect(portrait()))
    assert face.box.iou(FACE) > 0.7
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
        ((640, 480), 40),
        ((640, 480), 60),
        ((640, 480), 400),
        ((1632, 1224), 40),
        ((2048, 1536), 60),
        ((2048, 1536), 300),
        ((4032, 3024), 100),
        ((4032, 3024), 700),
        ((4032, 3024), 2000),
    ],
    ids=str,
)
def test_faces_of_many_sizes_are_detected(
    detector: YuNetDetector, size: tuple[int, int], face_height: int
) -> None:
    canvas = background(*size)
    truth = place(canvas, size[0] // 8, size[1] // 20, face_height)
    assert only(detector.detect(canvas)).box.iou(truth) > 0.5


def test_faces_are_sorted_by_size(detector: YuNetDetector) -> None:
    canvas = background(1200, 800)
    truths = [place(canvas, 20, 300, 80), place(canvas, 400, 60, 320), place(canvas, 950, 200, 150)]
    faces = detector.detect(canvas)
    assert [round(face.box.area) for face in faces] == sorted(
        (round(f.box.area) for f in faces), reverse=True
    )
    assert len(faces) == 3
    for face, truth in zip(faces, sorted(truths, key=lambda box: -box.area), strict=True):
        assert face.box.iou(truth) > 0.5


@pytest.mark.parametrize("x", range(1860, 2220, 70))
def test_a_small_face_at_the_border_of_tiles_is_detected_once(detector: YuNetDetector, x: int) -> None:
    # Large images are searched in tiles, which meet here.
    canvas = background(4032, 3024)
    truth = place(canvas, x, 1400, 130)
    assert only(detector.detect(canvas)).box.iou(truth) > 0.5


def test_small_faces_beside_a_large_one_are_detected(detector: YuNetDetector) -> None:
    canvas = background(2000, 1400)
    truths = [place(canvas, 100, 50, 700), place(canvas, 1500, 200, 90), place(canvas, 1500, 900, 90)]
    faces = detector.detect(canvas)
    assert len(faces) == 3
    assert all(max(face.box.iou(truth) for face in faces) > 0.5 for truth in truths)


def test_larger_scales_do_not_report_parts_of_a_large_face(detector: YuNetDetector) -> None:
    canvas = background(4032, 3024)
    truths = [place(canvas, 0, 0, 1800), place(canvas, 3500, 100, 260), place(canvas, 3500, 1500, 140)]
    faces = detector.detect(canvas)
    assert len(faces) == 3
    assert all(face.box.iou(truth) > 0.5 for face, truth in zip(faces, truths, strict=True))


def test_a_quick_search_tells_that_small_faces_were_skipped(detector: YuNetDetector) -> None:
    canvas = background(4032, 3024)
    truths = [place(canvas, 0, 0, 1800), place(canvas, 3700, 2700, 60)]
    quick = detector.detect(canvas)
    assert only(quick).box.iou(truths[0]) > 0.5
    assert quick.search_fully is not None
    fully = quick.search_fully()
    assert fully.search_fully is None
    assert len(fully) == 2
    assert all(face.box.iou(truth) > 0.5 for face, truth in zip(fully, truths, strict=True))
    assert detector.detect(portrait()).search_fully is None, "all of a small image is searched at once"


@pytest.mark.parametrize("size", [(1080, 6000), (5000, 1200)], ids=str)
def test_small_faces_beside_a_large_one_are_detected_in_long_images(
    detector: YuNetDetector, size: tuple[int, int]
) -> None:
    canvas = background(*size)
    truths = [place(canvas, 50, 20, 900)]
    truths += [place(canvas, size[0] - 300, size[1] - y, side) for y, side in ((900, 60), (200, 100))]
    faces = detector.detect(canvas)
    assert len(faces) == len(truths)
    assert all(max(face.box.iou(truth) for face in faces) > 0.5 for truth in truths)


def test_a_search_that_a_limit_ends_is_incomplete(
    detector: YuNetDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvas = background(2000, 1400)
    place(canvas, 300, 100, 90)
    place(canvas, 1500, 900, 90)
    assert detector.detect(canvas).complete
    monkeypatch.setattr("veraface.models.face_search._MAX_FOUND", 1)
    found = detector.detect(canvas)
    assert (len(found), found.complete) == (1, False)


def test_a_search_in_noise_is_complete(detector: YuNetDetector) -> None:
    found = detector.detect(noise(256, 256))
    assert (len(found), found.complete) == (0, True)


def test_all_70_faces_of_a_crowd_are_found(detector: YuNetDetector) -> None:
    canvas = background(2000, 1700)
    for row in range(7):
        for column in range(10):
            place(canvas, 200 * column, 240 * row, 110)
    found = detector.detect(canvas)
    assert (len(found), found.complete) == (70, True)


@pytest.mark.parametrize("part", [1.0, 0.8])
def test_a_face_that_fills_the_image_is_detected(detector: YuNetDetector, part: float) -> None:
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
        pytest.param(Image.fromarray(samples.clock()).convert("RGB"), id="clock"),
        pytest.param(Image.fromarray(samples.gravel()).convert("RGB"), id="gravel"),
        pytest.param(Image.fromarray(samples.moon()).convert("RGB"), id="moon"),
        pytest.param(Image.fromarray(samples.text()).convert("RGB"), id="text"),
        pytest.param(Image.fromarray(samples.hubble_deep_field()), id="galaxies"),
        pytest.param(Image.fromarray(samples.checkerboard()).convert("RGB"), id="checkerboard"),
        pytest.param(noise(1600, 1200), id="large noise"),
        pytest.param(Image.fromarray(samples.coins()).convert("RGB"), id="coins"),
        pytest.param(noise(300, 300), id="noise"),
        pytest.param(noise(40, 40).resize((600, 600), Image.Resampling.BICUBIC), id="clouds"),
        pytest.param(Image.new("RGB", (600, 400), "white"), id="white"),
        pytest.param(Image.new("RGB", (1600, 900), "black"), id="black"),
        pytest.param(portrait().crop((0, 240, 512, 512)), id="body without a head"),
    ],
)
def test_images_without_a_face_have_no_detections(detector: YuNetDetector, image: Image.Image) -> None:
    assert detector.detect(image) == []


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 5000), (5000, 1), (20_000, 1), (3, 20_000)], ids=str)
def test_extreme_shapes_have_no_detections(detector: YuNetDetector, size: tuple[int, int]) -> None:
    assert detector.detect(Image.new("RGB", size, (200, 150, 120))) == []


@pytest.mark.parametrize("turns", [1, 2, 3])
@settings(max_examples=examples(60))
@given(x=st.integers(0, 450), y=st.integers(0, 250), height=st.integers(80, 400))
def test_an_image_and_its_quarter_turn_have_the_same_faces(
    detector: YuNetDetector, turns: int, x: int, y: int, height: int
) -> None:
    canvas = background(900, 700)
    place(canvas, x, y, height)
    upright = detector.detect(canvas)
    turned = detector.detect(canvas.transpose(QUARTER_TURNS[turns]))
    assert len(turned) == len(upright)
    for face, same in zip(upright, turned, strict=True):
        assert same.box.to_list() == pytest.approx(face.box.turned(turns, 900, 700).to_list(), abs=0.2)
        expected = [turned_point(point, turns, 900, 700) for point in face.landmarks]
        assert np.array(same.landmarks) == pytest.approx(np.array(expected), abs=0.1)
        assert same.score == pytest.approx(face.score, abs=1e-4)


def turned_point(point: tuple[float, float], turns: int, width: int, height: int) -> tuple[float, float]:
    """Return where a point is after the image was turned counterclockwise by quarters."""
    x, y = point
    for _ in range(turns):
        x, y, width, height = y, width - x, height, width
    return x, y


@settings(max_examples=examples(30))
@given(x=st.integers(0, 450), y=st.integers(0, 250), height=st.integers(80, 400))
def test_an_image_and_its_quarter_turns_have_the_same_verdict(x: int, y: int, height: int) -> None:
    canvas = background(900, 700)
    place(canvas, x, y, height)
    upright = pipeline().detect(canvas, heatmap=False)
    for turn in QUARTER_TURNS.values():
        turned = pipeline().detect(canvas.transpose(turn), heatmap=False)
        assert turned.verdict == upright.verdict
        assert turned.p_fake == pytest.approx(upright.p_fake, abs=0.01)


@pytest.mark.parametrize("angle", [-135, -45, 45, 60, 135])
def test_leaning_faces_are_detected_with_their_roll(detector: YuNetDetector, angle: int) -> None:
    upright = roll(only(detector.detect(portrait())).landmarks)
    leaning = portrait().rotate(-angle, Image.Resampling.BICUBIC, expand=True)
    face = only(detector.detect(leaning))
    assert abs((roll(face.landmarks) - upright - angle + 180) % 360 - 180) < 20


def test_a_mirrored_face_has_the_mirrored_box(detector: YuNetDetector) -> None:
    face = only(detector.detect(portrait()))
    mirrored = only(detector.detect(ImageOps.mirror(portrait())))
    back = Box(
        512 - mirrored.box.x - mirrored.box.width, mirrored.box.y, mirrored.box.width, mirrored.box.height
    )
    assert face.box.iou(back) > 0.85
    assert mirrored.landmarks[0][0] < mirrored.landmarks[1][0]


@pytest.mark.parametrize(
    "region",
    [
        (FACE.x + 25, 20, 480, 300),
        (20, 20, FACE.x + FACE.width - 25, 300),
        (60, FACE.y + 35, 400, 300),
        (60, 10, 400, FACE.y + FACE.height - 25),
    ],
    ids=["left", "right", "top", "bottom"],
)
def test_a_face_cut_by_the_edge_is_detected(detector: YuNetDetector, region: tuple[int, ...]) -> None:
    face = only(detector.detect(portrait().crop(region)))
    truth = Box(FACE.x - region[0], FACE.y - region[1], FACE.width, FACE.height)
    assert face.box.iou(truth) > 0.5


@pytest.mark.parametrize(
    "covered",
    [
        (FACE.x, FACE.y + 75, FACE.x + FACE.width, FACE.y + FACE.height),
        (FACE.x + 55, FACE.y, FACE.x + FACE.width, FACE.y + FACE.height),
    ],
    ids=["mouth", "one side"],
)
def test_a_half_covered_face_is_detected(detector: YuNetDetector, covered: tuple[int, ...]) -> None:
    image = portrait()
    ImageDraw.Draw(image).rectangle(covered, fill=(90, 120, 160))
    assert only(detector.detect(image)).box.iou(FACE) > 0.5


@pytest.mark.parametrize("height", [60, 100])
def test_faces_in_a_long_screenshot_are_detected(detector: YuNetDetector, height: int) -> None:
    canvas = Image.new("RGB", (1080, 12_000), (245, 245, 245))
    truths = [place(canvas, 200 + 90 * (i % 5), 100 + 1900 * i, height) for i in range(6)]
    faces = detector.detect(canvas)
    assert len(faces) == len(truths)
    assert all(max(face.box.iou(truth) for face in faces) > 0.5 for truth in truths)


def test_every_face_of_a_collage_is_detected(detector: YuNetDetector) -> None:
    canvas, truths = Image.new("RGB", (1600, 1200), "white"), []
    for row, side in enumerate((380, 250)):
        for column in range(4):
            x, y = 10 + 400 * column, 10 + 600 * row
            canvas.paste(portrait(side), (x, y))
            face = FACE.scaled(side / 512)
            truths.append(Box(x + face.x, y + face.y, face.width, face.height))
    faces = detector.detect(canvas)
    assert len(faces) == len(truths)
    assert all(max(face.box.iou(truth) for face in faces) > 0.5 for truth in truths)


def test_a_face_in_a_thumbnail_of_64_px_is_detected(detector: YuNetDetector) -> None:
    head = HEAD.resize((64, 64), Image.Resampling.LANCZOS)
    assert only(detector.detect(head)).box.max_side > 20


def test_small_faces_of_a_group_are_detected(detector: YuNetDetector) -> None:
    canvas = background(1632, 1224)
    truths = [place(canvas, 150 + 330 * (i % 4), 80 + 280 * (i // 4), 44) for i in range(16)]
    faces = detector.detect(canvas)
    found = sum(max(face.box.iou(truth) for face in faces) > 0.5 for truth in truths)
    assert found >= 15
    assert len(faces) <= 16


def test_a_face_in_a_narrow_strip_is_detected(detector: YuNetDetector) -> None:
    canvas = background(3000, 200)
    truth = place(canvas, 1400, 0, 120)
    assert only(detector.detect(canvas)).box.iou(truth) > 0.5


def test_grayscale_and_blurred_faces_are_detected(detector: YuNetDetector) -> None:
    for image in (portrait().convert("L").convert("RGB"), portrait().filter(ImageFilter.GaussianBlur(3))):
        assert only(detector.detect(image)).box.iou(FACE) > 0.6


def test_a_reduced_decode_gives_the_same_box(detector: YuNetDetector) -> None:
    image = ImageFile(encode(portrait(4200), "JPEG"))
    reduced = image.decode(min_side=2000)
    assert reduced.width == 2100
    full, small = only(detector.detect(image.decode())), only(detector.detect(reduced))
    assert full.box.iou(small.box.scaled(2)) > 0.9


def test_the_image_is_not_modified(detector: YuNetDetector) -> None:
    image = portrait()
    before = image.tobytes()
    detector.detect(image)
    assert image.tobytes() == before


def test_concurrent_threads_give_equal_detections(detector: YuNetDetector) -> None:
    canvas = background(1200, 800)
    place(canvas, 300, 100, 200)
    jobs = [portrait(), canvas] * 4
    alone = [detector.detect(image) for image in jobs[:2]] * 4
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(detector.detect, jobs)) == alone


def test_recall_on_every_source_of_the_data_set(data: Path) -> None:
    # The manifest's boxes come from a detector themselves, so only misses count.
    detector = YuNetDetector(threads=1)
    with (data / "faces" / "manifest.csv").open(newline="") as file:
        rows = list(DictReader(file))
    generator = np.random.default_rng(0)
    chosen = [rows[index] for index in generator.choice(len(rows), 200, replace=False)]
    overlaps = []
    for row in chosen:
        faces = detector.detect(ImageFile(data / "faces" / row["path"]).decode())
        truth = Box(*map(float, row["box"].split()))
        overlaps.append(max((face.box.iou(truth) for face in faces), default=0.0))
    assert np.mean(np.array(overlaps) > 0.5) >= 0.98


def test_recall_on_whole_photos(photos: list[Path]) -> None:
    detector = YuNetDetector(threads=1)
    found = [bool(detector.detect(LazyImage(ImageFile(path)))) for path in photos]
    assert np.mean(found) >= 0.98
