"""Guard for PNG files (W3C Portable Network Graphics specification, third edition)."""

from veraface.imaging.guards import MAX_PARTS, ContainerInfo, TextChunk, decoder_bomb_error, shown_for
from veraface.imaging.guards.tiff import add_exif

_MAX_COLOR_PROFILES = 8  # the decoder inflates each, up to 1 MB, without a limit on their sum


def scan_png(data: bytes) -> ContainerInfo:
    """Walk the chunks of a PNG up to IEND. EXIF and texts may also follow the pixels."""
    exif, has_c2pa, profiles, at = None, False, 0, 8
    texts: list[TextChunk] = []
    cicp: tuple[int, int] | None = None
    durations: list[float] = []
    is_animated = has_pixels = False
    for _ in range(MAX_PARTS):
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        if kind == b"eXIf":
            exif = data[at + 8 : at + 8 + length]
        elif kind == b"iCCP":
            profiles += 1
            if profiles > _MAX_COLOR_PROFILES:
                raise decoder_bomb_error("PNG", "color profiles")
        elif kind == b"acTL":
            is_animated |= not has_pixels
        elif kind == b"fcTL" and is_animated:
            # The first image is not a frame then: shown only by programs that do not know animated PNGs.
            durations += [shown_for(0)] if has_pixels and not durations else []
            durations.append(_frame_seconds(data, at + 8))
        elif kind == b"IDAT":
            has_pixels = True
        elif kind == b"cICP":
            cicp = cicp or (data[at + 8], data[at + 9]) if length == 4 and at + 12 <= len(data) else cicp
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            texts.append(TextChunk(kind, at + 8, at + 8 + length))
        elif kind == b"caBX":  # C2PA 2.1, A.3.3
            has_c2pa = True
        at += length + 12
        if kind in (b"IEND", b"") or at >= len(data):
            end = at if kind == b"IEND" else None
            info = ContainerInfo(
                text_chunks=tuple(texts), has_c2pa=has_c2pa, end=end, cicp=cicp, durations=tuple(durations)
            )
            return add_exif(info, exif)
    raise decoder_bomb_error("PNG", "chunks")


def _frame_seconds(data: bytes, at: int) -> float:
    """Return how long a frame is shown by its fcTL chunk (numerator and denominator; 0 counts as 100)."""
    numerator, denominator = (int.from_bytes(data[place : place + 2]) for place in (at + 20, at + 22))
    return shown_for(numerator / (denominator or 100))
