"""Samples to batches: crops with a random history for training, a fixed one for validation."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import Dataset, Sampler

from veraface.crop import CropSettings, crop_face, crop_square
from veraface.image import Picture
from veraface.training.degradations import Degradations
from veraface.training.manifest import Sample
from veraface.training.self_blend import self_blend
from veraface.verdict import Box

_CONTEXT = 1.5  # side of what is degraded over the side of the crop; the rest of a picture is dropped first
_TIGHT = 0.15  # share of training pictures that are cropped tightly around the face


def open_sample(sample: Sample, settings: CropSettings) -> tuple[Image.Image, Box]:
    """The surroundings of a sample's face, as stored, and the face's box in them."""
    assert sample.box is not None  # prepare() gave every sample one
    picture = Picture(sample.path).pixels()
    square = crop_square(sample.box, CropSettings(settings.size, min(4.0, settings.margin * _CONTEXT)))
    left, top = max(0, int(square.x)), max(0, int(square.y))
    right = min(picture.width, int(square.x + square.width) + 1)
    bottom = min(picture.height, int(square.y + square.height) + 1)
    box = Box(sample.box.x - left, sample.box.y - top, sample.box.width, sample.box.height)
    return picture.crop((left, top, right, bottom)), box


def degraded_crop(
    sample: Sample, settings: CropSettings, degradations: Degradations, random: np.random.Generator
) -> NDArray[np.uint8]:
    """The model input for one sample after a random history, without changes of framing."""
    picture, box = degradations.apply(*open_sample(sample, settings), random)
    return crop_face(picture, box, settings)


def jitter(picture: Image.Image, box: Box, random: np.random.Generator) -> tuple[Image.Image, Box]:
    """Mirror half of the pictures, crop some tightly, move and rescale the box as face detectors do."""
    if random.random() < _TIGHT:
        picture, box = _crop_tightly(picture, box, random)
    if random.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        box = Box(picture.width - box.x - box.width, box.y, box.width, box.height)
    scale = float(np.exp(random.uniform(-0.12, 0.12)))
    width, height = box.width * scale, box.height * scale
    x = box.x + (box.width - width) / 2 + random.uniform(-0.05, 0.05) * box.width
    y = box.y + (box.height - height) / 2 + random.uniform(-0.05, 0.05) * box.height
    return picture, Box(float(x), float(y), width, height)


def _crop_tightly(picture: Image.Image, box: Box, random: np.random.Generator) -> tuple[Image.Image, Box]:
    """Leave up to 15 % of the box around it: some sources come so, and framing must not tell the class."""
    edges = random.uniform(0.0, 0.15, 4)
    left = max(0, int(box.x - edges[0] * box.width))
    top = max(0, int(box.y - edges[1] * box.height))
    right = min(picture.width, int(box.x + (1 + edges[2]) * box.width) + 1)
    bottom = min(picture.height, int(box.y + (1 + edges[3]) * box.height) + 1)
    return picture.crop((left, top, right, bottom)), Box(box.x - left, box.y - top, box.width, box.height)


class FaceDataset(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Crops and labels. What happens to a draw depends on the seed and its key alone.

    Keys are (epoch, draw, index of the sample), so that runs reproduce whatever the number of worker
    processes and however often a run was interrupted.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        settings: CropSettings,
        degradations: Degradations,
        seed: int,
        *,
        train: bool,
        self_blend: float = 0.0,
    ) -> None:
        """Hold the samples.

        Args:
            samples: all with a box.
            settings: of the crop.
            degradations: what may happen to a picture.
            seed: decides everything random.
            train: also mirror pictures, crop some tightly, and move the box.
            self_blend: share of the fakes that are replaced by a self-blended real.
        """
        self.samples = samples
        self._settings = settings
        self._degradations = degradations
        self._seed = seed
        self._train = train
        self._self_blend = self_blend
        self._reals = [i for i, sample in enumerate(samples) if not sample.fake]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: tuple[int, int, int]) -> tuple[torch.Tensor, torch.Tensor]:
        """RGB uint8 pixels (size, size, 3), and the label as a float: 1 fake, 0 real."""
        epoch, draw, index = key
        random = np.random.default_rng([self._seed, epoch, draw])
        sample = self.samples[index]
        fake = sample.fake
        blend = random.random() < self._self_blend and fake  # drawn for reals too: histories stay alike
        if blend:
            sample = self.samples[self._reals[random.integers(len(self._reals))]]
        picture, box = open_sample(sample, self._settings)
        if blend:
            picture = self_blend(picture, box, random)
        if self._train:
            picture, box = jitter(picture, box, random)
        picture, box = self._degradations.apply(picture, box, random)
        pixels = crop_face(picture, box, self._settings)
        return torch.tensor(pixels), torch.tensor(float(fake))


class BalancedSampler(Sampler[tuple[int, int, int]]):
    """One epoch's keys, drawn with replacement: half of each class, sources by the root of their size.

    The root lies between equal shares, which would repeat a small source to exhaustion, and raw counts,
    with which one source would speak for its whole class.
    """

    def __init__(self, samples: Sequence[Sample], seed: int) -> None:
        """Weigh the samples."""
        counts = Counter((sample.fake, sample.source) for sample in samples)
        weights = np.array([counts[s.fake, s.source] ** -0.5 for s in samples])
        fake = np.array([s.fake for s in samples])
        weights[fake] /= weights[fake].sum()
        weights[~fake] /= weights[~fake].sum()
        self._weights = weights / weights.sum()
        self._seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._weights)

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        random = np.random.default_rng([self._seed, self.epoch])
        chosen = random.choice(len(self._weights), size=len(self._weights), p=self._weights)
        return ((self.epoch, draw, int(index)) for draw, index in enumerate(chosen))

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning at the start of every epoch."""
        self.epoch = epoch


class FixedSampler(Sampler[tuple[int, int, int]]):
    """Every sample once, in order, always with the history of epoch 0."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        """Count the samples."""
        self._count = len(samples)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        return ((0, index, index) for index in range(self._count))
