"""Reading videos: times, orientation, limits, damage and hostile files."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.examples import examples
from tests.memory import peak_mib, reset_peak
from tests.sample_images import encode, portrait
from tests.sample_videos import (
    QUARTER_TURNS,
    corner,
    hide_beginning,
    make_audio,
    make_broken,
    make_corner,
    make_ramp,
    place,
    turn,
    two_streams,
    write_video,
)
from veraface.errors import (
    ImageError,
    UnreadableVideoError,
    UnsupportedVideoError,
    VideoError,
    VideoTooLargeError,
)
from veraface.imaging.decode import ImageLimits
from veraface.video.container import VideoLimits
from veraface.video.reader import open_video


def levels(source: Path | bytes, places: list[int]) -> list[float]:
    """Ten times the number of each frame that was asked for, where the ramp is read rightly."""
    with open_video(source) as video:
        return [
            float(np.asarray(frame.image).mean()) for frame in video.decode([video.frames[p] for p in places])
        ]


def written(codec: str, kind: str, images: list[Image.Image], times: list[float] | None = None) -> bytes:
    """A video of some codec and container, at any times (s)."""
    buffer = BytesIO()
    with usual_priority(), av.open(buffer, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=20)
        stream.width, stream.height = images[0].size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.gop_size = 12
        stream.bit_rate = 2_000_000
        clock = Fraction(1, 1000)
        if times:
            stream.codec_context.time_base = clock
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(np.asarray(image))
            if times:
                frame.pts, frame.time_base = round(times[number] / clock), clock
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


@contextlib.contextmanager
def usual_priority() -> Iterator[None]:
    """Undoes what SVT-AV1 does where root runs it: it puts the whole process before all others, for good.

    So do all browsers that tests start later, and nothing else gets a turn.
    """
    if not hasattr(os, "sched_getscheduler"):
        yield
        return
    policy, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameter)


def ramp(frames: int = 20) -> list[Image.Image]:
    return [Image.new("RGB", (64, 48), (10 * i,) * 3) for i in range(frames)]


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "avi", "ts"])
@pytest.mark.parametrize("key_frames", [1, 12, 100])
def test_each_decoded_frame_is_the_requested_one(tmp_path: Path, suffix: str, key_frames: int) -> None:
    path = make_ramp(tmp_path / f"a.{suffix}", 20, key_frames)
    with open_video(path) as video:
        assert len(video.frames) == 20
        assert video.rate == pytest.approx(20, rel=0.02)
        assert video.duration == pytest.approx(1, rel=0.06)
        assert not video.truncated
        assert not video.overlaps
        assert not video.unseen_streams
    places = [0, 1, 7, 12, 13, 19]
    assert levels(path, places) == pytest.approx([10 * p for p in places], abs=4)
    assert levels(path.read_bytes(), [5]) == pytest.approx([50], abs=4)


@pytest.mark.parametrize(
    ("codec", "kind"),
    [
        ("libx264", "mp4"),
        ("libx264", "mpegts"),
        ("libx265", "mp4"),
        ("libvpx-vp9", "webm"),
        ("libsvtav1", "mp4"),
    ],
)
def test_common_codecs(codec: str, kind: str) -> None:
    if codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg cannot make {codec}")
    side = 64 if codec != "libsvtav1" else 128
    images = [image.resize((side, side)) for image in ramp()]
    content = written(codec, kind, images)
    assert levels(content, [2, 11, 19]) == pytest.approx([20, 110, 190], abs=6)
    if hasattr(os, "sched_getscheduler"):
        assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_variable_frame_rate() -> None:
    times = [0, 0.1, 0.2, 1.5, 1.6, 4.0]
    content = written("libx264", "matroska", ramp(6), times)
    with open_video(content) as video:
        assert [ref.time for ref in video.frames] == pytest.approx(times, abs=0.002)
        assert video.rate == pytest.approx(5 / 4, rel=0.01)
    assert levels(content, [3, 5]) == pytest.approx([30, 50], abs=4)


@pytest.mark.parametrize(("quarters", "where", "size"), QUARTER_TURNS)
def test_rotated_videos_are_upright(tmp_path: Path, quarters: int, where: str, size: tuple[int, int]) -> None:
    path = make_corner(tmp_path / "a.mp4")
    turn(path, quarters=quarters)
    with open_video(path) as video:
        (frame,) = video.decode(video.frames[1:2])
        assert (corner(frame.image), frame.image.size) == (where, size)
        assert video.rotation == 90 * quarters


@pytest.mark.parametrize(
    ("matrix", "where", "size", "rotation"),
    [
        ((-1, 0, 0, 1), "top right", (64, 48), 0),
        ((1, 0, 0, -1), "bottom left", (64, 48), 180),
        ((0, 1, 1, 0), "top left", (48, 64), 270),
        ((0, -1, -1, 0), "bottom right", (48, 64), 90),
        ((0.007, 1, -1, 0.007), "top right", (48, 64), 90),  # 89.6 degrees
        ((-0.035, 0.999, -0.999, -0.035), "top right", (48, 64), 90),  # 92 degrees
        ((0, 0, 0, 0), "top left", (64, 48), 0),
        ((1, 1, 1, 1), "top left", (64, 48), 0),
    ],
)
def test_mirrored_and_unusual_display_matrices(
    tmp_path: Path, matrix: tuple[float, ...], where: str, size: tuple[int, int], rotation: int
) -> None:
    path = make_corner(tmp_path / "a.mp4")
    place(path, *matrix)
    with open_video(path) as video:
        (frame,) = video.decode(video.frames[1:2])
        assert (corner(frame.image), frame.image.size, video.rotation) == (where, size, rotation)


def test_pixels_are_made_square() -> None:
    wide = wide_pixels()
    with open_video(wide) as video:
        (frame,) = video.decode(video.frames[:1])
    assert frame.image.size == (128, 48)
    # Refused by the size that it would get, before it gets it.
    error = refused(wide, VideoLimits(image=ImageLimits(max_pixels=4000)))
    assert isinstance(error, VideoTooLargeError)
    assert "128 x 48 pixels" in str(error)


def wide_pixels() -> bytes:
    buffer = BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)
        for image in ramp(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(image))))
        container.mux(stream.encode())
    return buffer.getvalue()


def refused(source: Path | bytes, limits: VideoLimits | None = None) -> VideoError:
    with pytest.raises(VideoError) as caught, open_video(source, limits) as video:
        list(video.decode(video.frames))
    return caught.value


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda p: p.write_bytes(b""), UnreadableVideoError, "empty"),
        (lambda p: p.write_bytes(b"\0" * 5000), UnsupportedVideoError, "not a readable video"),
        (lambda p: p.write_bytes(encode(portrait(), "JPEG")), UnsupportedVideoError, "is a JPEG image"),
        (lambda p: p.write_bytes(encode(portrait(64), "HEIF")), UnsupportedVideoError, "is a HEIF image"),
        (
            lambda p: p.write_bytes(encode(portrait(64), "GIF")),
            UnsupportedVideoError,
            "is a GIF image, not a video",
        ),
        (make_audio, UnsupportedVideoError, "only sound"),
        (lambda p: make_ramp(p) and p.write_bytes(p.read_bytes()[:-600]), UnsupportedVideoError, "cut off"),
        (lambda p: p.mkdir(), UnreadableVideoError, "not a regular file"),
        (lambda p: None, UnreadableVideoError, "no such file"),
    ],
)
def test_files_that_are_not_videos(
    tmp_path: Path, make: Callable[[Path], object], kind: type[VideoError], words: str
) -> None:
    make(tmp_path / "a.mp4")
    error = refused(tmp_path / "a.mp4")
    assert isinstance(error, kind)
    assert words in str(error)


DASH = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-main:2011" type="static"
mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1"
bandwidth="1"><BaseURL>file://{path}</BaseURL><SegmentBase indexRange="0-9"/></Representation></AdaptationSet>
</Period></MPD>"""
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"


