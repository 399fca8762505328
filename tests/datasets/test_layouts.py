"""Data sets as they lie on a disk after their download."""

import json
import logging
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.sample_data import face, make_folders
from tests.sample_videos import make_video
from veraface.datasets.layouts import LAYOUTS
from veraface.datasets.manifest import Sample, check_samples, read_samples
from veraface.datasets.validation import prepare
from veraface.errors import DataError

YOUTUBE = [f"{number:03}" for number in range(40)]
SWAPS = ["Deepfakes", "Face2Face"]


def touch(folder: Path, names: Iterable[str]) -> Path:
    """Create empty files; layouts do not read their content."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def by_name(samples: Iterable[Sample]) -> dict[str, tuple[bool, str, str, str]]:
    return {s.path.stem: (s.fake, s.source, s.group, s.split) for s in samples}


def splits(samples: Iterable[Sample], fake: bool | None = None) -> Counter[str]:
    return Counter(s.split for s in samples if fake in (None, s.fake))


# --- the two sets of images from Kaggle ---------------------------------------------------------------


@pytest.mark.parametrize("given", ["Dataset", ""])
def test_deepfake_and_real_images(tmp_path: Path, given: str) -> None:
    counts = {"Train": 3, "Validation": 2, "Test": 4}
    folders = {f"{split}/{label}": count for split, count in counts.items() for label in ("Real", "Fake")}
    make_folders(tmp_path / "Dataset", folders)
    touch(tmp_path, ["__MACOSX/Dataset/Test/Real/._real_0.jpg", ".DS_Store"])
    touch(tmp_path / "Dataset", ["Test/Real/._0.png"])
    samples = read_samples(tmp_path / given)
    assert splits(samples) == {"train": 6, "val": 4, "test": 8}
    assert splits(samples, fake=True)["test"] == 4
    assert {s.source for s in samples} == {"Dataset"}
    check_samples(samples, ("train", "val", "test"))


@pytest.mark.parametrize("given", ["", "real_vs_fake", "real_vs_fake/real-vs-fake"])
def test_140k_real_and_fake_faces(tmp_path: Path, given: str) -> None:
    inner = tmp_path / "real_vs_fake" / "real-vs-fake"
    make_folders(inner, {f"{s}/{c}": 2 for s in ("train", "valid", "test") for c in ("real", "fake")})
    touch(tmp_path, ["train.csv", "valid.csv", "test.csv"])
    samples = read_samples(tmp_path / given)
    assert splits(samples) == {"train": 4, "val": 4, "test": 4}
    assert {(s.source, s.group) for s in samples} >= {("real-vs-fake", "test/fake/1.png")}


def test_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make_folders(tmp_path / "faces", {"real": 1, "fake": 1}))
    assert {s.source for s in read_samples(Path("."))} == {"faces"}


def test_videos_in_folders_by_class(tmp_path: Path) -> None:
    touch(tmp_path, ["real/ein Gesicht é.mp4", "fake/b.mov"])
    samples = read_samples(tmp_path, frames=4)
    assert [(s.path.name, s.frame) for s in samples[:2]] == [
        ("ein Gesicht é.mp4", 0.125),
        ("ein Gesicht é.mp4", 0.375),
    ]
    assert len({s.group for s in samples}) == 2


# --- FaceForensics++ ------------------------------------------------------------------------------------


def make_faceforensics(folder: Path, kind: str = "videos", quality: str = "c23") -> Path:
    """Forty videos and two fakes of each pair, as videos or as three frames of each."""
    names = [f"original_sequences/youtube/{quality}/{kind}/{number}" for number in YOUTUBE]
    names += ["original_sequences/actors/c23/videos/01__kitchen_still"] if kind == "videos" else []
    for swap in SWAPS:
        for first, second in zip(YOUTUBE[::2], YOUTUBE[1::2], strict=True):
            for name in (f"{first}_{second}", f"{second}_{first}"):
                names.append(f"manipulated_sequences/{swap}/{quality}/{kind}/{name}")
    if kind == "videos":
        names.append("manipulated_sequences/DeepFakeDetection/c23/videos/01_02__kitchen_still__ABCDEFGH")
        return touch(folder, [f"{name}.mp4" for name in names])
    masks = [name.replace(f"/{kind}/", "/masks/") for name in names]
    return touch(folder, [f"{name}/{n}.png" for name in [*names, *masks] for n in (9, 10, 100)])


def write_lists(folder: Path) -> Path:
    pairs = [*zip(YOUTUBE[::2], YOUTUBE[1::2], strict=True)]
    folder.mkdir(parents=True, exist_ok=True)
    for split, part in (("train", pairs[:14]), ("val", pairs[14:17]), ("test", pairs[17:])):
        (folder / f"{split}.json").write_text(json.dumps(part))
    return folder


@pytest.mark.parametrize("lists", ["", "splits"])
def test_faceforensics_with_the_official_lists(tmp_path: Path, lists: str) -> None:
    write_lists(make_faceforensics(tmp_path) / lists)
    samples = read_samples(tmp_path)
    check_samples(samples, ("train", "val", "test"))
    videos = by_name(samples)
    assert videos["000"] == (False, "youtube", "youtube 000", "train")
    assert videos["035_034"] == (True, "Face2Face", "youtube 034", "test")
    assert videos["01__kitchen_still"] == (False, "actors", "actor 01", "test")
    assert videos["01_02__kitchen_still__ABCDEFGH"][1:] == ("DeepFakeDetection", "actor 01", "test")
    assert splits(samples, fake=False) == {"train": 28 * 8, "val": 6 * 8, "test": 7 * 8}
    assert {s.generator for s in samples} == {"", *SWAPS, "DeepFakeDetection"}


def test_faceforensics_without_lists(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    samples = read_samples(make_faceforensics(tmp_path))
    check_samples(samples)
    assert all(set(splits(samples, fake=fake)) == {"train", "val", "test"} for fake in (False, True))
    assert "lacks train.json, val.json and test.json" in caplog.text


@pytest.mark.parametrize("kind", ["frames", "images"])
def test_faceforensics_as_images(tmp_path: Path, kind: str) -> None:
    samples = read_samples(write_lists(make_faceforensics(tmp_path, kind)), frames=2)
    assert len(samples) == 2 * (40 + 80)
    assert [s.path.name for s in samples[:2]] == ["9.png", "100.png"]
    assert all(s.frame is None and s.path.parent.parent.name == kind for s in samples)


def test_faceforensics_in_two_qualities(tmp_path: Path) -> None:
    make_faceforensics(tmp_path, quality="c40")
    samples = read_samples(write_lists(make_faceforensics(tmp_path)))
    assert {s.source for s in samples} >= {"youtube c23", "youtube c40", "Deepfakes c40"}
    check_samples(samples)


def test_videos_go_before_their_frames(tmp_path: Path) -> None:
    make_faceforensics(tmp_path, "frames")
    assert all(s.frame is not None for s in read_samples(make_faceforensics(tmp_path)))


def test_fakes_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    name = "manipulated_sequences/Deepfakes/raw/videos/000_003.mp4"
    samples = read_samples(touch(tmp_path, [name]))
    assert {s.fake for s in samples} == {True}
    assert "lacks original_sequences/, so there are no reals" in caplog.text


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"test": "[[]"}, "test.json: cannot be read as JSON"),
        ({"test": "[" * 100_000}, "test.json: cannot be read as JSON"),
        ({"test": "{}"}, "test.json: must be a list of pairs"),
        ({"test": '["000"]'}, "test.json: 000 is not a pair"),
        ({"test": "[[0, 3]]"}, "is not a pair of videos"),
        ({"train": "[]"}, "lacks test.json"),
        (
            {"train": '[["000", "001"]]', "test": '[["001", "002"]]'},
            "test.json: 001 is also in train.json",
        ),
        (
            {"train": '[["000", "002"]]', "test": '[["001", "003"]]'},
            "a fake links videos of different splits",
        ),
    ],
)
def test_bad_lists(tmp_path: Path, lists: dict[str, str], message: str) -> None:
    make_faceforensics(tmp_path)
    for split, text in lists.items():
        (tmp_path / f"{split}.json").write_text(text)
    with pytest.raises(DataError, match=message):
        read_samples(tmp_path)


def test_names_that_are_not_of_faceforensics(tmp_path: Path) -> None:
    touch(tmp_path, ["original_sequences/youtube/c23/videos/my holiday.mp4"])
    with pytest.raises(DataError, match="my holiday.mp4: a video of FaceForensics"):
        read_samples(tmp_path)


# --- Celeb-DF -------------------------------------------------------------------------------------------


def celeb_names() -> list[str]:
    names = [f"Celeb-real/id{person}_000{video}" for person in range(30) for video in range(2)]
    names += [f"YouTube-real/{number:05}" for number in range(6)]
    return names + [f"Celeb-synthesis/id{person}_id{29 - person}_0001" for person in range(30)]


def make_celeb_df(folder: Path, form: str = "{}.mp4") -> Path:
    touch(folder, [form.format(name) for name in celeb_names()])
    lines = ["1 Celeb-real/id3_0001.mp4", "1 YouTube-real/00004.mp4", "0 Celeb-synthesis/id3_id26_0001.mp4"]
    (folder / "List_of_testing_videos.txt").write_text("\r\n".join([*lines, ""]))
    return folder


@pytest.mark.parametrize("form", ["{}.mp4", "{}/000.png"])
def test_celeb_df(tmp_path: Path, form: str, caplog: pytest.LogCaptureFixture) -> None:
    samples = read_samples(make_celeb_df(tmp_path, form))
    check_samples(samples, ("train", "val", "test"))
    test = {s.path.relative_to(tmp_path).as_posix() for s in samples if s.split == "test"}
    names = ("Celeb-real/id3_0001", "YouTube-real/00004", "Celeb-synthesis/id3_id26_0001")
    assert test == {form.format(name) for name in names}
    groups = {s.group for s in samples}
    assert {"id3", "id3 (test)", "YouTube 00001"} <= groups
    assert {(s.source, s.fake, s.generator) for s in samples} == {
        ("Celeb-real", False, ""),
        ("YouTube-real", False, ""),
        ("Celeb-synthesis", True, "Celeb-synthesis"),
    }
    assert not caplog.text


def test_celeb_df_with_parts_missing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    listed = "0 Celeb-synthesis/id0_id1_0000.mp4\n1 YouTube-real/00170.mp4\n"
    touch(tmp_path, ["Celeb-synthesis/videos/id0_id1_0000.mp4", "List_of_testing_videos.txt"])
    (tmp_path / "List_of_testing_videos.txt").write_text(listed)
    assert {s.split for s in read_samples(tmp_path)} == {"test"}
    assert "lacks Celeb-real/; its videos are not" in caplog.text
    assert "1 of 2 videos in List_of_testing_videos.txt are missing: youtube-real/00170" in caplog.text


def test_celeb_df_without_the_list(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (make_celeb_df(tmp_path) / "List_of_testing_videos.txt").unlink()
    check_samples(read_samples(tmp_path))
    assert "lacks List_of_testing_videos.txt, so splits are assigned by hash" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"0 Celeb-real/id0_0000.mp4\n", "line 1: '0 Celeb-real/id0_0000.mp4' is not like"),
        (b"1 Celeb-real/id0_0000.mp4\nnonsense\n", "line 2: 'nonsense' is not like"),
        (b"1 ../../etc/passwd\n", "line 1"),
        (b"\xff\xfe", "is not UTF-8 text"),
    ],
)
def test_bad_celeb_lists(tmp_path: Path, text: bytes, message: str) -> None:
    (make_celeb_df(tmp_path) / "List_of_testing_videos.txt").write_bytes(text)
    with pytest.raises(DataError, match=message):
        read_samples(tmp_path)


# --- DFDC -----------------------------------------------------------------------------------------------


def make_dfdc(part: Path, form: str = "{}.mp4", first: int = 0, videos: int = 20) -> Path:
    """Originals and one fake of each; some lie in other parts."""
    metadata: dict[str, dict[str, str | None]] = {}
    for number in range(first, first + videos):
        real, fake = f"real{number}.mp4", f"fake{number}.mp4"
        metadata[real] = {"label": "REAL", "split": "train", "original": None}
        metadata[fake] = {"label": "FAKE", "split": "train", "original": real}
    touch(part, [form.format(Path(name).stem) for name in metadata])
    (part / "metadata.json").write_text(json.dumps(metadata))
    return part


@pytest.mark.parametrize("form", ["{}.mp4", "{}/7.jpg", "{}_12.jpg", "{}_12_0.png", "frames/{}/1.png"])
def test_dfdc(tmp_path: Path, form: str, caplog: pytest.LogCaptureFixture) -> None:
    make_dfdc(tmp_path / "dfdc_train_part_0", form)
    make_dfdc(tmp_path / "dfdc_train_part_10" / "dfdc_train_part_10", form, first=20)
    samples = read_samples(tmp_path)
    check_samples(samples)
    assert set(splits(samples)) == {"train", "val", "test"}, "everything is called train, so it is drawn"
    assert len({s.group for s in samples}) == 40
    assert {s.group for s in samples if s.fake} == {s.group for s in samples if not s.fake}
    assert {s.source for s in samples} == {"DFDC"}
    assert len(samples) == 80 * (8 if form.endswith("mp4") else 1)
    assert not caplog.text


def test_one_part_of_dfdc(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_dfdc(tmp_path / "train_sample_videos", videos=3)
    (tmp_path / "train_sample_videos" / "real2.mp4").unlink()
    touch(tmp_path / "train_sample_videos", ["zzz.mp4"])
    samples = read_samples(tmp_path, frames=1)
    assert Counter(s.fake for s in samples) == {True: 3, False: 2}
    assert "1 of 6 videos in metadata.json are missing: real2" in caplog.text
    assert "1 videos are not in metadata.json and are skipped: zzz" in caplog.text


@pytest.mark.parametrize("own", [("train", "test"), ("test",)])
def test_dfdc_with_splits_of_its_own(tmp_path: Path, own: tuple[str, ...]) -> None:
    entries = {f"{split}.mp4": {"label": "REAL", "split": split, "original": None} for split in own}
    touch(tmp_path, entries)
    (tmp_path / "metadata.json").write_text(json.dumps(entries))
    assert {s.path.stem: s.split for s in read_samples(tmp_path)} == {split: split for split in own}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "metadata.json: cannot be read as JSON"),
        ("[]", "metadata.json: must be an object"),
        ('{"a.mp4": 1}', "the label of a.mp4 is None; it must be REAL or FAKE"),
        ('{"a.mp4": {"label": "maybe"}}', "the label of a.mp4 is 'maybe'"),
        (
            '{"a.mp4": {"label": "REAL", "split": "val"}, "b.mp4": {"label": "REAL", "split": "x"}}',
            "the split of b is 'x'",
        ),
    ],
)
def test_bad_metadata(tmp_path: Path, text: str, message: str) -> None:
    touch(tmp_path / "dfdc_train_part_1", ["a.mp4", "b.mp4"])
    (tmp_path / "dfdc_train_part_1" / "metadata.json").write_text(text)
    with pytest.raises(DataError, match=message):
        read_samples(tmp_path)


def test_a_part_without_metadata(tmp_path: Path) -> None:
    touch(tmp_path / "dfdc_train_part_1", ["a.mp4", "b.mp4"])
    with pytest.raises(DataError, match="dfdc_train_part_1: lacks metadata.json"):
        read_samples(tmp_path)


# --- what fits nothing, or too much ---------------------------------------------------------------------


def test_unknown_layout_lists_all_layouts(tmp_path: Path) -> None:
    touch(tmp_path / "cats", ["a.jpg"])
    with pytest.raises(DataError) as caught:
        read_samples(tmp_path)
    assert all(layout.name in str(caught.value) for layout in LAYOUTS)
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


def test_several_data_sets_side_by_side(tmp_path: Path) -> None:
    make_celeb_df(tmp_path / "Celeb-DF-v2")
    make_faceforensics(tmp_path / "FaceForensics++")
    with pytest.raises(
        DataError, match=r"or give one folder in it that is a data set: Celeb-DF-v2/, FaceForensics\+\+/$"
    ):
        read_samples(tmp_path)


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (["real", "fake", "Test"], "could be the folders real/ and fake/ or Train/"),
        (["Celeb-real", "original_sequences"], "could be FaceForensics.* or Celeb-DF"),
        (["Test", "test"], "Test/ and test/ differ in case only"),
        (["val/real", "val/fake", "validation/real"], "val/ and validation/ name the same split"),
    ],
)
def test_ambiguous_folders_are_refused(tmp_path: Path, folders: list[str], message: str) -> None:
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    with pytest.raises(DataError, match=message):
        read_samples(tmp_path)


def test_two_videos_of_one_name(tmp_path: Path) -> None:
    touch(tmp_path, ["Celeb-real/id0_0000.mp4", "Celeb-real/id0_0000.avi"])
    with pytest.raises(DataError, match="two videos have the name id0_0000"):
        read_samples(tmp_path)


def test_manifest_in_an_outer_folder_takes_precedence(tmp_path: Path) -> None:
    inner = make_celeb_df(tmp_path / "set")
    (inner / "manifest.csv").write_text("path,label\nx.jpg,real\n")
    assert [s.path.name for s in read_samples(tmp_path)] == ["x.jpg"]


# --- from the disk to faces -----------------------------------------------------------------------------


def test_videos_and_frame_folders_are_validated(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_video(tmp_path / "Celeb-real" / "id0_0000.mp4")
    make_video(tmp_path / "Celeb-synthesis" / "id0_id1_0000.mp4", fake=True)
    frames = tmp_path / "YouTube-real" / "frames" / "00001"
    frames.mkdir(parents=True)
    for number in range(3):
        face(number, fake=False).save(frames / f"{number}.png")
    (tmp_path / "Celeb-real" / "id1_0000.mp4").write_text("no video")
    with caplog.at_level(logging.CRITICAL):
        samples = read_samples(tmp_path, frames=2)
    prepared = prepare(samples, skip_bad=True)
    assert Counter(s.source for s in prepared.samples) == {
        "Celeb-real": 2,
        "Celeb-synthesis": 2,
        "YouTube-real": 2,
    }
    assert all(s.box is not None for s in prepared.samples)
    assert len(prepared.unreadable) == 2
    assert all("id1_0000.mp4: not a readable video" in line for line in prepared.unreadable)
