"""What a network gets to see: which samples, how often, and after which history."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.datasets import face, make_dataset, make_rows, write_csv
from veraface.crop import CropSettings
from veraface.errors import DataError
from veraface.training.dataset import BalancedSampler, FaceDataset, FixedSampler, jitter
from veraface.training.degradations import Degradations
from veraface.training.manifest import Sample, read_samples
from veraface.training.prepare import check_prepared, prepare
from veraface.verdict import Box

CROP = CropSettings(48, 1.3)
COUNTS = {(False, "large"): 1600, (False, "small"): 100, (True, "lab"): 400}
SKEWED = [
    Sample(Path(f"{source}{i}"), fake, source, f"{source}{i}", "train")
    for (fake, source), count in COUNTS.items()
    for i in range(count)
]


def dataset(samples: list[Sample], *, train: bool, self_blend: float = 0.0) -> FaceDataset:
    return FaceDataset(samples, CROP, Degradations(), 1, train=train, self_blend=self_blend)


def test_both_classes_get_half_and_sources_the_root_of_their_size() -> None:
    """1600 and 100 pictures of the two sources of reals: 4 to 1 instead of 16 to 1."""
    sampler = BalancedSampler(SKEWED, seed=1)
    assert len(sampler) == len(SKEWED)
    drawn: Counter[tuple[bool, str]] = Counter()
    for epoch in range(10):
        sampler.set_epoch(epoch)
        drawn.update((SKEWED[i].fake, SKEWED[i].source) for _, _, i in sampler)
    total = drawn.total()
    assert total == 10 * len(SKEWED)
    assert drawn[True, "lab"] / total == pytest.approx(0.5, abs=0.02)
    assert drawn[False, "large"] / total == pytest.approx(0.4, abs=0.02)
    assert drawn[False, "small"] / total == pytest.approx(0.1, abs=0.02)


def test_draws_depend_on_seed_and_epoch_alone() -> None:
    def keys(seed: int, epoch: int) -> list[tuple[int, int, int]]:
        sampler = BalancedSampler(SKEWED, seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert keys(1, 3) == keys(1, 3)
    assert {epoch for epoch, _, _ in keys(1, 3)} == {3}
    assert [i for *_, i in keys(1, 3)] != [i for *_, i in keys(1, 4)]
    assert [i for *_, i in keys(1, 3)] != [i for *_, i in keys(2, 3)]


def test_validation_sees_every_sample_once_and_always_alike(tiny_data: Path) -> None:
    samples = [s for s in read_samples(tiny_data) if s.split == "val"]
    keys = list(FixedSampler(samples))
    assert [index for *_, index in keys] == list(range(len(samples)))
    data = dataset(samples, train=False)
    for key in keys[:4]:
        (one, label), (two, _) = data[key], data[key]
        assert torch.equal(one, two)
        assert label == samples[key[2]].fake
        assert one.shape == (48, 48, 3)
        assert one.dtype == torch.uint8


def test_histories_change_from_epoch_to_epoch_and_draw_to_draw(tiny_data: Path) -> None:
    data = dataset(read_samples(tiny_data), train=True)
    seen = {data[epoch, draw, 0][0].numpy().tobytes() for epoch in range(4) for draw in range(4)}
    assert len(seen) > 12


def test_the_label_does_not_touch_the_pixels(tiny_data: Path) -> None:
    """Both classes are treated alike: the same picture under either label gets the same history."""
    samples = read_samples(tiny_data)[:6]
    swapped = [replace(s, fake=not s.fake) for s in samples]
    for train in (False, True):
        for key in ((e, i, i) for e in range(3) for i in range(6)):
            (one, label), (other, opposite) = (
                dataset(samples, train=train)[key],
                dataset(swapped, train=train)[key],
            )
            assert torch.equal(one, other)
            assert label + opposite == 1


def test_self_blends_replace_their_share_of_fakes_and_no_real(tiny_data: Path) -> None:
    """Fakes of the tiny set have magenta cheeks; a self-blended real has none."""
    samples = read_samples(tiny_data)[:8]
    none = Degradations(untouched=1)
    data = FaceDataset(samples, CROP, none, 1, train=False, self_blend=0.4)

    def magenta(pixels: torch.Tensor) -> bool:
        red, green, blue = (pixels[..., c].int() for c in range(3))
        return bool(((red > 170) & (green < 70) & (blue > 170)).any())

    fakes = [data[0, draw, 1] for draw in range(200)]
    reals = [data[0, draw, 0] for draw in range(20)]
    assert {float(label) for _, label in fakes} == {1.0}
    assert {float(label) for _, label in reals} == {0.0}
    assert len({pixels.numpy().tobytes() for pixels, _ in reals}) == 1
    assert sum(not magenta(pixels) for pixels, _ in fakes) / 200 == pytest.approx(0.4, abs=0.1)


def test_jitter_keeps_the_face_in_its_box() -> None:
    """A mark in the middle of the face stays near the middle of the box."""
    picture = face(0, fake=False)
    picture.paste((0, 255, 0), (42, 44, 49, 51))
    mirrored = 0
    for i in range(40):
        moved, box = jitter(picture, Box(25, 21, 41, 52), np.random.default_rng(i))
        pixels = np.asarray(moved, int)
        rows, columns = np.nonzero((pixels[..., 1] > 250) & (pixels[..., 0] < 5))
        assert abs(columns.mean() - (box.x + box.width / 2)) < 0.2 * box.width
        assert abs(rows.mean() - (box.y + box.height / 2)) < 0.2 * box.height
        assert 0.85 < box.height / 52 < 1.15
        mirrored += bool(pixels[0, 0].sum() != np.asarray(picture, int)[0, 0].sum())
    assert 10 < mirrored < 35


@pytest.fixture
def spoilt(tmp_path: Path) -> Path:
    """A data set with one picture cut off, one missing, one box outside, and one without a face."""
    rows = make_rows(tmp_path, {"train": 12, "val": 8})
    (tmp_path / "001.png").write_bytes((tmp_path / "001.png").read_bytes()[:400])
    (tmp_path / "002.png").unlink()
    rows[3]["box"] = "200 200 30 30"
    rows[4]["box"] = ""
    face(0, fake=False).crop((0, 0, 12, 12)).resize((96, 96)).save(tmp_path / "004.png")
    rows[5]["box"] = ""
    write_csv(tmp_path / "manifest.csv", rows)
    return tmp_path


def test_pictures_that_cannot_be_used_are_listed(spoilt: Path) -> None:
    with pytest.raises(DataError) as caught:
        prepare(read_samples(spoilt), skip_bad=False)
    message = str(caught.value)
    assert message.startswith("3 pictures cannot be used; mend them or pass --skip-bad:")
    assert f"{spoilt / '001.png'}: the PNG data are cut off or corrupt" in message
    assert f"{spoilt / '002.png'}: no such file" in message
    assert (
        f"{spoilt / '003.png'}: its face box [200.0, 200.0, 30.0, 30.0] lies outside its 96 x 96" in message
    )


def test_pictures_that_cannot_be_used_are_skipped_on_demand(spoilt: Path) -> None:
    prepared = prepare(read_samples(spoilt), skip_bad=True)
    assert [line.split(":")[0][-7:] for line in prepared.unreadable] == ["001.png", "002.png", "003.png"]
    assert prepared.without_face == [str(spoilt / "004.png")]
    names = [s.path.name for s in prepared.samples]
    assert names == ["000.png", *(f"{i:03}.png" for i in range(5, 20))]
    found = next(s.box for s in prepared.samples if s.path.name == "005.png")
    assert found is not None, "a box that is not given is found"
    assert found.x == pytest.approx(25, abs=5)
    assert found.longer_side == pytest.approx(51, abs=6)
    check_prepared(prepared)


def test_more_than_twenty_are_counted(tmp_path: Path) -> None:
    samples = read_samples(make_dataset(tmp_path / "faces", {"train": 26}))
    for sample in samples[1:]:
        sample.path.write_bytes(b"")
    with pytest.raises(DataError, match=r"(?s)^25 pictures cannot be used.*and 5 more$"):
        prepare(samples, skip_bad=False)


def test_says_when_too_little_is_left(spoilt: Path) -> None:
    samples = [
        s for s in read_samples(spoilt) if s.path.name[:3] in ("001", "002", "003", "004") or s.split == "val"
    ]
    prepared = prepare(samples, skip_bad=True)
    with pytest.raises(
        DataError, match="train split is empty.*3 pictures cannot be used, and no face was found in 1"
    ):
        check_prepared(prepared)