@pytest.mark.parametrize("name", ["a.m3u8", "a.mp4", "concat.txt"])
@pytest.mark.parametrize(
    "content",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{path}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{path}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{path}'\n",
        DASH,
        SDP,
    ],
)
def test_play_lists_open_nothing(tmp_path: Path, name: str, content: str) -> None:
    other = make_ramp(tmp_path / "other.ts")
    path = tmp_path / name
    path.write_text(content.replace("{path}", str(other)))
    opened: list[object] = []
    sys.addaudithook(
        lambda event, args: opened.append(args[0]) if event in ("open", "socket.connect") else None
    )
    assert isinstance(refused(path), UnsupportedVideoError)
    assert isinstance(refused(path.read_bytes()), UnsupportedVideoError)
    assert not [one for one in opened if "other" in str(one)]
    assert other.stat().st_atime_ns <= other.stat().st_mtime_ns  # FFmpeg itself has not read it either


@pytest.mark.parametrize("kind", [b"url ", b"alis"])
def test_external_references_in_an_mp4_are_not_opened(tmp_path: Path, kind: bytes) -> None:
    """The data reference of a track may be an address (ISO/IEC 14496-12, 8.7.2; QuickTime has aliases)."""
    other = make_ramp(tmp_path / "other.mp4")
    data = bytearray(make_ramp(tmp_path / "a.mp4").read_bytes())
    start = data.index(b"url \0\0\0\1") - 4
    named = f"file://{other}".encode() + b"\0" if kind == b"url " else alias_of(other)
    reference = (12 + len(named)).to_bytes(4, "big") + kind + bytes(4) + named  # no flag: not in this file
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        at = data.rindex(box, 0, start) - 4
        size = int.from_bytes(data[at : at + 4], "big") + len(reference) - 12
        data[at : at + 4] = size.to_bytes(4, "big")
    data[start : start + 12] = reference
    path = tmp_path / "naming.mp4"
    path.write_bytes(data)
    for source in (path, bytes(data)):
        with contextlib.suppress(VideoError), open_video(source) as video:
            list(video.decode(video.frames[:2]))  # whatever it gives, it comes from the bytes given
    assert other.stat().st_atime_ns <= other.stat().st_mtime_ns


