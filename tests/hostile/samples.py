"""Small valid files of each supported format, to be damaged by tests."""

import numpy as np
from PIL import Image

from tests.sample_images import encode, exif_with, portrait

IMAGE = portrait(64)
_TURNED = [IMAGE.rotate(90), IMAGE.rotate(180)]
_MOVING = {"save_all": True, "append_images": _TURNED, "duration": 100}

SAMPLES = {
    "jpeg": encode(IMAGE, "JPEG", exif=exif_with(6)),
    "progressive": encode(IMAGE, "JPEG", progressive=True),
    "mpo": encode(IMAGE, "MPO", save_all=True, append_images=_TURNED),
    "png": encode(IMAGE, "PNG", exif=exif_with(6)),
    "palette-png": encode(IMAGE.quantize(64), "PNG"),
    "apng": encode(IMAGE, "PNG", **_MOVING),
    "webp": encode(IMAGE, "WEBP", exif=exif_with(6)),
    "lossless-webp": encode(IMAGE, "WEBP", lossless=True),
    "moving-webp": encode(IMAGE, "WEBP", **_MOVING),
    "avif": encode(IMAGE, "AVIF"),
    "heic": encode(IMAGE, "HEIF", exif=exif_with(6)),
    "gif": encode(IMAGE, "GIF"),
    "moving-gif": encode(IMAGE, "GIF", **_MOVING),
    "bmp": encode(IMAGE, "BMP"),
    "palette-bmp": encode(IMAGE.quantize(64), "BMP"),
    "tiff": encode(IMAGE, "TIFF", exif=exif_with(6)),
    "lzw-tiff": encode(IMAGE, "TIFF", compression="tiff_lzw"),
    "jpeg-tiff": encode(IMAGE, "TIFF", compression="jpeg"),
    "big-tiff": encode(IMAGE, "TIFF", big_tiff=True),
    "big-deflate-tiff": encode(IMAGE, "TIFF", big_tiff=True, compression="tiff_adobe_deflate"),
}
# Of animations and files with several images only the first image is read.
FIRST_ENDS_EARLY = ("mpo", "apng", "moving-gif")


def _floats(*strange: float) -> Image.Image:
    values = np.linspace(-1, 2, 64 * 64, dtype=np.float32).reshape(64, 64)
    values.flat[: len(strange)] = strange
    return Image.fromarray(values)


# Pixels that are not plain 8-bit colors.
ODD_PIXELS = {
    "not-a-number": encode(_floats(float("nan"), float("inf"), -float("inf")), "TIFF"),
    "floats": encode(_floats(1e38, -1e38), "TIFF"),
    "32-bit": encode(Image.fromarray(np.full((64, 64), -(2**31), np.int32)), "TIFF"),
    "16-bit": encode(Image.fromarray(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)), "PNG"),
    "16-bit-tiff": encode(Image.fromarray(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)), "TIFF"),
    "cmyk-jpeg": encode(IMAGE.convert("CMYK"), "JPEG"),
    "cmyk-tiff": encode(IMAGE.convert("CMYK"), "TIFF"),
    "lab-tiff": encode(Image.new("LAB", (64, 64), (50, 200, 10)), "TIFF"),
    "ycbcr-tiff": encode(IMAGE.convert("YCbCr"), "TIFF"),
    "grey-alpha": encode(IMAGE.convert("LA"), "PNG"),
    "all-clear": encode(Image.new("RGBA", (64, 64), (255, 0, 0, 0)), "PNG"),
    "one-bit": encode(IMAGE.convert("1"), "TIFF", compression="group4"),
    "one-pixel": encode(Image.new("RGB", (1, 1)), "PNG"),
    "one-row": encode(Image.new("RGB", (20_000, 1)), "PNG"),
    "one-column": encode(Image.new("L", (1, 20_000)), "PNG"),
    "black": encode(Image.new("RGB", (64, 64)), "JPEG"),
    "grey-jpeg": encode(Image.new("L", (64, 64), 255), "JPEG"),
}
