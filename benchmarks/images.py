"""Images for benchmarks, made in memory from scikit-image's astronaut and coffee."""

from io import BytesIO

import skimage.data
from PIL import Image
from pillow_heif import from_pillow

FORMATS = ("JPEG", "PNG", "WEBP", "HEIC")
_HEAD = (110, 0, 330, 240)  # of the astronaut, px


def scene(megapixels: float, faces: int) -> Image.Image:
    """Return a square image: a cup of coffee, the astronaut, or the coffee with `faces` heads pasted in."""
    side = round((megapixels * 1e6) ** 0.5)
    astronaut = Image.fromarray(skimage.data.astronaut())
    if faces == 1:
        return astronaut.resize((side, side), Image.Resampling.BICUBIC)
    image = Image.fromarray(skimage.data.coffee()).resize((side, side), Image.Resampling.BICUBIC)
    columns = 4
    cell = side // columns
    head = astronaut.crop(_HEAD)
    width = round(cell * 0.85)
    head = head.resize((width, round(width * head.height / head.width)), Image.Resampling.BICUBIC)
    for number in range(faces):
        row, column = divmod(number, columns)
        image.paste(head, (column * cell + cell // 20, round(row * cell * 1.2) + cell // 20))
    return image


def encoded(image: Image.Image, kind: str) -> bytes:
    """Return an encoded image, at quality 90 where the format is lossy."""
    buffer = BytesIO()
    if kind == "HEIC":
        from_pillow(image).save(buffer, quality=90)
    else:
        options = {"compress_level": 1} if kind == "PNG" else {"quality": 90}
        image.save(buffer, kind, **options)
    return buffer.getvalue()
