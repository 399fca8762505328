"""Self-blended images: a real face blended with a transformed copy of itself.

Shiohara and Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR 2022: a detector trained on them
learns the blending artifacts that all face swaps share, not those of one generator.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.datasets.synthesis.blending import blend_mask, jitter_appearance, paste, warp
from veraface.geometry import Box

# Weights of the source in a blend; the paper goes down to 0.25, which recompression hides.
_RATIOS = (0.5, 0.75, 1.0, 1.0)


def self_blend(image: Image.Image, box: Box, random: np.random.Generator) -> Image.Image:
    """Return an RGB image with the face in the box blended with a transformed copy of itself.

    Outside the face it stays the same, unless color or sharpness of the target were changed.
    """
    source = target = image
    if random.random() < 0.5:
        source = jitter_appearance(image, box, random)
    else:
        target = jitter_appearance(image, box, random)
    source, covered = warp(source, _small_move(box, random), image.size)
    mask = blend_mask(image.size, box, random) * covered
    return paste(source, target, mask * np.float32(_RATIOS[random.integers(len(_RATIOS))]))


def _small_move(box: Box, random: np.random.Generator) -> NDArray[np.float64]:
    """Return a random shift and scaling by a few percent of the face, about its center."""
    scale = random.uniform(0.95, 1.05, 2)
    shift = random.uniform(-0.03, 0.03, 2) * (box.width, box.height)
    center = np.array([box.x + box.width / 2, box.y + box.height / 2])
    return np.column_stack([np.diag(scale), center - scale * center + shift])
