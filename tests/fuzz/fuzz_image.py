"""Fuzz target for Atheris: for any bytes, the image loader returns RGB pixels or raises an ImageError.

python -m tests.fuzz.fuzz_image -max_total_time=600 -dict=tests/fuzz/tokens.dict NEW tests/fuzz/corpus

Inputs that add coverage are written to the folder NEW; `python -m tests.fuzz.make_corpus NEW` keeps them, so
that later runs start from them. A finding is written to its own file; give that file instead of the folders
to reproduce it.
"""

import sys
import warnings

import atheris

with atheris.instrument_imports(
    include=["PIL", "pillow_heif", "veraface.imaging.decode", "veraface.imaging.guards"]
):
    from veraface.errors import ImageError
    from veraface.imaging.decode import ImageFile, ImageLimits

_LIMITS = ImageLimits(max_pixels=2_000_000, max_side=5_000)  # so that there are many tries a second


def try_one(data: bytes) -> None:
    """Decode at full size, and at the smallest scale."""
    for min_side in (None, 8):
        try:
            image = ImageFile(data, _LIMITS)
            pixels = image.decode(min_side)
        except ImageError:
            continue
        if pixels.mode != "RGB" or min(pixels.size) < 1:
            raise AssertionError(f"{pixels.mode} {pixels.size}")
        if min_side is None and pixels.size != (image.width, image.height):
            raise AssertionError(f"{pixels.size} instead of {image.width} x {image.height}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()
