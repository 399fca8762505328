"""Noise residual: what a median filter removes from the brightness."""

import numpy as np
from PIL import Image

from veraface.forensics.strips import GrayImage, map_strips

NOISE_GAIN = 12  # 21 levels of residual are white


def noise_residual(image: Image.Image) -> GrayImage:
    """Compute the absolute difference between brightness and its median of 3 x 3 px.

    The median removes grain and keeps edges (Tukey, "Exploratory Data Analysis", 1977). The grain of a pasted
    part differs from that of the camera: Mahdian and Saic, "Using noise inconsistencies for blind image
    forensics", Image and Vision Computing 27, 2009.

    Args:
        image: RGB.

    Returns:
        The amplified difference, no side over 1,024 px; see `VIEW_GUIDES`.
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
    rest = np.minimum(high, below)
    high = np.maximum(high, below)
    low, center = np.minimum(low, rest), np.maximum(low, rest)

    def three(values: GrayImage) -> tuple[GrayImage, GrayImage, GrayImage]:
        return values[:, :-2], values[:, 1:-1], values[:, 2:]

    a, b, c = three(low)
    highest_low = np.maximum(np.maximum(a, b), c)
    a, b, c = three(high)
    lowest_high = np.minimum(np.minimum(a, b), c)
    middle_center = _median_of_three(*three(center))
    return _median_of_three(highest_low, middle_center, lowest_high)


def _median_of_three(a: GrayImage, b: GrayImage, c: GrayImage) -> GrayImage:
    return np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))
