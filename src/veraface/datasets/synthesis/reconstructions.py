"""Real faces as autoencoders give them back, made by `scripts/reconstruct_faces.py`, for synthesized fakes.

A face swap is what a network made of a face, pasted into a photo; a diffusion portrait is what a decoder made
of latents. A real face and its reconstruction differ in what the decoder leaves behind, and in nothing else
(Rajan et al., "Aligned Datasets Improve Detection of Latent Diffusion-Generated Images", ICLR 2025).
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from veraface.errors import DataError
from veraface.geometry import Box

INDEX, PIXELS = "index.json", "pixels.bin"


class Reconstruction(NamedTuple):
    """A region of an image as an autoencoder gave it back."""

    image: Image.Image  # RGB, square
    square: Box  # of the region, px of the image that it belongs to
    whole: bool  # whether the region is the whole image


def sample_key(path: Path) -> str:
    """Return the name under which the reconstructions of an image are stored: its last three parts."""
    return "/".join(path.parts[-3:])


class Reconstructions:
    """The reconstructions in a folder: `index.json`, and `pixels.bin` with RGB bytes of squares in a row.

    The index has a row for each: name of the image, offset in bytes, side in px, x, y and side of the square
    in px of the image, and whether it is the whole image.
    """

    def __init__(self, folder: Path) -> None:
        """Read the index; the pixels stay in the file.

        Raises `DataError` if a file is missing or damaged.
        """
        self._of: dict[str, list[tuple[int, int, Box, bool]]] = defaultdict(list)
        try:
            self._pixels = np.memmap(folder / PIXELS, np.uint8, "r")
            for name, offset, side, x, y, width, whole in json.loads((folder / INDEX).read_text("utf-8")):
                self._of[name].append((offset, side, Box(x, y, width, width), bool(whole)))
                if offset + 3 * side * side > len(self._pixels):
                    raise ValueError(f"{PIXELS} is too short")
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"{folder}: has no reconstructions that can be read: {error}") from error

    def __contains__(self, path: Path) -> bool:
        return sample_key(path) in self._of

    def draw(self, path: Path, random: np.random.Generator) -> Reconstruction:
        """Return one of an image's reconstructions at random; the image must have some."""
        found = self._of[sample_key(path)]
        offset, side, square, whole = found[random.integers(len(found))]
        pixels = self._pixels[offset : offset + 3 * side * side].reshape(side, side, 3)
        return Reconstruction(Image.fromarray(np.ascontiguousarray(pixels)), square, whole)
