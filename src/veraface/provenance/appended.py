"""Data behind the end of an image, which decoders and browsers ignore."""

from veraface.imaging.decode import ImageFile
from veraface.provenance.claims import AppendedData

_FILLING = b"\0\xff \t\r\n"
_MAX_SAMPLE = 64 * 2**10
# How files of each kind begin.
_NAMES = {
    "jpeg": "a JPEG image",
    "png": "a PNG image",
    "gif": "a GIF image",
    "riff": "a RIFF file, such as WebP or WAV",
    "zip": "a ZIP archive",
    "rar": "a RAR archive",
    "7z": "a 7z archive",
    "gzip": "gzip data",
    "pdf": "a PDF document",
    "program": "a program",
    "video": "a video",
    "samsung": "data of a Samsung phone",
    "text": "text",
}
_BEGINNINGS = {
    b"\xff\xd8\xff": "jpeg",
    b"\x89PNG": "png",
    b"GIF8": "gif",
    b"RIFF": "riff",
    b"PK\x03\x04": "zip",
    b"Rar!": "rar",
    b"7z\xbc\xaf": "7z",
    b"\x1f\x8b\x08": "gzip",
    b"%PDF": "pdf",
    b"MZ": "program",
    b"\x7fELF": "program",
}


def find_appended(image: ImageFile) -> AppendedData | None:
    """Return what stands behind the end of an image file; None if nothing but filling, or no end is known."""
    data, end = image.data, image.container.end
    if data is None or end is None or end >= len(data):
        return None
    tail = memoryview(data)[end:]
    sample = bytes(tail[:_MAX_SAMPLE])
    if not sample.strip(_FILLING) and (len(tail) <= _MAX_SAMPLE or not bytes(tail).strip(_FILLING)):
        return None
    kind = _kind(sample, bytes(tail[-_MAX_SAMPLE:]))
    # CIPA DC-007: a JPEG lists further images, such as previews and gain maps, in an MPF segment.
    declared = kind == "jpeg" and data.find(b"MPF\0", 0, min(end, _MAX_SAMPLE)) >= 0
    return AppendedData(len(tail), kind, declared)


def describe_appended(found: AppendedData) -> str:
    """Return the finding in plain English."""
    what = _NAMES.get(found.kind, "data of unknown kind")
    harmless = (
        "phones append such data" if found.kind in ("jpeg", "video", "samsung") else "few programs do that"
    )
    return f"has {found.size:,} bytes behind the end of the image: {what}; {harmless}"


def _kind(start: bytes, end: bytes) -> str:
    bare = start.lstrip(b"\0\r\n")
    for beginning, kind in _BEGINNINGS.items():
        if bare.startswith(beginning):
            return kind
    if b"ftyp" in start[4:64]:  # ISO/IEC 14496-12; phones may put a name in front of it
        return "video"
    if end.endswith(b"SEFT"):  # the trailer of Samsung's phones
        return "samsung"
    if b"PK\x05\x06" in end:  # an archive ends with its table, whatever stands in front of it
        return "zip"
    return "text" if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start) else "unknown"
