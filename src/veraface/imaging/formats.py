"""The supported image formats: how a file is recognized by its content, guarded and opened."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from veraface.errors import UnsupportedImageError
from veraface.imaging.guards import ContainerInfo
from veraface.imaging.guards.gif import scan_gif
from veraface.imaging.guards.isobmff import scan_avif, scan_heif
from veraface.imaging.guards.jpeg import scan_jpeg
from veraface.imaging.guards.png import scan_png
from veraface.imaging.guards.tiff import scan_tiff
from veraface.imaging.guards.webp import scan_webp
from veraface.imaging.tiff import TiffFile
from veraface.utils import listed

# One hostile image can make Pillow warn thousands of times about its metadata, each time with another text,
# and Python keeps all of them. What matters about a broken image is raised as an error.
warnings.filterwarnings("ignore", module=r"PIL\.(Jpeg|Png|Tiff)ImagePlugin")

_BMP_HEADER_BYTES = (12, 16, 40, 52, 56, 64, 108, 124)  # of all versions of the header ever defined
_DNG_VERSION, _SUBFILE_TYPE = 0xC612, 0x00FE  # TIFF tags; bit 0 of the second: a reduced copy
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}

Matches = Callable[[bytes], bool]


@dataclass(frozen=True)
class ImageFormat:
    """One supported format."""

    title: str  # its name in messages
    media_type: str  # IANA
    matches: Matches  # whether a file begins like this format
    scan: Callable[[bytes], ContainerInfo]  # the guard, which reads the file once before its decoder
    open: Callable[[BytesIO], Image.Image]  # the decoder, which reads the header
    decoder_metadata: bool = False  # whether EXIF and XMP are taken from the decoder instead of the guard


def _begins(*signatures: bytes) -> Matches:
    return lambda data: data.startswith(signatures)


def _has_brand(brands: set[bytes]) -> Matches:
    """Look at the first box of an ISO base media file, which AVIF, HEIC and videos share."""

    def matches(data: bytes) -> bool:
        end = min(int.from_bytes(data[:4]), len(data), 1024)
        return data[4:8] == b"ftyp" and any(data[at : at + 4] in brands for at in (8, *range(16, end, 4)))

    return matches


def _is_webp(data: bytes) -> bool:
    return data.startswith(b"RIFF") and data[8:12] == b"WEBP"


def _is_bmp(data: bytes) -> bool:
    # The two letters alone would also match a text that begins with BM.
    return data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BMP_HEADER_BYTES


_is_jpeg, _is_png, _is_gif = _begins(b"\xff\xd8"), _begins(b"\x89PNG"), _begins(b"GIF8")
_is_tiff = _begins(b"II*\0", b"MM\0*", b"II+\0")  # the last: BigTIFF
_is_avif, _is_heif = _has_brand(_AVIF_BRANDS), _has_brand(_HEIF_BRANDS)

# The only decoders that untrusted bytes may reach, by the name of the format; the first match counts. They
# are called directly and not by Image.open, so that ImageLimits is the only limit of size: Image.open has
# another, global one, which writes a warning to stderr first. JPEG includes MPO, a JPEG followed by more
# images, as phones write it: the first is read.
FORMATS: dict[str, ImageFormat] = {
    "JPEG": ImageFormat("JPEG", "image/jpeg", _is_jpeg, scan_jpeg, JpegImageFile),
    "PNG": ImageFormat("PNG", "image/png", _is_png, scan_png, PngImageFile),
    "WEBP": ImageFormat("WebP", "image/webp", _is_webp, scan_webp, WebPImageFile, decoder_metadata=True),
    "AVIF": ImageFormat("AVIF", "image/avif", _is_avif, scan_avif, AvifImageFile, decoder_metadata=True),
    "HEIF": ImageFormat("HEIC", "image/heif", _is_heif, scan_heif, HeifImageFile, decoder_metadata=True),
    "GIF": ImageFormat("GIF", "image/gif", _is_gif, scan_gif, GifImageFile),
    # A BMP has nothing beside its pixels and one header of fixed size, so there is nothing to guard.
    "BMP": ImageFormat("BMP", "image/bmp", _is_bmp, lambda _: ContainerInfo(), BmpImageFile),
    "TIFF": ImageFormat("TIFF", "image/tiff", _is_tiff, scan_tiff, TiffFile),
}

_UNSUPPORTED: tuple[tuple[str, Matches], ...] = (
    ("a PDF document", _begins(b"%PDF")),
    ("a PostScript drawing", _begins(b"%!PS", b"\xc5\xd0\xd3\xc6")),
    ("a Photoshop file", _begins(b"8BPS")),
    ("a JPEG XL image", _begins(b"\xff\x0a", b"\0\0\0\x0cJXL ")),
    ("a JPEG 2000 image", _begins(b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")),
    ("an icon", _begins(b"\0\0\1\0")),
    ("a zip archive", _begins(b"PK\x03\x04")),
    ("a video, for `veraface video`", lambda data: data[4:8] == b"ftyp" or data.startswith(b"\x1aE\xdf\xa3")),
    ("a video or sound file", _begins(b"RIFF", b"OggS", b"ID3")),
    ("an SVG drawing or a web page", lambda data: data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"),
)


def sniff_format(data: bytes) -> str | None:
    """Return the supported format (a key of `FORMATS`) that a file begins like; None if there is none."""
    return next((name for name, image_format in FORMATS.items() if image_format.matches(data)), None)


def require_format(data: bytes) -> str:
    """Return the format; of another file raise `UnsupportedImageError`, with what it seems to be."""
    name = sniff_format(data)
    if name is None:
        what = next(
            (title for title, matches in _UNSUPPORTED if matches(data)), "not an image in a known format"
        )
        titles = listed(image_format.title for image_format in FORMATS.values())
        raise UnsupportedImageError(f"the file is {what}; give a {titles} image")
    return name


def check_variant(image: Image.Image) -> None:
    """Raise `UnsupportedImageError` for an opened image of a variant of its format that is not supported."""
    variant = None
    if isinstance(image, TiffImageFile):
        tags = image.tag_v2
        if _DNG_VERSION in tags or tags.get(_SUBFILE_TYPE, 0) & 1:
            variant = "a camera's raw photo, whose first image is a thumbnail"
    # Pillow decodes these in Python, which takes seconds per megabyte, and fills gaps with black.
    elif isinstance(image, BmpImageFile) and any(tile[0] == "bmp_rle" for tile in image.tile):
        variant = "a run-length encoded BMP"
    if variant is not None:
        raise UnsupportedImageError(f"the file is {variant}; export it as JPEG or PNG first")