def alias_of(path: Path) -> bytes:
    """An alias record of the Macintosh, as far as FFmpeg reads it (libavformat/mov.c, mov_read_dref)."""
    name = str(path).encode()
    fixed = bytes(10) + bytes([1]) + b"x" * 27 + bytes(12) + bytes([1]) + b"y" * 63 + bytes(16)
    levels = (1).to_bytes(2, "big") + (1).to_bytes(2, "big") + bytes(16)
    names = (2).to_bytes(2, "big") + len(name).to_bytes(2, "big") + name + b"\0" * (len(name) % 2)
    return fixed + levels + names + b"\xff\xff\0\0"


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (VideoLimits(image=ImageLimits(max_pixels=3000)), "64 x 48 pixels"),
        (VideoLimits(image=ImageLimits(max_side=63)), "64 x 48 pixels"),
        (VideoLimits(max_bytes=1000), "larger than the limit"),
        (VideoLimits(max_packets=19), "more than 19 packets"),
        (VideoLimits(max_seconds=0.5), "1 s long; the limit is 0 s"),
        (VideoLimits(max_decoded=10), "more than 10 frames"),
    ],
)
def test_limits(tmp_path: Path, limits: VideoLimits, words: str) -> None:
    error = refused(make_ramp(tmp_path / "a.mp4"), limits)
    assert isinstance(error, VideoTooLargeError)
    assert words in str(error)


@pytest.mark.parametrize("side", [12_000, 60_000])
def test_huge_frame_is_refused_by_its_header(side: int) -> None:
    """FFmpeg stays within the memory limit even while it probes the streams of a video."""
    data = bytearray(written("mjpeg", "matroska", [Image.new("RGB", (304, 304))] * 3))
    at = -1
    while (at := data.find(b"\x08\x01\x30\x01\x30\x03", at + 1)) > 0:  # the frame's size in each JPEG
        data[at + 1 : at + 5] = side.to_bytes(2) * 2
    reset_peak()
    before = peak_mib()
    with contextlib.suppress(VideoError), open_video(bytes(data)) as video:
        assert list(video.decode(video.frames)) == []
    assert peak_mib() - before < 100


