"""Walks over the parts of a file before a decoder sees them.

Decoders follow whatever a file says: a JPEG of 1 MB may ask for thousands of passes over 50 megapixels,
a TIFF of 1 MB for its 64 kB of metadata to be copied 5,000 times. Real images come nowhere near the
bounds here, which stop such files in milliseconds. The same walk finds the EXIF orientation, and where in the
file its metadata legally stand.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from veraface.errors import decoder_bomb_error
from veraface.imaging.isobmff import credential_box, end_of_boxes, examine_boxes

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
_XMP_IN_JPEG = b"http://ns.adobe.com/xap/1.0/\0"  # XMP specification part 3, 1.1.3
_CREDENTIALS_TAG = 0xCD41  # TIFF; C2PA 2.1, A.3.2 (the annex that also says where other formats keep them)


@dataclass(frozen=True)
class ContainerInfo:
    """What the walk has found. Bytes behind the end, and parts in no legal place, are not among it."""

    exif: bytes | None = None  # of a JPEG or PNG; decoders tell it of the others
    xmp: bytes | None = None  # of a JPEG
    texts: tuple[tuple[bytes, int, int], ...] = ()  # of a PNG: kind, and where the content starts and ends
    credentials: bool = False  # whether a C2PA manifest stands where the format wants it
    end: int | None = None  # of the image, in bytes from the start; None where the format has no end


def examine(data: bytes, kind: str) -> ContainerInfo:
    """Refuse a file built to exhaust its decoder; find its metadata where decoders would not tell them.

    Args:
        data: the whole file.
        kind: the format, a key of `veraface.imaging.formats.OPENERS`.

    Raises:
        UnreadableImageError: the file has more parts than any real image.
    """
    found = ContainerInfo()
    if kind == "JPEG":
        found = _examine_jpeg(data)
    elif kind == "PNG":
        found = _examine_png(data)
    elif kind == "GIF":
        found = _examine_gif(data)
    elif kind == "TIFF":
        _examine_directories(data)
        first = directory(data, first_ifd(data))
        found = ContainerInfo(credentials=any(entry.tag == _CREDENTIALS_TAG for entry in first))
    elif kind == "WEBP":
        found = _examine_webp(data)
    elif kind in ("AVIF", "HEIF"):
        examine_boxes(data, kind)
        if kind == "AVIF":
            _examine_avif(data)
        found = ContainerInfo(credentials=credential_box(data), end=end_of_boxes(data))
    if found.exif is not None:
        _examine_directories(without_prefix(found.exif))
    return found


def orientation(exif: bytes | None) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or it is damaged, as browsers do."""
    block = without_prefix(exif or b"")
    for entry in directory(block, first_ifd(block)):
        if entry.tag == _ORIENTATION_TAG:
            return entry.value if 1 <= entry.value <= 8 else 1
    return 1


def _examine_jpeg(data: bytes) -> ContainerInfo:
    exif, xmp = list[bytes](), list[bytes]()
    parts = scans = tables = gaps = blocks = 0
    credentials, legal, end = False, True, None
    at = 2
    while found := (_JPEG_MARKER_IN_SCANS if scans else _JPEG_MARKER).search(data, at):
        marker, start = data[found.start() + 1], found.end()
        if marker == 0xD9 and scans:  # end of the image; phones append more
            end = start
            break
        gaps += 0 if scans else found.start() - at
        legal = legal and not scans and not data[at : found.start()].strip(b"\xff")
        at = start if marker in _JPEG_BARE else start + max(2, int.from_bytes(data[start : start + 2]))
        parts += 1 + (data.count(b"8BIM", start, at) if marker == 0xED else 0)
        scans += marker == 0xDA
        tables += at - start if marker in _JPEG_TABLES else 0
        if marker == 0xE1 and data.startswith(b"Exif\0\0", start + 2):
            blocks += 1
            if not scans:  # as Pillow and browsers see it; what stands behind a scan is nobody's
                exif.append(data[start + 8 : at])
        elif legal and marker == 0xE1 and data.startswith(_XMP_IN_JPEG, start + 2) and not xmp:
            xmp.append(data[start + 2 + len(_XMP_IN_JPEG) : at])
        elif legal and marker == 0xEB and data.startswith(b"JP", start + 2):
            credentials |= data.startswith(b"jumb", start + 14)
        for count, limit, what in (
            (scans, MAX_JPEG_SCANS, "scans"),
            (parts, _MAX_JPEG_PARTS, "segments"),
            (tables, _MAX_JPEG_TABLE_BYTES, "tables"),
            (blocks, _MAX_JPEG_EXIF, "metadata"),
            (gaps, _MAX_JPEG_GAPS, "filling"),
        ):
            if count > limit:
                raise decoder_bomb_error("JPEG", what)
    if not scans and len(data) - at > _MAX_JPEG_GAPS:
        raise decoder_bomb_error("JPEG", "filling")
    return ContainerInfo(b"".join(exif) or None, xmp[0] if xmp else None, (), credentials, end)


