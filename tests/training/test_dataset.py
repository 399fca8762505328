"""The torch dataset: crops, leveling, augmentation and synthesized fakes."""

import json
from dataclasses import replace
from math import atan2, degrees
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.datasets.test_blending import BOX
from tests.datasets.test_face_swap import POINTS, checks, turned
from tests.sample_data import face
from tests.sample_images import portrait, quadrants
from veraface.datasets.degradations import Degradations
from veraface.datasets.manifest import Sample, read_samples
from veraface.datasets.synthesis.face_swap import Points
from veraface.datasets.synthesis.reconstructions import INDEX, PIXELS, Reconstructions, sample_key
from veraface.errors import DataError
from veraface.geometry import Box, roll
from veraface.models.crop import CropSettings
from veraface.training.dataset import Face, FaceDataset, jitter, open_sample, turn
from veraface.training.sampling import FACE_SWAP, RECONSTRUCTION, SELF_BLEND, SampleDraw, fixed_draws

CROP = CropSettings(48, 1.3)


def dataset(samples: list[Sample], *, train: bool) -> FaceDataset:
    return FaceDataset(samples, CROP, Degradations(), 1, train=train)


def test_validation_always_sees_a_sample_alike(tiny_data: Path) -> None:
    samples = [s for s in read_samples(tiny_data) if s.split == "val"]
    data = dataset(samples, train=False)
    for draw in list(fixed_draws(samples))[:4]:
        (one, label), (two, _) = data[draw], data[draw]
        assert torch.equal(one, two)
        assert label == samples[draw.sample].fake
        assert one.shape == (48, 48, 3)
        assert one.dtype == torch.uint8


def test_every_epoch_and_pair_augments_a_sample_differently(tiny_data: Path) -> None:
    data = dataset(read_samples(tiny_data), train=True)
    draws = [SampleDraw(epoch, number, 0) for epoch in range(4) for number in range(4)]
    assert len({data[draw][0].numpy().tobytes() for draw in draws}) == len(draws)


