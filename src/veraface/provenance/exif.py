"""EXIF (CIPA DC-008), parsed by Pillow: camera, times and exposure. Of a position only its presence."""

import encodings.utf_16_be
import encodings.utf_16_le  # noqa: F401 - both loaded now, as a sandboxed worker cannot load modules later
import re
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import ExifTags, Image, JpegImagePlugin
from PIL.TiffImagePlugin import IFDRational

from veraface.errors import ImageError
from veraface.imaging.guards.jpeg import scan_jpeg
from veraface.imaging.guards.tiff import TIFF_HEADER, first_ifd
from veraface.provenance.claims import Camera
from veraface.provenance.texts import clean_text

_MAX_TEXT = 64 * 2**10
_MAX_THUMBNAIL_BYTES = 2**18
_DATE = re.compile(r"(\d{4})[:-](\d{2})[:-](\d{2})[ T](\d{2}):(\d{2}):(\d{2})")
_Tag = ExifTags.Base


@dataclass(frozen=True)
class ExifFacts:
    """What an EXIF block contains."""

    camera: Camera | None = None  # how the image was taken; None if nothing of it is there
    size: tuple[int, int] | None = None  # width and height when the image was taken, in pixels
    thumbnail: tuple[int, int] | None = None  # width and height of the embedded thumbnail, in pixels
    thumbnail_jpeg: bytes = b""  # the embedded thumbnail, checked by the guard of JPEG
    user_comment: str = ""
    make: str = ""  # uncut, like `model`, as generators store other texts in them
    model: str = ""


def read_exif(block: bytes) -> ExifFacts:
    """Read `ContainerInfo.exif` without damaged entries. A guard has checked it: Pillow copies all values."""
    if TIFF_HEADER.match(block) is None:
        return ExifFacts()
    exif = Image.Exif()
    exif.endian, exif.bigtiff = (">" if block.startswith(b"MM") else "<"), block[2:3] == b"+"
    exif.load_from_fp(BytesIO(block), first_ifd(block))
    detail = exif.get_ifd(ExifTags.IFD.Exif)
    position = exif.get_ifd(ExifTags.IFD.GPSInfo)
    make, model = _text(exif.get(_Tag.Make)), _text(exif.get(_Tag.Model))
    camera = Camera(
        make=clean_text(make),
        model=clean_text(model),
        lens=clean_text(_text(detail.get(_Tag.LensModel))),
        software=clean_text(_text(exif.get(_Tag.Software))),
        taken=_date(detail.get(_Tag.DateTimeOriginal)),
        modified=_date(exif.get(_Tag.DateTime)),
        exposure_s=_ratio(detail.get(_Tag.ExposureTime)),
        f_number=_ratio(detail.get(_Tag.FNumber)),
        iso=_integer(detail.get(_Tag.ISOSpeedRatings)),
        focal_length_mm=_ratio(detail.get(_Tag.FocalLength)),
        has_position=ExifTags.GPS.GPSLatitude in position and ExifTags.GPS.GPSLongitude in position,
    )
    thumbnail_jpeg, thumbnail = _thumbnail(block, exif.get_ifd(ExifTags.IFD.IFD1))
    width, height = _integer(detail.get(_Tag.ExifImageWidth)), _integer(detail.get(_Tag.ExifImageHeight))
    return ExifFacts(
        camera=None if camera == Camera() else camera,
        size=(width, height) if width and height else None,
        thumbnail=thumbnail,
        thumbnail_jpeg=thumbnail_jpeg,
        user_comment=_comment(detail.get(_Tag.UserComment), big_endian=exif.endian == ">"),
        make=make or "",
        model=model or "",
    )


def _text(value: Any) -> str | None:
    """Return a text up to its first NUL. Pillow decodes Latin-1, but programs write UTF-8."""
    if not isinstance(value, str):
        return None
    return value[:_MAX_TEXT].split("\0", 1)[0].encode("latin-1").decode("utf-8", "replace")


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) and value else value


def _integer(value: Any) -> int | None:
    """Return the first of some unsigned integers."""
    first = _first(value)
    return first if isinstance(first, int) and first >= 0 else None


def _ratio(value: Any) -> float | None:
    """Return the first of some fractions, with six digits."""
    first = _first(value)
    if not isinstance(first, IFDRational) or not first.denominator:
        return None
    return float(f"{float(first):.6g}")


def _date(value: Any) -> str | None:
    found = _DATE.match(_text(value) or "")
    if found is None or found[1] == "0000":  # not set
        return None
    year, month, day, hour, minute, second = found.groups()
    return f"{year}-{month}-{day}T{hour}:{minute}:{second}"


def _comment(value: Any, *, big_endian: bool) -> str:
    """Decode a UserComment, which begins with eight bytes that name its encoding."""
    raw = value.encode("latin-1") if isinstance(value, str) else value if isinstance(value, bytes) else b""
    encoding, body, codec = raw[:8], raw[8:_MAX_TEXT], "utf-8"
    if encoding == b"UNICODE\0":
        # The standard wants the byte order of the block; some programs always write big-endian.
        is_big = body[:1] == b"\0" or (big_endian and body[1:2] != b"\0")
        codec = "utf-16-be" if is_big else "utf-16-le"
    elif encoding not in (b"ASCII\0\0\0", bytes(8)):
        body = raw[:_MAX_TEXT]
    return body.decode(codec, "replace").rstrip("\0")


def _thumbnail(block: bytes, ifd: dict[int, Any]) -> tuple[bytes, tuple[int, int] | None]:
    """Return the JPEG that the second directory refers to, and its size."""
    offset, length = _integer(ifd.get(_Tag.JpegIFOffset)), _integer(ifd.get(_Tag.JpegIFByteCount))
    if not offset or not length:
        return b"", None
    image = block[offset : offset + min(length, _MAX_THUMBNAIL_BYTES)]
    if not image.startswith(b"\xff\xd8"):
        return b"", None
    try:
        scan_jpeg(image)
        return image, JpegImagePlugin.JpegImageFile(BytesIO(image)).size
    except (ImageError, OSError, SyntaxError, ValueError):
        return b"", None
