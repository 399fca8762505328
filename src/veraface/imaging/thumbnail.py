"""Small copies of images."""

from io import BytesIO

from PIL import Image


def thumbnail(image: Image.Image, side: int) -> bytes:
    """Encode an RGB image as a JPEG of at most `side` px that contains nothing else of the image's file."""
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    small.info.clear()
    buffer = BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
