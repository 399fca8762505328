"""Samples to batches: crops with a random history for training, a fixed one for validation."""

from collections.abc import Sequence
from functools import partial
from typing import cast

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset

from veraface.datasets.degradations import Degradations
from veraface.datasets.frames import sample_picture
from veraface.datasets.manifest import Sample
from veraface.datasets.synthesis.face_swap import Points, best_donor, exchange_face
from veraface.datasets.synthesis.self_blending import self_blend
from veraface.geometry import Box
from veraface.imaging.decode import Picture
from veraface.models.crop import CropSettings, crop_face, crop_square
from veraface.training.sampling import SELF_BLEND, Draw

_CONTEXT = 1.5  # side of what is degraded over the side of the crop; the rest of a picture is dropped first
_CANDIDATES = 6  # faces out of which the one that fits best is exchanged
_TIGHT = 0.15  # share of training pictures that are cropped tightly around the face


def open_sample(sample: Sample, settings: CropSettings) -> tuple[Image.Image, Box]:
    """The surroundings of a sample's face, as stored, and the face's box in them."""
    assert sample.box is not None  # prepare() gave every sample one
    picture = Picture(sample_picture(sample)).pixels()
    square = crop_square(sample.box, CropSettings(settings.size, min(4.0, settings.margin * _CONTEXT)))
    left, top = max(0, int(square.x)), max(0, int(square.y))
    right = min(picture.width, int(square.x + square.width) + 1)
    bottom = min(picture.height, int(square.y + square.height) + 1)
    box = Box(sample.box.x - left, sample.box.y - top, sample.box.width, sample.box.height)
    return picture.crop((left, top, right, bottom)), box


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
    """Crops and labels. What happens to a draw depends on the seed and the draw alone.

    So runs reproduce whatever the number of worker processes and however often a run was interrupted.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        settings: CropSettings,
        degradations: Degradations,
        seed: int,
        *,
        train: bool,
        landmarks: Sequence[Points | None] = (),
    ) -> None:
        """Hold the samples.

        Args:
            samples: all with a box.
            settings: of the crop.
            degradations: what may happen to a picture.
            seed: decides everything random.
            train: also mirror pictures, crop some tightly, and move the box.
            landmarks: one entry a sample, px of its picture; needed to exchange faces.
        """
        self.samples = samples
        self._settings = settings
        self._degradations = degradations
        self._seed = seed
        self._train = train
        self._landmarks = landmarks
        self._donors = [i for i, points in enumerate(landmarks) if points is not None and not samples[i].fake]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, draw: Draw) -> tuple[torch.Tensor, torch.Tensor]:
        """RGB uint8 pixels (size, size, 3), and the label as a float: 1 fake, 0 real."""
        sample = self.samples[draw.sample]
        picture, box = open_sample(sample, self._settings)
        if draw.made:
            # A stream of its own: the history of a made fake stays that of the real it is made from.
            making = np.random.default_rng([self._seed, draw.epoch, draw.number, 1])
            make = self_blend if draw.made == SELF_BLEND else partial(self._exchange, draw.sample)
            picture = make(picture, box, making)
        random = np.random.default_rng([self._seed, draw.epoch, draw.number])
        if self._train:
            picture, box = jitter(picture, box, random)
        picture, box = self._degradations.apply(picture, box, random)
        pixels = crop_face(picture, box, self._settings)
        return torch.tensor(pixels), torch.tensor(float(sample.fake or bool(draw.made)))

    def _exchange(
        self, index: int, picture: Image.Image, box: Box, random: np.random.Generator
    ) -> Image.Image:
        """The best fitting of a few other people's faces over the sample's; without any, a self-blend."""
        points = self._moved_landmarks(index, box)
        group = self.samples[index].group
        drawn = [self._donors[i] for i in random.integers(len(self._donors), size=_CANDIDATES)]
        others = [i for i in drawn if self.samples[i].group != group]
        if not others:
            return self_blend(picture, box, random)
        donor = others[best_donor([cast(Points, self._landmarks[i]) for i in others], points)]
        donor_picture, donor_box = open_sample(self.samples[donor], self._settings)
        return exchange_face(
            picture, box, points, donor_picture, self._moved_landmarks(donor, donor_box), random
        )

    def _moved_landmarks(self, index: int, box: Box) -> Points:
        """A sample's landmarks in the surroundings that `open_sample` cut out, given its box there."""
        points, own = self._landmarks[index], self.samples[index].box
        assert points is not None
        assert own is not None
        return points - (own.x - box.x, own.y - box.y)
