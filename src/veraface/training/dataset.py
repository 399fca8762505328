"""The torch dataset: face crops with random degradations for training, fixed ones for validation."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import Dataset

from veraface.datasets.degradations import Degradations
from veraface.datasets.frames import sample_image
from veraface.datasets.manifest import Sample
from veraface.datasets.synthesis.face_shapes import FaceShapes
from veraface.datasets.synthesis.face_swap import Points, best_donor, swap_face
from veraface.datasets.synthesis.reconstruction import paste_reconstruction
from veraface.datasets.synthesis.reconstructions import Reconstructions, sample_key
from veraface.datasets.synthesis.self_blending import self_blend
from veraface.geometry import Box, roll
from veraface.imaging.decode import ImageFile, recompress
from veraface.models.crop import CropSettings, FaceViews, crop_face, square_around
from veraface.training.sampling import FACE_SWAP, SELF_BLEND, SampleDraw

_CONTEXT = 1.5  # side of the region that is degraded over the side of the crop
_CANDIDATES = 6  # donors of a face swap, of which the one with the best fitting pose is used
_TIGHT = 0.15  # share of training images that are cropped tightly around the face
_LEANING, _LEAN = 0.12, 60.0  # share of training images that are turned, and by how many degrees at most
_SAVED = 0.5  # share of synthesized pairs that are saved as JPEG before anything else happens
_WHOLE, _MIXED = 0.6, 0.3  # of whole reconstructions: share that is not pasted; of those, mixed with the real


class Face(NamedTuple):
    """An image with a face, as `crop_face` takes it."""

    image: Image.Image
    box: Box  # px of the image
    roll: float = 0.0  # degrees by which the face leans clockwise

    def crop(self, settings: CropSettings) -> NDArray[np.uint8]:
        """Return what the classifier sees, RGB, shape (size, size, 3)."""
        return crop_face(self.image, self.box, settings, self.roll)

    def views(self, settings: CropSettings) -> FaceViews:
        """Return what detection classifies."""
        return FaceViews(self.image, self.box, settings, self.roll)


def open_sample(sample: Sample, settings: CropSettings) -> Face:
    """Decode the region around a sample's face, half as wide again as its crop."""
    assert sample.box is not None  # prepare() adds missing boxes
    image = ImageFile(sample_image(sample)).decode()
    square = square_around(sample.box, settings.margin * _CONTEXT)
    edges = (square.x, square.y, square.x + square.width, square.y + square.height)
    return Face(*_crop(image, sample.box, edges), roll(sample.landmarks))


def _crop(image: Image.Image, box: Box, edges: tuple[float, float, float, float]) -> tuple[Image.Image, Box]:
    """Crop to the pixels that left, top, right and bottom edges touch; move the box with them."""
    left, top = max(0, int(edges[0])), max(0, int(edges[1]))
    right, bottom = min(image.width, int(edges[2]) + 1), min(image.height, int(edges[3]) + 1)
    return image.crop((left, top, right, bottom)), box.moved(-left, -top)


def turn(face: Face, angle: float) -> Face:
    """Turn an image clockwise by an angle, degrees; corners that it does not fill repeat its edge."""
    image, box, lean = face
    reach = round(max(image.size) / 2)
    wide = np.pad(np.asarray(image), ((reach, reach), (reach, reach), (0, 0)), "edge")
    x, y = box.x + box.width / 2, box.y + box.height / 2
    middle = (x + reach, y + reach)
    turned = Image.fromarray(wide).rotate(-angle, Image.Resampling.BICUBIC, center=middle)
    kept = turned.crop((reach, reach, reach + image.width, reach + image.height))
    return Face(kept, box, lean + angle)


