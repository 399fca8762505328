"""Default limits on images, and the errors for images over a limit; loads no decoder."""

from math import sqrt

from veraface.errors import ImageTooLargeError

MAX_BYTES = 64 * 2**20
# Cameras sold as having 50 megapixels make images of up to 51.1 (8256 x 6192 px). Two workers with images of
# this size stay below 2 GB (benchmarks/results/largest.md).
MAX_PIXELS = 52_000_000
MAX_SIDE = 20_000  # px
PILLOW_MAX_PIXELS = 178_956_970  # above this, some operations of Pillow raise DecompressionBombError


def too_many_bytes(max_bytes: int) -> ImageTooLargeError:
    """Return the error for a file of more than `max_bytes`."""
    limit = f"{max_bytes / 2**20:.4g} MiB"
    return ImageTooLargeError(f"the file is larger than the limit of {limit}; save it with fewer pixels")


def too_many_pixels(width: int, height: int, max_pixels: int) -> ImageTooLargeError:
    """Return the error for an image of more than `max_pixels`, with the size that would be accepted."""
    scale = sqrt(max_pixels / (width * height))
    fitting = f"{max(1, int(width * scale))} x {max(1, int(height * scale))}"
    message = (
        f"the image has {width} x {height} pixels, {width * height / 1e6:.1f} megapixels; "
        f"the limit is {max_pixels / 1e6:g}: scale it to {fitting} or less"
    )
    if width * height <= PILLOW_MAX_PIXELS:
        message += ", or raise the limit (ImageLimits.max_pixels; of a server VERAFACE_MAX_PIXELS)"
    return ImageTooLargeError(message)


def too_long_side(width: int, height: int, max_side: int) -> ImageTooLargeError:
    """Return the error for an image with a side of more than `max_side` px."""
    return ImageTooLargeError(
        f"the image has {width} x {height} pixels; no side may be over {max_side}: "
        "cut out the part with the faces, or scale the image down"
    )
