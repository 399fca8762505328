"""Validation of the data before training: unusable images, and the face of every other one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.sample_data import face, make_dataset, make_rows, write_csv
from tests.sample_images import portrait
from veraface.datasets.manifest import read_samples
from veraface.datasets.samples import Sample
from veraface.datasets.validation import Known, prepare
from veraface.errors import DataError
from veraface.geometry import Box, roll
from veraface.models.face_search import YuNetDetector

FACE = Box(178, 58, 95, 122)  # of the portrait


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "portrait.png"
    portrait().save(path, compress_level=1)
    return path


def sample(path: Path, box: Box | None, *, fake: bool = False) -> Sample:
    return Sample(path, fake, "nasa", path.name, "train", box)


def prepared(*samples: Sample, known: Known | None = None) -> list[Sample]:
    return prepare(samples, skip_bad=False, known=known).samples


@pytest.mark.parametrize("fake", [False, True])
def test_finds_the_landmarks_of_the_face_in_the_box(image: Path, fake: bool) -> None:
    """Of both classes alike; the box becomes the detected one, as in serving."""
    given = sample(image, FACE, fake=fake)
    (found,) = prepared(given)
    assert np.array(found.landmarks) == pytest.approx(
        np.array([[204, 99], [248, 102], [223, 129], [200, 137], [245, 140]]), abs=9
    )
    (served,) = YuNetDetector(threads=1).detect(portrait())
    assert found == replace(given, box=served.box, landmarks=served.landmarks)


def test_the_face_is_the_one_in_the_box(tmp_path: Path) -> None:
    """Of two people side by side the one that the sample is of, in the order of the samples."""
    pair = Image.new("RGB", (1024, 512))
    for left in (0, 512):
        pair.paste(portrait(), (left, 0))
    pair.save(tmp_path / "pair.png", compress_level=1)
    right = replace(FACE, x=FACE.x + 512)
    first, second = prepared(*(sample(tmp_path / "pair.png", box) for box in (right, FACE)))
    assert first.box is not None
    assert second.box is not None
    assert first.box.iou(right) > 0.6
    assert second.box.iou(FACE) > 0.6
    apart = np.array(first.landmarks) - np.array(second.landmarks)
    assert apart == pytest.approx(np.tile([512.0, 0.0], (5, 1)), abs=6)


def test_without_a_box_the_face_is_the_largest(tmp_path: Path) -> None:
    both = Image.new("RGB", (768, 512))
    both.paste(portrait(256), (0, 0))
    both.paste(portrait(), (256, 0))
    both.save(tmp_path / "both.png", compress_level=1)
    (found,) = prepared(sample(tmp_path / "both.png", None))
    assert found.box is not None
    assert found.box.iou(replace(FACE, x=FACE.x + 256)) > 0.6
    assert len(found.landmarks) == 5


@pytest.mark.parametrize("degrees", [-90, 90, 180])
def test_leaning_faces_have_landmarks_too(tmp_path: Path, degrees: int) -> None:
    """In the order of an upright face, so that they tell by how much it leans."""
    for name, angle in (("upright", 0), ("turned", -degrees)):
        portrait().rotate(angle).save(tmp_path / f"{name}.png", compress_level=1)
    upright, turned = prepared(*(sample(tmp_path / f"{name}.png", None) for name in ("upright", "turned")))
    difference = roll(turned.landmarks) - roll(upright.landmarks)
    assert (difference - degrees + 180) % 360 - 180 == pytest.approx(0, abs=3)


def test_a_face_that_is_not_detected_keeps_its_box(image: Path, tmp_path: Path) -> None:
    """On a blank image, with a box outside the face, and with a box of a part of it; without landmarks."""
    Image.new("RGB", (512, 512), (128, 128, 128)).save(tmp_path / "blank.png")
    samples = [
        sample(tmp_path / "blank.png", FACE),
        sample(image, Box(350, 300, 95, 122)),
        sample(image, Box(178, 58, 30, 30)),
        sample(image, FACE),
    ]
    found = prepared(*samples)
    assert found[:3] == samples[:3]
    assert [len(each.landmarks) for each in found] == [0, 0, 0, 5]


def test_known_faces_are_not_detected_again(image: Path, tmp_path: Path) -> None:
    """Folds of a cross-validation share their faces: the second reads no image that the first has read."""
    known: Known = {}
    one, other, missing = sample(image, FACE), sample(image, None), sample(tmp_path / "missing.png", FACE)
    blank = sample(tmp_path / "blank.png", None)
    Image.new("RGB", (64, 64)).save(blank.path)
    samples = [one, other, missing, blank]
    first = prepare(samples, skip_bad=True, known=known)
    assert set(known) == set(samples)
    image.unlink()
    blank.path.unlink()
    again = prepare(samples[::-1], skip_bad=True, known=known)
    assert again.samples == first.samples[::-1]
    assert [each.path for each in first.samples] == [image, image]
    assert again.unreadable == first.unreadable == [f"{missing.path}: no such file"]
    assert again.without_face == first.without_face == [str(blank.path)]


@pytest.fixture
def spoilt(tmp_path: Path) -> Path:
    """A data set with one image cut off, one missing, one box outside, and one without a face."""
    rows = make_rows(tmp_path, {"train": 12, "val": 8})
    (tmp_path / "001.png").write_bytes((tmp_path / "001.png").read_bytes()[:400])
    (tmp_path / "002.png").unlink()
    rows[3]["box"] = "200 200 30 30"
    rows[4]["box"] = ""
    face(0, fake=False).crop((0, 0, 12, 12)).resize((96, 96)).save(tmp_path / "004.png")
    rows[5]["box"] = ""
    write_csv(tmp_path / "manifest.csv", rows)
    return tmp_path


def test_images_that_cannot_be_used_are_listed(spoilt: Path) -> None:
    with pytest.raises(DataError) as caught:
        prepare(read_samples(spoilt), skip_bad=False)
    message = str(caught.value)
    assert message.startswith("3 images cannot be used; repair them or pass --skip-bad:")
    assert f"{spoilt / '001.png'}: the PNG data are cut off or corrupt" in message
    assert f"{spoilt / '002.png'}: no such file" in message
    assert (
        f"{spoilt / '003.png'}: its face box [200.0, 200.0, 30.0, 30.0] lies outside its 96 x 96" in message
    )


def test_images_that_cannot_be_used_are_skipped_on_demand(spoilt: Path) -> None:
    prepared = prepare(read_samples(spoilt), skip_bad=True, needed=("train", "val"))
    assert [line.split(":")[0][-7:] for line in prepared.unreadable] == ["001.png", "002.png", "003.png"]
    assert prepared.without_face == [str(spoilt / "004.png")]
    names = [s.path.name for s in prepared.samples]
    assert names == ["000.png", *(f"{i:03}.png" for i in range(5, 20))]
    found = next(s.box for s in prepared.samples if s.path.name == "005.png")
    assert found is not None, "a box that is not given is found"
    assert found.x == pytest.approx(25, abs=5)
    assert found.max_side == pytest.approx(51, abs=6)


def test_more_than_twenty_are_counted(tmp_path: Path) -> None:
    samples = read_samples(make_dataset(tmp_path / "faces", {"train": 26}))
    for sample in samples[1:]:
        sample.path.write_bytes(b"")
    with pytest.raises(DataError, match=r"(?s)^25 images cannot be used.*and 5 more$"):
        prepare(samples, skip_bad=False)


def test_too_few_usable_images(spoilt: Path) -> None:
    samples = [
        s for s in read_samples(spoilt) if s.path.name[:3] in ("001", "002", "003", "004") or s.split == "val"
    ]
    with pytest.raises(
        DataError, match="train split is empty.*3 images cannot be used, and no face was found in 1"
    ):
        prepare(samples, skip_bad=True, needed=("train", "val"))
