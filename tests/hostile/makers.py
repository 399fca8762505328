"""Builds files byte by byte, including ones that no encoder would write."""

import struct
import zlib

from tests.hostile.samples import SAMPLES
from tests.sample_images import png_chunk

Entry = tuple[int, int, int, int]  # tag, type, number of values, value or offset


def jpeg_with(*segments: tuple[int, bytes]) -> bytes:
    """A JPEG with further segments at its beginning; those over 64 kB are split."""
    plain = SAMPLES["progressive"]
    made = []
    for marker, content in segments:
        made.append(b"\xff%c" % marker + struct.pack(">H", len(content) + 2) + content)
    return plain[:2] + b"".join(made) + plain[2:]


def jpeg_filled(filling: bytes) -> bytes:
    """A JPEG with bytes at its beginning that belong to no segment."""
    plain = SAMPLES["progressive"]
    first_segment_end = 4 + int.from_bytes(plain[4:6])
    return plain[:first_segment_end] + filling + plain[first_segment_end:]


def jpeg_of_scans(scans: int) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    plain = SAMPLES["progressive"]
    scan = plain[plain.rindex(b"\xff\xda") : -2]
    return plain[:-2] + scan * scans + plain[-2:]


def png(
    width: int = 8, height: int = 8, before: bytes = b"", behind: bytes = b"", color: int = 2, bits: int = 8
) -> bytes:
    """A black PNG with further chunks before and behind its pixels."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    rows = bytes((width * channels * bits // 8 + 1) * height)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(rows, 9))
    return b"\x89PNG\r\n\x1a\n" + header + before + pixels + behind + png_chunk(b"IEND", b"")


def gif_of_frames(frames: int) -> bytes:
    """A GIF of that many frames of 1 pixel."""
    screen = b"GIF89a" + struct.pack("<HH", 1, 1) + b"\x80\0\0" + b"\0\0\0\xff\xff\xff"
    frame = b"!\xf9\4\0\1\0\0\0" + b"," + struct.pack("<HHHH", 0, 0, 1, 1) + b"\0\2\2\x44\1\0"
    return screen + frame * frames + b";"


def gif_with(extension: bytes) -> bytes:
    """A GIF with bytes before its first frame."""
    plain = SAMPLES["gif"]
    palette_end = 13 + 3 * (2 << (plain[10] & 7))
    return plain[:palette_end] + extension + plain[palette_end:]


def webp_of_chunks(chunks: bytes, *, moving: bool = False, side: int = 64) -> bytes:
    """An extended WebP: its header, and then chunks."""
    canvas = ((side - 1) % 2**24).to_bytes(3, "little") * 2
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes([2 * moving, 0, 0, 0]) + canvas + chunks
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_of_frames(frames: int, side: int = 64) -> bytes:
    """A moving WebP of that many alike frames of 64 x 64 pixels."""
    frame = bytes(6) + (63).to_bytes(3, "little") * 2 + bytes([100, 0, 0, 0]) + SAMPLES["lossless-webp"][12:]
    animation = b"ANIM" + struct.pack("<I", 6) + bytes(6)
    one = b"ANMF" + struct.pack("<I", len(frame)) + frame + bytes(len(frame) & 1)
    return webp_of_chunks(animation + one * frames, moving=True, side=side)


def tiff(entries: list[Entry], behind: bytes = b"", order: str = "<", following: int = 0) -> bytes:
    """A TIFF, or EXIF block, of one directory; `behind` begins at `tiff_end(len(entries))`."""
    fields = b"".join(struct.pack(f"{order}HHII", *entry) for entry in sorted(entries))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(entries))
    return head + fields + struct.pack(f"{order}I", following) + behind


def tiff_end(entries: int) -> int:
    """Where what stands behind the directory begins."""
    return 8 + 2 + 12 * entries + 4


def grey_tiff(side: int, *more: Entry, compression: int = 1) -> list[Entry]:
    """The entries that make a gray image, but where its pixels lie."""
    given = {entry[0] for entry in more}
    sizes = [(256, 4, 1, side), (257, 4, 1, side), (258, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1)]
    usual: list[Entry] = [*sizes, (259, 3, 1, compression)]
    return [entry for entry in usual if entry[0] not in given] + list(more)


def tiff_of_pieces(pieces: int, *, tiles: bool = False) -> bytes:
    """A TIFF whose pixels lie in that many strips or tiles, one pixel high."""
    size, offsets, counts = (
        ([(322, 4, 1, 1), (323, 4, 1, 1)], 324, 325) if tiles else ([(278, 4, 1, 1)], 273, 279)
    )
    start = tiff_end(6 + len(size) + 2)
    entries = grey_tiff(7000, *size, (offsets, 4, pieces, start), (counts, 4, pieces, start))
    return tiff(entries, struct.pack("<I", 8) * pieces)


def tiff_of_numbers(tag: int, numbers: int) -> bytes:
    """A TIFF with one entry of that many numbers."""
    pixels: list[Entry] = [(278, 4, 1, 64), (273, 4, 1, 8), (279, 4, 1, 64 * 64)]
    kept = [entry for entry in pixels if entry[0] != tag]
    entries = grey_tiff(64, *kept, (tag, 3, numbers, 0))
    start = tiff_end(len(entries))
    entries = [(tag, 3, numbers, start) if entry[0] == tag else entry for entry in entries]
    return tiff(entries, b"\x08\x01" * numbers)


def copies(size: int) -> bytes:
    """A TIFF block whose every entry asks for the same large piece of it to be copied."""
    count = size // 24
    entries: list[Entry] = [(1000 + i, 7, size // 2, tiff_end(count)) for i in range(count)]
    return tiff(entries, bytes(size // 2))


def box(kind: bytes, content: bytes) -> bytes:
    """One box of a HEIC or AVIF."""
    return struct.pack(">I", len(content) + 8) + kind + content


def boxes(data: bytes) -> dict[bytes, bytes]:
    """The contents of boxes that stand one after the other."""
    found, at = {}, 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4])
        found[data[at + 4 : at + 8]] = data[at + 8 : at + size]
        at += size
    return found


def boxed(
    name: str,
    items: int = 0,
    stretches: int = 1,
    padding: int = 0,
    *,
    kind: bytes = b"Exif",
    refers: bytes = b"cdsc",
    uses: int = 1,
) -> bytes:
    """A HEIC or AVIF with further items, each of which is `stretches` times all of the file's media data.

    Args:
        name: "heic" or "avif".
        items: how many.
        stretches: how many each has.
        padding: zero bytes behind the image in the media data.
        kind: of the items.
        refers: how they refer to the image.
        uses: how often each does.
    """
    top = boxes(SAMPLES[name])
    meta = boxes(top[b"meta"][4:])
    image = int.from_bytes(meta[b"pitm"][4:6])
    numbers = range(1000, 1000 + items)
    whole = len(top[b"mdat"]) + padding
    known = b"".join(
        box(b"infe", b"\2\0\0\0" + struct.pack(">HH", number, 0) + kind + b"\0") for number in numbers
    )
    count = int.from_bytes(meta[b"iinf"][4:6]) + items
    references = b"".join(
        box(refers, struct.pack(">HH", number, uses) + struct.pack(">H", image) * uses) for number in numbers
    )

    def before(start: int) -> bytes:
        places = struct.pack(">HHHHII", image, 0, 0, 1, start, len(top[b"mdat"]))
        for number in numbers:
            places += struct.pack(">HHHH", number, 0, 0, stretches)
            places += struct.pack(">II", start, whole) * stretches
        changed = {
            b"iloc": b"\1\0\0\0\x44\0" + struct.pack(">H", items + 1) + places,
            b"iinf": b"\0\0\0\0" + struct.pack(">H", count) + meta[b"iinf"][6:] + known,
        }
        if items:
            changed[b"iref"] = bytes(4) + references
        body = b"".join(box(name, content) for name, content in {**meta, **changed}.items())
        return box(b"ftyp", top[b"ftyp"]) + box(b"meta", bytes(4) + body)

    return before(len(before(0)) + 8) + box(b"mdat", top[b"mdat"] + bytes(padding))
