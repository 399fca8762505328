"""The torch dataset: face crops with random degradations for training, fixed ones for validation."""

from collections.abc import Sequence
from functools import partial
from typing import cast

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset

from veraface.datasets.degradations import Degradations
from veraface.datasets.frames import sample_image
from veraface.datasets.manifest import Sample
from veraface.datasets.synthesis.face_swap import Points, best_donor, swap_face
from veraface.datasets.synthesis.self_blending import self_blend
from veraface.geometry import Box
from veraface.imaging.decode import ImageFile
from veraface.models.crop import CropSettings, crop_box, crop_face
from veraface.training.sampling import SELF_BLEND, SampleDraw

_CONTEXT = 1.5  # side of the region that is degraded over the side of the crop
_CANDIDATES = 6  # donors of a face swap, of which the one with the best fitting pose is used
_TIGHT = 0.15  # share of training images that are cropped tightly around the face


def open_sample(sample: Sample, settings: CropSettings) -> tuple[Image.Image, Box]:
    """Decode the region around a sample's face.

    Returns:
        The region at the stored resolution, and the face box in its pixels.
    """
    assert sample.box is not None  # prepare() adds missing boxes
    image = ImageFile(sample_image(sample)).decode()
    square = crop_box(sample.box, CropSettings(settings.size, min(4.0, settings.margin * _CONTEXT)))
    left, top = max(0, int(square.x)), max(0, int(square.y))
    right = min(image.width, int(square.x + square.width) + 1)
    bottom = min(image.height, int(square.y + square.height) + 1)
    box = Box(sample.box.x - left, sample.box.y - top, sample.box.width, sample.box.height)
    return image.crop((left, top, right, bottom)), box


def jitter(image: Image.Image, box: Box, random: np.random.Generator) -> tuple[Image.Image, Box]:
    """Augment geometry: random flip, tight crop, and the shift and scale that face detectors vary by."""
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
    """Keep at most 15% of the box around the face, as some sources do; it must not reveal the class."""
    edges = random.uniform(0.0, 0.15, 4)
    left = max(0, int(box.x - edges[0] * box.width))
    top = max(0, int(box.y - edges[1] * box.height))
    right = min(image.width, int(box.x + (1 + edges[2]) * box.width) + 1)
    bottom = min(image.height, int(box.y + (1 + edges[3]) * box.height) + 1)
    return image.crop((left, top, right, bottom)), Box(box.x - left, box.y - top, box.width, box.height)


class FaceDataset(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Face crops and labels, as a function of the seed and the draw alone.

    Runs are therefore reproducible with any number of worker processes and across interruptions.
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
        """Store the samples.

        Args:
            samples: all with a box.
            settings: of the crop.
            degradations: distribution of the degradations.
            seed: seed of everything random.
            train: also augment geometry; see `jitter`.
            landmarks: of each sample, px of its image; needed for face swaps.
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

    def __getitem__(self, draw: SampleDraw) -> tuple[torch.Tensor, torch.Tensor]:
        """Return RGB uint8 pixels (size, size, 3), and the label as a float: 1 fake, 0 real."""
        sample = self.samples[draw.sample]
        image, box = open_sample(sample, self._settings)
        if draw.synthesized:
            # A separate stream, so that a synthesized fake is degraded exactly like the real of its pair.
            stream = np.random.default_rng([self._seed, draw.epoch, draw.number, 1])
            synthesize = (
                self_blend if draw.synthesized == SELF_BLEND else partial(self._swap_face, draw.sample)
            )
            image = synthesize(image, box, stream)
        random = np.random.default_rng([self._seed, draw.epoch, draw.number])
        if self._train:
            image, box = jitter(image, box, random)
        image, box = self._degradations.apply(image, box, random)
        pixels = crop_face(image, box, self._settings)
        return torch.tensor(pixels), torch.tensor(float(sample.fake or bool(draw.synthesized)))

    def _swap_face(
        self, index: int, image: Image.Image, box: Box, random: np.random.Generator
    ) -> Image.Image:
        """Swap in the best fitting of a few faces of other groups; without any, self-blend."""
        points = self._moved_landmarks(index, box)
        group = self.samples[index].group
        drawn = [self._donors[i] for i in random.integers(len(self._donors), size=_CANDIDATES)]
        others = [i for i in drawn if self.samples[i].group != group]
        if not others:
            return self_blend(image, box, random)
        donor = others[best_donor([cast(Points, self._landmarks[i]) for i in others], points)]
        donor_image, donor_box = open_sample(self.samples[donor], self._settings)
        return swap_face(image, box, points, donor_image, self._moved_landmarks(donor, donor_box), random)

    def _moved_landmarks(self, index: int, box: Box) -> Points:
        """Return a sample's landmarks in the region that `open_sample` cut out, given its box there."""
        points, own = self._landmarks[index], self.samples[index].box
        assert points is not None
        assert own is not None
        return points - (own.x - box.x, own.y - box.y)