def _examine_png(data: bytes) -> ContainerInfo:
    exif, profiles, at = None, 0, 8
    credentials, texts = False, list[tuple[bytes, int, int]]()
    for _ in range(MAX_PARTS):
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        if kind == b"eXIf":  # may also stand behind the pixels
            exif = data[at + 8 : at + 8 + length]
        profiles += kind == b"iCCP"
        if profiles > _MAX_PNG_PROFILES:
            raise decoder_bomb_error("PNG", "colour profiles")
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            texts.append((kind, at + 8, at + 8 + length))
        credentials |= kind == b"caBX"
        at += length + 12
        if kind in (b"IEND", b"") or at >= len(data):
            return ContainerInfo(exif, None, tuple(texts), credentials, at if kind == b"IEND" else None)
    raise decoder_bomb_error("PNG", "chunks")


def _examine_webp(data: bytes) -> ContainerInfo:
    at, credentials, end = 12, False, 8 + int.from_bytes(data[4:8], "little")
    for _ in range(MAX_PARTS):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        credentials |= at < end and data.startswith(b"C2PA", at)
        at += 8 + length + (length & 1)
        if at >= len(data):
            return ContainerInfo(credentials=credentials, end=end + (end & 1))
    raise decoder_bomb_error("WEBP", "chunks")


def _examine_gif(data: bytes) -> ContainerInfo:
    credentials = False
    start = at = 13 + (3 << (data[10] & 7) + 1 if len(data) > 10 and data[10] & 0x80 else 0)
    for _ in range(MAX_PARTS):
        if data[at : at + 1] != b"!":  # the first frame, or the end
            return ContainerInfo(credentials=credentials)
        at += 2
        credentials |= data.startswith(b"\xff\x0bC2PA_GIF", at - 1)
        while at < len(data) and data[at]:
            at += data[at] + 1
            if at - start > _MAX_GIF_EXTENSION_BYTES:
                raise decoder_bomb_error("GIF", "comments")
        at += 1
    raise decoder_bomb_error("GIF", "blocks")


def _examine_avif(data: bytes) -> None:
    """Examine whatever looks like EXIF: Pillow reads all of it when it opens an AVIF."""
    for count, found in enumerate(_TIFF_BEGINNING.finditer(data)):
        if count > _MAX_DIRECTORIES:
            raise decoder_bomb_error("AVIF", "metadata")
        _examine_directories(data[found.start() :])


def _examine_directories(data: bytes) -> None:
    """Bound what a decoder copies when it reads all entries of a TIFF file's or EXIF block's directories."""
    total, numbers, seen, waiting = 0, 0, set[int](), [first_ifd(data)]
    while waiting and len(seen) < _MAX_DIRECTORIES:
        start = waiting.pop()
        if start in seen:
            continue
        seen.add(start)
        for tag, kind, items, value, _, size, _ in directory(data, start):
            if size > len(data):  # decoders skip what is larger than the file
                continue
            total += size
            numbers += 0 if kind in _BYTE_TYPES else items
            if total > 2 * len(data) or numbers > MAX_PARTS:
                raise decoder_bomb_error("file", "metadata")
            if tag in _DIRECTORY_TAGS:
                waiting.append(value)


def without_prefix(exif: bytes) -> bytes:
    """An EXIF block as the TIFF file that it is, however its container marks it."""
    return exif[6:] if exif.startswith(b"Exif\0\0") else exif


def _layout(data: bytes) -> tuple[Literal["big", "little"], int]:
    """Byte order, and bytes of an offset: 8 in BigTIFF, else 4."""
    order: Literal["big", "little"] = "big" if data.startswith(b"MM") else "little"
    return order, 8 if data[2:3] == b"+" else 4  # as Pillow sees it, which knows no big-endian BigTIFF


def first_ifd(data: bytes) -> int:
    """Where the first directory of a TIFF file or EXIF block starts."""
    order, word = _layout(data)
    return int.from_bytes(data[word : 2 * word], order)


def next_ifd(data: bytes, start: int) -> int:
    """Where the directory after the one at `start` starts; 0 where there is none."""
    order, word = _layout(data)
    counter, entry = (8, 20) if word == 8 else (2, 12)
    at = start + counter + entry * int.from_bytes(data[start : start + counter], order)
    return int.from_bytes(data[at : at + word], order)


class Entry(NamedTuple):
    """One entry of a directory of a TIFF file or EXIF block."""

    tag: int
    kind: int  # of number or text, by TIFF 6.0
    items: int  # how many of them
    value: int  # the first, or where they stand
    start: int  # where they stand, in the field itself or elsewhere
    size: int  # of all of them in bytes, as claimed
    order: Literal["big", "little"]


def directory(data: bytes, start: int) -> Iterator[Entry]:
    """The entries of the directory at `start`; none where the data are no TIFF or end before it."""
    if _TIFF_BEGINNING.match(data) is None:
        return
    order, word = _layout(data)

    def number(at: int, length: int) -> int:
        return int.from_bytes(data[at : at + length], order)

    counter, entry = (8, 20) if word == 8 else (2, 12)
    at = start + counter
    for _ in range(min(number(start, counter), max(0, len(data) - at) // entry)):
        kind, items = number(at + 2, 2), number(at + 4, word)
        width = _TIFF_TYPE_BYTES[kind] if kind < len(_TIFF_TYPE_BYTES) else 0
        # A lone short stands in the first half of its field, in either byte order.
        value_bytes = width if items == 1 and 0 < width < word else word
        field = at + 4 + word
        value = number(field, value_bytes)
        place = field if items * width <= word else value
        yield Entry(number(at, 2), kind, items, value, place, items * width, order)
        at += entry
