"""The torch dataset: crops, augmentation, synthesized fakes and validation of the data."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.datasets.test_blending import BOX
from tests.datasets.test_face_swap import POINTS, checks
from tests.sample_data import face, make_dataset, make_rows, write_csv
from tests.sample_images import quadrants
from veraface.datasets.degradations import Degradations
from veraface.datasets.manifest import Sample, read_samples
from veraface.datasets.validation import prepare
from veraface.errors import DataError
from veraface.geometry import Box
from veraface.models.crop import CropSettings
from veraface.training.dataset import FaceDataset, jitter
from veraface.training.sampling import FACE_SWAP, SELF_BLEND, SampleDraw, fixed_draws

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
        samples.append(Sample(folder / f"{number}.png", False, "lab", f"person {number}", "train", box))
    return samples


def of_people(people: list[Sample], *, train: bool = False, degraded: bool = False) -> FaceDataset:
    settings = CropSettings(160, 2.6)
    degradations = Degradations() if degraded else Degradations(untouched=1)
    return FaceDataset(people, settings, degradations, 1, train=train, landmarks=[POINTS + 72] * len(people))


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("synthesized", [SELF_BLEND, FACE_SWAP])
def test_a_synthesized_fake_differs_from_its_real_on_the_face_only(
    people: list[Sample], synthesized: str, train: bool
) -> None:
    """Also after flips, shifts and scaling, as both have the same degradations.

    But self-blends may change the whole image, and of faces cropped tightly the edge is blended.
    """
    data = of_people(people, train=train)
    alike = 0
    for number in range(30):
        (real, no), (fake, yes) = (data[SampleDraw(0, number, number % 6, way)] for way in ("", synthesized))
        assert (float(no), float(yes)) == (0, 1)
        apart = (real.int() - fake.int()).abs().amax(dim=2)
        assert apart[40:120, 40:120].float().mean() > 0.02
        alike += int(apart[:12].max() == apart[-12:].max() == apart[:, :12].max() == 0)
    if synthesized == SELF_BLEND:
        assert 6 < alike < 24
    else:
        assert alike > 20 if train else alike == 30


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
        real, fake = (data[SampleDraw(0, number, 0, way)][0].float() for way in ("", FACE_SWAP))
        changes.append(float((real - fake).abs()[50:110, 55:105].mean()))
    assert np.mean(np.array(changes) > 3) > 0.9


def test_jitter_keeps_the_face_in_its_box() -> None:
    """A mark in the middle of the face stays near the middle of the box."""
    image = face(0, fake=False)
    image.paste((0, 255, 0), (42, 44, 49, 51))
    mirrored = 0
    for i in range(40):
        moved, box = jitter(image, Box(25, 21, 41, 52), np.random.default_rng(i))
        pixels = np.asarray(moved, int)
        rows, columns = np.nonzero((pixels[..., 1] > 250) & (pixels[..., 0] < 5))
        assert abs(columns.mean() - (box.x + box.width / 2)) < 0.2 * box.width
        assert abs(rows.mean() - (box.y + box.height / 2)) < 0.2 * box.height
        assert 0.85 < box.height / 52 < 1.15
        mirrored += bool(pixels[0, 0].sum() != np.asarray(image, int)[0, 0].sum())
    assert 10 < mirrored < 35


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
