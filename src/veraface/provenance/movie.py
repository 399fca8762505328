"""What an MP4 or MOV claims about itself: Content Credentials and XMP (ISO/IEC 14496-12 boxes)."""

from contextlib import nullcontext
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from veraface.imaging.guards import ContainerInfo
from veraface.imaging.guards.isobmff import C2PA_UUID
from veraface.provenance.claims import Credentials, CredentialState, Provenance
from veraface.provenance.credentials import CredentialReader
from veraface.provenance.reading import claims_of
from veraface.provenance.timeline import build_timeline
from veraface.provenance.xmp import read_xmp

_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # XMP specification part 3, 1.1.6
_MAX_BOXES = 100_000  # at the top level; a fragmented video of hours has some 10,000
_MAX_XMP_BYTES = 2**20


def read_movie(source: Path | bytes, credentials: CredentialReader | None = None) -> Provenance | None:
    """Return what an MP4 or MOV file claims; None for other files, and for those that cannot be read.

    Args:
        source: its path or content. All of it is read if it has Content Credentials, as they cover every
            byte.
        credentials: reads them; if None, one with the public trust lists.
    """
    try:
        with nullcontext(BytesIO(source)) if isinstance(source, bytes) else source.open("rb") as file:
            brand = file.read(12)
            if brand[4:8] != b"ftyp":
                return None
            file.seek(0)
            has_c2pa, packet = _walk(file)
    except OSError:
        return None
    kind = "video/quicktime" if brand[8:12] == b"qt  " else "video/mp4"
    try:
        found = (credentials or CredentialReader()).read_data(source, kind, ContainerInfo(has_c2pa=has_c2pa))
    except Exception:  # hostile bytes may raise anything; the error's text may quote them and is dropped
        found = Credentials(CredentialState.INVALID, found=True, problems=("unreadable",))
    try:
        xmp, remote = read_xmp(packet) if packet else (None, None)
    except ValueError:
        xmp = remote = None
    if remote and not found.found:
        found = replace(found, remote=remote)
    claims = claims_of(found, xmp.source_type if xmp else None)
    return Provenance(found, claims, xmp, timeline=build_timeline(found, xmp, None))


def _walk(file: BinaryIO) -> tuple[bool, bytes]:
    """Return whether there is a manifest among the outermost boxes, and the first XMP packet."""
    has_c2pa, packet, at = False, b"", 0
    for _ in range(_MAX_BOXES):
        file.seek(at)
        header = file.read(32)
        size, start = int.from_bytes(header[:4]), 8
        if size == 1:
            size, start = int.from_bytes(header[8:16]), 16
        if len(header) < start or 0 < size < start:
            break
        if header[4:8] == b"uuid":
            kind = header[start : start + 16]
            has_c2pa |= kind == C2PA_UUID
            if kind == _XMP and not packet and start + 16 < size <= _MAX_XMP_BYTES:
                file.seek(at + start + 16)
                packet = file.read(size - start - 16)
        if size == 0 or at + size >= 2**62:  # up to the end of the file, or beyond any
            break
        at += size
    return has_c2pa, packet
