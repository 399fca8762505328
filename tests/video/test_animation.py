"""Animated images and pages: as stills never real, as videos like any other."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageEnhance

from tests.cli.terminal import veraface
from tests.sample_images import encode, portrait
from tests.sample_models import brightness_model
from veraface import Detector, ImageTooLargeError, VideoLimits, detect_video
from veraface.errors import UnsupportedVideoError
from veraface.imaging.decode import ImageFile, ImageLimits
from veraface.results import Verdict
from veraface.video.image_frames import detect_all_frames, detect_and_show
from veraface.video.reader import open_video

KINDS = ["GIF", "WEBP", "PNG", "AVIF", "TIFF", "HEIF"]
REAL = ImageEnhance.Brightness(portrait(256)).enhance(0.4)  # to the model for tests
FAKE = ImageEnhance.Brightness(portrait(256)).enhance(1.6)


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    return Detector(brightness_model(tmp_path_factory.mktemp("model"), center=100), threads=1)


def animation(kind: str, frames: Sequence[Image.Image], duration: int | list[int] = 200) -> bytes:
    if kind == "HEIF":
        images = pillow_heif.from_pillow(frames[0])
        for frame in frames[1:]:
            images.add_from_pillow(frame)
        file = BytesIO()
        images.save(file)
        return file.getvalue()
    options = {} if kind == "TIFF" else {"duration": duration}
    return encode(frames[0], kind, save_all=True, append_images=list(frames[1:]), **options)


def test_genuine_frames_at_evenly_spaced_times_hide_no_forged_ones(detector: Detector) -> None:
    """The frames that are analyzed depend on the content of the file."""
    genuine = {round((place + 0.5) * 63 / 8) for place in range(8)}
    content = animation("TIFF", [REAL if number in genuine else FAKE for number in range(64)])
    results = [detect_video(content, detector, frames=8) for _ in range(2)]
    assert results[0].verdict is Verdict.FAKE
    assert results[0] == results[1]
    assert len(results[0].timeline) == 8
    other = detect_video(content + b" ", detector, frames=8)
    assert [point.time for point in other.timeline] != [point.time for point in results[0].timeline]


@pytest.mark.parametrize("kind", KINDS)
def test_an_animation_is_never_real_as_a_still_and_judged_as_a_video(detector: Detector, kind: str) -> None:
    content = animation(kind, [REAL, FAKE, FAKE, FAKE, FAKE])
    still = detector.detect(content, heatmap=False)
    assert (still.verdict, still.reasons[0].code) == (Verdict.UNCERTAIN, "first_frame_only")
    result = detect_video(content, detector)
    assert result.verdict is Verdict.FAKE
    assert (result.format, result.width, result.height) == (kind, 256, 256)
    real = detect_video(animation(kind, [REAL, *(REAL.rotate(angle) for angle in (1, 2, 3))]), detector)
    assert real.verdict is Verdict.REAL


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_of_one_frame_is_a_still(detector: Detector, kind: str) -> None:
    content = animation(kind, [REAL])
    assert detector.detect(content).verdict is Verdict.REAL
    with pytest.raises(UnsupportedVideoError, match="image, not a video"):
        detect_video(content, detector)


def test_a_fade_in_from_black_is_not_without_a_face(detector: Detector) -> None:
    content = animation("GIF", [Image.new("RGB", REAL.size), FAKE])
    result = detector.detect(content)
    assert (result.verdict, [reason.code for reason in result.reasons]) == ("uncertain", ["first_frame_only"])
    with Image.open(BytesIO(content)) as opened:
        assert detector.detect(opened).reasons[0].code == "first_frame_only"


def test_a_fake_first_frame_makes_an_animation_fake(detector: Detector) -> None:
    assert detector.detect(animation("GIF", [FAKE, REAL])).verdict is Verdict.FAKE


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_a_frame_counts_for_as_long_as_it_is_shown(detector: Detector, kind: str) -> None:
    result = detect_video(animation(kind, [REAL, FAKE], [100, 900]), detector)
    assert (result.verdict, len(result.timeline)) == (Verdict.FAKE, 10)
    assert result.duration == pytest.approx(1.0)
    assert [point.time for point in result.timeline[:3]] == pytest.approx([0, 0.1, 0.2])


def test_a_slide_show_with_one_short_frame_has_few_entries(detector: Detector) -> None:
    slides = [REAL.rotate(angle) for angle in range(4)]
    with open_video(animation("GIF", slides, [600_000, 600_000, 20, 600_000])) as opened:
        assert 10_000 <= len(opened.frames) < 10_010
        assert [ref.pts for ref in opened.frames].count(2) == 1
        assert opened.frames[-1].time == pytest.approx(opened.duration, abs=1)


def test_frames_are_those_that_players_show(detector: Detector) -> None:
    opened = Image.open(BytesIO(animation("PNG", [REAL, FAKE, REAL], 100)))
    shown = []
    for number in range(3):
        opened.seek(number)
        shown.append(np.asarray(opened.convert("RGB")).mean())
    assert shown == pytest.approx([np.asarray(image).mean() for image in (REAL, FAKE, REAL)])


@pytest.mark.parametrize("kind", KINDS)
def test_of_two_frames_the_worse_verdict_counts(detector: Detector, kind: str) -> None:
    for frames, verdict in (((REAL, FAKE), "fake"), ((FAKE, REAL), "fake"), ((REAL, REAL.rotate(2)), "real")):
        content = animation(kind, frames)
        result = detect_all_frames(content, detector.detect(content), detector)
        assert (result.verdict, result.reasons[-1].code) == (verdict, "several_frames")


def test_the_still_image_before_an_animated_png_counts_as_a_frame(detector: Detector) -> None:
    """Some programs show it, others only what follows."""
    content = encode(REAL, "PNG", save_all=True, append_images=[FAKE], default_image=True, duration=100)
    file = ImageFile(content)
    assert (file.frames, file.container.durations) == (2, (0.1, 0.1))
    still = detector.detect(content)
    assert still.verdict is Verdict.UNCERTAIN
    assert detect_all_frames(content, still, detector).verdict is Verdict.FAKE


def test_a_thumbnail_in_a_tiff_is_no_page() -> None:
    thumbnail = REAL.resize((64, 64))
    thumbnail.encoderinfo = {"tiffinfo": {254: 1}}  # type: ignore[attr-defined]
    assert ImageFile(encode(REAL, "TIFF", save_all=True, append_images=[thumbnail])).frames == 1


def test_the_further_images_of_a_phones_photo_are_no_frames() -> None:
    content = encode(REAL, "MPO", save_all=True, append_images=[REAL.resize((64, 64))])
    with Image.open(BytesIO(content)) as opened:
        assert (opened.format, ImageFile(opened).frames) == ("MPO", 1)
    assert ImageFile(content).frames == 1


def test_limits_of_a_video_hold_for_an_animation(detector: Detector) -> None:
    content = animation("GIF", [REAL, FAKE])
    for limits in (
        VideoLimits(max_seconds=0.1),
        VideoLimits(max_decoded=1),
        VideoLimits(image=ImageLimits(max_pixels=1000)),
        VideoLimits(max_bytes=1000),
    ):
        with pytest.raises(ImageTooLargeError):
            detect_video(content, detector, limits=limits)


def test_a_truncated_animation_is_analyzed_as_far_as_it_goes(detector: Detector) -> None:
    content = animation("GIF", [FAKE, REAL, FAKE, FAKE.rotate(2), FAKE.rotate(3)])
    result = detect_video(content[: len(content) - 3000], detector)
    assert result.timeline


def test_the_command_takes_an_animation(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(animation("GIF", [REAL, FAKE]))
    done = veraface("video", "--model", "fast", "--json", tmp_path / "a.gif")
    assert '"format": "GIF"' in done.stdout or '"format":"GIF"' in done.stdout
    done = veraface("detect", "--model", "fast", "--json", tmp_path / "a.gif")
    assert "several_frames" in done.stdout


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("end", ["first", "last"])
def test_a_fake_frame_at_either_end_keeps_an_animation_of_real_ones_from_being_real(
    detector: Detector, kind: str, end: str
) -> None:
    images = [FAKE, *(REAL.rotate(angle) for angle in range(6))]
    content = animation(kind, images if end == "first" else images[::-1])
    assert len(detect_video(content, detector, frames=1).timeline) == 3
    for frames in (5, 32):
        video = detect_video(content, detector, frames=frames)
        assert (video.verdict, len(video.timeline)) == (Verdict.UNCERTAIN, min(frames, 7))
        assert f"the {end} frame by itself is fake" in [reason.message for reason in video.reasons]
    assert detect_video(content, detector, every=0.5).verdict is Verdict.UNCERTAIN
    result = detect_all_frames(content, detector.detect(content), detector)
    assert result.verdict is Verdict.UNCERTAIN
    assert f"the {end} frame by itself is fake" in [reason.message for reason in result.reasons]
    assert result.reliability is None
    assert result.p_fake_range is not None  # crosses both thresholds, so that it agrees with the verdict
    assert result.p_fake_range[0] <= detector.card.thresholds.real
    assert result.p_fake_range[1] >= detector.card.thresholds.fake


@pytest.mark.parametrize("end", ["first", "last"])
def test_a_fake_frame_at_either_end_of_an_empty_animation_is_not_overlooked(
    detector: Detector, end: str
) -> None:
    empty = [Image.new("RGB", REAL.size, (number, 0, 0)) for number in range(60)]
    content = animation("GIF", [FAKE, *empty] if end == "first" else [*empty, FAKE])
    result = detect_all_frames(content, detector.detect(content), detector)
    assert (result.verdict, len(result.faces)) == (Verdict.UNCERTAIN, 1)
    assert "no_face" not in {reason.code for reason in result.reasons}


def test_the_faces_of_an_animation_belong_to_the_frame_that_is_shown_with_them(detector: Detector) -> None:
    wide = Image.new("RGB", (512, 256), "gray")
    wide.paste(FAKE, (256, 0))
    content = animation("GIF", [Image.new("RGB", wide.size), *[wide] * 5])
    result, shown = detect_and_show(content, detector.detect(content), detector)
    assert shown is not None
    assert [face.box for face in result.faces] == [face.box for face in detector.detect(shown).faces]
    assert len(result.faces) == 1
    one, nothing = detect_and_show(animation("GIF", [REAL]), detector.detect(REAL), detector)
    assert (one.verdict, nothing) == (Verdict.REAL, None)


def test_all_frames_in_the_form_of_an_image(detector: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    content = animation("GIF", [REAL, *(FAKE.rotate(angle) for angle in range(4)), REAL])
    still = detector.detect(content)
    result = detect_all_frames(content, still, detector)
    assert (result.verdict, result.format) == (Verdict.FAKE, "GIF")
    assert result.p_fake == detect_video(content, detector).p_fake
    assert result.reasons[-1].code == "several_frames"
    assert result.faces[0].verdict is Verdict.FAKE
    stages = sum(result.timing_ms[stage] for stage in ("decode", "faces", "model"))
    assert stages <= result.timing_ms["total"] + 1
    for name, limit in (("_MAX_PIXELS", 6 * 256 * 256 - 1), ("_MAX_FACES", 2)):
        with monkeypatch.context() as patch:
            patch.setattr(f"veraface.video.image_frames.{name}", limit)
            assert detect_all_frames(content, still, detector) is still
    one = detector.detect(REAL)
    assert detect_all_frames(encode(REAL, "PNG"), one, detector) is one
