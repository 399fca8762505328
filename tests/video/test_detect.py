"""`detect_video`, the timeline and the annotated copy."""

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageEnhance

from tests.sample_models import brightness_model
from tests.sample_videos import make_broken, make_plain, make_portrait, panned, turn, two_streams, write_video
from veraface.detector import Detector
from veraface.errors import UnreadableVideoError, VerafaceError, VideoTooLargeError
from veraface.results import Verdict
from veraface.video import VideoLimits, VideoResult, detect_video
from veraface.video.annotation import write_annotated
from veraface.video.plot import timeline_data, write_timeline
from veraface.video.reader import open_video


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector("fast", threads=1)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_portrait(tmp_path_factory.mktemp("videos") / "a.mp4", 12)


@pytest.fixture(scope="module")
def result(detector: Detector, video: Path) -> VideoResult:
    return detect_video(video, detector, frames=6, thumbnails=2)


def test_each_frame_scores_as_it_does_as_an_image(
    detector: Detector, video: Path, result: VideoResult
) -> None:
    with open_video(video) as opened:
        wanted = [m for m in opened.frames if any(abs(m.time - p.time) < 1e-9 for p in result.timeline)]
        images = [frame.image for frame in opened.decode(wanted)]
    assert len(images) == len(result.timeline) == 6
    for image, point in zip(images, result.timeline, strict=True):
        assert detector.detect(image, heatmap=False).p_fake == point.p_fake


def test_the_content_of_the_video_decides_which_frames_are_analyzed(
    detector: Detector, tmp_path: Path
) -> None:
    """And not the container around it."""
    times = []
    for name, color in (("a.mp4", 0), ("a.mkv", 0), ("b.mp4", 9)):
        with av.open(tmp_path / name, "w") as container:
            stream = container.add_stream("mpeg4", rate=25)
            stream.width = stream.height = 64
            stream.pix_fmt = "yuv420p"
            for number in range(100):
                gray = np.full((64, 64, 3), number + color, np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(gray)))
            container.mux(stream.encode())
        times.append([round(25 * p.time) for p in detect_video(tmp_path / name, detector, frames=8).timeline])
    assert times[0] == times[1] != times[2]
    assert [time * 8 // 100 for time in times[0]] == list(range(8))


def test_frames_in_hdr_are_converted_to_srgb(tmp_path: Path) -> None:
    gray = np.full((64, 64, 3), round(255 * 0.75), np.uint8)  # 75% of HLG is diffuse white
    with av.open(tmp_path / "a.mp4", "w") as container:
        stream = container.add_stream("libx264", rate=2)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        stream.codec_context.color_primaries, stream.codec_context.color_trc = 9, 18
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(gray)))
        container.mux(stream.encode())
    with open_video(tmp_path / "a.mp4") as opened:
        frame = next(opened.decode(opened.frames))
    assert np.asarray(frame.image).mean() == pytest.approx(253, abs=4)


def test_one_face_one_track_one_verdict(result: VideoResult) -> None:
    (track,) = result.tracks
    assert len({result, replace(result, timing_ms={})}) == 1  # compared and hashed without timing
    assert len(track.frames) == 6
    assert (result.verdict, result.p_fake) == (track.verdict, track.p_fake)
    assert result.verdict is Verdict.REAL
    assert (result.width, result.height, result.rotation, result.codec) == (480, 400, 0, "mpeg4")
    assert result.duration == pytest.approx(1.5, abs=0.01)
    assert result.rate == pytest.approx(8, abs=0.01)
    assert sum(result.timing_ms[stage] for stage in ("read", "decode", "faces", "model")) == pytest.approx(
        result.timing_ms["total"]
    )


def test_thumbnails_are_those_of_the_largest_p_fake(result: VideoResult) -> None:
    kept = [point.p_fake for point in result.timeline if point.thumbnail]
    left = [point.p_fake for point in result.timeline if not point.thumbnail]
    assert len(kept) == 2
    assert min(kept) >= max(left)
    thumbnail = next(point.thumbnail for point in result.timeline if point.thumbnail)
    with Image.open(BytesIO(thumbnail)) as small:
        assert (small.format, small.size, dict(small.getexif())) == ("JPEG", (320, 267), {})