def test_truncated_video_is_detected(tmp_path: Path) -> None:
    whole = make_ramp(tmp_path / "a.mkv", 100, 12).read_bytes()
    with open_video(whole) as video:
        assert not video.truncated
    with open_video(whole[: len(whole) // 3]) as video:
        assert video.truncated
        assert len(list(video.decode(video.frames))) > 0


def test_damaged_frames_are_skipped(tmp_path: Path) -> None:
    data = bytearray(make_ramp(tmp_path / "a.avi", 20, 1).read_bytes())
    start = data.index(b"movi")
    middle = (start + len(data)) // 2
    data[middle : middle + 400] = b"\xff" * 400
    with open_video(bytes(data)) as video:
        frames = list(video.decode(video.frames))
        assert len(frames) + video.damaged == len(video.frames)
        assert len(frames) >= 5


@pytest.mark.parametrize("kind", ["mp4", "matroska"])
def test_intact_frame_among_damaged_ones_is_decoded_once(kind: str) -> None:
    """And with its own time: what stands around it is damaged, and not shown by it."""
    content = make_broken(kind, ramp(24), whole={20}, key_frames=1)
    with open_video(content) as video:
        assert [frame.time for frame in video.decode(video.frames)] == pytest.approx([20 / 8])
        assert video.damaged == len(video.frames) - 1 == 23


def test_damaged_frames_cost_no_more_than_intact_ones() -> None:
    content = make_broken("mp4", ramp(26) * 8, whole=set(range(0, 208, 2)), key_frames=300)
    with open_video(content, VideoLimits(max_decoded=250)) as video:
        frames = list(video.decode(video.frames))
        assert len({frame.time for frame in frames}) == len(frames)
        assert len(frames) + video.damaged == len(video.frames) == 208


def test_damaged_frames_count_towards_the_limit() -> None:
    content = make_broken("mp4", ramp(26) * 8, whole={0}, key_frames=300)
    error = refused(content, VideoLimits(max_decoded=100))
    assert "more than 100 frames would be decoded" in str(error)


def test_frames_hidden_by_an_edit_list_are_skipped() -> None:
    whole = make_broken("mp4", ramp(20), whole=set(range(20)), key_frames=300)
    content = hide_beginning(whole, 15, 8)
    with av.open(BytesIO(content)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 5  # what players show
    with open_video(content) as video:
        assert len(video.frames) == 5
        assert video.duration == pytest.approx(5 / 8, abs=0.01)
        assert not video.truncated
        frames = list(video.decode(video.frames))
    assert [frame.time for frame in frames] == pytest.approx([0, 1 / 8, 2 / 8, 3 / 8, 4 / 8], abs=0.001)
    shown = [float(np.asarray(frame.image).mean()) for frame in frames]
    assert shown == pytest.approx([150, 160, 170, 180, 190], abs=4)


@pytest.mark.parametrize("codec", ["mpeg4", "mpeg2video", "libx264"])
@pytest.mark.parametrize("kind", ["avi", "mpegts", "mpeg", "asf", "matroska"])
@pytest.mark.parametrize("held_back", [0, 2])
def test_containers_with_unreliable_times_or_seeking(codec: str, kind: str, held_back: int) -> None:
    if (codec, kind) == ("libx264", "mpeg"):
        pytest.skip("has no stamp on most of its frames")
    buffer = BytesIO()
    with av.open(buffer, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 64, 48, "yuv420p", 12
        stream.codec_context.max_b_frames = held_back
        for image in ramp(25):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(image))))
        container.mux(stream.encode())
    with open_video(buffer.getvalue()) as video:
        assert not video.overlaps
        frames = list(video.decode(video.frames))
        assert video.damaged <= 1  # the last one may have no stamp
    assert len({frame.time for frame in frames}) == len(frames)


def test_overlapping_times_are_detected(tmp_path: Path) -> None:
    one = make_ramp(tmp_path / "a.ts").read_bytes()
    with open_video(one + one) as video:
        assert video.overlaps


@pytest.mark.parametrize("kind", ["mp4", "matroska"])
def test_default_stream_of_several_is_read(tmp_path: Path, kind: str) -> None:
    other = write_video(tmp_path / "b.mp4", ramp(20)[::-1], rate=20)
    content = two_streams(make_ramp(tmp_path / "a.mp4").read_bytes(), other.read_bytes(), kind)
    assert levels(content, [0, 10]) == pytest.approx([190, 90], abs=4)
    with open_video(content) as video:
        assert video.unseen_streams == 1


def test_exhausted_memory_is_not_reported_as_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_ramp(tmp_path / "a.mp4")

    def none_left(*_: object, **__: object) -> None:
        raise MemoryError

    with open_video(path) as video:
        monkeypatch.setattr("veraface.video.reader.packet_pts", none_left)
        with pytest.raises(VideoTooLargeError, match="more memory"):
            list(video.decode(video.frames))
    with pytest.raises(VideoTooLargeError, match="more memory"), open_video(path):
        pass
    monkeypatch.setattr("av.open", none_left)
    with pytest.raises(VideoTooLargeError, match="more memory"), open_video(path):
        pass


@settings(
    max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_damage_yields_frames_or_an_error(tmp_path: Path, data: st.DataObject) -> None:
    suffix = data.draw(st.sampled_from(["mp4", "mkv", "avi", "ts"]))
    path = tmp_path / f"whole.{suffix}"
    content = bytearray((path if path.exists() else make_ramp(path)).read_bytes())
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(1, len(content)))]
    limits = VideoLimits(image=ImageLimits(max_pixels=4_000_000), max_decoded=200)
    try:
        with open_video(bytes(content), limits) as video:
            for frame in video.decode(video.frames[:40]):
                assert frame.image.mode == "RGB"
    except ImageError:
        pass
