"""Guard for GIF files (GIF89a specification)."""

from veraface.imaging.guards import MAX_PARTS, ContainerInfo, decoder_bomb_error

_MAX_EXTENSION_BYTES = 2**20  # before the first frame; decoders join comments at quadratic cost


def scan_gif(data: bytes) -> ContainerInfo:
    """Walk the extension blocks of a GIF up to its first frame."""
    has_c2pa = False
    start = at = 13 + (3 << (data[10] & 7) + 1 if len(data) > 10 and data[10] & 0x80 else 0)
    for _ in range(MAX_PARTS):
        if data[at : at + 1] != b"!":  # the first frame, or the end
            return ContainerInfo(has_c2pa=has_c2pa)
        has_c2pa |= data.startswith(b"\xff\x0bC2PA_GIF", at + 1)
        at += 2
        while at < len(data) and data[at]:
            at += data[at] + 1
            if at - start > _MAX_EXTENSION_BYTES:
                raise decoder_bomb_error("GIF", "comments")
        at += 1
    raise decoder_bomb_error("GIF", "blocks")
