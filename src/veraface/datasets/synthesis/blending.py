"""Blending of faces: masks of a face or a part of it, and differences in appearance."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from veraface.geometry import Box
from veraface.imaging.decode import recompress

# Parts of an upright face as shares of its box: x0, y0, x1, y1. Photo montages swap single parts.
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
_WHOLE = 0.6  # share of masks of the whole face or its inner part
_MASK_SIDE = 128  # px; resolution at which masks are drawn


def warp(
    image: Image.Image, matrix: NDArray[np.float64], size: tuple[int, int]
) -> tuple[Image.Image, NDArray[np.float32]]:
    """Apply an affine transform, a (2, 3) matrix from pixels of the result to those of an RGB image.

    Returns an image of the given size, black outside of the original, and its coverage by that, 0 to 1.
    """
    numbers = tuple(map(float, matrix.ravel()))
    moved = image.transform(size, Image.Transform.AFFINE, numbers, Image.Resampling.BICUBIC)
    whole = Image.new("L", image.size, 255)
    covered = whole.transform(size, Image.Transform.AFFINE, numbers, Image.Resampling.BILINEAR)
    return moved, np.asarray(covered, np.float32) / np.float32(255)


def paste(source: Image.Image, target: Image.Image, mask: NDArray[np.float32]) -> Image.Image:
    """Blend the source over the target with a mask of 0 to 1; all have the same size."""
    return Image.composite(source, target, Image.fromarray((mask * 255).astype(np.uint8)))


def jitter_appearance(image: Image.Image, box: Box, random: np.random.Generator) -> Image.Image:
    """Change colors, sharpness or both, as they differ between the two images of a swap."""
    kind = random.integers(3)
    if kind != 1:
        image = _change_color(image, random)
    return image if kind == 0 else _change_sharpness(image, box, random)


def _change_color(image: Image.Image, random: np.random.Generator) -> Image.Image:
    shift = random.uniform(-18, 18, 3)
    image = Image.fromarray(np.clip(np.asarray(image, np.float32) + shift, 0, 255).astype(np.uint8))
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(float(random.uniform(0.85, 1.15)))
    return image


def _change_sharpness(image: Image.Image, box: Box, random: np.random.Generator) -> Image.Image:
    choice = random.integers(5)
    if choice == 0:
        return image.filter(ImageFilter.GaussianBlur(float(random.uniform(0.4, 1.5))))
    if choice == 1:
        return ImageEnhance.Sharpness(image).enhance(float(random.uniform(1.5, 3.0)))
    if choice == 2:
        return recompress(image, int(random.integers(35, 85)), "JPEG")
    if choice == 3:
        return _add_grid(image, random)
    return rerender(image, box, random)


def rerender(image: Image.Image, box: Box, random: np.random.Generator) -> Image.Image:
    """Downscale and upscale again: face swaps are generated at 64 to 256 px and scaled to fit."""
    side = float(np.exp(random.uniform(np.log(48), np.log(160))))
    factor = min(0.85, side / box.max_side)
    small = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    back = (Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)
    which = int(random.choice(3, p=[0.1, 0.45, 0.45]))
    return image.resize(small, Image.Resampling.BILINEAR).resize(image.size, back[which])


def _add_grid(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """Add a faint regular pattern like the artifacts of transposed convolutions.

    Odena et al., "Deconvolution and Checkerboard Artifacts", Distill 2016.
    """
    period = int(random.choice([2, 4, 8]))
    tile = random.normal(0.0, 1.0, (period, period, 3 if random.random() < 0.5 else 1))
    tile = (tile - tile.mean()) * random.uniform(1.5, 5.0)
    rows, columns = -(-image.height // period), -(-image.width // period)
    pattern = np.tile(tile, (rows, columns, 1))[: image.height, : image.width]
    return Image.fromarray(np.clip(np.asarray(image, np.float32) + pattern, 0, 255).astype(np.uint8))


def blend_mask(size: tuple[int, int], box: Box, random: np.random.Generator) -> NDArray[np.float32]:
    """Draw a deformed ellipse over the face or a part of it, 0 to 1, with a soft or a hard edge."""
    names = ("face", "inner") if random.random() < _WHOLE else tuple(_PARTS)[2:]
    x0, y0, x1, y1 = _PARTS[names[random.integers(len(names))]]
    if random.random() < 0.5:
        x0, x1 = 1 - x1, 1 - x0
    # The outline is an ellipse with random harmonics: irregular but smooth, like masks of swaps.
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    radius = np.ones_like(angles)
    for order in (1, 2, 3, 4, 5):
        phase = random.uniform(0, 2 * np.pi)
        radius += random.normal(0, 0.07 / order**0.5) * np.cos(order * angles + phase)
    squareness = random.uniform(0.6, 1.0)  # 1 ellipse, lower: closer to a rectangle
    cosine, sine = np.cos(angles), np.sin(angles)
    xs = (x0 + x1) / 2 + (x1 - x0) / 2 * radius * np.sign(cosine) * np.abs(cosine) ** squareness
    ys = (y0 + y1) / 2 + (y1 - y0) / 2 * radius * np.sign(sine) * np.abs(sine) ** squareness
    margin = 0.25  # of the box, so that a soft edge ends inside
    scale = _MASK_SIDE / (1 + 2 * margin)
    drawn = Image.new("L", (_MASK_SIDE, _MASK_SIDE))
    outline = (np.column_stack([xs, ys]) + margin) * scale
    ImageDraw.Draw(drawn).polygon(outline.ravel().tolist(), fill=255)
    drawn = drawn.filter(ImageFilter.GaussianBlur(float(random.choice([0.5, 1.5, 3.0, 6.0]))))
    width, height = (max(1, round(side * (1 + 2 * margin))) for side in (box.width, box.height))
    left, top = round(box.x - margin * box.width), round(box.y - margin * box.height)
    # Only the part inside the image: the box of a cut-off face may be far larger.
    x0, x1 = max(0, left), min(size[0], left + width)
    y0, y1 = max(0, top), min(size[1], top + height)
    page = Image.new("L", size)
    if x0 < x1 and y0 < y1:
        across, down = _MASK_SIDE / width, _MASK_SIDE / height
        seen = ((x0 - left) * across, (y0 - top) * down, (x1 - left) * across, (y1 - top) * down)
        inside = (seen[0], seen[1], min(seen[2], _MASK_SIDE), min(seen[3], _MASK_SIDE))  # against rounding
        page.paste(drawn.resize((x1 - x0, y1 - y0), Image.Resampling.BILINEAR, box=inside), (x0, y0))
    mask: NDArray[np.float32] = np.asarray(page, np.float32) / np.float32(255)
    return mask
