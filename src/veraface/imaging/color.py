"""Conversion to sRGB of images in other color spaces, as browsers convert them before they are shown.

A color space is given by an ICC profile (ICC.1), by code points (ITU-T H.273; "nclx" in HEIC and AVIF, cICP
in PNG), by the gAMA and cHRM chunks of a PNG, or by the name of Adobe RGB in EXIF. Images in sRGB are not
touched.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from veraface.errors import UnsupportedImageError
from veraface.imaging.tiff import gray_levels

Convert = Callable[[Image.Image], Image.Image]

_MAX_PROFILE_BYTES = 4 * 2**20  # profiles of printers have 2 MB
_SAME = 3  # levels of 255 that colors may differ from sRGB in an image that is not converted
_ROWS_PIXELS = 2**19  # pixels that are converted at the same time, to save memory
_STEPS = 2**14  # of the table for the sRGB curve
_WHITE = 203.0  # cd/m2, of diffuse white in HDR (ITU-R BT.2408, table 1)

_D65 = (0.3127, 0.3290)
_REC709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
# x, y of red, green and blue by the code points of H.273, table 2; all have the white point D65.
_PRIMARIES = {
    1: _REC709,
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    22: (0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
_ADOBE_RGB = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
_UNSPECIFIED = 2
# Code points of H.273, table 3. Those of video are shown like sRGB by browsers and cameras' own programs.
_SRGB_CURVES = (1, 6, 13, 14, 15)
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_PQ, _HLG = 16, 18
# Primaries of standard definition differ by less than _SAME from those of sRGB in nearly all colors.
_SRGB_PRIMARIES = (1, 5, 6, 7)
_WIDE_PRIMARIES = (9, 12)


@dataclass(frozen=True)
class ColorConversion:
    """How an image is converted to sRGB.

    Attributes:
        convert: takes the decoded image and returns one in RGB; None if it is in sRGB, or has no color space.
        source: the mode that `convert` takes: "RGB", "L" or "CMYK".
        problem: why the image could not be converted; None if it could, or needs no conversion.
    """

    convert: Convert | None = None
    source: str = "RGB"
    problem: str | None = None


IN_SRGB = ColorConversion()


def color_conversion(
    info: Mapping[Any, Any], cicp: tuple[int, int] | None = None, *, is_adobe_rgb: bool = False
) -> ColorConversion:
    """Return how to convert an image to sRGB.

    Args:
        info: `Image.info` of the opened image: `icc_profile`, and of a PNG `srgb`, `gamma`, `chromaticity`.
        cicp: code points of primaries and transfer characteristics of H.273, if the file has them.
        is_adobe_rgb: EXIF names Adobe RGB; see `names_adobe_rgb`. A profile takes precedence.
    """
    profile = info.get("icc_profile")
    if cicp is not None and cicp[1] in (_PQ, _HLG):
        return _by_code_points(*cicp)  # a profile beside them is that of a fallback
    if isinstance(profile, bytes) and profile:
        return _by_profile(profile)
    if cicp is not None:
        return _by_code_points(*cicp)
    if "srgb" in info:
        return IN_SRGB
    if isinstance(gamma := info.get("gamma"), float):
        return _by_gamma(gamma, info.get("chromaticity"))
    if is_adobe_rgb:
        return ColorConversion(lambda image: _convert(image, _power_table(563 / 256), _matrix(_ADOBE_RGB)))
    return IN_SRGB


def frame_to_srgb(image: Image.Image, primaries: int, transfer: int) -> Image.Image:
    """Convert a frame of a video by its H.273 code points, if they are those of HDR or of a wide gamut."""
    convert = _by_code_points(primaries, transfer).convert
    is_wide = transfer in (_PQ, _HLG) or primaries in _WIDE_PRIMARIES
    return image if convert is None or not is_wide else convert(image)


def to_rgb(image: Image.Image, color: ColorConversion) -> Image.Image:
    """Convert an image to 8-bit sRGB; transparent parts become white, as on a page.

    A profile for another kind of pixels than the image has is ignored, as in browsers.
    """
    if color.convert is None or (color.source == "CMYK") != (image.mode == "CMYK"):
        return _to_rgb(image)
    if color.source == "CMYK":
        return color.convert(image)
    is_gray = image.mode in ("1", "L", "LA") or image.mode.startswith("I;16")
    rgb = _to_rgb(image)
    if color.source == "L":
        return color.convert(rgb.getchannel(0)) if is_gray else rgb
    return color.convert(rgb)


def _to_rgb(image: Image.Image) -> Image.Image:
    """Convert to 8-bit RGB without regard to its color space."""
    if image.mode == "RGB" and "transparency" not in image.info:
        image.load()
        return image
    if image.mode.startswith("I;16"):
        return Image.fromarray(gray_levels(image)).convert("RGB")
    if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr"):
        meaning = "which has no clear meaning as color; save the image as 8-bit RGB"
        raise UnsupportedImageError(f"the pixels are stored in mode {image.mode!r}, {meaning}")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        page = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(page, image).convert("RGB")
    return image.convert("RGB")


@lru_cache(maxsize=8)
def _by_profile(profile: bytes) -> ColorConversion:
    unreadable = ColorConversion(problem="its color profile cannot be read")
    space = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}.get(profile[16:20])
    if space is None or len(profile) > _MAX_PROFILE_BYTES:
        return unreadable
    try:
        opened = ImageCms.ImageCmsProfile(BytesIO(profile))
        transform = ImageCms.buildTransform(
            opened,
            ImageCms.createProfile("sRGB"),
            space,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOCACHE,
        )
        if space != "CMYK" and _changes_little(transform, space):
            return IN_SRGB
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return unreadable

    def convert(image: Image.Image) -> Image.Image:
        converted = ImageCms.applyTransform(image, transform)
        assert converted is not None  # only None for a conversion in place
        converted.info.pop("icc_profile", None)
        return converted

    return ColorConversion(convert, space)


def _changes_little(transform: ImageCms.ImageCmsTransform, space: str) -> bool:
    """Return whether a profile is that of sRGB, in one of its many versions."""
    levels = np.linspace(0, 255, 16 if space == "RGB" else 256).astype(np.uint8)
    if space == "RGB":
        probe = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    else:
        probe = levels[np.newaxis]
    converted = ImageCms.applyTransform(Image.fromarray(probe), transform)
    expected = np.asarray(Image.fromarray(probe).convert("RGB"), np.int16)
    return bool(np.abs(np.asarray(converted, np.int16) - expected).max() <= _SAME)


def _by_code_points(primaries: int, transfer: int) -> ColorConversion:
    primaries = 1 if primaries == _UNSPECIFIED else primaries
    transfer = 13 if transfer == _UNSPECIFIED else transfer
    if transfer in _SRGB_CURVES and primaries in _SRGB_PRIMARIES:
        return IN_SRGB
    if primaries not in _PRIMARIES or transfer not in (*_SRGB_CURVES, *_GAMMAS, _PQ, _HLG):
        return ColorConversion(problem=f"its color space ({primaries}/{transfer} of H.273) is not supported")
    matrix = _matrix(_PRIMARIES[primaries])
    if transfer == _HLG:
        return ColorConversion(lambda image: _convert(image, _hlg_table(), matrix, hlg=True))
    table = _pq_table() if transfer == _PQ else _srgb_table()
    if transfer in _GAMMAS:
        table = _power_table(_GAMMAS[transfer])
    return ColorConversion(lambda image: _convert(image, table, matrix))


def _by_gamma(gamma: float, chromaticity: object) -> ColorConversion:
    """Return the conversion by gAMA and cHRM (PNG, third edition, 11.3.2); implausible values are ignored."""
    white, primaries = _D65, _REC709
    if isinstance(chromaticity, tuple) and len(chromaticity) == 8 and all(0 < v < 1 for v in chromaticity):
        white, primaries = chromaticity[:2], chromaticity[2:]
    near = np.abs(np.subtract((*white, *primaries), (*_D65, *_REC709))).max() < 0.005
    is_srgb = abs(gamma - 1 / 2.2) < 0.005
    if not 0.1 <= gamma <= 10 or (near and is_srgb):
        return IN_SRGB
    try:
        matrix = _matrix(_REC709 if near else primaries, _D65 if near else white)
    except np.linalg.LinAlgError:
        return IN_SRGB
    table = _srgb_table() if is_srgb else _power_table(1 / gamma)
    return ColorConversion(lambda image: _convert(image, table, matrix))


def _convert(
    image: Image.Image, table: NDArray[np.float32], matrix: NDArray[np.float32], *, hlg: bool = False
) -> Image.Image:
    """Convert an RGB image to linear light by a table, to the primaries of sRGB, and to its curve."""
    pixels = np.asarray(image)
    converted = np.empty_like(pixels)
    encode = _encoding_table()
    rows = max(1, _ROWS_PIXELS // pixels.shape[1])
    for top in range(0, len(pixels), rows):
        light = table[pixels[top : top + rows]]
        if hlg:  # display light of a screen of 1000 cd/m2 (ITU-R BT.2100, table 5)
            luminance = light @ np.array([0.2627, 0.6780, 0.0593], np.float32)
            light *= (1000 / _WHITE) * luminance[..., np.newaxis] ** np.float32(0.2)
        light = light @ matrix.T
        np.clip(light, 0, 1, out=light)
        converted[top : top + rows] = encode[(light * (_STEPS - 1) + 0.5).astype(np.uint16)]
    return Image.fromarray(converted)


def _matrix(primaries: tuple[float, ...], white: tuple[float, ...] = _D65) -> NDArray[np.float32]:
    """Return the matrix from linear RGB of these primaries to that of sRGB; white stays white."""
    to_xyz, from_srgb = _to_xyz(primaries, white), _to_xyz(_REC709, _D65)
    # Adapted to D65 by the method of von Kries with the cone responses of Bradford (ICC.1, annex E).
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    scale = np.diag((bradford @ _xyz(*_D65)) / (bradford @ _xyz(*white)))
    adapted = np.linalg.inv(bradford) @ scale @ bradford
    return np.asarray(np.linalg.inv(from_srgb) @ adapted @ to_xyz, np.float32)


def _to_xyz(primaries: tuple[float, ...], white: tuple[float, ...]) -> NDArray[np.float64]:
    columns = np.stack([_xyz(*primaries[at : at + 2]) for at in (0, 2, 4)], axis=1)
    return np.asarray(columns * np.linalg.solve(columns, _xyz(*white)))


def _xyz(x: float, y: float) -> NDArray[np.float64]:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _power_table(gamma: float) -> NDArray[np.float32]:
    return np.asarray((np.arange(256) / 255) ** gamma, np.float32)


@lru_cache
def _srgb_table() -> NDArray[np.float32]:
    """Return the linear light of each level (IEC 61966-2-1)."""
    level = np.arange(256) / 255
    return np.asarray(np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4), np.float32)


@lru_cache
def _encoding_table() -> NDArray[np.uint8]:
    """Return the sRGB level of each step of linear light."""
    light = np.linspace(0, 1, _STEPS)
    level = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(255 * level + 0.5, np.uint8)


@lru_cache
def _pq_table() -> NDArray[np.float32]:
    """Return the light of each level of PQ, with diffuse white as 1 (ITU-R BT.2100, table 4)."""
    level = (np.arange(256) / 255) ** (32 / 2523)
    light = np.maximum(level - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * level)
    return np.asarray(10_000 / _WHITE * light ** (16384 / 2610), np.float32)


@lru_cache
def _hlg_table() -> NDArray[np.float32]:
    """Return the scene light of each level of HLG, 0 to 1 (ITU-R BT.2100, table 5)."""
    level = np.arange(256) / 255
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.asarray(np.where(level <= 0.5, level**2 / 3, (np.exp((level - c) / a) + b) / 12), np.float32)
