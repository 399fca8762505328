"""Guard for JPEG files (ITU-T T.81)."""

import re

from veraface.imaging.guards import ContainerInfo, decoder_bomb_error
from veraface.imaging.guards.tiff import add_exif

MAX_SCANS = 50  # progressive encoders write about 10; 180 scans of 49 megapixels took 9 s to decode
# Pillow reads the parts before the pixels in Python: these four limits bound its time and memory.
_MAX_SEGMENTS = 10_000  # with the resources in Photoshop's segments
_MAX_TABLE_BYTES = 2**16  # 4 tables have 520; 25 MB of them took 1 GB of memory
_MAX_GAP_BYTES = 2**20  # before the first scan and outside any segment; 24 MB took over a minute
_MAX_EXIF_SEGMENTS = 20  # joined at quadratic cost

_MARKER = re.compile(rb"\xff[\x01-\xfe]")
_MARKER_IN_SCANS = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # without stuffed bytes and restart markers
_WITHOUT_LENGTH = frozenset((0x01, 0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)))
_TABLES = frozenset((*range(0xC0, 0xD0), 0xDB, 0xDE)) - {0xC4, 0xC8, 0xCC}
_SOS, _EOI, _APP1, _APP11, _APP13 = 0xDA, 0xD9, 0xE1, 0xEB, 0xED
_EXIF_PREFIX = b"Exif\0\0"
_XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"  # XMP specification part 3, 1.1.3


def scan_jpeg(data: bytes) -> ContainerInfo:
    """Walk the segments of a JPEG.

    EXIF counts in any APP1 segment before the first scan, as for Pillow and browsers. XMP and C2PA count only
    before the first scan and before any bytes that belong to no segment.
    """
    exif, xmp, has_c2pa, end = b"", None, False, None
    segments = scans = table_bytes = gap_bytes = exif_segments = 0
    contiguous = True  # only whole segments so far, and no scan
    at = 2
    while found := (_MARKER_IN_SCANS if scans else _MARKER).search(data, at):
        marker, start = data[found.start() + 1], found.end()
        if marker == _EOI and scans:  # what follows it, such as a phone's video, is not the image
            end = start
            break
        gap_bytes += 0 if scans else found.start() - at
        contiguous = contiguous and not scans and not data[at : found.start()].strip(b"\xff")
        at = start if marker in _WITHOUT_LENGTH else start + max(2, int.from_bytes(data[start : start + 2]))
        segments += 1 + (data.count(b"8BIM", start, at) if marker == _APP13 else 0)
        scans += marker == _SOS
        table_bytes += at - start if marker in _TABLES else 0
        content = start + 2
        if marker == _APP1 and data.startswith(_EXIF_PREFIX, content):
            exif_segments += 1
            if not scans:
                exif += data[content + len(_EXIF_PREFIX) : at]
        elif contiguous and marker == _APP1 and xmp is None and data.startswith(_XMP_PREFIX, content):
            xmp = data[content + len(_XMP_PREFIX) : at]
        elif contiguous and marker == _APP11 and data.startswith(b"JP", content):
            has_c2pa |= data.startswith(b"jumb", content + 12)  # C2PA 2.1, A.3.1
        for count, limit, what in (
            (scans, MAX_SCANS, "scans"),
            (segments, _MAX_SEGMENTS, "segments"),
            (table_bytes, _MAX_TABLE_BYTES, "tables"),
            (exif_segments, _MAX_EXIF_SEGMENTS, "metadata"),
            (gap_bytes, _MAX_GAP_BYTES, "filling"),
        ):
            if count > limit:
                raise decoder_bomb_error("JPEG", what)
    if not scans and len(data) - at > _MAX_GAP_BYTES:
        raise decoder_bomb_error("JPEG", "filling")
    return add_exif(ContainerInfo(xmp=xmp or None, has_c2pa=has_c2pa, end=end), exif)
