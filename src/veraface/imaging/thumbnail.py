"""Small copies of pictures."""

from io import BytesIO

from PIL import Image


def thumbnail(picture: Image.Image, side: int) -> bytes:
    """A small JPEG, made anew from pixels, so that nothing else of the picture's file is in it.

    Args:
        picture: RGB; left as it is.
        side: px of the longer side; smaller pictures keep their size.
    """
    small = picture.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    small.info.clear()
    buffer = BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
