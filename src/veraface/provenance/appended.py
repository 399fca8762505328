"""Data after the end of an image, which decoders and browsers ignore."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Literal

from veraface.errors import ImageError
from veraface.imaging.decode import ImageFile
from veraface.imaging.guards.jpeg import scan_jpeg
from veraface.imaging.guards.tiff import first_ifd, iter_ifd
from veraface.provenance.claims import AppendedData

_PADDING = b"\0\xff \t\r\n"
_MAX_SAMPLE = 64 * 2**10
# A JPEG lists further images, such as previews and gain maps, in an index (CIPA DC-007, 5.2).
_APP2, _MP_INDEX, _SOS = b"\xff\xe2", b"MPF\0", b"\xff\xda"
_MP_ENTRIES, _MP_ENTRY_BYTES = 0xB002, 16
# By kind: its description, and the bytes that it begins with; () if it is recognized by other means.
_KINDS: dict[str, tuple[str, tuple[bytes, ...]]] = {
    "jpeg": ("a JPEG image", (b"\xff\xd8\xff",)),
    "png": ("a PNG image", (b"\x89PNG",)),
    "gif": ("a GIF image", (b"GIF8",)),
    "riff": ("a RIFF file, such as WebP or WAV", (b"RIFF",)),
    "zip": ("a ZIP archive", (b"PK\x03\x04",)),
    "rar": ("a RAR archive", (b"Rar!",)),
    "7z": ("a 7z archive", (b"7z\xbc\xaf",)),
    "gzip": ("gzip data", (b"\x1f\x8b\x08",)),
    "pdf": ("a PDF document", (b"%PDF",)),
    "program": ("a program", (b"MZ", b"\x7fELF")),
    "video": ("a video", ()),
    "samsung": ("data of a Samsung phone", ()),
    "text": ("text", ()),
    "unknown": ("data of unknown kind", ()),
}


def find_appended(image: ImageFile) -> AppendedData | None:
    """Return what follows the end of an image file; None if only padding does, or the end is unknown."""
    data, end = image.data, image.container.end
    if data is None or end is None or end >= len(data):
        return None
    tail = data[end:]
    if not tail.strip(_PADDING):
        return None
    rest = _without_listed_images(data, end)
    declared = not rest.strip(_PADDING)
    found = tail if declared else rest
    return AppendedData(len(found), _kind(found[:_MAX_SAMPLE], found[-_MAX_SAMPLE:]), declared)


def _without_listed_images(data: bytes, end: int) -> bytes:
    """Return what follows the end, without whole JPEG images that the index of a JPEG lists."""
    rest = []
    for start, size in sorted(_listed_images(data)):
        if start < end or not data.startswith(b"\xff\xd8\xff", start):
            continue
        with suppress(ImageError):
            if length := scan_jpeg(data[start : start + size]).end:  # what follows it is not part of it
                rest.append(data[end:start])
                end = start + length
    return b"".join((*rest, data[end:]))


def _listed_images(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield offset and size of the images in the index of a JPEG, which stands before its pixels."""
    at = 2
    while data.startswith(b"\xff", at) and not data.startswith(_SOS, at):
        if data.startswith(b"\xff\xff", at):  # a fill byte (ITU-T T.81, B.1.1.2)
            at += 1
            continue
        content, following = at + 4, at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if data.startswith(_APP2, at) and data.startswith(_MP_INDEX, content):
            start = content + len(_MP_INDEX)  # to which offsets are relative
            yield from ((start + offset, size) for offset, size in _index(data[start:following]) if offset)
            return
        at = max(content, following)


def _index(index: bytes) -> Iterator[tuple[int, int]]:
    """Yield the offset, 0 for the image itself, and the size of each image."""
    order: Literal["big", "little"] = "big" if index.startswith(b"MM") else "little"
    for entry in iter_ifd(index, first_ifd(index)):
        if entry.tag == _MP_ENTRIES:
            for at in range(entry.offset, entry.offset + min(entry.size, len(index)), _MP_ENTRY_BYTES):
                size, offset = index[at + 4 : at + 8], index[at + 8 : at + 12]
                yield int.from_bytes(offset, order), int.from_bytes(size, order)


def describe_appended(found: AppendedData) -> str:
    """Return the finding in plain English."""
    what, _ = _KINDS[found.kind]
    harmless = (
        "phones append such data" if found.kind in ("jpeg", "video", "samsung") else "few programs do that"
    )
    return f"has {found.size:,} bytes after the end of the image: {what}; {harmless}"


def _kind(start: bytes, end: bytes) -> str:
    """Return the kind of data, a key of `_KINDS`, by their first and last bytes."""
    bare = start.lstrip(b"\0\r\n")
    for kind, (_, beginnings) in _KINDS.items():
        if bare.startswith(beginnings):
            return kind
    if b"ftyp" in start[4:64]:  # ISO/IEC 14496-12; phones may put a name in front of it
        return "video"
    if end.endswith(b"SEFT"):  # the trailer of Samsung's phones
        return "samsung"
    if b"PK\x05\x06" in end:  # an archive ends with its table, whatever stands in front of it
        return "zip"
    return "text" if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start) else "unknown"
