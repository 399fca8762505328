"""Face chips: a square around the largest face of an image, as a small JPEG; and a search for duplicates."""

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.decision import MIN_FACE
from veraface.errors import ImageError
from veraface.geometry import Box
from veraface.imaging.decode import ImageFile, ImageSource, encode
from veraface.imaging.lazy import LazyImage
from veraface.imaging.perceptual_hash import perceptual_hash
from veraface.models.protocols import FaceDetector

MARGIN = 1.8  # side of a chip over the longer side of the face's box
MAX_SIDE = 256  # px; larger chips are scaled down
_QUALITY = 84  # of the JPEG, with subsampled color (4:2:0)

# Hamming distance of the perceptual hashes of duplicates, of 64 bits.
MAX_DISTANCE = 6
# Detectors differ by a few percent in where they see a face, which alone changes more bits than that. In 806
# photos cut out by two versions of a detector, 23% of the duplicates are missed with one framing and 0.7%
# with these 27, while 0.4% and 0.7% of the photos are taken for another one.
_SCALES = (0.92, 1.0, 1.08)
_SHIFTS = (-0.04, 0.0, 0.04)  # of the longer side of the face's box


@dataclass(frozen=True)
class Chip:
    """A face cut out of an image."""

    jpeg: bytes  # without metadata
    side: int  # px
    box: Box  # of the face, px of the chip
    phash: str  # perceptual hash of the chip, 16 hexadecimal digits
    framings: NDArray[np.uint64]  # perceptual hashes of the face cut out a little differently

    @property
    def sha256(self) -> str:
        """The hash of the file."""
        return sha256(self.jpeg).hexdigest()


def make_chip(source: ImageSource, detector: FaceDetector) -> Chip | str:
    """Cut out the largest face of an image; return the reason if that is not possible.

    The square is 1.8 times as wide as the longer side of the face's box, moved into the image and no wider
    than it, and scaled down to 256 px if it is larger. Nothing is enlarged.
    """
    try:
        image = ImageFile(source).decode()
    except ImageError:
        return "unreadable"
    faces = detector.detect(LazyImage(image))
    if not faces:
        return "without a face"
    box = faces[0].box
    if box.max_side < MIN_FACE:
        return "with a face that is too small"
    left, top, right, bottom = _square(image, box)
    chip = image.crop((left, top, right, bottom))
    scale = min(1.0, MAX_SIDE / chip.width)
    if scale < 1:
        chip = chip.resize((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    phash = perceptual_hash(chip)
    if phash is None:
        return "without content"
    squares = (_square(image, _moved(box, s, x, y)) for s in _SCALES for x in _SHIFTS for y in _SHIFTS)
    hashes = [int(perceptual_hash(image.crop(square)) or phash, 16) for square in squares]
    chip.info.clear()
    jpeg = encode(chip, "JPEG", quality=_QUALITY, subsampling="4:2:0")
    inside = box.moved(-left, -top).scaled(scale)
    return Chip(jpeg, chip.width, inside, phash, np.array(hashes, np.uint64))


def _square(image: Image.Image, box: Box) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom edge of a chip in the image."""
    side = round(min(MARGIN * box.max_side, image.width, image.height))
    left = round(min(max(box.x + box.width / 2 - side / 2, 0), image.width - side))
    top = round(min(max(box.y + box.height / 2 - side / 2, 0), image.height - side))
    return left, top, left + side, top + side


def _moved(box: Box, scale: float, x: float, y: float) -> Box:
    """Return a box scaled around its center and shifted by parts of its longer side."""
    width, height = scale * box.width, scale * box.height
    center_x = box.x + box.width / 2 + x * box.max_side
    center_y = box.y + box.height / 2 + y * box.max_side
    return Box(center_x - width / 2, center_y - height / 2, width, height)


class Duplicates:
    """Perceptual hashes of the chips that exist, by label: a fake may resemble the real it was made from."""

    def __init__(self) -> None:
        self._hashes = {False: np.empty(1024, np.uint64), True: np.empty(1024, np.uint64)}
        self._counts = {False: 0, True: 0}

    def add(self, fake: bool, phash: str) -> None:
        """Add a chip that exists."""
        count, hashes = self._counts[fake], self._hashes[fake]
        if count == len(hashes):
            hashes = self._hashes[fake] = np.concatenate([hashes, np.empty_like(hashes)])
        hashes[count] = int(phash, 16)
        self._counts[fake] = count + 1

    def contains(self, fake: bool, chip: Chip) -> bool:
        """Return whether a chip, framed a little differently, is a near-duplicate of one that exists."""
        known = self._hashes[fake][: self._counts[fake]]
        distances = np.bitwise_count(known[:, np.newaxis] ^ chip.framings[np.newaxis])
        return bool(distances.size) and int(distances.min()) <= MAX_DISTANCE
