"""Guards: one function per container format, called once for each file before its decoder.

Decoders follow every instruction of a file: a JPEG of 1 MB may ask for thousands of passes over 50
megapixels, a TIFF of 1 MB for its 64 kB of metadata to be copied 5,000 times. A guard walks the parts of the
file once, refuses such files in milliseconds (`UnreadableImageError`), and returns what it found on the way
as a `ContainerInfo`. All limits are far above what real images need. The table of guards is
`veraface.imaging.formats.FORMATS`.
"""

from dataclasses import dataclass
from typing import NamedTuple

from veraface.errors import UnreadableImageError

# Chunks, blocks or numbers in metadata. No real image has as many; the walks are in Python and must end soon.
MAX_PARTS = 100_000


class TextChunk(NamedTuple):
    """Position of a text chunk of a PNG."""

    type: bytes  # b"tEXt", b"zTXt" or b"iTXt"
    start: int  # first byte of its content
    end: int  # first byte after its content; may be beyond the end of a truncated file


@dataclass(frozen=True)
class ContainerInfo:
    """What a guard of `veraface.imaging.guards` found in a file.

    It holds only what stands in the place that the format defines. Bytes after the end of the image, and
    metadata in any other place, are left out, as decoders and browsers ignore them too.
    """

    orientation: int = 1  # EXIF orientation, 1 to 8, to apply after decoding; 1 where the decoder applies it
    exif: bytes | None = None  # the EXIF block, a TIFF structure without any prefix; of a TIFF the whole file
    xmp: bytes | None = None  # the XMP packet; of a PNG it is one of the text chunks instead
    text_chunks: tuple[TextChunk, ...] = ()  # of a PNG, in their order
    has_c2pa: bool = False  # whether there is a C2PA manifest store
    end: int | None = None  # where the image ends, in bytes from the start; None where the format has no end
    durations: tuple[float, ...] = ()  # of frames or pages, s; 0 for one that is not shown; of stills 0 or 1
    cicp: tuple[int, int] | None = None  # code points of primaries and transfer (ITU-T H.273), if given
    stored_sizes: tuple[tuple[int, int], ...] = ()  # of all images of a HEIC before cropping and rotation, px


def shown_for(seconds: float) -> float:
    """Return how long browsers show a frame of an animation: 0.1 s if it declares next to nothing."""
    return seconds if seconds > 0.01 else 0.1


def decoder_bomb_error(kind: str, what: str) -> UnreadableImageError:
    """Return the error for a file built to exhaust its decoder."""
    return UnreadableImageError(f"the {kind} has far more {what} than any real image; save it again")