def test_it_becomes_json(result: VideoResult) -> None:
    answer = json.loads(json.dumps(result.to_dict()))
    assert answer["tracks"][0]["frames"][0].keys() == {"time", "box", "p_fake"}
    assert sum("thumbnail" in point for point in answer["timeline"]) == 2


def test_a_video_that_turns_fake_half_way(tmp_path: Path) -> None:
    """With a model that goes by brightness."""
    frames = panned(12)
    changed = [ImageEnhance.Brightness(f).enhance(1.7 if i >= 6 else 0.5) for i, f in enumerate(frames)]
    path = write_video(tmp_path / "half.mp4", changed)
    found = detect_video(path, Detector(brightness_model(tmp_path), threads=1), frames=12)
    scores = [point.p_fake or 0 for point in found.timeline]
    assert max(scores[:6]) < found.thresholds["real"]
    assert min(scores[6:]) > found.thresholds["fake"]
    assert found.verdict is Verdict.FAKE


def test_one_bad_frame_does_not_make_a_video_fake(tmp_path: Path) -> None:
    frames = panned(12)
    changed = [ImageEnhance.Brightness(f).enhance(1.7 if i == 4 else 0.5) for i, f in enumerate(frames)]
    path = write_video(tmp_path / "one.mp4", changed, key_frames=1)
    found = detect_video(path, Detector(brightness_model(tmp_path), threads=1), frames=12)
    assert max(point.p_fake or 0 for point in found.timeline) > found.thresholds["fake"]
    assert found.verdict is Verdict.REAL


def test_turned_videos_are_analyzed_upright(detector: Detector, tmp_path: Path, result: VideoResult) -> None:
    lying = [image.rotate(90, expand=True) for image in panned(4)]
    path = write_video(tmp_path / "a.mp4", lying)
    turn(path, quarters=1)
    found = detect_video(path, detector)
    assert (found.rotation, found.width, found.height) == (90, 480, 400)
    box, upright = found.tracks[0].frames[0].box, result.tracks[0].frames[0].box
    assert box.iou(upright) > 0.8


