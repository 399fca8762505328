"""The supported image formats: how a file is recognized by its content, guarded and opened."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
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

from veraface.imaging.containers import ContainerInfo
from veraface.imaging.guards.gif import scan_gif
from veraface.imaging.guards.isobmff import scan_avif, scan_heif
from veraface.imaging.guards.jpeg import scan_jpeg
from veraface.imaging.guards.png import scan_png
from veraface.imaging.guards.tiff import scan_tiff
from veraface.imaging.guards.webp import scan_webp

# One hostile image can make Pillow warn thousands of times about its metadata, each time with another text,
# and Python keeps all of them. What matters about a broken image is raised as an error.
warnings.filterwarnings("ignore", module=r"PIL\.(Jpeg|Png|Tiff)ImagePlugin")

_BMP_HEADER_BYTES = (12, 16, 40, 52, 56, 64, 108, 124)  # of all versions of the header ever defined
_DNG_VERSION, _SUBFILE_TYPE = 0xC612, 0x00FE  # TIFF tags; bit 0 of the second: a reduced copy
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}


@dataclass(frozen=True)
class ImageFormat:
    """One supported format.

    Attributes:
        title: its name in messages.
        media_type: its IANA media type.
        matches: returns whether a file begins like this format.
        scan: the guard, which reads the file once before its decoder; see `veraface.imaging.guards`.
        open: the decoder. It reads the header.
        decoder_metadata: whether EXIF and XMP are taken from the decoder instead of the guard.
    """

    title: str
    media_type: str
    matches: Callable[[bytes], bool]
    scan: Callable[[bytes], ContainerInfo]
    open: Callable[[BytesIO], Image.Image]
    decoder_metadata: bool = False


def _brands(data: bytes) -> set[bytes]:
    """Return the brands in the first box of an ISO base media file, which AVIF, HEIC and videos share."""
    if data[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(data[:4]), len(data), 1024)
    return {data[8:12]} | {data[at : at + 4] for at in range(16, end, 4)}


def _is_avif(data: bytes) -> bool:
    return bool(_brands(data) & _AVIF_BRANDS)


def _is_heif(data: bytes) -> bool:
    return bool(_brands(data) & _HEIF_BRANDS)


def _is_bmp(data: bytes) -> bool:
    # The two letters alone would also match a text that begins with BM.
    return data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BMP_HEADER_BYTES


def _scan_bmp(_: bytes) -> ContainerInfo:
    """Return what a BMP has beside its pixels: nothing. Its one header has a fixed size."""
    return ContainerInfo()


# The only decoders that untrusted bytes may reach, by the name of the format; the first match counts. They
# are called directly and not by Image.open, so that ImageLimits is the only limit of size: Image.open has
# another, global one, which writes a warning to stderr first. JPEG includes MPO, a JPEG followed by more
# images, as phones write it: the first is read.
FORMATS: dict[str, ImageFormat] = {
    "JPEG": ImageFormat(
        "JPEG",
        "image/jpeg",
        lambda data: data.startswith(b"\xff\xd8"),
        scan_jpeg,
        JpegImagePlugin.JpegImageFile,
    ),
    "PNG": ImageFormat(
        "PNG", "image/png", lambda data: data.startswith(b"\x89PNG"), scan_png, PngImagePlugin.PngImageFile
    ),
    "WEBP": ImageFormat(
        "WebP",
        "image/webp",
        lambda data: data.startswith(b"RIFF") and data[8:12] == b"WEBP",
        scan_webp,
        WebPImagePlugin.WebPImageFile,
        decoder_metadata=True,
    ),
    "AVIF": ImageFormat(
        "AVIF", "image/avif", _is_avif, scan_avif, AvifImagePlugin.AvifImageFile, decoder_metadata=True
    ),
    "HEIF": ImageFormat("HEIC", "image/heif", _is_heif, scan_heif, HeifImageFile, decoder_metadata=True),
    "GIF": ImageFormat(
        "GIF", "image/gif", lambda data: data.startswith(b"GIF8"), scan_gif, GifImagePlugin.GifImageFile
    ),
    "BMP": ImageFormat("BMP", "image/bmp", _is_bmp, _scan_bmp, BmpImagePlugin.BmpImageFile),
    "TIFF": ImageFormat(
        "TIFF",
        "image/tiff",
        lambda data: data.startswith((b"II*\0", b"MM\0*", b"II+\0")),  # the last: BigTIFF
        scan_tiff,
        TiffImagePlugin.TiffImageFile,
    ),
}
_TITLES = [image_format.title for image_format in FORMATS.values()]
FORMATS_IN_WORDS = f"{', '.join(_TITLES[:-1])} or {_TITLES[-1]}"

_UNSUPPORTED_SIGNATURES: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
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
    """Return the supported format (a key of `FORMATS`) that a file begins like; None if there is none."""
    return next((name for name, image_format in FORMATS.items() if image_format.matches(data)), None)


def describe_unsupported(data: bytes) -> str:
    """Return what an unsupported file seems to be, as a phrase for an error message."""
    head = data[:64]
    return next(
        (name for name, matches in _UNSUPPORTED_SIGNATURES if matches(head)), "not an image of a known format"
    )


def describe_unsupported_variant(image: Image.Image) -> str | None:
    """Return why an opened image is of an unsupported variant, as a phrase; None if it is supported."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        tags = image.tag_v2
        if _DNG_VERSION in tags or tags.get(_SUBFILE_TYPE, 0) & 1:
            return "a camera's raw photo, whose first image is a thumbnail"
    # Pillow decodes these in Python, which takes seconds per megabyte, and fills gaps with black.
    if image.format == "BMP" and any(tile[0] == "bmp_rle" for tile in getattr(image, "tile", ())):
        return "a run-length encoded BMP"
    return None
