"""From untrusted bytes to upright RGB pixels, under limits that hold before anything is decoded."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image

from veraface.errors import ImageError, ImageTooLargeError, UnreadableImageError, UnsupportedImageError

ImageSource = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image.Image | NDArray[np.uint8]
)

pillow_heif.register_heif_opener(thumbnails=False)  # type: ignore[no-untyped-call]

# Pillow's names of the decoders that untrusted bytes may reach. Its JPEG decoder also opens MPO, a JPEG
# with more pictures behind the first, as phones write it; the first is read.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "HEIF", "GIF", "BMP", "TIFF")
FORMATS_IN_WORDS = "JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP or TIFF"

# Pillow refuses pictures above this by itself (twice Image.MAX_IMAGE_PIXELS), so no limit can exceed it.
_PILLOW_MAX_PIXELS = 178_956_970

_ORIENTATION_TAG = 0x0112  # EXIF 2.32, table 4: how the stored rows and columns lie in the upright picture
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_SIGNATURES: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("JPEG", lambda head: head.startswith(b"\xff\xd8")),
    ("PNG", lambda head: head.startswith(b"\x89PNG")),
    ("GIF", lambda head: head.startswith(b"GIF8")),
    ("WebP", lambda head: head.startswith(b"RIFF") and head[8:12] == b"WEBP"),
    ("BMP", lambda head: head.startswith(b"BM")),
    ("TIFF", lambda head: head.startswith((b"II*\0", b"MM\0*"))),
    ("AVIF", lambda head: head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis")),
    (
        "HEIC",
        lambda head: head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"hevc"),
    ),
)
_FOREIGN: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("a PDF document", lambda head: head.startswith(b"%PDF")),
    ("a video", lambda head: head[4:8] == b"ftyp" or head.startswith((b"\x1aE\xdf\xa3", b"RIFF"))),
    ("an SVG drawing or a web page", lambda head: head.lstrip()[:1] == b"<"),
    ("a Photoshop file", lambda head: head.startswith(b"8BPS")),
    ("a zip archive", lambda head: head.startswith(b"PK\x03\x04")),
)


@dataclass(frozen=True)
class ImageLimits:
    """What a picture may cost; checked from the file size and the header, before decoding.

    Raises:
        ValueError: a limit is not positive, or `max_pixels` is above what Pillow decodes at all.
    """

    max_bytes: int = 64 * 2**20  # of the file
    max_pixels: int = 50_000_000  # width times height
    max_side: int = 20_000  # px

    def __post_init__(self) -> None:
        if min(self.max_bytes, self.max_pixels, self.max_side) < 1:
            raise ValueError("image limits must be positive")
        if self.max_pixels > _PILLOW_MAX_PIXELS:
            raise ValueError(f"max_pixels can be at most {_PILLOW_MAX_PIXELS}")


class Picture:
    """A picture whose header has been read and found acceptable; its pixels are decoded on demand.

    Attributes:
        width: of the upright picture at full size, in pixels.
        height: of the upright picture at full size, in pixels.
        format: "JPEG", "PNG", ...; "pixels" for an array or a PIL image held in memory.
    """

    def __init__(self, source: ImageSource, limits: ImageLimits | None = None) -> None:
        """Read the header.

        Args:
            source: a path, the bytes of a file, a binary file object, a PIL image, or an RGB uint8
                array of shape (height, width, 3).
            limits: what the picture may cost; the defaults of `ImageLimits` if None.

        Raises:
            UnsupportedImageError: not one of the supported formats, or an array of another kind.
            UnreadableImageError: empty, broken, or a path that cannot be read.
            ImageTooLargeError: over one of the limits.
        """
        limits = limits or ImageLimits()
        self._data: bytes | None = None
        if isinstance(source, np.ndarray):
            self._image = _from_array(source)
            self.format = "pixels"
        elif isinstance(source, Image.Image):
            self._image = source
            self.format = "pixels"
        else:
            self._data = _read(source, limits.max_bytes)
            self._image = _open(self._data)
            self.format = "JPEG" if self._image.format == "MPO" else str(self._image.format)
        stored_width, stored_height = self._image.size
        _check_size(stored_width, stored_height, limits)
        self._orientation = _orientation(self._image)
        swapped = self._orientation >= 5  # 5 to 8 exchange rows and columns
        self.width, self.height = (stored_height, stored_width) if swapped else (stored_width, stored_height)

    @property
    def longest_side(self) -> int:
        """The larger of width and height at full size, in pixels."""
        return max(self.width, self.height)

    def pixels(self, at_least: float | None = None) -> Image.Image:
        """Decode to an upright RGB image.

        Args:
            at_least: the longest side that is enough, in pixels. A JPEG is then decoded at the
                smallest of 1/1, 1/2, 1/4, 1/8 that still reaches it (scaling inside libjpeg's inverse
                DCT, which costs a fraction of a full decode). None, and other formats: full size.

        Raises:
            UnreadableImageError: the data are cut off or corrupt.
            UnsupportedImageError: the pixels have no clear meaning as 8-bit colour.
        """
        try:
            image = self._image
            if self._data is not None:
                image = _open(self._data)
                if at_least is not None and image.format in ("JPEG", "MPO"):
                    ratio = min(1.0, at_least / self.longest_side)
                    image.draft(None, (max(1, int(image.width * ratio)), max(1, int(image.height * ratio))))
            rgb = _to_rgb(image)
            upright = _TRANSPOSE.get(self._orientation)
            return rgb if upright is None else rgb.transpose(upright)
        except ImageError:
            raise
        except Exception as error:  # codecs raise whatever they like on hostile bytes
            raise UnreadableImageError(
                f"the {self.format} data are cut off or corrupt; save or export the picture again"
            ) from error


def _read(source: Any, max_bytes: int) -> bytes:
    """All bytes of a path, a bytes-like object or a binary file object, never more than allowed."""
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
    elif isinstance(source, str | os.PathLike):
        data = _read_file(Path(source), max_bytes)
    elif hasattr(source, "read"):
        data = source.read(max_bytes + 1)
        if not isinstance(data, bytes):
            raise UnsupportedImageError("the file object gives text; open it in binary mode ('rb')")
    else:
        raise UnsupportedImageError(
            f"cannot read a picture from {type(source).__name__}; give a path, bytes, a binary file "
            "object, a PIL image or an RGB uint8 array"
        )
    if not data:
        raise UnreadableImageError("the file is empty (0 bytes)")
    if len(data) > max_bytes:
        raise ImageTooLargeError(f"the file is larger than the limit of {max_bytes / 2**20:.4g} MiB")
    return data


def _read_file(path: Path, max_bytes: int) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe could hang, a device could be endless
            raise UnreadableImageError("not a regular file")
        with path.open("rb") as file:
            return file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise UnreadableImageError("no such file") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a valid path"
        raise UnreadableImageError(f"cannot be read: {reason}") from error


def _open(data: bytes) -> Image.Image:
    """Read the header, with allow-listed decoders only."""
    try:
        return Image.open(BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageTooLargeError(f"the picture has more than {_PILLOW_MAX_PIXELS} pixels") from error
    except Exception as error:
        head = data[:64]
        if name := next((name for name, test in _SIGNATURES if test(head)), None):
            raise UnreadableImageError(f"the file begins like a {name} but is cut off or corrupt") from error
        what = next((name for name, test in _FOREIGN if test(head)), "no picture of a known format")
        raise UnsupportedImageError(f"the file is {what}; give a {FORMATS_IN_WORDS} picture") from error


def _check_size(width: int, height: int, limits: ImageLimits) -> None:
    if width < 1 or height < 1:
        raise UnreadableImageError(f"the picture has no pixels ({width} x {height})")
    if width * height > limits.max_pixels:
        raise ImageTooLargeError(
            f"the picture has {width} x {height} pixels; the limit is {limits.max_pixels / 1e6:g} megapixels"
        )
    if max(width, height) > limits.max_side:
        raise ImageTooLargeError(
            f"the picture is {width} x {height}; no side may be over {limits.max_side} px"
        )


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or it is damaged, as browsers do."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # metadata is untrusted and not worth losing the picture for
        return 1
    return value if value in _TRANSPOSE else 1


def _from_array(array: NDArray[Any]) -> Image.Image:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise UnsupportedImageError(
            f"an array must be RGB uint8 of shape (height, width, 3), not {array.dtype} of shape {array.shape}"
        )
    return Image.fromarray(np.ascontiguousarray(array))


def _to_rgb(image: Image.Image) -> Image.Image:
    """8-bit RGB; transparent parts become white, as on a page."""
    if image.mode == "RGB":
        image.load()
        return image
    if image.mode.startswith("I;16"):
        grey = np.asarray(image, dtype=np.uint16) // 257  # 65535 -> 255
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F", "LAB", "HSV"):
        raise UnsupportedImageError(
            f"the pixels are stored in mode {image.mode!r}, which has no clear meaning as colour; "
            "save the picture as 8-bit RGB"
        )
    if image.has_transparency_data:
        image = image.convert("RGBA")
        page = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(page, image).convert("RGB")
    return image.convert("RGB")


def recompress(picture: Image.Image, quality: int, kind: str = "JPEG") -> Image.Image:
    """Encode in memory and decode again, as a messenger or a web site does.

    Args:
        picture: RGB.
        quality: 1 to 100, on the encoder's own scale.
        kind: "JPEG" (4:2:0) or "WEBP".
    """
    buffer = BytesIO()
    options = {"subsampling": 2} if kind == "JPEG" else {"method": 2}
    picture.save(buffer, kind, quality=quality, **options)
    buffer.seek(0)
    return Image.open(buffer, formats=[kind]).convert("RGB")