def jitter(face: Face, random: np.random.Generator) -> Face:
    """Augment geometry: tight crop, flip, turn, and the shift and scale that face detectors vary by."""
    image, box, lean = face
    if random.random() < _TIGHT:
        # At most 15% of the box around the face, as some sources do; it must not reveal the class.
        left, top, right, bottom = random.uniform(0.0, 0.15, 4)
        x, y, width, height = box.x, box.y, box.width, box.height
        edges = (x - left * width, y - top * height, x + (1 + right) * width, y + (1 + bottom) * height)
        image, box = _crop(image, box, edges)
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        box, lean = Box(image.width - box.x - box.width, box.y, box.width, box.height), -lean
    if random.random() < _LEANING:
        image, box, lean = turn(Face(image, box, lean), float(random.uniform(-_LEAN, _LEAN)))
    scale = float(np.exp(random.uniform(-0.12, 0.12)))
    width, height = box.width * scale, box.height * scale
    x = box.x + (box.width - width) / 2 + random.uniform(-0.05, 0.05) * box.width
    y = box.y + (box.height - height) / 2 + random.uniform(-0.05, 0.05) * box.height
    return Face(image, Box(float(x), float(y), width, height), lean)


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
        reconstructions: Reconstructions | None = None,
        shapes: Mapping[str, NDArray[np.float32]] | None = None,
        domains: Mapping[str, int] | None = None,
    ) -> None:
        """Store the samples, all with a box; `train` also augments geometry, see `jitter`.

        Args:
            samples: what draws refer to.
            settings: of the crop.
            degradations: of fake and real alike.
            seed: of everything random.
            train: whether to jitter.
            reconstructions: what fakes of that kind are made from.
            shapes: outlines of faces, from `FaceShapes.to_array`, by `sample_key`.
            domains: a number for each source; a face swap takes its donor from the target's domain.
        """
        self.samples, self._settings, self._degradations = samples, settings, degradations
        self._seed, self._train, self._reconstructions = seed, train, reconstructions
        self._shapes, self._domains = shapes or {}, domains or {}
        self._donors: dict[int | None, list[Sample]] = defaultdict(list)
        for sample in samples:
            if sample.landmarks and not sample.fake:
                self._donors[self._domains.get(sample.source)].append(sample)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, draw: SampleDraw) -> tuple[torch.Tensor, torch.Tensor]:
        """Return RGB uint8 pixels (size, size, 3), and the label as a float: 1 fake, 0 real."""
        face, random = self.face(draw)
        return torch.tensor(self.degrade(face, random)), torch.tensor(float(self.is_fake(draw)))

    def is_fake(self, draw: SampleDraw) -> bool:
        """Return the label of a draw."""
        return self.samples[draw.sample].fake or bool(draw.synthesized and not draw.real)

    def face(self, draw: SampleDraw) -> tuple[Face, np.random.Generator]:
        """Return the face before its degradations, and the generator that they continue with."""
        sample = self.samples[draw.sample]
        face = open_sample(sample, self._settings)
        if draw.synthesized:
            face = face._replace(image=self._synthesize(sample, face, draw))
        random = np.random.default_rng([self._seed, draw.epoch, draw.number])
        return (jitter(face, random) if self._train else face), random

    def degrade(self, face: Face, random: np.random.Generator) -> NDArray[np.uint8]:
        """Return the crop of a degraded face, RGB (size, size, 3)."""
        image, box = self._degradations.apply(face.image, face.box, random)
        return Face(image, box, face.roll).crop(self._settings)

    def _synthesize(self, sample: Sample, face: Face, draw: SampleDraw) -> Image.Image:
        """Return the fake of a pair, or its real; both are saved alike, so that nothing outside differs."""
        # A separate stream, so that a synthesized fake is degraded exactly like the real of its pair.
        stream = np.random.default_rng([self._seed, draw.epoch, draw.number, 1])
        shapes = self._face_shapes(sample, face)
        image = face.image
        if draw.synthesized == SELF_BLEND:
            fake, real = self_blend(image, face.box, stream, shapes)
            image = real if draw.real else fake
        elif not draw.real and draw.synthesized == FACE_SWAP:
            image = self._swap_face(sample, face, shapes, stream)
        elif not draw.real:
            image = self._reconstruct(sample, face, shapes, stream)
        saved = np.random.default_rng([self._seed, draw.epoch, draw.number, 2])
        if saved.random() < _SAVED:
            image = recompress(image, int(saved.integers(70, 97)), "JPEG")
        return image

    def _face_shapes(self, sample: Sample, face: Face) -> FaceShapes | None:
        assert sample.box is not None
        points = self._shapes.get(sample_key(sample.path))
        if points is None:
            return None
        return FaceShapes.from_array(points).moved(face.box.x - sample.box.x, face.box.y - sample.box.y)

    def _reconstruct(
        self, sample: Sample, face: Face, shapes: FaceShapes | None, random: np.random.Generator
    ) -> Image.Image:
        """Replace the face by a reconstruction, or the whole image if that was reconstructed."""
        assert sample.box is not None
        assert self._reconstructions is not None
        given = self._reconstructions.draw(sample.path, random)
        square = given.square.moved(face.box.x - sample.box.x, face.box.y - sample.box.y)
        if given.whole and random.random() < _WHOLE:
            scale = given.image.width / square.width
            edges = np.array(
                [-square.x, -square.y, face.image.width - square.x, face.image.height - square.y]
            )
            region = tuple(float(edge) for edge in edges * scale)
            whole = given.image.transform(
                face.image.size, Image.Transform.EXTENT, region, Image.Resampling.BICUBIC
            )
            if random.random() < _MIXED:
                return Image.blend(face.image, whole, float(random.uniform(0.5, 1.0)))
            return whole
        return paste_reconstruction(face.image, face.box, given.image, square, random, shapes)

    def _swap_face(
        self, sample: Sample, face: Face, shapes: FaceShapes | None, random: np.random.Generator
    ) -> Image.Image:
        """Swap in the best fitting of a few faces of other groups; without any, self-blend."""
        donors = self._donors[self._domains.get(sample.source)]
        drawn = [donors[i] for i in random.integers(len(donors), size=_CANDIDATES)]
        others = [donor for donor in drawn if donor.group != sample.group]
        if not others:
            return self_blend(face.image, face.box, random)[0]
        points = _landmarks(sample, face)
        donor = others[best_donor([np.array(other.landmarks) for other in others], points)]
        source = open_sample(donor, self._settings)
        theirs, their_shapes = _landmarks(donor, source), self._face_shapes(donor, source)
        return swap_face(face.image, face.box, points, source.image, theirs, random, shapes, their_shapes)


def _landmarks(sample: Sample, face: Face) -> Points:
    """Return a sample's landmarks in the region that `open_sample` cut out."""
    assert sample.box is not None
    return np.array(sample.landmarks) - (sample.box.x - face.box.x, sample.box.y - face.box.y)
