"""Guard for HEIC and AVIF files, which are trees of boxes (ISO/IEC 14496-12 and 23008-12).

Such a file lists for each of its items the byte ranges (extents) that it consists of, and the items that it
refers to. Decoders copy all of that: a file of 1 MB whose 100 items each name the same range 30 times took
4 GB of memory and a minute to open.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from veraface.imaging.guards import ContainerInfo, decoder_bomb_error
from veraface.imaging.guards.tiff import MAX_IFDS, TIFF_HEADER, scan_ifds

_MAX_BOXES = 20_000  # 50 megapixels in the smallest usual tiles have about 5,000
_MAX_ITEMS = 4096  # decoders look each up among all: 60,000 took over a minute
_MAX_EXTENTS = 20_000  # of all items
_MAX_LAYERS = 8  # each is decoded, and may itself consist of layers
_FREE_BYTES = 16 * 2**20  # may be copied however small the file is

# Boxes that hold other boxes, and how many bytes stand before the first of these.
_CONTAINERS = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"grpl": 0, b"moov": 0, b"trak": 0, b"mdia": 0}
_CONTAINERS |= {b"minf": 0, b"stbl": 0, b"edts": 0, b"moof": 0, b"traf": 0}

C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")  # C2PA 2.1, A.5.1


def scan_heif(data: bytes) -> ContainerInfo:
    """Check a HEIC. Its EXIF and XMP come from the decoder, which also applies the orientation."""
    found = _walk(data, "HEIF")
    return ContainerInfo(has_c2pa=found.has_c2pa, end=found.end, stored_sizes=tuple(found.stored_sizes))


def scan_avif(data: bytes) -> ContainerInfo:
    """Check an AVIF. Its EXIF and XMP come from the decoder."""
    found = _walk(data, "AVIF")
    # Pillow reads all EXIF when it opens the file, so whatever looks like EXIF is checked.
    for count, header in enumerate(TIFF_HEADER.finditer(data)):
        if count > MAX_IFDS:
            raise decoder_bomb_error("AVIF", "metadata")
        scan_ifds(data[header.start() :])
    return ContainerInfo(has_c2pa=found.has_c2pa, end=found.end, cicp=found.cicp)


class _Box(NamedTuple):
    name: bytes
    start: int  # of its content
    end: int  # of its content, at most that of the box around it
    complete: bool  # whether all of it is in the file


@dataclass
class _Found:
    """What the boxes contain, as far as it is needed."""

    item_bytes: Counter[int] = field(default_factory=Counter)  # by item
    uses: Counter[int] = field(default_factory=Counter)  # references from an item to others
    overlays: set[int] = field(default_factory=set)  # items made of layers
    stored_sizes: list[tuple[int, int]] = field(default_factory=list)  # width, height in pixels
    cicp: tuple[int, int] | None = None  # of the first color property, which is that of the main image
    has_c2pa: bool = False  # in a box of its own at the top level, the only place allowed
    end: int = 0  # of the last complete box at the top level


def _walk(data: bytes, kind: str) -> _Found:
    """Visit each box at each depth once, the outermost first."""
    found, count = _Found(), 0
    waiting, outermost, appended = [(0, len(data))], True, False
    while waiting:
        for box in _boxes(data, *waiting.pop()):
            if count == _MAX_BOXES:
                raise decoder_bomb_error(kind, "boxes")
            count += 1
            if outermost:
                found.has_c2pa |= box.name == b"uuid" and data.startswith(C2PA_UUID, box.start)
                # A name that is not printable is not a box but the start of appended data.
                appended |= not (box.name.isascii() and box.name.decode("latin-1").isprintable())
                if box.complete and not appended:
                    found.end = box.end
            _read_box(data, box, found, kind)
            before = _CONTAINERS.get(box.name)
            if box.name == b"iinf":
                before = 6 if data[box.start : box.start + 1] == b"\0" else 8
            if before is not None:
                waiting.append((box.start + before, box.end))
        outermost = False
    if sum(found.uses[item] for item in found.overlays) > _MAX_LAYERS:
        raise decoder_bomb_error(kind, "layers")
    copied = sum(size * max(1, found.uses[item]) for item, size in found.item_bytes.items())
    if copied > max(_FREE_BYTES, 2 * len(data)):
        raise decoder_bomb_error(kind, "metadata")
    return found


def _read_box(data: bytes, box: _Box, found: _Found, kind: str) -> None:
    """Add the items and sizes that one box lists."""
    start, version = box.start, data[box.start : box.start + 1]
    # Item numbers have two bytes before version 1 (iref) and 3 (infe), then four.
    if box.name == b"iloc":
        found.item_bytes.update(_item_bytes(data, start, kind))
    elif box.name == b"infe":
        width = 4 if version == b"\3" else 2
        if data.startswith(b"iovl", start + 4 + width + 2):
            found.overlays.add(_number(data, start + 4, width))
    elif box.name == b"iref":
        width = 4 if version == b"\1" else 2
        for reference in islice(_boxes(data, start + 4, box.end), _MAX_BOXES):
            at = reference.start
            found.uses[_number(data, at, width)] += _number(data, at + width, 2)
    elif box.name == b"colr":
        if found.cicp is None and data.startswith(b"nclx", start):
            found.cicp = (_number(data, start + 4, 2), _number(data, start + 6, 2))
    elif box.name == b"ispe":
        found.stored_sizes.append((_number(data, start + 4, 4), _number(data, start + 8, 4)))


def _boxes(data: bytes, at: int, end: int) -> Iterator[_Box]:
    """Yield the boxes between two places, one after the other."""
    while at + 8 <= end:
        size, header = _number(data, at, 4), 8
        if size == 1:
            size, header = _number(data, at + 8, 8), 16
        elif size == 0:  # up to the end
            size = end - at
        if size < header:
            return
        yield _Box(data[at + 4 : at + 8], at + header, min(at + size, end), at + size <= end)
        at += size


def _item_bytes(data: bytes, start: int, kind: str) -> Counter[int]:
    """Return the bytes of each item by an iloc box."""
    version, widths = _number(data, start, 1), _number(data, start + 4, 2)
    offset, length, base, index = (widths >> shift & 15 for shift in (12, 8, 4, 0))
    index = index if version in (1, 2) else 0
    width = 4 if version == 2 else 2
    items, at = _number(data, start + 6, width), start + 6 + width
    sizes, extents = Counter[int](), 0
    for _ in range(min(items, _MAX_ITEMS + 1)):
        item, at = _number(data, at, width), at + width + (4 if version in (1, 2) else 2) + base
        count, at = _number(data, at, 2), at + 2
        extents += count
        if extents > _MAX_EXTENTS:
            raise decoder_bomb_error(kind, "pieces")
        for _ in range(count):
            at += index + offset
            sizes[item] += _number(data, at, length) or len(data)  # 0: all of the file
            at += length
        if at > len(data):
            break
    if items > _MAX_ITEMS and at <= len(data):
        raise decoder_bomb_error(kind, "items")
    return sizes


def _number(data: bytes, at: int, width: int) -> int:
    return int.from_bytes(data[at : at + width])
