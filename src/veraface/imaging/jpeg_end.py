"""The end of JPEG files that were cut off after their last pixel."""

from hashlib import sha256
from io import BytesIO

from PIL.JpegImagePlugin import JpegImageFile

_SOS, _EOI = b"\xff\xda", b"\xff\xd9"  # ITU-T T.81, table B.1
_FILLING = b"\x55" * 64


def with_end(data: bytes) -> bytes:
    """Return a JPEG with the end marker that it lacks, if no pixel is missing; otherwise as it is.

    Pillow refuses files without the marker. A decoder takes missing pixels from whatever bytes follow: where
    two different fillings give the same pixels, none is missing. This holds for files with one scan; in a
    progressive one, whole scans may be missing.
    """
    start = data.rfind(_SOS)
    kept = data.rstrip(b"\xff")  # the first byte of the marker may be there
    try:
        pixels = []
        for filling in (b"", _FILLING):
            image = JpegImageFile(BytesIO(kept + filling + _EOI))
            components = data[start + 4 : start + 5]
            if image.info.get("progressive") or components != bytes([image.layers]):
                return data
            pixels.append(sha256(image.tobytes()).digest())
    except Exception:  # decoders raise errors of any kind on damaged data, and decoding will do so again
        return data
    return kept + _EOI if pixels[0] == pixels[1] else data
