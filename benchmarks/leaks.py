"""Measure whether synthesized fakes differ from their reals by anything but the face.

    python benchmarks/leaks.py DATA... [--pairs 400] [--mesh facemesh.onnx]

DATA are folders with a manifest, or manifests; only reals are used. For each kind of fake, the table has the
AUC of a logistic regression on pixels outside the face (must be 0.50 ± 0.03; before and after degradations),
and the AUC of trivial properties of the crops that a network sees. The last kind shows what a leak looks
like: it pairs self-blends with the images before any change. Reconstructions are imitated by scaling the face
down and up again.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import leak_checks as leaks
import numpy as np
from PIL import Image

from veraface.datasets.degradations import Degradations
from veraface.datasets.manifest import read_samples
from veraface.datasets.synthesis.face_shapes import FaceShapes
from veraface.datasets.synthesis.face_swap import Points, best_donor, swap_face
from veraface.datasets.synthesis.reconstruction import paste_reconstruction
from veraface.datasets.synthesis.self_blending import self_blend
from veraface.geometry import Box, roll
from veraface.imaging.decode import ImageFile
from veraface.models.crop import CropSettings, crop_face
from veraface.models.face_search import YuNetDetector

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
from face_mesh import FaceMesh  # noqa: E402

MARGIN = 0.3  # of the box, by which it is dilated
MIN_OUTSIDE = 0.05  # share of an image that must lie outside
CROP = CropSettings(224, 1.35)


class Person(NamedTuple):
    """A real face."""

    image: Image.Image
    box: Box
    landmarks: Points
    shapes: FaceShapes | None


Pair = tuple[Image.Image, Image.Image]  # fake and real
Kind = Callable[[Person, np.random.Generator], Pair]


def people(data: list[Path], count: int, mesh: Path | None) -> Iterator[Person]:
    """Yield real faces of random samples, detected again."""
    samples = [sample for path in data for sample in read_samples(path) if not sample.fake]
    detector, contours = YuNetDetector(threads=1), FaceMesh(mesh) if mesh else None
    for index in np.random.default_rng(0).permutation(len(samples)):
        image = ImageFile(samples[index].path).decode()
        faces = detector.detect(image)
        if not faces or leaks.outside(image.size, faces[0].box, MARGIN).mean() < MIN_OUTSIDE:
            continue
        box, landmarks = faces[0].box, faces[0].landmarks
        shapes = contours.shapes(image, box, roll(landmarks)) if contours else None
        yield Person(image, box, np.array(landmarks), shapes)
        if (count := count - 1) == 0:
            return


def self_blended(person: Person, random: np.random.Generator) -> Pair:
    """Return a self-blend and its real."""
    return self_blend(person.image, person.box, random, person.shapes)


def leaking(person: Person, random: np.random.Generator) -> Pair:
    """Return a self-blend and the image before any change."""
    return self_blended(person, random)[0], person.image


def reconstructed(person: Person, random: np.random.Generator) -> Pair:
    """Return a face scaled down and up again and pasted back, and the image."""
    image, box = person.image, person.box
    side = 1.2 * box.max_side
    square = Box(box.x + (box.width - side) / 2, box.y + (box.height - side) / 2, side, side)
    size = int(random.integers(64, 225))
    region = image.transform(
        (size, size),
        Image.Transform.EXTENT,
        (square.x, square.y, square.x + side, square.y + side),
        Image.Resampling.BICUBIC,
    )
    region = region.resize((size // 2, size // 2), Image.Resampling.BOX)
    region = region.resize((size, size), Image.Resampling.BICUBIC)
    return paste_reconstruction(image, box, region, square, random, person.shapes), image


def swapped(person: Person, random: np.random.Generator, others: list[Person]) -> Pair:
    """Return a swap with the best fitting of a few others, and the image."""
    drawn = [others[i] for i in random.integers(len(others), size=6)]
    drawn = [other for other in drawn if other is not person] or others[:1]
    donor = drawn[best_donor([other.landmarks for other in drawn], person.landmarks)]
    fake = swap_face(
        person.image,
        person.box,
        person.landmarks,
        donor.image,
        donor.landmarks,
        random,
        person.shapes,
        donor.shapes,
    )
    return fake, person.image


def measure(kind: Kind, persons: list[Person]) -> list[float]:
    """Return the AUC on pixels outside, before and after degradations, and of each trivial property."""
    clean: list[list[np.ndarray]] = [[], []]
    degraded: list[list[np.ndarray]] = [[], []]
    trivial: list[list[np.ndarray]] = [[], []]
    for number, person in enumerate(persons):
        for side, image in enumerate(kind(person, np.random.default_rng([1, number]))):
            where = leaks.outside(image.size, person.box, MARGIN)
            clean[side].append(leaks.pixel_statistics(image, where))
            # Both of a pair are degraded alike, as in training.
            shown, box = Degradations().apply(image, person.box, np.random.default_rng([2, number]))
            where = leaks.outside(shown.size, box, MARGIN)
            degraded[side].append(leaks.pixel_statistics(shown, where))
            trivial[side].append(leaks.trivial_features(Image.fromarray(crop_face(shown, box, CROP))))
    areas = [leaks.separability(*map(np.array, sides)) for sides in (clean, degraded)]
    return areas + [
        leaks.auc(fake, real) for fake, real in zip(*(np.array(side).T for side in trivial), strict=True)
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--mesh", type=Path, help="ONNX file of MediaPipe Face Mesh")
    options = parser.parse_args()
    persons = list(people(options.data, options.pairs, options.mesh))
    kinds: dict[str, Kind] = {
        "self-blend": self_blended,
        "reconstruction": reconstructed,
        "face swap": partial(swapped, others=persons),
        "self-blend, leaking": leaking,
    }
    print(f"{len(persons)} pairs of each kind; AUC\n")
    print("| kind | outside | outside, degraded | " + " | ".join(leaks.TRIVIAL) + " |")
    print("|---|" + "---|" * (2 + len(leaks.TRIVIAL)))
    for name, kind in kinds.items():
        print(
            f"| {name} | " + " | ".join(f"{area:.3f}" for area in measure(kind, persons)) + " |", flush=True
        )


if __name__ == "__main__":
    main()
