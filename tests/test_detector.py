import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from tests.sample_images import as_stored, encode, exif_with, portrait
from tests.sample_models import brightness_model
from tests.sample_videos import write_video
from veraface import Detector, ImageError, ImageLimits, ImageTooLargeError, analyze
from veraface.decision import Thresholds
from veraface.geometry import Box
from veraface.imaging.lazy import LazyImage
from veraface.models.classifier import OnnxClassifier
from veraface.models.protocols import FaceDetection, FoundFaces
from veraface.results import DetectionResult, Verdict
from veraface.video import detect_video


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


def scores(result: DetectionResult) -> list[float | None]:
    return [face.p_fake for face in result.faces]


def record_batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that collects the batch size of each call of a model."""
    sizes: list[int] = []
    run = OnnxClassifier.predict

    def recording(model: OnnxClassifier, crops: NDArray[np.uint8]) -> Any:
        sizes.append(len(crops))
        return run(model, crops)

    monkeypatch.setattr(OnnxClassifier, "predict", recording)
    return sizes


def test_three_lines_of_python_return_a_verdict(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(encode(portrait(), "JPEG"))
    program = (
        "from veraface import Detector\nresult = Detector().detect('photo.jpg')\n"
        "print(result.verdict, result.p_fake)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    verdict, p_fake = done.stdout.split()
    assert verdict in ("fake", "real", "uncertain")
    assert 0 <= float(p_fake) <= 1


def test_every_type_of_source_gives_the_same_score(detector: Detector, tmp_path: Path) -> None:
    data = encode(portrait(), "PNG")
    path = tmp_path / "portrait.png"
    path.write_bytes(data)
    sources = [path, str(path), data, bytearray(data), io.BytesIO(data), portrait(), np.asarray(portrait())]
    first, *others = [detector.detect(source) for source in sources]
    assert len(first.faces) == 1
    for other in others:
        assert scores(other) == scores(first)
        assert (other.verdict, other.width, other.height) == (first.verdict, first.width, first.height)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_orientations_of_a_photo_get_the_same_score(detector: Detector, orientation: int) -> None:
    image = portrait().resize((400, 480))
    stored = as_stored(image, orientation)
    result = detector.detect(encode(stored, "PNG", exif=exif_with(orientation)))
    assert scores(result) == scores(detector.detect(encode(image, "PNG")))
    assert (result.width, result.height) == image.size


def test_the_heatmap_is_turned_as_the_face_is(detector: Detector) -> None:
    for angle in (0, 90, 180, -90):
        (face,) = detector.detect(portrait().rotate(-angle)).faces
        assert (face.heatmap.angle - angle) % 360 == 0
    (face,) = detector.detect(portrait().rotate(-45, expand=True)).faces
    assert abs(face.heatmap.angle - 45) < 20


def test_results_are_compared_and_hashed_by_value_without_timing(detector: Detector) -> None:
    image = encode(portrait(), "JPEG")
    first, again = (analyze(image, detector, forensics=True) for _ in range(2))
    assert first == again
    assert len({first, again, first.detection, again.detection, *first.detection.faces}) == 3
    assert replace(first.detection, timing_ms={}) == again.detection
    (face,) = first.detection.faces
    assert replace(face, heatmap=replace(face.heatmap, grid=face.heatmap.grid + 0.01)) != face
    assert replace(first.detection, width=1) != first.detection
    views = {name: 255 - view for name, view in first.forensics.views.items()}
    assert replace(first.forensics, views=views) != first.forensics


def test_p_fake_grows_with_the_logit(tmp_path: Path) -> None:
    """The direction holds from the logit to the verdict and the heatmap."""
    detector = Detector(brightness_model(tmp_path))
    bright = detector.detect(ImageEnhance.Brightness(portrait()).enhance(1.7))
    dark = detector.detect(ImageEnhance.Brightness(portrait()).enhance(0.5))
    assert (bright.verdict, dark.verdict) == (Verdict.FAKE, Verdict.REAL)
    assert bright.p_fake > 0.9 > 0.1 > dark.p_fake
    grid = bright.faces[0].heatmap.grid
    assert grid.shape == (4, 4)
    assert grid.mean() > 0.5 > dark.faces[0].heatmap.grid.mean()


def test_a_verdict_near_its_threshold_becomes_uncertain_under_recompression(tmp_path: Path) -> None:
    image = portrait()
    p_fake = Detector(brightness_model(tmp_path)).detect(image).p_fake
    # The recompressed copy never has exactly the same mean: one of the two thresholds is between them.
    verdicts = set()
    for offset in (-1e-6, 1e-6):
        edge = Thresholds(real=0.0, fake=p_fake + min(offset, 0)) if offset < 0 else Thresholds(p_fake, 1.0)
        model = brightness_model(tmp_path, thresholds=edge, name=f"edge{offset:+.0e}")
        face = Detector(model).detect(image).faces[0]
        verdicts.add(face.verdict)
        if face.verdict is Verdict.UNCERTAIN:
            assert face.reasons[0].code == "changes_under_recompression"
    assert Verdict.UNCERTAIN in verdicts


@pytest.mark.parametrize("save_again", [True, False])
def test_the_range_holds_the_scores_as_it_is_and_saved_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save_again: bool
) -> None:
    detector = Detector(brightness_model(tmp_path))
    sizes = record_batches(monkeypatch)
    result = detector.detect(portrait(), save_again=save_again)
    assert sizes == [2, 2] if save_again else [2]
    low, high = result.faces[0].p_fake_range or pytest.fail("no range")
    assert result.p_fake in (low, high)
    assert (low < high) == save_again
    assert result.p_fake_range == (low, high)


@pytest.mark.parametrize("transpose", list(Image.Transpose))
def test_a_mirrored_or_turned_image_has_the_same_result(
    detector: Detector, transpose: Image.Transpose
) -> None:
    image = portrait()
    first, other = detector.detect(image), detector.detect(image.transpose(transpose))
    assert (other.verdict, other.p_fake, other.p_fake_range) == (
        first.verdict,
        first.p_fake,
        first.p_fake_range,
    )


def test_the_heatmap_of_a_mirror_image_is_mirrored(detector: Detector) -> None:
    image = portrait()
    mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    first, other = (detector.detect(seen).faces[0] for seen in (image, mirrored))
    assert np.array_equal(first.heatmap.grid, other.heatmap.grid[:, ::-1])
    assert other.box == first.box.mirrored(image.width)


def test_the_shipped_card_says_what_a_verdict_is_worth(detector: Detector) -> None:
    result = detector.detect(portrait())
    assert result.reliability is not None
    confusion = detector.card.measured["diagrams"]["confusion"]
    shares = [confusion[label][result.verdict] / sum(confusion[label].values()) for label in ("fake", "real")]
    assert result.reliability.fake_of_100 == round(100 * shares[0] / sum(shares))
    assert result.reliability.real + result.reliability.fake > 100
    assert result.to_dict()["reliability"]["face_size"].endswith("px")


def test_a_card_without_figures_says_nothing_of_a_verdict(tmp_path: Path) -> None:
    assert Detector(brightness_model(tmp_path)).detect(portrait()).reliability is None


def test_an_image_without_a_face(detector: Detector) -> None:
    result = detector.detect(Image.new("RGB", (300, 200), "teal"))
    assert (result.verdict, result.p_fake, result.faces) == (Verdict.NO_FACE, None, ())
    assert result.reasons[0].code == "no_face"


def test_a_face_under_40_px_is_reported_but_not_classified(detector: Detector) -> None:
    image = portrait()
    face = detector.detect(image).faces[0].box.max_side
    small = image.resize([round(side * 34 / face) for side in image.size], Image.Resampling.LANCZOS)
    page = Image.new("RGB", (400, 400), "gray")
    page.paste(small, (100, 100))
    result = detector.detect(page)
    assert result.verdict is Verdict.UNCERTAIN
    assert result.p_fake is None
    assert [f.p_fake for f in result.faces] == [None]
    assert result.faces[0].reasons[0].code == "face_too_small"
    assert "40 px" in result.faces[0].reasons[0].message


def _covered(image: Image.Image, box: Box, how: str) -> Image.Image:
    """Cover a face as the press, map services and messengers do."""
    out = image.copy()
    left, top, right, bottom = (round(v) for v in (box.x, box.y, box.x + box.width, box.y + box.height))
    if how == "bar":
        ImageDraw.Draw(out).rectangle(
            (left, top + box.height * 0.28, right, top + box.height * 0.5), fill="black"
        )
        return out
    face = out.crop((left, top, right, bottom))
    if how == "blur":
        over = face.filter(ImageFilter.GaussianBlur(box.width * 0.07))
    else:
        over = face.resize((10, 12), Image.Resampling.BOX).resize(face.size, Image.Resampling.NEAREST)
    out.paste(over, (left, top))
    return out


@pytest.mark.parametrize("how", ["bar", "blur", "pixels"])
def test_a_covered_face_is_uncertain_and_not_classified(detector: Detector, how: str) -> None:
    image = portrait()
    covered = _covered(image, detector.detect(image).faces[0].box, how)
    result = detector.detect(covered)
    if how == "pixels" and not result.faces:  # so coarse that no face is found
        assert result.verdict is Verdict.NO_FACE
        return
    assert (result.verdict, result.p_fake, result.p_fake_range) == (Verdict.UNCERTAIN, None, None)
    assert [reason.code for reason in result.faces[0].reasons] == ["face_obscured"]
    assert [(r.code, r.message) for r in result.reasons] == [
        ("face_obscured", "1 face is covered or blurred, so it was not classified")
    ]


def test_a_covered_face_beside_others_keeps_the_image_from_being_real(tmp_path: Path) -> None:
    detector = Detector(brightness_model(tmp_path, thresholds=Thresholds(1.0, 1.0)))
    image = portrait()
    box = detector.detect(image).faces[0].box
    pair = Image.new("RGB", (2 * image.width, image.height))
    pair.paste(image, (0, 0))
    pair.paste(_covered(image, box, "blur"), (image.width, 0))
    result = detector.detect(pair)
    assert sorted(face.verdict for face in result.faces) == ["real", "uncertain"]
    assert result.verdict is Verdict.UNCERTAIN
    assert result.p_fake is not None


def test_a_small_face_is_classified_with_the_reason_small_face(detector: Detector) -> None:
    image = portrait()
    factor = 60 / detector.detect(image).faces[0].box.max_side
    result = detector.detect(image.resize([round(side * factor) for side in image.size]))
    assert result.faces[0].p_fake is not None
    assert "small_face" in {r.code for r in result.faces[0].reasons}


def test_the_score_of_a_face_does_not_depend_on_other_faces(detector: Detector) -> None:
    large = portrait().crop((100, 0, 400, 300))
    mirrored = large.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    page = Image.new("RGB", (700, 300), "gray")
    page.paste(large, (0, 0))
    page.paste(mirrored, (400, 0))
    faces = sorted(detector.detect(page).faces, key=lambda face: face.box.x)
    assert len(faces) == 2
    alone = detector.detect(page.crop((0, 0, 350, 300))).faces[0]
    assert faces[0].p_fake == pytest.approx(alone.p_fake, abs=0.05)  # the box moves by parts of a pixel


def test_a_large_jpeg_is_decoded_at_reduced_size_with_boxes_in_full_size(detector: Detector) -> None:
    image = portrait()
    large = image.resize((3072, 3072), Image.Resampling.BICUBIC)
    small_box = detector.detect(image).faces[0].box
    result = detector.detect(encode(large, "JPEG", quality=92))
    assert (result.width, result.height) == (3072, 3072)
    box = result.faces[0].box
    for ours, expected in zip(box.to_list(), small_box.scaled(6).to_list(), strict=True):
        assert ours == pytest.approx(expected, abs=0.05 * box.max_side)
    full = detector.detect(large)
    assert result.p_fake == pytest.approx(full.p_fake, abs=0.1)


def test_a_small_face_in_a_large_jpeg_is_decoded_again_in_full(detector: Detector) -> None:
    page = Image.new("RGB", (4000, 3000), "gray")
    page.paste(portrait(), (1500, 1000))
    from_jpeg = detector.detect(encode(page, "JPEG", quality=98, subsampling=0))
    from_pixels = detector.detect(page)
    assert len(from_jpeg.faces) == len(from_pixels.faces) == 1
    assert from_jpeg.p_fake == pytest.approx(from_pixels.p_fake, abs=0.1)


def test_concurrent_threads_get_equal_scores(detector: Detector) -> None:
    data = encode(portrait(), "JPEG")
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: scores(detector.detect(data)), range(12)))
    assert results == [results[0]] * 12


def test_with_two_threads_a_face_is_classified_as_it_is_and_saved_again_at_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = brightness_model(tmp_path, center=float(np.mean(portrait())))
    in_turn = Detector(model, threads=1).detect(portrait())
    together, predict = Barrier(2, timeout=300), OnnxClassifier.predict

    def meet(model: OnnxClassifier, crops: NDArray[np.uint8]) -> Any:
        together.wait()
        return predict(model, crops)

    monkeypatch.setattr(OnnxClassifier, "predict", meet)
    at_once = Detector(model, threads=2).detect(portrait())
    assert at_once == in_turn
    assert at_once.p_fake_range is not None
    assert at_once.p_fake_range[0] < at_once.p_fake_range[1]


def test_the_times_of_all_stages_sum_to_at_most_the_total(detector: Detector) -> None:
    timing = detector.detect(portrait()).timing_ms
    assert set(timing) == {"decode", "faces", "model", "total"}
    assert sum(timing[stage] for stage in ("decode", "faces", "model")) <= timing["total"]


def test_the_heatmap_covers_the_crop_and_can_be_disabled(detector: Detector) -> None:
    face = detector.detect(portrait()).faces[0]
    heatmap = face.heatmap
    assert heatmap.box.width == pytest.approx(face.box.max_side * detector.card.crop.margin)
    assert ((heatmap.grid >= 0) & (heatmap.grid <= 1)).all()
    assert detector.detect(portrait(), heatmap=False).faces[0].heatmap is None


def test_custom_limits_apply() -> None:
    with pytest.raises(ImageTooLargeError, match="limit"):
        Detector(limits=ImageLimits(max_pixels=1000)).detect(portrait())


@pytest.mark.parametrize("source", [b"", b"GIF89a", b"%PDF-1.7", "nowhere.jpg", 3, None, np.zeros((4, 4))])
def test_an_invalid_source_raises_an_image_error(detector: Detector, source: object) -> None:
    with pytest.raises(ImageError):
        detector.detect(source)


def test_importing_and_detecting_never_import_torch(tmp_path: Path) -> None:
    portrait().save(tmp_path / "a.png")
    program = (
        "import sys, veraface; veraface.Detector().detect('a.png');"
        "print([m for m in ('torch', 'timm', 'lightning', 'sklearn', 'fastapi') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_many_faces_are_classified_one_per_call(detector: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = record_batches(monkeypatch)
    crowd = Image.new("RGB", (1024, 1024))
    for x, y in ((0, 0), (512, 0), (0, 512), (512, 512)):
        crowd.paste(portrait(512), (x, y))
    assert len(detector.detect(crowd).faces) == 4
    # The first network has one view of a crop, the second two.
    assert sorted(sizes) == [1] * 12 + [2] * 12, "one crop per call: as it is, saved again, wide"


class Grid:
    """A face detector that returns so many faces in a grid, the last ones smaller."""

    def __init__(self, count: int, side: float = 50, *, complete: bool = True) -> None:
        self._faces = FoundFaces(
            [self._face(number, side if number < 64 else 0.9 * side) for number in range(count)],
            complete=complete,
        )

    @staticmethod
    def _face(number: int, side: float) -> FaceDetection:
        box = Box(60.0 * (number % 10), 60.0 * (number // 10), side, side)
        points = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
        return FaceDetection(box, tuple((box.x + side * x, box.y + side * y) for x, y in points), 0.9)

    def detect(self, image: LazyImage) -> FoundFaces:
        return self._faces


# The model for tests calls dark faces real, bright ones fake.
_FACE = ImageEnhance.Brightness(portrait().crop((160, 70, 290, 200))).enhance(0.4)
CROWD = np.tile(np.asarray(_FACE.resize((60, 60))), (10, 10, 1))


def test_a_crowd_over_the_limit_is_never_real(tmp_path: Path) -> None:
    model = brightness_model(tmp_path)
    within = Detector(model, face_detector=Grid(64), threads=1).detect(CROWD)
    assert (within.verdict, [reason.code for reason in within.reasons]) == (Verdict.REAL, ["small_face"])
    result = Detector(model, face_detector=Grid(70), threads=1).detect(CROWD)
    assert (result.verdict, result.p_fake) == (Verdict.UNCERTAIN, within.p_fake)
    assert [reason.code for reason in result.reasons] == ["too_many_faces", "small_face"]
    assert result.reasons[0].message.startswith("70 faces, more than the limit of 64")
    left_out = [face for face in result.faces if face.p_fake is None]
    assert [face.reasons[0].code for face in left_out] == ["too_many_faces"] * 6
    assert left_out == list(result.faces[64:])
    assert Detector(model, face_detector=Grid(70), max_faces=70, threads=1).detect(CROWD).verdict == "real"


def test_a_fake_face_of_a_crowd_over_the_limit_makes_it_fake(tmp_path: Path) -> None:
    crowd = CROWD.copy()
    crowd[:200, :200] += 140
    result = Detector(brightness_model(tmp_path), face_detector=Grid(70), threads=1).detect(crowd)
    assert (result.verdict, result.reasons[0].code) == (Verdict.FAKE, "too_many_faces")


def test_faces_too_small_to_classify_do_not_count_towards_the_limit(tmp_path: Path) -> None:
    crowd = Detector(brightness_model(tmp_path), face_detector=Grid(70, 42), threads=1).detect(CROWD)
    assert (crowd.verdict, crowd.reasons[0].code) == (Verdict.REAL, "faces_too_small")


@pytest.mark.parametrize("faces", [0, 1])
def test_an_image_that_was_not_fully_searched_is_neither_real_nor_without_a_face(
    tmp_path: Path, faces: int
) -> None:
    grid = Grid(faces, complete=False)
    result = Detector(brightness_model(tmp_path), face_detector=grid, threads=1).detect(CROWD)
    assert (result.verdict, result.reasons[0].code) == (Verdict.UNCERTAIN, "search_incomplete")


def test_an_image_is_searched_for_small_faces_before_it_is_called_real(tmp_path: Path) -> None:
    head = portrait().crop((130, 20, 310, 230))
    dark, bright = (ImageEnhance.Brightness(head).enhance(factor) for factor in (0.3, 1.6))
    photo = Image.new("RGB", (4000, 3000), (60, 60, 60))
    photo.paste(dark.resize((1800, 2100)), (0, 0))
    detector = Detector(brightness_model(tmp_path), threads=1)
    alone = detector.detect(photo)
    assert (alone.verdict, len(alone.faces)) == (Verdict.REAL, 1)
    photo.paste(bright.resize((90, 105)), (3700, 2700))
    result = detector.detect(photo)
    assert [face.verdict for face in result.faces] == [Verdict.REAL, Verdict.FAKE]
    assert result.verdict is Verdict.FAKE


@pytest.mark.parametrize("max_faces", [0, 257])
def test_a_limit_of_faces_out_of_range_is_refused(max_faces: int) -> None:
    with pytest.raises(ValueError, match="max_faces must be 1 to 256"):
        Detector(max_faces=max_faces)


@pytest.mark.parametrize(
    ("faces", "complete", "code"), [(70, True, "too_many_faces"), (1, False, "search_incomplete")]
)
def test_a_video_with_frames_checked_in_part_is_never_real(
    tmp_path: Path, faces: int, complete: bool, code: str
) -> None:
    model = brightness_model(tmp_path)
    frames = [Image.fromarray(CROWD)] * 4
    path = write_video(tmp_path / "crowd.mp4", frames)
    whole = detect_video(path, Detector(model, face_detector=Grid(1), threads=1))
    assert whole.verdict is Verdict.REAL
    part = detect_video(path, Detector(model, face_detector=Grid(faces, complete=complete), threads=1))
    assert (part.verdict, part.reasons[0].code) == (Verdict.UNCERTAIN, code)
