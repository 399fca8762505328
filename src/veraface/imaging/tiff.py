"""Decoding of TIFF files whose gray levels Pillow reads wrongly or not at all."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import BITSPERSAMPLE, COMPRESSION, COMPRESSION_INFO, TiffImageFile
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION as PHOTOMETRIC

from veraface.errors import UnsupportedImageError

_WHITE_IS_ZERO, _BLACK_IS_ZERO = 0, 1  # TIFF 6.0, page 37
_ADVICE = "save it as 8-bit RGB without compression, or as PNG"


class TiffFile(TiffImageFile):
    """A TIFF file; raises `UnsupportedImageError` where its pixels are stored in a way Pillow does not know.

    Pillow inverts white-is-zero of up to 8 bits. Of 16 bits it knows the little-endian ones only, and does
    not invert them; `gray_levels` does.
    """

    def _setup(self) -> None:
        tags: Any = self.tag_v2
        photometric, bits = tags.get(PHOTOMETRIC, _WHITE_IS_ZERO), max(tags.get(BITSPERSAMPLE, (1,)))
        is_complete = PHOTOMETRIC in tags and BITSPERSAMPLE in tags
        method = tags.get(COMPRESSION, 1)
        if method not in COMPRESSION_INFO:
            raise UnsupportedImageError(f"the TIFF is compressed by the unknown method {method}; {_ADVICE}")
        try:
            if is_complete and photometric == _WHITE_IS_ZERO and bits > 8:
                tags[PHOTOMETRIC] = _BLACK_IS_ZERO  # which Pillow stores in the same way
            super()._setup()
        except SyntaxError as error:
            if not is_complete:
                raise
            stored = f"{len(tags.get(BITSPERSAMPLE, (1,)))} samples of {bits} bits, color space {photometric}"
            raise UnsupportedImageError(
                f"the TIFF has pixels of an unknown kind ({stored}); {_ADVICE}"
            ) from error
        finally:
            if is_complete:
                tags[PHOTOMETRIC] = photometric


def gray_levels(image: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels of a gray image of more than 8 bits, 0 black to 255 white."""
    levels = np.asarray(image, dtype=np.uint16)
    if not isinstance(image, TiffImageFile):
        return (levels // 257).astype(np.uint8)  # 65535 -> 255
    bits = max(image.tag_v2.get(BITSPERSAMPLE, (16,)))
    gray: NDArray[np.uint8] = (levels.astype(np.uint32) * 255 // (2**bits - 1)).astype(np.uint8)
    if image.tag_v2.get(PHOTOMETRIC, _WHITE_IS_ZERO) == _WHITE_IS_ZERO:
        np.subtract(255, gray, out=gray)
    return gray
