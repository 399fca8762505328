"""Walks over the parts of a file before a decoder sees them.

Decoders follow whatever a file says: a JPEG of 1 MB may ask for thousands of passes over 50 megapixels,
a TIFF of 1 MB for its 64 kB of metadata to be copied 5,000 times. Real pictures come nowhere near the
bounds here, which stop such files in milliseconds. The same walk finds the EXIF orientation.
"""

import re
from collections.abc import Iterator
from typing import Literal

from veraface.boxes import examine_boxes
from veraface.errors import too_many

MAX_JPEG_SCANS = 50  # progressive encoders write about 10; 180 scans of 49 megapixels took 9 s to decode
MAX_PARTS = 100_000  # chunks, blocks, or numbers in metadata
_MAX_JPEG_PARTS = 10_000  # segments, and what Photoshop has in them; all read in Python, as are the next two
_MAX_JPEG_TABLE_BYTES = 2**16  # 4 tables have 520; 25 MB of them took 1 GB of memory
_MAX_JPEG_GAPS = 2**20  # bytes before the first scan that belong to nothing; 24 MB took over a minute
_MAX_JPEG_EXIF = 20  # segments, which decoders join at quadratic cost
_MAX_PNG_PROFILES = 8  # each is unpacked, up to 1 MB, as texts are, but with no bound on all together
_MAX_GIF_EXTENSION_BYTES = 2**20  # before the first frame; decoders join comments at quadratic cost

_ORIENTATION_TAG = 0x0112  # EXIF 2.32, table 4
_TIFF_TYPE_BYTES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8)  # by type, TIFF 6.0 and BigTIFF
_TIFF_BEGINNING = re.compile(rb"II[*+]\0|II\0\*|MM\0[*+]|MM\*\0")
_DIRECTORY_TAGS = (34665, 34853, 40965)  # whose value is the offset of a further directory
_MAX_DIRECTORIES = 8
_BYTE_TYPES = (1, 2, 7)  # handed on as they are; all others become Python numbers, one by one
_JPEG_MARKER = re.compile(rb"\xff[\x01-\xfe]")
_JPEG_MARKER_IN_SCANS = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # neither stuffing nor a restart
_JPEG_BARE = frozenset((0x01, 0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)))  # no length follows them
_JPEG_TABLES = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), 0xDB, 0xDE))
_JPEG_TABLES |= {0xCD, 0xCE, 0xCF}


def examine(data: bytes, kind: str) -> bytes | None:
    """Refuse a file built to exhaust its decoder; find its EXIF block where decoders would not tell it.

    Args:
        data: the whole file.
        kind: the format, a key of `veraface.formats.OPENERS`.

    Returns:
        The EXIF block of a JPEG or PNG, or None.

    Raises:
        UnreadableImageError: the file has more parts than any real picture.
    """
    exif = None
    if kind == "JPEG":
        exif = _examine_jpeg(data)
    elif kind == "PNG":
        exif = _examine_png(data)
    elif kind == "GIF":
        _examine_gif(data)
    elif kind == "TIFF":
        _examine_directories(data)
    elif kind == "WEBP":
        _examine_webp(data)
    elif kind in ("AVIF", "HEIF"):
        examine_boxes(data, kind)
        if kind == "AVIF":
            _examine_avif(data)
    if exif is not None:
        _examine_directories(_without_prefix(exif))
    return exif


