"""Small copies of images."""

from io import BytesIO

from PIL import Image


def thumbnail(image: Image.Image, side: int) -> bytes:
    """Encode a small JPEG from pixels, so that it contains nothing else of the image's file.

    Args:
        image: RGB; not changed.
        side: length of the longer side, in pixels; smaller images keep their size.
    """
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    small.info.clear()
    buffer = BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
