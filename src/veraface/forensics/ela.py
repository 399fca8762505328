"""Error level analysis (ELA): the difference between an image and its recompressed copy.

As in Krawetz, "A Picture's Worth... Digital Image Analysis and Forensics", Black Hat 2007.
"""

from PIL import Image, ImageChops

from veraface.forensics.strips import GrayImage, map_strips
from veraface.imaging.decode import recompress

# Measured on images saved at 75 to 95 with a patch that was not: at 95 the patch is 3.2 times as bright as
# its place was before, at 90 2.5 times, at 75 1.9 times (benchmarks/results/evidence.md).
RESAVED_QUALITY = 95
ERROR_GAIN = 40  # 6 levels of error are white


def error_levels(image: Image.Image) -> GrayImage:
    """Compute how much each place of an RGB image changes when it is saved again as JPEG; see `VIEW_GUIDES`.

    Of the three color channels, the one that changes most counts. The JPEG has no chroma subsampling (4:4:4):
    with it, every edge between colors would light up. Its blocks are independent of each other.
    """
    return map_strips(image, _difference, margin=0)


def _difference(strip: Image.Image, _: slice) -> Image.Image:
    again = recompress(strip, RESAVED_QUALITY, subsampling=0)
    red, green, blue = ImageChops.difference(strip, again).split()
    largest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return largest.point([min(255, ERROR_GAIN * value) for value in range(256)])