def orientation(exif: bytes | None) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or it is damaged, as browsers do."""
    block = _without_prefix(exif or b"")
    for tag, _, _, value in _directory(block, _first_directory(block)):
        if tag == _ORIENTATION_TAG:
            return value if 1 <= value <= 8 else 1
    return 1


def _examine_jpeg(data: bytes) -> bytes | None:
    exif = list[bytes]()
    parts = scans = tables = gaps = 0
    at = 2
    while found := (_JPEG_MARKER_IN_SCANS if scans else _JPEG_MARKER).search(data, at):
        marker, start = data[found.start() + 1], found.end()
        if marker == 0xD9 and scans:  # end of the picture; phones append more
            break
        gaps += 0 if scans else found.start() - at
        at = start if marker in _JPEG_BARE else start + max(2, int.from_bytes(data[start : start + 2]))
        parts += 1 + (data.count(b"8BIM", start, at) if marker == 0xED else 0)
        scans += marker == 0xDA
        tables += at - start if marker in _JPEG_TABLES else 0
        if marker == 0xE1 and data.startswith(b"Exif\0\0", start + 2):
            exif.append(data[start + 8 : at])
        for count, limit, what in (
            (scans, MAX_JPEG_SCANS, "scans"),
            (parts, _MAX_JPEG_PARTS, "segments"),
            (tables, _MAX_JPEG_TABLE_BYTES, "tables"),
            (len(exif), _MAX_JPEG_EXIF, "metadata"),
            (gaps, _MAX_JPEG_GAPS, "filling"),
        ):
            if count > limit:
                raise too_many("JPEG", what)
    if not scans and len(data) - at > _MAX_JPEG_GAPS:
        raise too_many("JPEG", "filling")
    return b"".join(exif) or None


def _examine_png(data: bytes) -> bytes | None:
    exif, profiles, at = None, 0, 8
    for _ in range(MAX_PARTS):
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        if kind == b"eXIf":  # may also stand behind the pixels
            exif = data[at + 8 : at + 8 + length]
        profiles += kind == b"iCCP"
        if profiles > _MAX_PNG_PROFILES:
            raise too_many("PNG", "colour profiles")
        at += length + 12
        if kind in (b"IEND", b"") or at >= len(data):
            return exif
    raise too_many("PNG", "chunks")


def _examine_webp(data: bytes) -> None:
    at = 12
    for _ in range(MAX_PARTS):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + length + (length & 1)
        if at >= len(data):
            return
    raise too_many("WEBP", "chunks")


def _examine_gif(data: bytes) -> None:
    start = at = 13 + (3 << (data[10] & 7) + 1 if len(data) > 10 and data[10] & 0x80 else 0)
    for _ in range(MAX_PARTS):
        if data[at : at + 1] != b"!":  # the first frame, or the end
            return
        at += 2
        while at < len(data) and data[at]:
            at += data[at] + 1
            if at - start > _MAX_GIF_EXTENSION_BYTES:
                raise too_many("GIF", "comments")
        at += 1
    raise too_many("GIF", "blocks")


def _examine_avif(data: bytes) -> None:
    """Examine whatever looks like EXIF: Pillow reads all of it when it opens an AVIF."""
    for count, found in enumerate(_TIFF_BEGINNING.finditer(data)):
        if count > _MAX_DIRECTORIES:
            raise too_many("AVIF", "metadata")
        _examine_directories(data[found.start() :])


def _examine_directories(data: bytes) -> None:
    """Bound what a decoder copies when it reads all entries of a TIFF file's or EXIF block's directories."""
    total, numbers, seen, waiting = 0, 0, set[int](), [_first_directory(data)]
    while waiting and len(seen) < _MAX_DIRECTORIES:
        start = waiting.pop()
        if start in seen:
            continue
        seen.add(start)
        for tag, kind, items, value in _directory(data, start):
            size = items * _width(kind)
            if size > len(data):  # decoders skip what is larger than the file
                continue
            total += size
            numbers += 0 if kind in _BYTE_TYPES else items
            if total > 2 * len(data) or numbers > MAX_PARTS:
                raise too_many("file", "metadata")
            if tag in _DIRECTORY_TAGS:
                waiting.append(value)


def _without_prefix(exif: bytes) -> bytes:
    return exif[6:] if exif.startswith(b"Exif\0\0") else exif


def _layout(data: bytes) -> tuple[Literal["big", "little"], int]:
    """Byte order, and bytes of an offset: 8 in BigTIFF, else 4."""
    order: Literal["big", "little"] = "big" if data.startswith(b"MM") else "little"
    return order, 8 if data[2:3] == b"+" else 4  # as Pillow sees it, which knows no big-endian BigTIFF


def _first_directory(data: bytes) -> int:
    order, word = _layout(data)
    return int.from_bytes(data[word : 2 * word], order)


def _width(kind: int) -> int:
    return _TIFF_TYPE_BYTES[kind] if kind < len(_TIFF_TYPE_BYTES) else 0


def _directory(data: bytes, start: int) -> Iterator[tuple[int, int, int, int]]:
    """Tag, type, number of items and value (or its offset) of each entry of a directory."""
    if _TIFF_BEGINNING.match(data) is None:
        return
    order, word = _layout(data)

    def number(at: int, length: int) -> int:
        return int.from_bytes(data[at : at + length], order)

    counter, entry = (8, 20) if word == 8 else (2, 12)
    at = start + counter
    for _ in range(min(number(start, counter), max(0, len(data) - at) // entry)):
        kind, items = number(at + 2, 2), number(at + 4, word)
        width = _width(kind)
        # A lone short stands in the first half of its field, in either byte order.
        value_bytes = width if items == 1 and 0 < width < word else word
        yield number(at, 2), kind, items, number(at + 4 + word, value_bytes)
        at += entry
