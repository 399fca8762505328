"""EXIF (CIPA DC-008): camera, times and exposure. Of a position only that there is one."""

import encodings.utf_16_be
import encodings.utf_16_le  # noqa: F401 - both loaded now, as a confined worker can load nothing more
import re
from dataclasses import dataclass
from io import BytesIO

from PIL import JpegImagePlugin

from veraface.errors import ImageError
from veraface.imaging.containers import (
    Entry,
    directory,
    examine,
    first_ifd,
    next_ifd,
    without_prefix,
)
from veraface.provenance.claims import Camera
from veraface.provenance.texts import clean

_MAX_TEXT_BYTES = 64 * 2**10
_MAX_THUMBNAIL_BYTES = 2**18
_DATE = re.compile(r"(\d{4})[:-](\d{2})[:-](\d{2})[ T](\d{2}):(\d{2}):(\d{2})")
_ASCII, _SHORT, _LONG, _RATIONAL = 2, 3, 4, 5


@dataclass(frozen=True)
class ExifFacts:
    """What an EXIF block holds."""

    camera: Camera | None = None
    size: tuple[int, int] | None = None  # width and height when the image was taken, px
    thumbnail: tuple[int, int] | None = None  # width and height, px
    comment: str | None = None  # UserComment, as it stands there
    texts: tuple[str, str] = (
        "",
        "",
    )  # make and model uncut: a generator writes elsewhere what no camera does


def read_exif(block: bytes) -> ExifFacts:
    """Reads an EXIF block or a TIFF file; a damaged one says less."""
    block = without_prefix(block)
    start = first_ifd(block)
    main = _entries(block, start)
    detail = _linked(block, main.get(0x8769))
    place = _linked(block, main.get(0x8825))
    make, model = _text(block, main.get(0x010F)), _text(block, main.get(0x0110))
    camera = Camera(
        make=clean(make),
        model=clean(model),
        lens=clean(_text(block, detail.get(0xA434))),
        software=clean(_text(block, main.get(0x0131))),
        taken=_date(_text(block, detail.get(0x9003))),
        modified=_date(_text(block, main.get(0x0132))),
        exposure_s=_ratio(block, detail.get(0x829A)),
        f_number=_ratio(block, detail.get(0x829D)),
        iso=_whole(block, detail.get(0x8827)),
        focal_length_mm=_ratio(block, detail.get(0x920A)),
        has_position=2 in place and 4 in place,  # latitude and longitude; never their values
    )
    width, height = _whole(block, detail.get(0xA002)), _whole(block, detail.get(0xA003))
    return ExifFacts(
        camera=None if camera == Camera() else camera,
        size=(width, height) if width and height else None,
        thumbnail=_thumbnail(block, start),
        comment=_comment(block, detail.get(0x9286)),
        texts=(make or "", model or ""),
    )


def _entries(block: bytes, start: int) -> dict[int, Entry]:
    found: dict[int, Entry] = {}
    for entry in directory(block, start) if start else ():
        found.setdefault(entry.tag, entry)
    return found


def _linked(block: bytes, entry: Entry | None) -> dict[int, Entry]:
    return _entries(block, entry.value) if entry else {}


def _bytes(block: bytes, entry: Entry | None) -> bytes:
    return block[entry.start : entry.start + min(entry.size, _MAX_TEXT_BYTES)] if entry else b""


def _text(block: bytes, entry: Entry | None) -> str | None:
    if entry is None or entry.kind != _ASCII:
        return None
    return _bytes(block, entry).split(b"\0", 1)[0].decode("utf-8", "replace")


def _whole(block: bytes, entry: Entry | None) -> int | None:
    """The first of its numbers."""
    if entry is None or not entry.items or entry.kind not in (_SHORT, _LONG):
        return None
    raw = block[entry.start : entry.start + (2 if entry.kind == _SHORT else 4)]
    return int.from_bytes(raw, entry.order) if raw else None


def _ratio(block: bytes, entry: Entry | None) -> float | None:
    if entry is None or entry.kind != _RATIONAL or entry.size < 8:
        return None
    raw = block[entry.start : entry.start + 8]
    above, below = (int.from_bytes(raw[at : at + 4], entry.order) for at in (0, 4))
    return float(f"{above / below:.6g}") if below else None


def _date(text: str | None) -> str | None:
    found = _DATE.match(text or "")
    if found is None or found[1] == "0000":  # not set
        return None
    year, month, day, hour, minute, second = found.groups()
    return f"{year}-{month}-{day}T{hour}:{minute}:{second}"


def _comment(block: bytes, entry: Entry | None) -> str | None:
    raw = _bytes(block, entry)
    kind, body = raw[:8], raw[8:]
    if kind == b"UNICODE\0":
        # In the byte order of the block, says the standard; some programs always write big-endian.
        big = body[:1] == b"\0" or (entry is not None and entry.order == "big" and body[1:2] != b"\0")
        return body.decode("utf-16-be" if big else "utf-16-le", "replace").rstrip("\0")
    if kind in (b"ASCII\0\0\0", b"\0" * 8):
        return body.decode("utf-8", "replace").rstrip("\0")
    return raw.decode("utf-8", "replace").rstrip("\0") or None


def _thumbnail(block: bytes, start: int) -> tuple[int, int] | None:
    second = _entries(block, next_ifd(block, start)) if start else {}
    place, length = _whole(block, second.get(0x0201)), _whole(block, second.get(0x0202))
    if not place or not length:
        return None
    image = block[place : place + min(length, _MAX_THUMBNAIL_BYTES)]
    if not image.startswith(b"\xff\xd8"):
        return None
    try:
        examine(image, "JPEG")
        return JpegImagePlugin.JpegImageFile(BytesIO(image)).size
    except (ImageError, OSError, SyntaxError, ValueError):
        return None
