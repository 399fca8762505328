"""Which kind of file some bytes are, told by their content and never by a name, and what opens it."""

import warnings
from collections.abc import Callable
from io import BytesIO

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from pillow_heif import HeifImageFile

# One hostile image can make Pillow warn thousands of times about its metadata, each text another one, all
# kept for ever by Python. What matters about a broken image is raised as an error.
warnings.filterwarnings("ignore", module=r"PIL\.(Jpeg|Png|Tiff)ImagePlugin")

FORMATS_IN_WORDS = "JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP or TIFF"

# The only decoders that untrusted bytes may reach. They are called directly and not by Image.open, so
# that ImageLimits is the only bound on size: Image.open has another, global one, which warns on stderr
# first. JPEG includes MPO, a JPEG with more images behind it, as phones write: the first is read.
OPENERS: dict[str, Callable[[BytesIO], Image.Image]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "HEIF": HeifImageFile,
}

_TIFF_BEGINNINGS = (b"II*\0", b"MM\0*", b"II+\0")  # the last: BigTIFF
_BMP_HEADER_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)  # bytes; all versions of the header ever defined
_DNG_VERSION, _SUBFILE_TYPE = 0xC612, 0x00FE  # TIFF tags; bit 0 of the second: a reduced copy
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}

_FOREIGN: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("a PDF document", lambda head: head.startswith(b"%PDF")),
    ("a PostScript drawing", lambda head: head.startswith((b"%!PS", b"\xc5\xd0\xd3\xc6"))),
    ("a Photoshop file", lambda head: head.startswith(b"8BPS")),
    ("a JPEG XL image", lambda head: head.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL "))),
    ("a JPEG 2000 image", lambda head: head.startswith((b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"))),
    ("an icon", lambda head: head.startswith(b"\0\0\1\0")),
    ("a zip archive", lambda head: head.startswith(b"PK\x03\x04")),
    ("a video", lambda head: head[4:8] == b"ftyp" or head.startswith(b"\x1aE\xdf\xa3")),
    ("a video or sound file", lambda head: head.startswith((b"RIFF", b"OggS", b"ID3"))),
    ("an SVG drawing or a web page", lambda head: head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"),
)


def sniff_format(data: bytes) -> str | None:
    """The supported format (a key of `OPENERS`) that a file begins like; None if it is none of them."""
    if data.startswith(b"\xff\xd8"):
        return "JPEG"
    if data.startswith(b"\x89PNG"):
        return "PNG"
    if data.startswith(b"GIF8"):
        return "GIF"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith(_TIFF_BEGINNINGS):
        return "TIFF"
    # Two letters alone would take any text that begins with BM for an image.
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BMP_HEADER_SIZES:
        return "BMP"
    return _recognise_boxes(data) if data[4:8] == b"ftyp" else None


def _recognise_boxes(data: bytes) -> str | None:
    """Tell AVIF, HEIC and videos apart, which share a container, by the brands in its first box."""
    end = min(int.from_bytes(data[:4]), len(data), 1024)
    brands = {data[8:12]} | {data[at : at + 4] for at in range(16, end, 4)}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None


def describe_unsupported(data: bytes) -> str:
    """What an unsupported file seems to be, in words for its owner."""
    head = data[:64]
    return next((name for name, test in _FOREIGN if test(head)), "no image of a known format")


def describe_unsupported_variant(image: Image.Image) -> str | None:
    """What makes an opened but undecoded image one that must not be judged; None where nothing does."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        tags = image.tag_v2
        if _DNG_VERSION in tags or tags.get(_SUBFILE_TYPE, 0) & 1:
            return "a camera's raw photo, whose first image is a thumbnail"
    # Pillow unpacks these in Python, which takes seconds a megabyte and fills gaps with black.
    if image.format == "BMP" and any(tile[0] == "bmp_rle" for tile in getattr(image, "tile", ())):
        return "a run-length encoded BMP"
    return None
