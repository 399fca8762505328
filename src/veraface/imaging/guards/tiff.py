"""Guard for TIFF files and EXIF blocks, which have the same structure (TIFF 6.0, BigTIFF, EXIF 2.32)."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, NamedTuple

from veraface.imaging.guards import MAX_PARTS, ContainerInfo, decoder_bomb_error

# The byte orders and versions that Pillow accepts.
TIFF_HEADER = re.compile(rb"II[*+]\0|II\0\*|MM\0[*+]|MM\*\0")
MAX_IFDS = 8

_ORIENTATION = 0x0112  # EXIF 2.32, table 4
_NEW_SUBFILE_TYPE, _REDUCED, _MASK = 0x00FE, 1, 4  # TIFF 6.0, section 8; a bit of the value each
_XMP = 0x02BC  # XMP specification part 3, 1.1.2
_INTEROPERABILITY_INDEX = 0x0001  # EXIF 2.32, table 13
_C2PA = 0xCD41  # C2PA 2.1, A.3.2 (the annex that also defines the place in the other formats)
_EXIF_IFD, _GPS_IFD, _INTEROPERABILITY_IFD = 0x8769, 0x8825, 0xA005
_SUB_IFDS = (_EXIF_IFD, _GPS_IFD, _INTEROPERABILITY_IFD)  # the value is the offset of another IFD
_TYPE_BYTES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8)  # by type, TIFF 6.0 and BigTIFF
_BYTE_TYPES = (1, 2, 7)  # decoders keep these as bytes; of all others each value becomes a Python number
_MAX_XMP_BYTES = 2**20 + 1  # one byte more than the XMP reader accepts


class IfdEntry(NamedTuple):
    """One entry of an image file directory (IFD)."""

    tag: int
    type: int  # TIFF 6.0, section 2
    length: int  # number of values
    value: int  # the first value, or the offset of the values
    offset: int  # of the values, inside the entry or elsewhere
    size: int  # of all values in bytes, as claimed


def scan_tiff(data: bytes) -> ContainerInfo:
    """Check a TIFF file. Its decoder applies the orientation."""
    entries = scan_ifds(data)
    xmp = entries.get(_XMP)
    return ContainerInfo(
        exif=data,
        xmp=data[xmp.offset : xmp.offset + min(xmp.size, _MAX_XMP_BYTES)] if xmp else None,
        has_c2pa=_C2PA in entries,
        durations=tuple(_pages(data)),
    )


def _pages(data: bytes) -> Iterator[float]:
    """Yield 1 s for each page and 0 for reduced copies and masks; check what a decoder would copy of each."""
    order, word = _layout(data)
    counter, entry_bytes = (8, 20) if word == 8 else (2, 12)
    start, seen, parts = first_ifd(data), set[int](), 0
    while 0 < start < len(data) and start not in seen:
        seen.add(start)
        entries = list(iter_ifd(data, start))
        whole = [entry for entry in entries if entry.size <= len(data)]
        parts += 1 + len(entries) + sum(e.length for e in whole if e.type not in _BYTE_TYPES)
        if sum(entry.size for entry in whole) > 2 * len(data) or parts > MAX_PARTS:
            raise decoder_bomb_error("TIFF", "pages")
        kind = next((entry.value for entry in entries if entry.tag == _NEW_SUBFILE_TYPE), 0)
        yield 0.0 if kind & (_REDUCED | _MASK) else 1.0
        end = start + counter + entry_bytes * int.from_bytes(data[start : start + counter], order)
        start = int.from_bytes(data[end : end + word], order)


def add_exif(info: ContainerInfo, block: bytes | None) -> ContainerInfo:
    """Return `info` with an EXIF block and its orientation, after the same check as for a TIFF."""
    if not block:
        return info
    exif = block.removeprefix(b"Exif\0\0")
    entry = scan_ifds(exif).get(_ORIENTATION)
    # An orientation outside 1 to 8 is ignored, as browsers do.
    return replace(info, exif=exif, orientation=entry.value if entry and 1 <= entry.value <= 8 else 1)


def names_adobe_rgb(exif: bytes | None) -> bool:
    """Return whether EXIF names Adobe RGB: interoperability index R03 (DCF 2.0, 3.5.3)."""
    if exif is None:
        return False
    offset = first_ifd(exif)
    for tag in (_EXIF_IFD, _INTEROPERABILITY_IFD):
        offset = next((entry.value for entry in iter_ifd(exif, offset) if entry.tag == tag), len(exif))
    entries = (entry for entry in iter_ifd(exif, offset) if entry.tag == _INTEROPERABILITY_INDEX)
    return any(exif.startswith(b"R03", entry.offset) for entry in entries)


def scan_ifds(data: bytes) -> dict[int, IfdEntry]:
    """Return the entries of the first IFD by tag, of each the first; bound what a decoder would copy."""
    main: dict[int, IfdEntry] = {}
    total = numbers = 0
    waiting, seen = [first_ifd(data)], set[int]()
    while waiting and len(seen) < MAX_IFDS:
        start = waiting.pop()
        if start in seen:
            continue
        is_first = not seen
        seen.add(start)
        for entry in iter_ifd(data, start):
            if is_first:
                main.setdefault(entry.tag, entry)
            if entry.size > len(data):  # decoders skip values that are larger than the file
                continue
            total += entry.size
            numbers += 0 if entry.type in _BYTE_TYPES else entry.length
            if total > 2 * len(data) or numbers > MAX_PARTS:
                raise decoder_bomb_error("file", "metadata")
            if entry.tag in _SUB_IFDS:
                waiting.append(entry.value)
    return main


def first_ifd(data: bytes) -> int:
    """Return the offset of the first IFD."""
    order, word = _layout(data)
    return int.from_bytes(data[word : 2 * word], order)


def iter_ifd(data: bytes, start: int) -> Iterator[IfdEntry]:
    """Yield the entries of the IFD at `start`; none where the data are not a TIFF or end before it."""
    if TIFF_HEADER.match(data) is None:
        return
    order, word = _layout(data)

    def number(at: int, width: int) -> int:
        return int.from_bytes(data[at : at + width], order)

    counter, entry_bytes = (8, 20) if word == 8 else (2, 12)
    at = start + counter
    for _ in range(min(number(start, counter), max(0, len(data) - at) // entry_bytes)):
        kind, length = number(at + 2, 2), number(at + 4, word)
        width = _TYPE_BYTES[kind] if kind < len(_TYPE_BYTES) else 0
        # A single value that is shorter than its field stands in the first bytes, in either byte order.
        value_bytes = width if length == 1 and 0 < width < word else word
        field = at + 4 + word
        value = number(field, value_bytes)
        offset = field if length * width <= word else value
        yield IfdEntry(number(at, 2), kind, length, value, offset, length * width)
        at += entry_bytes


def _layout(data: bytes) -> tuple[Literal["big", "little"], int]:
    """Return the byte order, and the bytes of an offset: 8 in BigTIFF, else 4."""
    order: Literal["big", "little"] = "big" if data.startswith(b"MM") else "little"
    return order, 8 if data[2:3] == b"+" else 4  # like Pillow, which does not know big-endian BigTIFF
