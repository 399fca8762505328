"""Guard for GIF files (GIF89a specification)."""

from veraface.imaging.guards import MAX_PARTS, ContainerInfo, decoder_bomb_error, shown_for

_MAX_EXTENSION_BYTES = 2**20  # before a frame; decoders join comments at quadratic cost
_MAX_SUB_BLOCKS = 1_000_000  # 64 MB of pixels have 260,000


def scan_gif(data: bytes) -> ContainerInfo:
    """Walk the blocks of a GIF: extensions and frames."""
    has_c2pa, delay, sub_blocks = False, 0.0, 0
    durations: list[float] = []
    start = at = 13 + _table_bytes(data[10]) if len(data) > 10 else 13
    for _ in range(MAX_PARTS):
        kind = data[at : at + 1]
        if kind == b"!":
            has_c2pa |= not durations and data.startswith(b"\xff\x0bC2PA_GIF", at + 1)
            if data.startswith(b"\xf9\x04", at + 1):  # graphic control: the delay in hundredths
                delay = int.from_bytes(data[at + 4 : at + 6], "little") / 100
            at += 2
        elif kind == b"," and at + 10 < len(data):
            durations.append(shown_for(delay))
            delay = 0.0
            at += 11 + _table_bytes(data[at + 9])
        else:  # the end
            end = at + 1 if kind == b";" else None
            return ContainerInfo(has_c2pa=has_c2pa, end=end, durations=tuple(durations))
        while at < len(data) and data[at]:
            at += data[at] + 1
            sub_blocks += 1
            if kind == b"!" and at - start > _MAX_EXTENSION_BYTES:
                raise decoder_bomb_error("GIF", "comments")
            if sub_blocks > _MAX_SUB_BLOCKS:
                raise decoder_bomb_error("GIF", "blocks")
        at += 1
        start = at if kind == b"," else start
    raise decoder_bomb_error("GIF", "blocks")


def _table_bytes(flags: int) -> int:
    """Return the size of a color table by the flags in front of it."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0
