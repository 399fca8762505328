"""The torch dataset: face crops with random degradations for training, fixed ones for validation."""

from collections.abc import Sequence
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
    """Decode the region around a sample's face; return it and the face box in its pixels."""
    assert sample.box is not None  # prepare() adds missing boxes
    image = ImageFile(sample_image(sample)).decode()
    square = crop_box(sample.box, CropSettings(settings.size, min(4.0, settings.margin * _CONTEXT)))
    edges = (square.x, square.y, square.x + square.width, square.y + square.height)
    return _crop(image, sample.box, edges)


def _crop(image: Image.Image, box: Box, edges: tuple[float, float, float, float]) -> tuple[Image.Image, Box]:
    """Crop to the pixels that left, top, right and bottom edges touch; move the box with them."""
    left, top = max(0, int(edges[0])), max(0, int(edges[1]))
    right, bottom = min(image.width, int(edges[2]) + 1), min(image.height, int(edges[3]) + 1)
    return image.crop((left, top, right, bottom)), Box(box.x - left, box.y - top, box.width, box.height)


def jitter(image: Image.Image, box: Box, random: np.random.Generator) -> tuple[Image.Image, Box]:
    """Augment geometry: random flip, tight crop, and the shift and scale that face detectors vary by."""
    if random.random() < _TIGHT:
        # At most 15% of the box around the face, as some sources do; it must not reveal the class.
        left, top, right, bottom = random.uniform(0.0, 0.15, 4)
        x, y, width, height = box.x, box.y, box.width, box.height
        edges = (x - left * width, y - top * height, x + (1 + right) * width, y + (1 + bottom) * height)
        image, box = _crop(image, box, edges)
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        box = Box(image.width - box.x - box.width, box.y, box.width, box.height)
    scale = float(np.exp(random.uniform(-0.12, 0.12)))
    width, height = box.width * scale, box.height * scale
    x = box.x + (box.width - width) / 2 + random.uniform(-0.05, 0.05) * box.width
    y = box.y + (box.height - height) / 2 + random.uniform(-0.05, 0.05) * box.height
    return image, Box(float(x), float(y), width, height)


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
        """Store the samples, all with a box.

        `train` also augments geometry; see `jitter`. Landmarks, px of the sample's image, allow face swaps.
        """
        self.samples, self._settings, self._degradations = samples, settings, degradations
        self._seed, self._train, self._landmarks = seed, train, landmarks
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
            if draw.synthesized == SELF_BLEND:
                image = self_blend(image, box, stream)
            else:
                image = self._swap_face(draw.sample, image, box, stream)
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
