"""Self-blended images: a real face blended with a transformed copy of itself.

Shiohara and Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR 2022: a detector trained on them
learns the blending artifacts that all face swaps share, not those of one generator.
"""

import numpy as np
from PIL import Image

from veraface.datasets.synthesis.blending import (
    blend_mask,
    feather_coverage,
    jitter_appearance,
    paste,
    random_bend,
    restore,
    small_move,
    warp,
)
from veraface.datasets.synthesis.face_shapes import FaceShapes
from veraface.geometry import Box

# Weights of the source in a blend; the paper goes down to 0.25, which recompression hides.
_RATIOS = (0.5, 0.75, 1.0, 1.0)
_RESTORED = 0.2  # share of sources that look like the output of a face restorer
_BENT = 0.6  # share of sources that are warped elastically
_BEND = 0.015  # standard deviation of that, share of the face


def self_blend(
    image: Image.Image,
    box: Box,
    random: np.random.Generator,
    shapes: FaceShapes | None = None,
    *,
    keep_target: bool = False,
) -> tuple[Image.Image, Image.Image]:
    """Return a fake, an RGB image with its face blended with a transformed copy of itself, and its real.

    Color or sharpness of either the copy or the whole image are changed. The real is the image with the
    changes of the latter: outside the mask, both are the same to the last bit.

    Args:
        image: RGB.
        box: of the face, px.
        random: draws the changes.
        shapes: contours of the face, px; without them, masks are ellipses.
        keep_target: change the copy only, so that the real is `image`.
    """
    source = target = image
    if keep_target or random.random() < 0.5:
        change = restore if random.random() < _RESTORED else jitter_appearance
        source = change(image, box, random)
    else:
        target = jitter_appearance(image, box, random)
    bend = random_bend(image.size, box, random, _BEND) if random.random() < _BENT else None
    source, covered = warp(source, small_move(box, random, 0.05, 0.03), image.size, bend)
    mask = blend_mask(image.size, box, random, shapes) * feather_coverage(covered, box)
    return paste(source, target, mask * np.float32(_RATIOS[random.integers(len(_RATIOS))])), target
