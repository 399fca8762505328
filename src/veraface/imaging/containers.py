"""The result of the one pass over an image file that precedes its decoder."""

from dataclasses import dataclass
from typing import NamedTuple

# Chunks, blocks or numbers in metadata. No real image has as many; the walks are in Python and must end soon.
MAX_PARTS = 100_000


class TextChunk(NamedTuple):
    """Position of a text chunk of a PNG."""

    type: bytes  # b"tEXt", b"zTXt" or b"iTXt"
    start: int  # first byte of its content
    end: int  # first byte behind its content; may be behind the end of a truncated file


@dataclass(frozen=True)
class ContainerInfo:
    """What a guard of `veraface.imaging.guards` found in a file.

    It holds only what stands in the place that the format defines. Bytes behind the end of the image, and
    metadata in any other place, are left out, as decoders and browsers ignore them too.

    Attributes:
        orientation: the EXIF orientation, 1 to 8, that is left to apply after decoding. 1 where the decoder
            applies it, and where there is none.
        exif: the EXIF block, a TIFF structure without any prefix; of a TIFF the whole file.
        xmp: the XMP packet; of a PNG it is one of the text chunks instead.
        text_chunks: the text chunks of a PNG, in their order.
        has_c2pa: whether there is a C2PA manifest store.
        end: where the image ends, in bytes from the start; None where the format does not define it.
        stored_sizes: width and height of all images of a HEIC before cropping and rotation, in pixels.
    """

    orientation: int = 1
    exif: bytes | None = None
    xmp: bytes | None = None
    text_chunks: tuple[TextChunk, ...] = ()
    has_c2pa: bool = False
    end: int | None = None
    stored_sizes: tuple[tuple[int, int], ...] = ()
