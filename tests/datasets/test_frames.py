"""Frames of videos as images."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.sample_data import BOX, write_csv
from tests.sample_videos import (
    QUARTER_TURNS,
    corner,
    make_audio,
    make_corner,
    make_ramp,
    make_video,
    turn,
)
from veraface.datasets.frames import read_frame, sample_image
from veraface.datasets.manifest import Sample, read_samples
from veraface.datasets.validation import prepare
from veraface.errors import (
    DataError,
    ImageError,
    ImageTooLargeError,
    UnreadableImageError,
    UnsupportedImageError,
)
from veraface.imaging.decode import ImageFile, ImageLimits


def level(image: Image.Image) -> float:
    return float(np.asarray(image).mean())


def test_an_image_is_its_path(tmp_path: Path) -> None:
    sample = Sample(tmp_path / "no such.jpg", False, "web", "a", "test")
    assert sample_image(sample) == tmp_path / "no such.jpg"


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.mkv", "with spaces é 漢字.mov", "concat:a|b.mp4"])
@pytest.mark.parametrize("key_frames", [1, 12, 100])
def test_the_frame_at_a_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, key_frames: int
) -> None:
    monkeypatch.chdir(tmp_path)
    path = make_ramp(tmp_path / "made" / f"video{Path(name).suffix}", 20, key_frames).rename(name)
    for place, brightness in ((0, 0), (0.025, 10), (0.5, 100), (0.95, 190), (1, 190)):
        found = level(read_frame(path, place))
        assert abs(found - brightness) <= 12, (place, found)


@pytest.mark.parametrize(("quarters", "where", "size"), QUARTER_TURNS)
def test_turned_videos_come_upright(tmp_path: Path, quarters: int, where: str, size: tuple[int, int]) -> None:
    path = make_corner(tmp_path / "a.mp4")
    assert corner(read_frame(path, 0.5)) == "top left"
    turn(path, quarters=quarters)
    upright = read_frame(path, 0.5)
    assert (corner(upright), upright.size) == (where, size)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-600])  # the index of an MP4 stands at its end


def no_frames_left(path: Path) -> None:
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    data[start : data.index(b"moov")] = b"\0" * (data.index(b"moov") - start)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("harm", "kind", "message"),
    [
        (
            lambda p: p.write_text("#EXTM3U\n#EXTINF:10,\n/etc/passwd\n"),
            UnsupportedImageError,
            "not a readable video",
        ),
        (
            lambda p: p.write_text("ffconcat version 1.0\nfile other.mp4\n"),
            UnsupportedImageError,
            "not a readable video",
        ),
        (lambda p: p.write_bytes(b""), UnreadableImageError, "empty"),
        (lambda p: p.write_bytes(b"\0" * 5000), UnsupportedImageError, "not a readable video"),
        (lambda p: make_audio(p), UnsupportedImageError, "no images: only sound"),
        (cut, UnsupportedImageError, "cut off"),
        (no_frames_left, UnreadableImageError, "cut off"),
        (lambda p: p.unlink(), UnreadableImageError, "no such file"),
        (lambda p: (p.unlink(), p.mkdir()), UnreadableImageError, "not a regular file"),
    ],
)
def test_broken_videos(tmp_path: Path, harm: object, kind: type[ImageError], message: str) -> None:
    path = make_video(tmp_path / "a.mp4")
    assert callable(harm)
    harm(path)
    with pytest.raises(kind, match=message):
        read_frame(path, 0.5)


def test_invalid_file_names() -> None:
    with pytest.raises(UnreadableImageError, match="not a valid path"):
        read_frame(Path("nul\0.mp4"), 0.5)


def test_truncated_videos_give_an_image_or_an_image_error(tmp_path: Path) -> None:
    whole = make_ramp(tmp_path / "a.mkv").read_bytes()
    for length in range(1, len(whole), max(1, len(whole) // 40)):
        path = tmp_path / "cut.mkv"
        path.write_bytes(whole[:length])
        for place in (0.0, 0.9):
            try:
                assert read_frame(path, place).size == (64, 48)
            except ImageError:
                continue


@pytest.mark.parametrize("limits", [ImageLimits(max_pixels=3000), ImageLimits(max_side=63)])
def test_limits_hold_before_decoding(tmp_path: Path, limits: ImageLimits) -> None:
    with pytest.raises(ImageTooLargeError, match="64 x 48"):
        read_frame(make_ramp(tmp_path / "a.mp4"), 0.5, limits)


def test_missing_decoder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(DataError, match=r"needs PyAV \(av\).*pip install 'veraface\[evaluate\]'"):
        read_frame(tmp_path / "a.mp4", 0.5)


def test_videos_in_a_manifest(tmp_path: Path) -> None:
    make_video(tmp_path / "a.mp4", fake=True)
    rows = [
        {"path": "a.mp4", "label": "fake", "frame": "0.25", "box": BOX},
        {"path": "a.mp4", "label": "fake", "frame": "0.75"},
        {"path": "b.mp4", "label": "real", "frame": ""},
    ]
    manifest = write_csv(tmp_path / "manifest.csv", rows, ("path", "label", "frame", "box"))
    samples = read_samples(manifest, frames=2)
    assert [(s.path.name, s.frame, s.group) for s in samples] == [
        ("a.mp4", 0.25, "a.mp4"),
        ("a.mp4", 0.75, "a.mp4"),
        ("b.mp4", 0.25, "b.mp4"),
        ("b.mp4", 0.75, "b.mp4"),
    ]
    prepared = prepare(samples[:2], skip_bad=False)
    assert [s.box is not None for s in prepared.samples] == [True, True]
    assert prepare(samples, skip_bad=True).unreadable == [f"{tmp_path / 'b.mp4'}: no such file"] * 2
    with pytest.raises(DataError, match=r"2 images cannot be used[^\n]*\n  [^\n]*b.mp4: no such file$"):
        prepare(samples, skip_bad=False)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"path": "a.mp4", "frame": "1.5"},
            "row 2: frame is '1.5'; it must be a position in the video, 0 to 1",
        ),
        ({"path": "a.mp4", "frame": "nan"}, "row 2: frame is 'nan'"),
        ({"path": "a.mp4", "frame": "middle"}, "row 2: frame is 'middle'"),
        ({"path": "a.jpg", "frame": "0.5"}, "row 2: frame is '0.5', but 'a.jpg' is not a video"),
        ({"path": "a.mp4", "box": BOX}, "row 2: the box is of one image, so the video needs a frame"),
    ],
)
def test_invalid_rows(tmp_path: Path, row: dict[str, str], message: str) -> None:
    rows = [{"label": "real", **row}]
    manifest = write_csv(tmp_path / "m.csv", rows, ("path", "label", "frame", "box"))
    with pytest.raises(DataError, match=message):
        read_samples(manifest)


def test_no_frames_at_all(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="frames is 0"):
        read_samples(tmp_path, frames=0)


def test_a_video_of_a_face_is_an_image_of_a_face(tmp_path: Path) -> None:
    pixels = ImageFile(read_frame(make_video(tmp_path / "a.mp4"), 0.5)).decode()
    assert (pixels.mode, pixels.size) == ("RGB", (96, 96))