def test_the_label_does_not_touch_the_pixels(tiny_data: Path) -> None:
    """Both classes are degraded alike: the label does not change the degradations of an image."""
    samples = read_samples(tiny_data)[:6]
    swapped = [replace(s, fake=not s.fake) for s in samples]
    for train in (False, True):
        for draw in (SampleDraw(e, i, i) for e in range(3) for i in range(6)):
            (one, label), (other, opposite) = (
                dataset(samples, train=train)[draw],
                dataset(swapped, train=train)[draw],
            )
            assert torch.equal(one, other)
            assert label + opposite == 1


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Six reals of six people, with much around the face that differs from place to place."""
    folder = tmp_path_factory.mktemp("people")
    samples = []
    for number in range(6):
        page = quadrants(2, 2).resize((240, 240), Image.Resampling.BILINEAR)
        page.paste(face(number, fake=False), (72, 72))
        page.save(folder / f"{number}.png", compress_level=1)
        box = Box(BOX.x + 72, BOX.y + 72, BOX.width, BOX.height)
        sample = Sample(folder / f"{number}.png", False, "lab", f"person {number}", "train", box)
        samples.append(replace(sample, landmarks=as_tuples(POINTS + 72)))
    return samples


def as_tuples(points: Points) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in points)


def of_people(
    people: list[Sample],
    *,
    train: bool = False,
    degraded: bool = False,
    reconstructions: Reconstructions | None = None,
) -> FaceDataset:
    settings = CropSettings(160, 2.6)
    degradations = Degradations() if degraded else Degradations(untouched=1)
    return FaceDataset(people, settings, degradations, 1, train=train, reconstructions=reconstructions)


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("synthesized", [SELF_BLEND, FACE_SWAP])
def test_a_synthesized_fake_differs_from_its_real_on_the_face_only(
    people: list[Sample], synthesized: str, train: bool
) -> None:
    """Also after flips, shifts and scaling, as both are saved and degraded alike.

    But of faces cropped tightly the edge is blended.
    """
    data = of_people(people, train=train)
    alike = 0
    for number in range(30):
        draw = SampleDraw(0, number, number % 6, synthesized)
        (real, no), (fake, yes) = data[draw._replace(real=True)], data[draw]
        assert (float(no), float(yes)) == (0, 1)
        apart = (real.int() - fake.int()).abs().amax(dim=2)
        assert apart[40:120, 40:120].float().mean() > 0.02
        alike += int(apart[:12].max() == apart[-12:].max() == apart[:, :12].max() == 0)
    assert alike > 20 if train else alike == 30


@pytest.mark.parametrize("whole", [False, True])
def test_a_reconstruction_replaces_the_face_or_the_image(
    people: list[Sample], tmp_path: Path, whole: bool
) -> None:
    """A blue square of 32 px is given back for the face, or for the whole image."""
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[..., 2] = 255
    (tmp_path / PIXELS).write_bytes(pixels.tobytes())
    square = [0, 0, 240] if whole else [84, 84, 72]
    rows = [[sample_key(sample.path), 0, 32, *square, int(whole)] for sample in people]
    (tmp_path / INDEX).write_text(json.dumps(rows))
    given = Reconstructions(tmp_path)
    data = of_people(people, reconstructions=given)
    draw = SampleDraw(0, 0, 0, RECONSTRUCTION)
    assert people[0].path in given
    blue = []
    for number in range(20):
        fake, label = data[draw._replace(number=number)]
        real, no = data[draw._replace(number=number, real=True)]
        assert (float(label), float(no)) == (1, 0)
        changed = (real.int() - fake.int()).abs().amax(dim=2)
        assert changed[60:100, 60:100].float().mean() > 3
        blue.append(bool(changed[:10].float().mean() > 3))
    assert any(blue) == whole
    assert not all(blue)  # some whole reconstructions are pasted as faces are


@pytest.mark.parametrize("index", ["{", "[[1]]", '[["a/b/c", 0, 32, 0, 0, 9, 0]]'])
def test_damaged_reconstructions_are_refused(tmp_path: Path, index: str) -> None:
    (tmp_path / PIXELS).write_bytes(bytes(30))
    (tmp_path / INDEX).write_text(index)
    with pytest.raises(DataError, match="has no reconstructions that can be read"):
        Reconstructions(tmp_path)


def test_both_of_a_pair_have_the_same_degradations(people: list[Sample]) -> None:
    """The same sample has the same pixels in both positions of a pair, and others in another pair."""
    data = of_people(people, train=True, degraded=True)
    one, two, other = (data[SampleDraw(3, number, 2)][0] for number in (5, 5, 6))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("synthesized", [SELF_BLEND, FACE_SWAP])
def test_synthesized_fakes_depend_on_seed_epoch_and_number(people: list[Sample], synthesized: str) -> None:
    one, two = of_people(people, train=True, degraded=True), of_people(people, train=True, degraded=True)
    pixels = [one[SampleDraw(epoch, number, 0, synthesized)][0] for epoch, number in ((0, 0), (0, 1), (1, 0))]
    assert torch.equal(pixels[0], two[SampleDraw(0, 0, 0, synthesized)][0])
    assert not torch.equal(pixels[0], pixels[1])
    assert not torch.equal(pixels[0], pixels[2])


def test_faces_are_swapped_with_those_of_other_people(people: list[Sample], tmp_path: Path) -> None:
    """Images of one person, who would fit best, and chessboards instead of the face of another."""
    boards = []
    for sample in people[3:]:
        path = tmp_path / sample.path.name
        checks(240).save(path)
        boards.append(replace(sample, path=path, group="another"))
    data = of_people([*(replace(sample, group="one") for sample in people[:3]), *boards])
    changes = []
    for number in range(40):
        real, fake = (data[SampleDraw(0, number, 0, FACE_SWAP, real)][0].float() for real in (True, False))
        changes.append(float((real - fake).abs()[50:110, 55:105].mean()))
    assert np.mean(np.array(changes) > 3) > 0.9


@pytest.fixture
def leaning(people: list[Sample], tmp_path: Path) -> list[Sample]:
    """The first person, the brow green and the chin red, turned clockwise by 0, 30, 90 and 180 degrees."""
    first = people[0]
    assert first.box is not None
    x, y = int(first.box.x + first.box.width / 2), int(first.box.y + first.box.height / 2)
    with Image.open(first.path) as image:
        marked = image.copy()
    marked.paste((0, 255, 0), (x - 4, y - 16, x + 4, y - 8))
    marked.paste((255, 0, 0), (x - 4, y + 8, x + 4, y + 16))
    samples = []
    for lean in (0, 30, 90, 180):
        path = tmp_path / f"{lean}.png"
        marked.rotate(-lean, Image.Resampling.BICUBIC, center=(x, y)).save(path, compress_level=1)
        points = turned(POINTS - POINTS.mean(axis=0), lean - roll(as_tuples(POINTS)), 1.0, (x, y))
        samples.append(replace(first, path=path, landmarks=as_tuples(points)))
    return samples


def lean_of(pixels: torch.Tensor) -> float:
    """By how many degrees the chin is turned away from below the brow, 0 to 180."""
    red, green, _ = pixels[16:80, 16:80].int().unbind(dim=2)
    marks = (red < 80) & (green > 175), (red > 175) & (green < 80)
    (top, left), (bottom, right) = (mark.nonzero().float().mean(dim=0).tolist() for mark in marks)
    return abs(degrees(atan2(right - left, bottom - top)))


@pytest.mark.parametrize("train", [False, True])
def test_leaning_samples_are_leveled(leaning: list[Sample], train: bool) -> None:
    """Also after a flip, which turns the lean around; without landmarks they stay as they are."""
    settings, untouched = CropSettings(96, 1.3), Degradations(untouched=1)
    unknown = [replace(sample, landmarks=()) for sample in leaning]
    for samples, leans in ((leaning, (0, 0, 0, 0)), (unknown, (0, 30, 90, 180))):
        data = FaceDataset(samples, settings, untouched, 1, train=train)
        for number in range(12):
            found = [lean_of(data[SampleDraw(0, number, index)][0]) for index in range(4)]
            assert found == pytest.approx(leans, abs=4)


def test_the_lean_of_a_sample_is_that_of_its_landmarks(leaning: list[Sample]) -> None:
    rolls = [abs(open_sample(sample, CROP).roll) for sample in leaning]
    assert rolls == pytest.approx([0, 30, 90, 180], abs=1e-6)
    assert open_sample(replace(leaning[1], landmarks=()), CROP).roll == 0


def test_jitter_keeps_the_face_in_its_box() -> None:
    """A mark in the middle of the face stays there; flips negate the roll, turns add to it."""
    image = face(0, fake=False)
    image.paste((0, 255, 0), (42, 44, 49, 51))
    image.paste((255, 0, 0), (32, 44, 39, 51))
    mirrored = leaning = 0
    for i in range(60):
        moved, box, lean = jitter(Face(image, Box(25, 21, 41, 52), 12.0), np.random.default_rng(i))
        pixels = np.asarray(moved, int)
        rows, columns = np.nonzero((pixels[..., 1] > 200) & (pixels[..., 0] < 60))
        assert abs(columns.mean() - (box.x + box.width / 2)) < 0.2 * box.width
        assert abs(rows.mean() - (box.y + box.height / 2)) < 0.2 * box.height
        assert 0.85 < box.height / 52 < 1.15
        lower, beside = np.nonzero((pixels[..., 0] > 200) & (pixels[..., 1] < 60))
        across, down = columns.mean() - beside.mean(), rows.mean() - lower.mean()
        flipped = across < 0  # no turn reaches a right angle
        angle = degrees(atan2(-down, -across) if flipped else atan2(down, across))
        assert lean == pytest.approx((-12 if flipped else 12) + angle, abs=5)
        mirrored += bool(flipped)
        leaning += abs(angle) > 10
    assert 15 < mirrored < 45
    assert 1 < leaning < 20


def test_a_turned_face_gives_the_crop_of_the_upright_one() -> None:
    upright = Face(portrait(), Box(175, 63, 93, 130))
    leaning = turn(upright, 40.0)
    assert (leaning.roll, leaning.image.size) == (40.0, upright.image.size)
    difference = np.abs(leaning.crop(CROP).astype(int) - upright.crop(CROP))
    assert difference.mean() < 4
