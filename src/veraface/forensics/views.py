"""Forensic views: traces that the making of an image leaves, as gray images for a person to look at.

They are shown beside the verdict and never become part of it. They are computed from all pixels at full size,
since what they show lives in single pixels and in blocks of 8 x 8 px, and is lost in any smaller copy. Only
the result is reduced, by the mean, until no side is over 1,024 px. Equal pixels give equal views.
"""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageChops

from veraface.forensics.guides import ERROR_GAIN, NOISE_GAIN, RESAVED_QUALITY, VIEW_GUIDES
from veraface.forensics.jpeg_grid import find_jpeg_grid
from veraface.forensics.strips import GrayImage, map_strips
from veraface.imaging.decode import encode, recompress


@dataclass(frozen=True, eq=False)
class ForensicViews:
    """All views of one image.

    Attributes:
        views: by the name of their guide; all of one size.
        grid_offset: x, y of the first corner of a JPEG block, 0 to 7 px; None if there is no grid.
    """

    views: dict[str, GrayImage]
    grid_offset: tuple[int, int] | None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ForensicViews):
            return NotImplemented
        return (
            self.grid_offset == other.grid_offset
            and self.views.keys() == other.views.keys()
            and all(np.array_equal(view, other.views[name]) for name, view in self.views.items())
        )

    def __hash__(self) -> int:
        return hash(self.grid_offset)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready copy, each view as the bytes of a WebP in base64."""
        views = []
        for guide in VIEW_GUIDES:
            view = Image.fromarray(self.views[guide.name])
            size = {"width": view.width, "height": view.height}
            data = base64.b64encode(encode(view, "WEBP", quality=90, method=2)).decode("ascii")
            views.append({"name": guide.name, "media_type": "image/webp", **size, "data": data})
        offset = None if self.grid_offset is None else list(self.grid_offset)
        return {"views": views, "resaved_quality": RESAVED_QUALITY, "grid_offset": offset}


def forensic_views(image: Image.Image) -> ForensicViews:
    """Compute all views of an upright RGB image at full size.

    Example:
        >>> found = forensic_views(Image.open("photo.jpg").convert("RGB"))
        >>> Image.fromarray(found.views["grid"]).save("grid.png")
    """
    grid = find_jpeg_grid(image)
    views = {"error_levels": error_levels(image), "noise": noise_residual(image), "grid": grid.view}
    return ForensicViews(views, grid.offset)


def error_levels(image: Image.Image) -> GrayImage:
    """Compute how much each place of an RGB image changes when it is saved again as JPEG; see `VIEW_GUIDES`.

    As in Krawetz, "A Picture's Worth... Digital Image Analysis and Forensics", Black Hat 2007.
    Of the three color channels, the one that changes most counts. The JPEG has no chroma subsampling (4:4:4):
    with it, every edge between colors would light up. Its blocks are independent of each other.
    """
    return map_strips(image, _difference, margin=0)


def _difference(strip: Image.Image, _: slice) -> Image.Image:
    again = recompress(strip, RESAVED_QUALITY, subsampling=0)
    red, green, blue = ImageChops.difference(strip, again).split()
    largest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return largest.point([min(255, ERROR_GAIN * value) for value in range(256)])


def noise_residual(image: Image.Image) -> GrayImage:
    """Compute the absolute difference between brightness and its median of 3 x 3 px; see `VIEW_GUIDES`.

    The median removes grain and keeps edges (Tukey, "Exploratory Data Analysis", 1977). The grain of a pasted
    part differs from that of the camera: Mahdian and Saic, "Using noise inconsistencies for blind image
    forensics", Image and Vision Computing 27, 2009.
    """
    return map_strips(image, _residual, margin=1)


def _residual(strip: Image.Image, inner: slice) -> Image.Image:
    gray = np.asarray(strip.convert("L"))
    median = _median_of_nine(np.pad(gray, 1, mode="edge"))
    difference = np.maximum(gray, median) - np.minimum(gray, median)
    amplified = np.minimum(difference, 255 // NOISE_GAIN + 1).astype(np.uint16) * NOISE_GAIN
    return Image.fromarray(np.minimum(amplified, 255).astype(np.uint8)[inner])


def _median_of_nine(padded: GrayImage) -> GrayImage:
    """Return the median of each 3 x 3 px by sorting columns first: a tenth of the time of Pillow's filter.

    As in Smith, "Implementing median filters in XC4000E FPGAs", XCell 23, 1996.
    """
    above, middle, below = padded[:-2], padded[1:-1], padded[2:]
    low, high = np.minimum(above, middle), np.maximum(above, middle)
    low, rest = np.minimum(low, below), np.maximum(low, below)
    center, high = np.minimum(rest, high), np.maximum(rest, high)
    highest_low = np.maximum(np.maximum(low[:, :-2], low[:, 1:-1]), low[:, 2:])
    lowest_high = np.minimum(np.minimum(high[:, :-2], high[:, 1:-1]), high[:, 2:])
    middle_center = _median_of_three(center[:, :-2], center[:, 1:-1], center[:, 2:])
    return _median_of_three(highest_low, middle_center, lowest_high)


def _median_of_three(a: GrayImage, b: GrayImage, c: GrayImage) -> GrayImage:
    return np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))
