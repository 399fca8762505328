"""Fakes made from one real face: blended with a changed copy of itself, so that only the seam is fake.

The idea of Shiohara and Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR 2022: a detector
that can tell these learns the traces that all face swaps share, not those of one generator. Pillow and
NumPy only.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from veraface.verdict import Box

# Parts of an upright face as shares of its box: x0, y0, x1, y1. Photo montages exchange them one by one.
_PARTS = {
    "face": (0.04, 0.06, 0.96, 0.98),
    "inner": (0.12, 0.24, 0.88, 0.94),
    "eyes": (0.08, 0.26, 0.92, 0.52),
    "nose": (0.30, 0.34, 0.70, 0.72),
    "mouth": (0.22, 0.66, 0.78, 0.92),
    "left": (0.04, 0.10, 0.50, 0.96),
    "upper": (0.04, 0.06, 0.96, 0.55),
    "lower": (0.10, 0.52, 0.90, 0.98),
}
_WHOLE = 0.6  # share of blends that take the whole face or its inner part
_RATIOS = (
    0.5,
    0.75,
    1.0,
    1.0,
)  # of the source in the blend; the paper goes down to .25, which recompression hides
_MASK_SIDE = 128  # px at which masks are drawn; their shapes are coarse


def self_blend(picture: Image.Image, box: Box, random: np.random.Generator) -> Image.Image:
    """Blend a face with a changed copy of itself.

    Args:
        picture: RGB, holding a real face.
        box: of the face, in pixels of `picture`.
        random: decides everything.

    Returns:
        A picture of the same size; outside the face it equals `picture`, but for a change of colour or
        sharpness that either side may have got.
    """
    source = target = picture
    if random.random() < 0.5:
        source = _change(picture, random)
    else:
        target = _change(picture, random)
    source = _move(source, box, random)
    mask = _mask(picture.size, box, random)
    ratio = _RATIOS[random.integers(len(_RATIOS))]
    return Image.composite(source, target, Image.fromarray((mask * ratio * 255).astype(np.uint8)))


def _change(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Other colours, another sharpness, or both, as between the two pictures of a swap."""
    kind = random.integers(3)
    if kind != 1:
        shift = random.uniform(-18, 18, 3)
        shifted = np.clip(np.asarray(picture, np.float32) + shift, 0, 255).astype(np.uint8)
        picture = Image.fromarray(shifted)
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            picture = enhance(picture).enhance(float(random.uniform(0.85, 1.15)))
    if kind != 0:
        choice = random.integers(3)
        if choice == 0:
            picture = picture.filter(ImageFilter.GaussianBlur(float(random.uniform(0.4, 1.5))))
        elif choice == 1:
            picture = ImageEnhance.Sharpness(picture).enhance(float(random.uniform(1.5, 3.0)))
        else:
            factor = float(random.uniform(0.35, 0.8))
            small = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
            picture = picture.resize(small, Image.Resampling.BILINEAR).resize(
                picture.size, Image.Resampling.BICUBIC
            )
    return picture


def _move(picture: Image.Image, box: Box, random: np.random.Generator) -> Image.Image:
    """Shift and rescale by a few hundredths of the face, about its centre."""
    scale = random.uniform(0.95, 1.05, 2)
    shift = random.uniform(-0.03, 0.03, 2) * (box.width, box.height)
    centre = np.array([box.x + box.width / 2, box.y + box.height / 2])
    offset = centre - scale * centre + shift
    matrix = (scale[0], 0.0, offset[0], 0.0, scale[1], offset[1])
    return picture.transform(
        picture.size, Image.Transform.AFFINE, tuple(map(float, matrix)), Image.Resampling.BICUBIC
    )


def _mask(size: tuple[int, int], box: Box, random: np.random.Generator) -> NDArray[np.float32]:
    """A deformed ellipse over the face or a part of it, 0 to 1, with a soft or a hard edge."""
    names = ("face", "inner") if random.random() < _WHOLE else tuple(_PARTS)[2:]
    x0, y0, x1, y1 = _PARTS[names[random.integers(len(names))]]
    if random.random() < 0.5:
        x0, x1 = 1 - x1, 1 - x0
    # An outline of harmonics around the ellipse: irregular, but smooth, as masks of swaps are.
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    radius = np.ones_like(angles)
    for order in (1, 2, 3, 4, 5):
        phase = random.uniform(0, 2 * np.pi)
        radius += random.normal(0, 0.07 / order**0.5) * np.cos(order * angles + phase)
    squareness = random.uniform(0.6, 1.0)  # 1 ellipse, lower: closer to a rectangle
    cosine, sine = np.cos(angles), np.sin(angles)
    xs = (x0 + x1) / 2 + (x1 - x0) / 2 * radius * np.sign(cosine) * np.abs(cosine) ** squareness
    ys = (y0 + y1) / 2 + (y1 - y0) / 2 * radius * np.sign(sine) * np.abs(sine) ** squareness
    margin = 0.25  # of the box, so that a soft edge can run out
    scale = _MASK_SIDE / (1 + 2 * margin)
    drawn = Image.new("L", (_MASK_SIDE, _MASK_SIDE))
    outline = [
        (float(x), float(y)) for x, y in zip((xs + margin) * scale, (ys + margin) * scale, strict=True)
    ]
    ImageDraw.Draw(drawn).polygon(outline, fill=255)
    drawn = drawn.filter(ImageFilter.GaussianBlur(float(random.choice([0.5, 1.5, 3.0, 6.0]))))
    width, height = (max(1, round(side * (1 + 2 * margin))) for side in (box.width, box.height))
    # A face box may be far larger than what is left of the face in the picture.
    width, height = min(width, 4 * size[0]), min(height, 4 * size[1])
    sized = drawn.resize((width, height), Image.Resampling.BILINEAR)
    page = Image.new("L", size)
    page.paste(sized, (round(box.x - margin * box.width), round(box.y - margin * box.height)))
    mask: NDArray[np.float32] = np.asarray(page, np.float32) / np.float32(255)
    return mask