def test_no_face_no_verdict(detector: Detector, tmp_path: Path) -> None:
    found = detect_video(make_plain(tmp_path / "a.mp4", 3), detector)
    assert (found.verdict, found.p_fake, found.tracks) == (Verdict.NO_FACE, None, ())
    write_timeline(found, tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as plot:
        assert plot.size == (1200, 520)


def test_a_video_too_short_for_a_verdict(detector: Detector, tmp_path: Path) -> None:
    found = detect_video(make_portrait(tmp_path / "a.mp4", 2), detector)
    assert (found.verdict, [r.code for r in found.reasons]) == (Verdict.UNCERTAIN, ["too_few_frames"])


def test_a_video_that_could_hide_a_face_in_what_was_not_seen_is_not_called_real(detector: Detector) -> None:
    images = panned(12)
    for whole, verdict in ((set(range(12)), "real"), (set(range(10)), "real"), (set(range(9)), "uncertain")):
        found = detect_video(make_broken("mp4", images, whole, key_frames=1), detector)
        assert (found.verdict, len(found.timeline)) == (verdict, len(whole))
    assert [reason.code for reason in found.reasons] == ["frames_damaged"]


def test_one_frame_decides_nothing(detector: Detector) -> None:
    found = detect_video(make_broken("mp4", panned(12), {8}, key_frames=1), detector)
    assert (found.verdict, [p.time for p in found.timeline]) == (Verdict.UNCERTAIN, [1])
    assert [r.code for r in found.reasons] == ["too_few_frames", "frames_damaged"]


def test_a_video_put_together_carelessly_is_not_called_real(detector: Detector, tmp_path: Path) -> None:
    one = make_portrait(tmp_path / "a.ts", 8).read_bytes()
    assert detect_video(one, detector).verdict is Verdict.REAL
    found = detect_video(one + one, detector)
    assert (found.verdict, [r.code for r in found.reasons]) == (Verdict.UNCERTAIN, ["clip_overlaps"])


def test_streams_that_were_not_analyzed_are_reported(detector: Detector, tmp_path: Path) -> None:
    plain = make_plain(tmp_path / "a.mp4", size=(480, 400)).read_bytes()
    found = detect_video(
        two_streams(plain, make_portrait(tmp_path / "b.mp4", 8).read_bytes(), "mp4"), detector
    )
    assert (found.verdict, [r.code for r in found.reasons]) == (Verdict.REAL, ["streams_unseen"])


def test_progress_counts_from_none_to_all(detector: Detector, video: Path) -> None:
    steps: list[tuple[int, int, float, float | None]] = []
    detect_video(video, detector, frames=3, progress=lambda *step: steps.append(step))
    assert [step[:2] for step in steps] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert steps[0][3] is None
    assert 0 < (steps[3][3] or 0) < 1


def test_at_a_rate_and_its_bound(detector: Detector, video: Path) -> None:
    assert [p.time for p in detect_video(video, detector, every=0.5).timeline] == [0, 0.5, 1]
    with pytest.raises(VideoTooLargeError, match="more than 5 frames"):
        detect_video(video, detector, every=0.1, limits=VideoLimits(max_frames=5))
    with pytest.raises(ValueError, match="positive"):
        detect_video(video, detector, frames=0)


def test_nothing_that_decodes_is_an_error(detector: Detector, tmp_path: Path) -> None:
    data = bytearray(make_portrait(tmp_path / "a.mp4", 4).read_bytes())
    start = data.index(b"mdat") + 4
    data[start : data.index(b"moov") - 4] = bytes(data.index(b"moov") - 4 - start)
    with pytest.raises(UnreadableVideoError):
        detect_video(bytes(data), detector)


def test_the_timeline_as_data_and_as_a_plot(result: VideoResult, tmp_path: Path) -> None:
    data = timeline_data(result)
    assert [p["time"] for p in data["timeline"]] == [round(p.time, 3) for p in result.timeline]
    assert data["thresholds"] == result.thresholds
    path = tmp_path / "t.png"
    write_timeline(result, path, "a\x1b[31m.mp4")
    with Image.open(path) as image:
        gray = np.asarray(image.convert("L"))
    assert gray.shape == (520, 1200)
    low, high = (80 + 370 * (1 - result.thresholds[name]) for name in ("real", "fake"))
    inside, outside = gray[int(high) + 5 : int(low) - 5, 200:1000], gray[84 : int(high) - 5, 200:1000]
    assert inside.std() > 3 * outside.std()  # the band is hatched, in gray as well
    with pytest.raises(VerafaceError, match="cannot be written"):
        write_timeline(result, tmp_path / "nowhere" / "t.png")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_annotated_copy(result: VideoResult, video: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    write_annotated(video, result, path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    with open_video(video) as before, open_video(path) as after:
        assert len(after.frames) == len(before.frames)
        assert [m.time for m in after.frames] == pytest.approx([m.time for m in before.frames], abs=0.002)
        (old,) = before.decode(before.frames[6:7])
        (new,) = after.decode(after.frames[6:7])
    change = np.abs(np.asarray(old.image).astype(int) - np.asarray(new.image)).mean(axis=2)
    box = result.tracks[0].frames[3].box
    edge = change[round(box.y) - 2 : round(box.y) + 4, round(box.x) + 60 : round(box.x + box.width)]
    assert edge.max(axis=0).mean() > 40  # a line along the upper edge
    assert change[300:, :100].mean() < 12  # and nothing elsewhere but the codec's own
    with av.open(str(path)) as container:
        assert not container.streams.audio


def test_a_failed_copy_leaves_nothing_behind(result: VideoResult, video: Path, tmp_path: Path) -> None:
    for source, path in ((video, tmp_path / "a.avi"), (b"no video", tmp_path / "b.mp4")):
        with pytest.raises(VerafaceError):
            write_annotated(source, result, path)
    with pytest.raises(VerafaceError, match="cannot be written"):
        write_annotated(video, result, tmp_path / "nowhere" / "c.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_copy_that_would_be_too_long_is_refused_before_it_is_begun(
    result: VideoResult, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("veraface.video.annotation._encode", lambda *_: pytest.fail("begun"))
    with pytest.raises(VideoTooLargeError, match="more than 11 frames"):
        write_annotated(video, result, tmp_path / "a.mp4", VideoLimits(max_decoded=11))


def test_errors_of_ffmpeg_while_copying_are_video_errors(
    result: VideoResult, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise av.error.ExternalError(1, "the encoder gave up")

    monkeypatch.setattr("veraface.video.annotation._encode", failing)
    with pytest.raises(VerafaceError, match=r"a\.mp4: cannot be written: the encoder gave up"):
        write_annotated(video, result, tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []
