"""Blending of faces: masks of a face or a part of it, and differences in appearance."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from veraface.datasets.synthesis.face_shapes import REGIONS, Contour, FaceShapes
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
WHOLE = 0.6  # share of masks of the whole face or its inner part
_DENSE = 0.5  # share of masks that follow the contours of a face, where they are known
_MASK_SIDE = 128  # px; resolution at which masks are drawn
_MARGIN = 0.25  # of the box, drawn around it so that a soft edge ends inside
_DENSE_MARGIN = 0.4  # the same for contours, which reach beyond the box
_EDGES = (0.5, 1.5, 3.0, 6.0)  # standard deviations of the blur of an edge, px of the drawn mask
_SPREAD = 3.0  # standard deviations of color are matched by at most this factor
_CELL = 0.25  # side of a cell of an elastic warp over the longer side of the box
_FEATHER = 0.03  # standard deviation of the softened edge of a coverage, share of the face
_MAX_FEATHER = 12.0  # px
_LIGHT = 0.12  # standard deviation of the blur that leaves the light of an image, share of the face
_MAX_CELLS = 10  # along each side of the image


def warp(
    image: Image.Image,
    matrix: NDArray[np.float64],
    size: tuple[int, int],
    bend: NDArray[np.float64] | None = None,
) -> tuple[Image.Image, NDArray[np.float32]]:
    """Apply an affine transform, a (2, 3) matrix from pixels of the result to those of an RGB image.

    `bend`, shape (rows, columns, 2), is added to it: shifts in px of `image` at the nodes of a grid over the
    result, see `random_bend`. Returns an image of the given size, black outside of the original, and its
    coverage by that, 0 to 1.
    """
    whole = Image.new("L", image.size, 255)
    if bend is None:
        numbers = tuple(map(float, matrix.ravel()))
        moved = image.transform(size, Image.Transform.AFFINE, numbers, Image.Resampling.BICUBIC)
        covered = whole.transform(size, Image.Transform.AFFINE, numbers, Image.Resampling.BILINEAR)
    else:
        mesh = _mesh(matrix, size, bend)
        moved = image.transform(size, Image.Transform.MESH, mesh, Image.Resampling.BICUBIC)
        covered = whole.transform(size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)
    return moved, np.asarray(covered, np.float32) / np.float32(255)


def feather_coverage(covered: NDArray[np.float32], box: Box) -> NDArray[np.float32]:
    """Soften the edge of a coverage towards its inside: no straight seam shows where a source ends."""
    if covered.min() == 1:
        return covered
    sigma = min(_MAX_FEATHER, max(1.0, _FEATHER * box.max_side))
    blurred = Image.fromarray((covered * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(sigma))
    soft = np.asarray(blurred, np.float32) * np.float32(2 / 255) - 1
    return np.asarray(np.minimum(np.clip(soft, 0, 1), covered), np.float32)


def random_bend(
    size: tuple[int, int], box: Box, random: np.random.Generator, strength: float
) -> NDArray[np.float64]:
    """Return the shifts of an elastic warp for `warp`, whose standard deviation is a share of the box.

    The grid's cells are a quarter of the face, so that features move against each other and stay smooth.
    """
    columns, rows = (min(_MAX_CELLS, max(1, round(side / (_CELL * box.max_side)))) for side in size)
    columns, rows = min(columns, size[0]), min(rows, size[1])
    limit = strength * min(box.max_side, 2.0 * max(size))
    return np.clip(random.normal(0.0, limit, (rows + 1, columns + 1, 2)), -2 * limit, 2 * limit)


def small_move(box: Box, random: np.random.Generator, scaling: float, shift: float) -> NDArray[np.float64]:
    """Return a matrix for `warp`: a random scaling and shift, shares of the face, about its center."""
    scale = random.uniform(1 - scaling, 1 + scaling, 2)
    moved = random.uniform(-shift, shift, 2) * (box.width, box.height)
    center = np.array([box.x + box.width / 2, box.y + box.height / 2])
    return np.column_stack([np.diag(scale), center - scale * center + moved])


def _mesh(
    matrix: NDArray[np.float64], size: tuple[int, int], bend: NDArray[np.float64]
) -> list[tuple[tuple[int, int, int, int], tuple[float, ...]]]:
    """Return the cells of a grid and the corners of their quadrilaterals, as Pillow takes them."""
    ys, xs = (
        np.linspace(0, side, count).round() for side, count in zip(size[::-1], bend.shape, strict=False)
    )
    nodes = np.stack(np.meshgrid(xs, ys), axis=-1)
    corners = nodes @ matrix[:, :2].T + matrix[:, 2] + bend
    cells = []
    for row in range(len(ys) - 1):
        for column in range(len(xs) - 1):
            rectangle = (int(xs[column]), int(ys[row]), int(xs[column + 1]), int(ys[row + 1]))
            around = ((row, column), (row + 1, column), (row + 1, column + 1), (row, column + 1))
            cells.append((rectangle, tuple(float(v) for node in around for v in corners[node])))
    return cells


def paste(source: Image.Image, target: Image.Image, mask: NDArray[np.float32]) -> Image.Image:
    """Blend the source over the target with a mask of 0 to 1; all have the same size."""
    return Image.composite(source, target, Image.fromarray((mask * 255).astype(np.uint8)))


def jitter_appearance(image: Image.Image, box: Box, random: np.random.Generator) -> Image.Image:
    """Change colors, sharpness or both, as they differ between the two images of a swap."""
    kind = random.integers(3)
    if kind != 1:
        image = _change_color(image, random)
    return image if kind == 0 else _change_sharpness(image, box, random)


def restore(image: Image.Image, box: Box, random: np.random.Generator) -> Image.Image:
    """Imitate a face restorer: smooth skin without grain, and exaggerated edges.

    Detail, the difference to a blurred image, is suppressed where it is weak and amplified where it is
    strong (coring), like GFPGAN and CodeFormer are known to do after a swap.
    """
    sigma = float(random.uniform(0.006, 0.014)) * min(box.max_side, max(image.size))
    blurred = image.filter(ImageFilter.GaussianBlur(min(4.0, max(0.6, sigma))))
    base = np.asarray(blurred, np.float32)
    detail = np.asarray(image, np.float32) - base
    threshold, gain = float(random.uniform(5, 14)), float(random.uniform(1.1, 1.9))
    power = detail * detail
    detail *= np.float32(gain) * power / (power + np.float32(threshold**2))
    return Image.fromarray(np.clip(base + detail, 0, 255).astype(np.uint8))


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


def match_color(source: Image.Image, target: Image.Image, mask: NDArray[np.float32]) -> Image.Image:
    """Match mean and standard deviation of each channel under the mask (Reinhard et al., 2001, in RGB)."""
    weights = mask[..., None] / max(float(mask.sum()), 1e-6)
    own, wanted = np.asarray(source, np.float32), np.asarray(target, np.float32)
    mean, goal = (own * weights).sum(axis=(0, 1)), (wanted * weights).sum(axis=(0, 1))
    spread = np.sqrt(((own - mean) ** 2 * weights).sum(axis=(0, 1)))
    wide = np.sqrt(((wanted - goal) ** 2 * weights).sum(axis=(0, 1)))
    gain = np.minimum(_SPREAD, wide / np.maximum(spread, 1.0))
    return Image.fromarray(np.clip((own - mean) * gain + goal, 0, 255).astype(np.uint8))


def match_light(source: Image.Image, target: Image.Image, mask: NDArray[np.float32], box: Box) -> Image.Image:
    """Take the low-frequency light of the target under the mask, similar to seamless cloning."""
    blur = ImageFilter.GaussianBlur(_LIGHT * box.max_side)
    softened = [np.asarray(image.filter(blur), np.float32) for image in (source, target)]
    lit = np.asarray(source, np.float32) + (softened[1] - softened[0])
    pixels = np.where(mask[..., None] > 0, lit, np.asarray(source, np.float32))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def blend_mask(
    size: tuple[int, int],
    box: Box,
    random: np.random.Generator,
    shapes: FaceShapes | None = None,
    *,
    whole: float = WHOLE,
) -> NDArray[np.float32]:
    """Draw a mask of the face or a part of it, 0 to 1, with a soft or a hard edge.

    It is a deformed ellipse or, for half of the faces with `shapes`, a region between contours, enlarged or
    reduced. `whole` is the share of masks of the whole face, the others take a part.
    """
    if shapes is not None and random.random() < _DENSE:
        return _rasterize(size, box, _dense_outlines(shapes, box, random, whole), random, _DENSE_MARGIN)
    return _rasterize(size, box, [_ellipse(random, whole)], random, _MARGIN)


def _ellipse(random: np.random.Generator, whole: float) -> NDArray[np.float64]:
    """Return the outline of a deformed ellipse in shares of the box."""
    names = ("face", "inner") if random.random() < whole else tuple(_PARTS)[2:]
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
    return np.column_stack([xs, ys])


def _dense_outlines(
    shapes: FaceShapes, box: Box, random: np.random.Generator, whole: float
) -> list[NDArray[np.float64]]:
    """Return the outlines of a region of the face in shares of the box, enlarged or reduced at random."""
    names = REGIONS[:2] if random.random() < whole else REGIONS[2:]
    name = names[random.integers(len(names))]
    # Masks of eyes and mouth take in the skin around them; those of the face end at or within its edge.
    least, most = {"eyes": (1.4, 2.6), "mouth": (1.1, 1.8), "nose": (0.9, 1.4)}.get(name, (0.8, 1.06))
    factor = random.uniform(least, most, 2) * (1.0, 1.5 if name == "eyes" else 1.0)
    return [_resized(outline, factor, box) for outline in shapes.region(name)]


def _resized(outline: Contour, factor: NDArray[np.float64], box: Box) -> NDArray[np.float64]:
    center = outline.mean(axis=0)
    return np.asarray(((outline - center) * factor + center - (box.x, box.y)) / (box.width, box.height))


def _rasterize(
    size: tuple[int, int],
    box: Box,
    outlines: list[NDArray[np.float64]],
    random: np.random.Generator,
    margin: float,
) -> NDArray[np.float32]:
    """Fill outlines, which are shares of the box, and soften their edges; shape (height, width)."""
    scale = _MASK_SIDE / (1 + 2 * margin)
    drawn = Image.new("L", (_MASK_SIDE, _MASK_SIDE))
    for outline in outlines:
        ImageDraw.Draw(drawn).polygon(((outline + margin) * scale).ravel().tolist(), fill=255)
    drawn = drawn.filter(ImageFilter.GaussianBlur(float(random.choice(_EDGES))))
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
