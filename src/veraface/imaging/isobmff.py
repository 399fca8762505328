"""A walk over the boxes of a HEIC or AVIF (ISO/IEC 14496-12 and 23008-12) before a decoder follows them.

Such a file says of each of its items which stretches of bytes it consists of, and which others it belongs to.
Decoders copy all of that: a file of 1 MB, whose 100 items each name the same stretch 30 times, took 4 GB of
memory and a minute to open.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from veraface.errors import decoder_bomb_error

_MAX_BOXES = 20_000  # 50 megapixels in the smallest usual tiles have about 5,000
_MAX_ITEMS = 4096  # decoders look each up among all: 60,000 took over a minute
_MAX_STRETCHES = 20_000  # of bytes, of all items
_MAX_LAYERS = 8  # each is decoded, and may itself consist of layers
_FREE_BYTES = 16 * 2**20  # may be copied however small the file is

# Boxes that hold others, and how many bytes stand before the first of these.
_CONTAINERS = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"grpl": 0, b"moov": 0, b"trak": 0, b"mdia": 0}
_CONTAINERS |= {b"minf": 0, b"stbl": 0, b"edts": 0, b"moof": 0, b"traf": 0}

_CREDENTIALS = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")  # the uuid of a C2PA box; C2PA 2.1, A.5.1

_Box = tuple[bytes, int, int]  # kind, and where its content starts and ends


def examine_boxes(data: bytes, kind: str) -> None:
    """Refuse a file whose items, taken together, are many times as large as itself.

    Args:
        data: the whole file.
        kind: "AVIF" or "HEIF", for the message.

    Raises:
        UnreadableImageError: the file has more of something than any real image.
    """
    sizes, uses, overlays = Counter[int](), Counter[int](), set[int]()
    for count, (name, start, end) in enumerate(_all_boxes(data)):
        if count == _MAX_BOXES:
            raise decoder_bomb_error(kind, "boxes")
        # Before version 1 (iref), 3 (infe), numbers of items have two bytes, then four.
        if name == b"iloc":
            sizes.update(_sizes(data, start, kind))
        elif name == b"infe":
            width = 4 if data[start : start + 1] == b"\3" else 2
            if data.startswith(b"iovl", start + 4 + width + 2):
                overlays.add(_number(data, start + 4, width))
        elif name == b"iref":
            width = 4 if data[start : start + 1] == b"\1" else 2
            for _, at, _ in islice(_boxes(data, start + 4, end), _MAX_BOXES):
                uses[_number(data, at, width)] += _number(data, at + width, 2)
    if sum(uses[item] for item in overlays) > _MAX_LAYERS:
        raise decoder_bomb_error(kind, "layers")
    if sum(size * max(1, uses[item]) for item, size in sizes.items()) > max(_FREE_BYTES, 2 * len(data)):
        raise decoder_bomb_error(kind, "metadata")


def stored_sizes(data: bytes) -> list[tuple[int, int]]:
    """Width and height of each image in the file, before it is cropped and turned."""
    places = [start + 4 for name, start, _ in _all_boxes(data) if name == b"ispe"]
    return [(_number(data, at, 4), _number(data, at + 4, 4)) for at in places]


def credential_box(data: bytes) -> bool:
    """Whether a C2PA manifest stands in a box of its own among the outermost, the only place it may."""
    return any(name == b"uuid" and data.startswith(_CREDENTIALS, at) for name, at, _ in _outermost(data))


def end_of_boxes(data: bytes) -> int:
    """Where the last whole box ends: what stands behind it belongs to no box."""
    end = at = 0
    for name, _, stop in _outermost(data):
        size = _number(data, at, 4)
        if not (name.isascii() and name.decode("latin-1").isprintable()):  # no box, but what was appended
            break
        if size == 0 or stop - at == (size if size > 1 else _number(data, at + 8, 8)):
            end = stop
        at = stop
    return end


def _outermost(data: bytes) -> Iterator[_Box]:
    return islice(_boxes(data, 0, len(data)), _MAX_BOXES)


def _all_boxes(data: bytes) -> Iterator[_Box]:
    """Every box at every depth."""
    waiting = [(0, len(data))]
    while waiting:
        for name, start, end in _boxes(data, *waiting.pop()):
            yield name, start, end
            before = _CONTAINERS.get(name)
            if name == b"iinf":
                before = 6 if data[start : start + 1] == b"\0" else 8
            if before is not None:
                waiting.append((start + before, end))


def _boxes(data: bytes, at: int, end: int) -> Iterator[_Box]:
    """The boxes that stand between two places, one after the other."""
    while at + 8 <= end:
        size, header = _number(data, at, 4), 8
        if size == 1:
            size, header = _number(data, at + 8, 8), 16
        elif size == 0:  # up to the end
            size = end - at
        if size < header:
            return
        yield data[at + 4 : at + 8], at + header, min(at + size, end)
        at += size


def _sizes(data: bytes, start: int, kind: str) -> Counter[int]:
    """Bytes of each item, by an iloc box."""
    version, widths = _number(data, start, 1), _number(data, start + 4, 2)
    offset, length, base, index = (widths >> shift & 15 for shift in (12, 8, 4, 0))
    index = index if version in (1, 2) else 0
    width = 4 if version == 2 else 2
    items, at = _number(data, start + 6, width), start + 6 + width
    sizes, stretches = Counter[int](), 0
    for _ in range(min(items, _MAX_ITEMS + 1)):
        item, at = _number(data, at, width), at + width + (4 if version in (1, 2) else 2) + base
        count, at = _number(data, at, 2), at + 2
        stretches += count
        if stretches > _MAX_STRETCHES:
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
