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
from veraface.imaging.decode import ImageFile
from veraface.models.crop import CropSettings, crop_box, crop_face
from veraface.training.sampling import SELF_BLEND, Draw

_CONTEXT = 1.5  # side of what is degraded over the side of the crop; the rest of an image is dropped first
_CANDIDATES = 6  # faces out of which the one that fits best is exchanged
_TIGHT = 0.15  # share of training images that are cropped tightly around the face


def open_sample(sample: Sample, settings: CropSettings) -> tuple[Image.Image, Box]:
    """The surroundings of a sample's face, as stored, and the face's box in them."""
    assert sample.box is not None  # prepare() gave every sample one
    image = ImageFile(sample_picture(sample)).decode()
    square = crop_box(sample.box, CropSettings(settings.size, min(4.0, settings.margin * _CONTEXT)))
    left, top = max(0, int(square.x)), max(0, int(square.y))
    right = min(image.width, int(square.x + square.width) + 1)
    bottom = min(image.height, int(square.y + square.height) + 1)
    box = Box(sample.box.x - left, sample.box.y - top, sample.box.width, sample.box.height)
    return image.crop((left, top, right, bottom)), box


def jitter(image: Image.Image, box: Box, random: np.random.Generator) -> tuple[Image.Image, Box]:
    """Mirror half of the images, crop some tightly, move and rescale the box as face detectors do."""
    if random.random() < _TIGHT:
        image, box = _crop_tightly(image, box, random)
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        box = Box(image.width - box.x - box.width, box.y, box.width, box.height)
    scale = float(np.exp(random.uniform(-0.12, 0.12)))
    width, height = box.width * scale, box.height * scale
    x = box.x + (box.width - width) / 2 + random.uniform(-0.05, 0.05) * box.width
    y = box.y + (box.height - height) / 2 + random.uniform(-0.05, 0.05) * box.height
    return image, Box(float(x), float(y), width, height)


def _crop_tightly(image: Image.Image, box: Box, random: np.random.Generator) -> tuple[Image.Image, Box]:
    """Leave up to 15 % of the box around it: some sources come so, and framing must not tell the class."""
    edges = random.uniform(0.0, 0.15, 4)
    left = max(0, int(box.x - edges[0] * box.width))
    top = max(0, int(box.y - edges[1] * box.height))
    right = min(image.width, int(box.x + (1 + edges[2]) * box.width) + 1)
    bottom = min(image.height, int(box.y + (1 + edges[3]) * box.height) + 1)
    return image.crop((left, top, right, bottom)), Box(box.x - left, box.y - top, box.width, box.height)


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
            degradations: what may happen to an image.
            seed: decides everything random.
            train: also mirror images, crop some tightly, and move the box.
            landmarks: one entry a sample, px of its image; needed to exchange faces.
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
        image, box = open_sample(sample, self._settings)
        if draw.made:
            # A stream of its own: the history of a made fake stays that of the real it is made from.
            making = np.random.default_rng([self._seed, draw.epoch, draw.number, 1])
            make = self_blend if draw.made == SELF_BLEND else partial(self._exchange, draw.sample)
            image = make(image, box, making)
        random = np.random.default_rng([self._seed, draw.epoch, draw.number])
        if self._train:
            image, box = jitter(image, box, random)
        image, box = self._degradations.apply(image, box, random)
        pixels = crop_face(image, box, self._settings)
        return torch.tensor(pixels), torch.tensor(float(sample.fake or bool(draw.made)))

    def _exchange(self, index: int, image: Image.Image, box: Box, random: np.random.Generator) -> Image.Image:
        """The best fitting of a few other people's faces over the sample's; without any, a self-blend."""
        points = self._moved_landmarks(index, box)
        group = self.samples[index].group
        drawn = [self._donors[i] for i in random.integers(len(self._donors), size=_CANDIDATES)]
        others = [i for i in drawn if self.samples[i].group != group]
        if not others:
            return self_blend(image, box, random)
        donor = others[best_donor([cast(Points, self._landmarks[i]) for i in others], points)]
        donor_picture, donor_box = open_sample(self.samples[donor], self._settings)
        return exchange_face(
            image, box, points, donor_picture, self._moved_landmarks(donor, donor_box), random
        )

    def _moved_landmarks(self, index: int, box: Box) -> Points:
        """A sample's landmarks in the surroundings that `open_sample` cut out, given its box there."""
        points, own = self._landmarks[index], self.samples[index].box
        assert points is not None
        assert own is not None
        return points - (own.x - box.x, own.y - box.y)
