"""Images with face boxes, verdicts and heatmaps drawn into them."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from veraface.files import atomic_write
from veraface.geometry import Box
from veraface.imaging.decode import ImageFile, ImageLimits, ImageSource
from veraface.results import DetectionResult, Heatmap, Verdict
from veraface.wording import PLAIN, Wording

# Color-blind safe (Okabe and Ito, "Color Universal Design", 2008): vermilion for fake, blue for real.
_FAKE, _REAL, _UNCERTAIN = (213, 94, 0), (0, 114, 178), (240, 228, 66)
_COLORS = {"fake": _FAKE, "real": _REAL, "uncertain": _UNCERTAIN}
_MAX_OPACITY = 0.6  # where the heatmap is 0 or 1
_ONE_SIDED = 0.9  # share of cells on one side of 0.5, from which on the difference to their mean is shown
_MIN_DIFFERENCE = 0.5  # in log odds: smaller ones are not drawn in full color
_MAX_SIDE = 2000  # px of the overlay; larger images are shrunk to it


def draw_overlay(
    source: ImageSource,
    result: DetectionResult,
    limits: ImageLimits | None = None,
    wording: Wording = PLAIN,
) -> Image.Image:
    """Draw boxes, verdicts and heatmaps into a copy of the upright image, at most 2,000 px long."""
    image = ImageFile(source, limits)
    pixels = image.decode(min_side=_MAX_SIDE)
    pixels.thumbnail((_MAX_SIDE, _MAX_SIDE))
    # Drops everything else of the file: profiles, texts, positions.
    pixels = Image.fromarray(np.asarray(pixels))
    scale = max(pixels.size) / image.longest_side
    for face in result.faces:
        if face.heatmap is not None:
            _blend_heatmap(pixels, face.heatmap, scale)
    boxes = [(face.box.scaled(scale), face.verdict, face.p_fake) for face in result.faces]
    draw_boxes(pixels, boxes, wording)
    return pixels


def draw_boxes(
    pixels: Image.Image, faces: Iterable[tuple[Box, Verdict, float | None]], wording: Wording = PLAIN
) -> None:
    """Draw boxes, in pixels of an RGB image, with their verdict and p_fake into it."""
    draw = ImageDraw.Draw(pixels)
    line = max(2, round(max(pixels.size) / 400))
    font = ImageFont.load_default(size=max(12, max(pixels.size) / 50))
    for box, verdict, p_fake in faces:
        color = _COLORS[verdict]
        draw.rectangle((box.x, box.y, box.x + box.width, box.y + box.height), outline=color, width=line)
        label = wording.tag(verdict.value, p_fake)
        left, top, right, bottom = draw.textbbox((box.x, box.y), label, font=font, anchor="ls")
        shift = max(0.0, 2 * line - top)  # the label of a face at the upper edge is inside the box
        draw.rectangle((left - line, top + shift - line, right + line, bottom + shift + line), fill=color)
        text = "black" if verdict == "uncertain" else "white"
        draw.text((box.x, box.y + shift), label, font=font, fill=text, anchor="ls")


def write_overlay(
    source: ImageSource,
    result: DetectionResult,
    path: Path,
    wording: Wording = PLAIN,
    xmp: bytes | None = None,
) -> None:
    """Write the overlay as PNG, atomically, with an XMP packet if there is one."""
    info = PngInfo()
    if xmp is not None:
        info.add_itxt("XML:com.adobe.xmp", xmp.decode())
    with atomic_write(path) as partial:
        draw_overlay(source, result, wording=wording).save(partial, "PNG", pnginfo=info)


def shown_grid(grid: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a heatmap as it is drawn: 0 blue, 0.5 nothing, 1 orange.

    Where nearly all cells suggest the same, the face would be one color, so the difference to the mean of its
    cells is shown instead. js/heatmap.js has the same rule for the page.
    """
    fake = float(np.mean(grid >= 0.5))
    if max(fake, 1 - fake) < _ONE_SIDED:
        return grid
    bounded = np.clip(grid.astype(np.float64), 1e-4, 1 - 1e-4)
    difference = np.log(bounded / (1 - bounded))
    difference -= difference.mean()
    most = max(_MIN_DIFFERENCE, float(np.abs(difference).max()))
    return np.asarray(0.5 + difference / most / 2, np.float32)


def _blend_heatmap(pixels: Image.Image, heatmap: Heatmap, scale: float) -> None:
    """Blend a heatmap in: the color shows fake or real, the opacity how strongly."""
    square = heatmap.box.scaled(scale)
    side = max(1, round(square.width))
    cells = Image.fromarray(shown_grid(heatmap.grid), mode="F")
    grid = cells.resize((side, side), Image.Resampling.BICUBIC)
    strength = np.clip(np.asarray(grid) * 2 - 1, -1, 1)  # -1 real ... 1 fake
    colors = np.where(strength[..., None] > 0, np.array(_FAKE, np.uint8), np.array(_REAL, np.uint8))
    opacity = (np.abs(strength) * _MAX_OPACITY * 255).astype(np.uint8)
    layers = [Image.fromarray(layer).rotate(-heatmap.angle, expand=True) for layer in (colors, opacity)]
    x, y = square.x + (side - layers[0].width) / 2, square.y + (side - layers[0].height) / 2
    pixels.paste(layers[0], (round(x), round(y)), layers[1])
