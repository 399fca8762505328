"""The thumbnail that EXIF embeds, beside the image it should show."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

from PIL import Image, JpegImagePlugin

from veraface.forensics.thumbnails import compare_thumbnail
from veraface.imaging.decode import thumbnail as encode_thumbnail
from veraface.provenance.claims import EmbeddedThumbnail, Finding

Decode = Callable[[float], Image.Image]

_MAX_SIDE = 1024  # px; cameras embed 160 to 640
_SHOWN_SIDE = 320  # px

_MESSAGES = {
    "different": "its embedded thumbnail shows something else than the image, which neither scaling nor a "
    "crop explains: the image was changed since, or the thumbnail is of another file",
    "image_cropped": "its embedded thumbnail shows more than the image: cropped since",
}


def read_thumbnail(content: bytes, decode: Decode) -> tuple[EmbeddedThumbnail | None, Finding | None]:
    """Compare a thumbnail, a JPEG that a guard has checked, with the image.

    Returns what was found, with both images if they differ, and a finding if they do.

    Raises:
        OSError: the thumbnail is damaged.
    """
    opened = JpegImagePlugin.JpegImageFile(BytesIO(content))
    width, height = opened.size
    if max(width, height) > _MAX_SIDE:
        return EmbeddedThumbnail(width, height, "not_compared"), None
    small, image = opened.convert("RGB"), decode(_SHOWN_SIDE)
    compared = compare_thumbnail(small, image)
    if compared is None:
        return EmbeddedThumbnail(width, height, "not_compared"), None
    relation = "different" if compared.differs else compared.relation
    found = EmbeddedThumbnail(width, height, relation, compared.correlation, compared.difference)
    if relation not in _MESSAGES:
        return found, None
    both = (encode_thumbnail(small, _SHOWN_SIDE), encode_thumbnail(image, _SHOWN_SIDE))
    code = "thumbnail_content" if relation == "different" else "thumbnail_differs"
    return replace(found, thumbnail=both[0], image=both[1]), Finding(code, _MESSAGES[relation])
