"""Predictions on labeled images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.sample_data import face
from tests.sample_images import as_stored, difference, exif_with, portrait
from tests.sample_models import brightness_model
from veraface import Detector
from veraface.datasets.manifest import Sample
from veraface.evaluation.predict import CLEAN, Degradation, decode_upright, predict, random_generator
from veraface.results import Verdict


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    return Detector(brightness_model(tmp_path_factory.mktemp("model")), threads=1)


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """A face, a wall, a broken file, and a photo that a camera stored on its side."""
    folder = tmp_path / "data" / "real"
    folder.mkdir(parents=True)
    face(0, fake=False).save(folder / "face.png")
    Image.new("RGB", (90, 90), (90, 120, 150)).save(folder / "wall.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    as_stored(portrait(), 6).save(folder / "side.jpg", quality=95, exif=exif_with(6))
    names = ("face.png", "wall.png", "broken.png", "side.jpg")
    return [Sample(folder / name, False, "web", name, "test", generator="camera") for name in names]


def unchanged(image: Image.Image, _: np.random.Generator) -> Image.Image:
    return image


def test_prediction_of_an_image(samples: list[Sample], detector: Detector, tmp_path: Path) -> None:
    shown, wall, broken, side = predict(detector, samples, root=tmp_path / "data")
    result = detector.detect(samples[0].path)
    assert (shown.verdict, shown.p_fake) == (result.verdict, result.p_fake)
    assert shown.box == tuple(result.faces[0].box.to_list())
    assert shown.face_size == pytest.approx(result.faces[0].box.max_side, abs=0.1)
    assert (shown.path, shown.source, shown.group) == ("real/face.png", "web", "face.png")
    assert (shown.generator, shown.degradation, shown.error) == ("camera", CLEAN, "")
    assert (wall.verdict, wall.p_fake, wall.box, wall.face_size) == (Verdict.NO_FACE, None, None, None)
    assert (broken.verdict, broken.p_fake) == (None, None)
    assert "cut off or corrupt" in broken.error
    assert side.p_fake is not None
    assert predict(detector, samples)[0].path == "face.png", "without a root, the name alone"


def test_degraded_images_use_the_same_pipeline(samples: list[Sample], detector: Detector) -> None:
    """The identity degradation gives the prediction of the file, also with an EXIF orientation.

    Faces are found in a reduced decode of a JPEG, but in all pixels of a degraded one: nearly the same boxes.
    """
    clean = predict(detector, samples)
    same = predict(detector, samples, Degradation("nothing", unchanged))
    for one, other in zip(same, clean, strict=True):
        measured = {"p_fake": other.p_fake, "box": other.box, "face_size": other.face_size}
        assert one.format == ""
        assert replace(one, degradation=CLEAN, format=other.format, **measured) == other
        if one.path.endswith(".png"):
            assert (one.p_fake, one.box, one.face_size) == tuple(measured.values())
        else:
            assert one.p_fake == pytest.approx(other.p_fake, abs=0.01)
            assert one.box == pytest.approx(other.box, abs=2)
    assert {p.degradation for p in same} == {"nothing"}


def test_pixels_are_upright_without_orientation(samples: list[Sample]) -> None:
    pixels = decode_upright(samples[3])
    assert difference(pixels, portrait()) < 3
    assert pixels.info == {}


def test_a_degradation_that_fails_is_an_error_of_that_image(
    samples: list[Sample], detector: Detector
) -> None:
    def fail(image: Image.Image, _: np.random.Generator) -> Image.Image:
        if image.width > 100:
            raise OSError("encoder error -2")
        return image

    shown, *_, side = predict(detector, samples, Degradation("fails", fail))
    assert shown.error == ""
    assert (side.verdict, side.error) == (None, "cannot be degraded: encoder error -2")


def test_each_image_has_its_own_random_generator(samples: list[Sample]) -> None:
    def first(sample: Sample) -> float:
        return float(random_generator(sample).random())

    moved = replace(samples[0], path=Path("/elsewhere") / samples[0].path.name, fake=True)
    assert first(samples[0]) == first(samples[0]) == first(moved)
    assert len({first(sample) for sample in samples}) == len(samples)
    video = [replace(samples[0], frame=place) for place in (0.25, 0.75)]
    assert first(video[0]) != first(video[1])
