"""Landmarks of faces whose box is known."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.sample_images import portrait
from veraface.datasets.samples import Sample
from veraface.datasets.synthesis.face_swap import Points
from veraface.datasets.validation import find_landmarks
from veraface.geometry import Box

FACE = Box(178, 58, 95, 122)  # of the portrait


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "portrait.png"
    portrait().save(path, compress_level=1)
    return path


def sample(path: Path, box: Box) -> Sample:
    return Sample(path, False, "nasa", path.name, "train", box)


def test_finds_the_eyes_nose_and_mouth_of_the_known_face(image: Path) -> None:
    (points,) = find_landmarks([sample(image, FACE)])
    assert points is not None
    assert points.shape == (5, 2)
    assert points == pytest.approx(
        np.array([[204, 99], [248, 102], [223, 129], [200, 137], [245, 140]]), abs=6
    )


def test_the_face_is_the_one_in_the_box(image: Path, tmp_path: Path) -> None:
    """Of two people side by side the one that the sample is of, in the order of the samples."""
    pair = Image.new("RGB", (1024, 512))
    for left in (0, 512):
        pair.paste(portrait(), (left, 0))
    pair.save(tmp_path / "pair.png", compress_level=1)
    right = Box(FACE.x + 512, FACE.y, FACE.width, FACE.height)
    first, second = find_landmarks([sample(tmp_path / "pair.png", box) for box in (right, FACE)])
    assert first is not None
    assert second is not None
    assert first - second == pytest.approx(np.tile([512.0, 0.0], (5, 1)), abs=6)


def test_none_without_a_matching_face(image: Path, tmp_path: Path) -> None:
    """A blank image, a box outside the face, a box with a part of it, and an unreadable image."""
    Image.new("RGB", (512, 512), (128, 128, 128)).save(tmp_path / "blank.png")
    samples = [
        sample(tmp_path / "blank.png", FACE),
        sample(image, Box(350, 300, 95, 122)),
        sample(image, Box(178, 58, 30, 30)),
        sample(tmp_path / "missing.png", FACE),
        sample(image, FACE),
    ]
    found = find_landmarks(samples)
    assert [points is not None for points in found] == [False, False, False, False, True]


def test_known_landmarks_are_not_detected_again(image: Path, tmp_path: Path) -> None:
    """Folds of a cross-validation share their faces; the second finds nothing on disk, and needs nothing."""
    known: dict[Sample, Points | None] = {}
    face, nobody = sample(image, FACE), sample(image, Box(400, 400, 50, 50))
    first = find_landmarks([face, nobody], known)
    assert set(known) == {face, nobody}
    image.unlink()
    again = find_landmarks([nobody, face], known)
    assert again[0] is None
    assert first[1] is None
    assert again[1] is first[0] is not None
