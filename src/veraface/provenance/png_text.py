"""Text chunks of PNG files (PNG specification, 11.3.3)."""

import zlib
from collections.abc import Collection, Iterable

from veraface.imaging.guards import TextChunk
from veraface.provenance.texts import MAX_TEXT_BYTES

XMP_KEYWORD = "XML:com.adobe.xmp"  # XMP specification part 3, 1.1.5
_MAX_ALL_TEXT_BYTES = 4 * 2**20
_MAX_KEYWORD_BYTES = 79


def read_png_texts(data: bytes, chunks: Iterable[TextChunk], keywords: Collection[str]) -> dict[str, str]:
    """Return the texts of some keywords, of each the first one, without damaged and very large ones."""
    texts: dict[str, str] = {}
    seen: set[str] = set()
    remaining = _MAX_ALL_TEXT_BYTES
    for kind, start, end in chunks:
        keyword = data[start : min(end, start + _MAX_KEYWORD_BYTES + 1)].partition(b"\0")[0].decode("latin-1")
        wanted = keyword in keywords and keyword not in seen
        if not wanted or end - start > MAX_TEXT_BYTES or end + 4 > len(data):
            continue
        content = data[start:end]
        if zlib.crc32(kind + content) != int.from_bytes(data[end : end + 4]):
            continue
        seen.add(keyword)
        text = _decode(kind, content[len(keyword) + 1 :])
        if text is not None and len(text) <= remaining:
            remaining -= len(text)
            texts[keyword] = text
    return texts


def _decode(kind: bytes, rest: bytes) -> str | None:
    """Decode what follows the keyword of a chunk; None if it is damaged or too large."""
    flag, body, codec = b"\0", rest, "latin-1"
    if kind == b"iTXt":  # the body follows the language and the translated keyword
        flag, body, codec = rest[:1], rest[2:].split(b"\0", 2)[-1], "utf-8"
    elif kind == b"zTXt":
        flag, body = (b"\1", rest[1:]) if rest[:1] == b"\0" else (b"", rest)
    if flag == b"\1":
        try:
            inflater = zlib.decompressobj()
            body = inflater.decompress(body, MAX_TEXT_BYTES)
        except zlib.error:
            return None
        if not inflater.eof:
            return None
    return body.decode(codec, "replace") if flag in (b"\0", b"\1") else None
