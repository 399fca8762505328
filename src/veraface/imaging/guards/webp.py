"""Guard for WebP files (RFC 9649, a RIFF container)."""

from veraface.imaging.guards import MAX_PARTS, ContainerInfo, decoder_bomb_error, shown_for


def scan_webp(data: bytes) -> ContainerInfo:
    """Walk the chunks of a WebP. Its EXIF and XMP come from the decoder."""
    durations: list[float] = []
    at, has_c2pa, end = 12, False, 8 + int.from_bytes(data[4:8], "little")
    for _ in range(MAX_PARTS):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        has_c2pa |= at < end and data.startswith(b"C2PA", at)
        if at < end and data.startswith(b"ANMF", at):  # a frame of an animation
            durations.append(shown_for(int.from_bytes(data[at + 20 : at + 23], "little") / 1000))
        at += 8 + length + (length & 1)
        if at >= len(data):
            return ContainerInfo(has_c2pa=has_c2pa, end=end + (end & 1), durations=tuple(durations))
    raise decoder_bomb_error("WEBP", "chunks")
