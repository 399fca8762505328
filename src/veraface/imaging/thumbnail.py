"""Small copies of images."""

from io import BytesIO

from PIL import Image


def thumbnail(image: Image.Image, side: int) -> bytes:
    """A small JPEG, made anew from pixels, so that nothing else of the image's file is in it.

    Args:
        image: RGB; left as it is.
        side: px of the longer side; smaller images keep their size.
    """
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    small.info.clear()
    buffer = BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
