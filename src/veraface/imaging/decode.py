"""Decode untrusted bytes to upright RGB pixels, with limits that are checked before decoding."""

import os
import stat
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin
from PIL.Image import Transpose

from veraface.errors import ImageError, ImageTooLargeError, UnreadableImageError, UnsupportedImageError
from veraface.imaging.color import color_conversion, to_rgb
from veraface.imaging.formats import FORMATS, check_variant, require_format
from veraface.imaging.guards import ContainerInfo
from veraface.imaging.guards.tiff import add_exif, names_adobe_rgb
from veraface.imaging.jpeg_end import with_end
from veraface.imaging.limits import (
    MAX_BYTES,
    MAX_PIXELS,
    MAX_SIDE,
    PILLOW_MAX_PIXELS,
    too_long_side,
    too_many_bytes,
    too_many_pixels,
)
from veraface.text import missing_file

ImageSource = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image.Image | NDArray[np.uint8]
)

# By EXIF orientation (EXIF 2.32, table 4): what makes the stored pixels upright.
_TRANSPOSE = {2: Transpose.FLIP_LEFT_RIGHT, 3: Transpose.ROTATE_180, 4: Transpose.FLIP_TOP_BOTTOM}
_TRANSPOSE |= {5: Transpose.TRANSPOSE, 7: Transpose.TRANSVERSE}
_TRANSPOSE |= {6: Transpose.ROTATE_270, 8: Transpose.ROTATE_90}


# Seconds that a frame is shown in the formats whose guard does not return it; an assumption.
_FRAME_SECONDS = {"AVIF": 0.1, "HEIF": 1.0}


@dataclass(frozen=True)
class ImageLimits:
    """Limits on an image; checked from the file size and the header, before decoding.

    Attributes:
        max_bytes: size of the file.
        max_pixels: width times height; at most what Pillow supports.
        max_side: width or height, in pixels.
    """

    max_bytes: int = MAX_BYTES
    max_pixels: int = MAX_PIXELS
    max_side: int = MAX_SIDE

    def __post_init__(self) -> None:
        if min(self.max_bytes, self.max_pixels, self.max_side) < 1:
            raise ValueError("image limits must be positive")
        if self.max_pixels > PILLOW_MAX_PIXELS:
            raise ValueError(f"max_pixels can be at most {PILLOW_MAX_PIXELS}")


@dataclass(frozen=True)
class JpegInfo:
    """How a JPEG was encoded, by its header."""

    tables: tuple[tuple[int, ...], ...]  # quantization tables, of 64 steps each, row by row
    subsampling: str | None  # of the color channels, such as "4:2:0"; None for gray and unusual ones
    progressive: bool  # encoded in several scans


class ImageFile:
    """An image whose header was read and checked; its pixels are decoded on demand.

    Safe to share between threads.

    Attributes:
        width: of the upright image at full size, in pixels.
        height: of the upright image at full size, in pixels.
        format: a key of `veraface.imaging.formats.FORMATS`: "JPEG", "PNG", "WEBP", "AVIF", "HEIF", "GIF",
            "BMP" or "TIFF"; "pixels" for an array or a PIL image in memory.
        data: the bytes of the file; None for "pixels".
        container: what the one pass over the file found: orientation, EXIF, XMP and more.
        jpeg: how a JPEG was encoded; None for other formats.
        color: how its pixels are converted to sRGB.
    """

    def __init__(self, source: ImageSource, limits: ImageLimits | None = None) -> None:
        """Read the header; raise `ImageError` for what is not a supported image within the limits.

        Args:
            source: a path, the bytes of a file, a binary file object (read from its current position), a PIL
                image, or an RGB uint8 array of shape (height, width, 3).
            limits: the defaults of `ImageLimits` if None.
        """
        limits = limits or ImageLimits()
        self.data: bytes | None = None
        self.format = "pixels"
        self.container = ContainerInfo()
        self.jpeg: JpegInfo | None = None
        if isinstance(source, np.ndarray):
            _check_array(source)
            _check_size(source.shape[1], source.shape[0], limits)
            image = self._image = Image.fromarray(np.ascontiguousarray(source))
        elif isinstance(source, Image.Image):
            _check_size(*source.size, limits)
            image = self._image = source
            self.container = _load(source)
        else:
            start = _position(source)
            self.data = read_bytes(source, limits.max_bytes)
            self.format, self.container, image = _open_from(self.data, start)
            if isinstance(image, JpegImagePlugin.JpegImageFile):
                self.jpeg = _jpeg_info(image)
            for size in self.container.stored_sizes:  # all of a HEIC is decoded before it is cropped
                _check_size(*size, limits)
        _check_size(*image.size, limits)
        is_adobe_rgb = self.format == "JPEG" and names_adobe_rgb(self.container.exif)
        self.color = color_conversion(image.info, self.container.cicp, is_adobe_rgb=is_adobe_rgb)
        swapped = self.container.orientation >= 5  # 5 to 8 exchange rows and columns
        self.width, self.height = image.size[::-1] if swapped else image.size

    @property
    def frames(self) -> int:
        """The number of frames or pages, of which `decode` returns the first; 1 for a still image."""
        return max(1, sum(seconds > 0 for seconds in self.container.durations))

    @property
    def longest_side(self) -> int:
        """The larger of width and height at full size, in pixels."""
        return max(self.width, self.height)

    @cached_property
    def _whole(self) -> bytes:
        """The file, with the end that a JPEG may lack."""
        data = self.data or b""
        return with_end(data) if self.format == "JPEG" and self.container.end is None else data

    def to_upright_rgb(self, frame: Image.Image) -> Image.Image:
        """Convert a frame of the file, as its decoder returns it, like `decode` converts the first one."""
        upright = self._upright(to_rgb(frame, self.color))
        return upright.copy() if upright is frame else upright  # the decoder changes its image

    def _upright(self, rgb: Image.Image) -> Image.Image:
        transpose = _TRANSPOSE.get(self.container.orientation)
        return rgb if transpose is None else rgb.transpose(transpose)

    def decode(self, min_side: float | None = None) -> Image.Image:
        """Decode to an upright image in sRGB, which the caller may change.

        Args:
            min_side: the longest side that is sufficient, in pixels. A JPEG is then decoded at the smallest
                of the scales 1/1, 1/2, 1/4, 1/8 that still reaches it (inside libjpeg's inverse DCT, at a
                fraction of the cost of a full decode). Full size for None and for other formats.

        Raises:
            ImageError: the data are cut off or corrupt, or have no clear meaning as 8-bit color.
        """
        try:
            image = self._image if self.data is None else FORMATS[self.format].open(BytesIO(self._whole))
            if min_side is not None and self.format == "JPEG":
                ratio = min(1.0, min_side / self.longest_side)
                image.draft(None, (max(1, int(image.width * ratio)), max(1, int(image.height * ratio))))
            declared = image.size
            rgb = to_rgb(image, self.color)
            if rgb.size != declared:  # a HEIC may declare another size than it has
                raise UnreadableImageError("the image is not as large as its file declares; save it again")
            upright = self._upright(rgb)
            return rgb.copy() if self.data is None and upright is self._image else upright
        except ImageError:
            raise
        except MemoryError as error:
            message = "decoding the image takes more memory than is available; make it smaller"
            raise ImageTooLargeError(message) from error
        except Exception as error:  # codecs raise any kind of error on hostile bytes
            message = f"the {self.format} data are cut off or corrupt; save or export the image again"
            raise UnreadableImageError(message) from error


def read_bytes(source: Any, max_bytes: int = ImageLimits.max_bytes) -> bytes:
    """Return all bytes of a path, a bytes-like object or a binary file object, or raise `ImageError`."""
    if isinstance(source, bytes | bytearray | memoryview):
        # Bytes beyond the limit are not copied; one more shows that there are some.
        data = bytes(memoryview(source).cast("B")[: max_bytes + 1])
    elif isinstance(source, str | os.PathLike):
        data = _read_file(source, max_bytes)
    elif hasattr(source, "read"):
        data = _read_stream(source, max_bytes)
    else:
        choices = "a path, bytes, a binary file object, a PIL image or an RGB uint8 array"
        raise UnsupportedImageError(f"cannot read an image from {type(source).__name__}; give {choices}")
    if not data:
        if _position(source) > 0:
            raise UnreadableImageError("the file object is at its end; call seek(0) before")
        raise UnreadableImageError("the file is empty (0 bytes)")
    if len(data) > max_bytes:
        raise too_many_bytes(max_bytes)
    return data


def _read_file(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    if path == "":
        raise UnreadableImageError("empty file name")
    try:
        path = Path(path)
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe could hang, a device could be endless
            if path.is_dir():
                raise UnreadableImageError("is a folder; use `veraface scan` for all images in it")
            raise UnreadableImageError("not a regular file; give the image file itself")
        with path.open("rb") as file:
            return file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise UnreadableImageError(missing_file(path)) from error
    except OSError as error:
        if str(path).startswith("data:"):  # too long for a name
            raise UnreadableImageError(missing_file(path)) from error
        raise UnreadableImageError(f"cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError) as error:  # a NUL or a lone surrogate in the name; a path of bytes
        raise UnreadableImageError("cannot be read: not a valid path") from error


def _read_stream(stream: Any, max_bytes: int) -> bytes:
    """Read up to the end or one byte over the limit; pipes and sockets return less than requested."""
    chunks: list[bytes] = []
    remaining = max_bytes + 1
    while remaining > 0:
        try:
            chunk = stream.read(remaining)
        except (OSError, ValueError) as error:  # ValueError: closed, or text that cannot be decoded
            raise UnreadableImageError(f"the file object cannot be read: {error}") from error
        if not isinstance(chunk, bytes | bytearray):
            given = "text; open it in binary mode ('rb')" if isinstance(chunk, str) else type(chunk).__name__
            raise UnsupportedImageError(f"the file object returns {given}")
        if not chunk:
            break
        chunks.append(bytes(chunk))
        remaining -= len(chunk)
    return b"".join(chunks)


def _position(source: Any) -> int:
    """Return where a file object is; 0 for anything else, and for streams without a position."""
    try:
        return int(source.tell())
    except (AttributeError, OSError, TypeError, ValueError):
        return 0


def _open_from(data: bytes, start: int) -> tuple[str, ContainerInfo, Image.Image]:
    """Open an image that was read from a file object at this position."""
    try:
        return _open(data)
    except ImageError as error:
        if start == 0:
            raise
        hint = f"{error}; the file object was read from byte {start} on, perhaps seek(0) was forgotten"
        raise type(error)(hint) from error


def _open(data: bytes) -> tuple[str, ContainerInfo, Image.Image]:
    """Return the format, the result of the guard, and the image with its header read."""
    name = require_format(data)
    try:
        info = FORMATS[name].scan(data)
        image = FORMATS[name].open(BytesIO(data))
        check_variant(image)
        if FORMATS[name].decoder_metadata:
            info = replace(add_exif(info, _block(image, "exif")), xmp=_block(image, "xmp"))
            if name == "HEIF":  # libheif has applied the orientation
                info = replace(info, orientation=1, cicp=_code_points(image))
            if name in _FRAME_SECONDS:
                info = replace(info, durations=(_FRAME_SECONDS[name],) * getattr(image, "n_frames", 1))
        return name, info, image
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageTooLargeError(
            f"the image has more than {PILLOW_MAX_PIXELS} pixels; scale it down"
        ) from error
    except Exception as error:
        raise UnreadableImageError(f"the file begins like a {name} but is cut off or corrupt") from error


def _block(image: Image.Image, name: str) -> bytes | None:
    block = image.info.get(name)
    return block if isinstance(block, bytes) else None


def _code_points(image: Image.Image) -> tuple[int, int] | None:
    """Return the code points that libheif found for the main image, of primaries and transfer."""
    nclx = image.info.get("nclx_profile")
    return (nclx["color_primaries"], nclx["transfer_characteristics"]) if nclx else None


def _jpeg_info(image: JpegImagePlugin.JpegImageFile) -> JpegInfo:
    # The header may announce more components than it lists.
    whole = image.layers == len(image.layer) == 3
    sampling = JpegImagePlugin.get_sampling(image) if whole else -1
    tables = tuple(tuple(image.quantization[key]) for key in sorted(image.quantization))
    names = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
    return JpegInfo(tables, names.get(sampling), bool(image.info.get("progressive")))


def _check_size(width: int, height: int, limits: ImageLimits) -> None:
    if width < 1 or height < 1:
        raise UnreadableImageError(f"the image has no pixels ({width} x {height})")
    if width * height > limits.max_pixels:
        raise too_many_pixels(width, height, limits.max_pixels)
    if max(width, height) > limits.max_side:
        raise too_long_side(width, height, limits.max_side)


def _check_array(array: NDArray[Any]) -> None:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise UnsupportedImageError(
            f"an array must be uint8 of shape (height, width, 3), not {array.dtype} of shape {array.shape}"
        )


def _load(image: Image.Image) -> ContainerInfo:
    """Bring the pixels of a PIL image into memory, if it was only opened; return its orientation."""
    try:
        image.load()
    except Exception as error:
        raise UnreadableImageError("the PIL image cannot be loaded; its file is closed or corrupt") from error
    try:
        # Not of an MPO, whose further images are previews and gain maps.
        frames = getattr(image, "n_frames", 1) if image.format in FORMATS else 1
    except Exception:  # the frames after the current one are cut off or corrupt
        frames = 1
    try:
        orientation = add_exif(ContainerInfo(), _block(image, "exif")).orientation
    except UnreadableImageError:  # more EXIF than any real image has
        orientation = 1
    return ContainerInfo(orientation, durations=(0.1,) * frames)


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Encode an image in memory; `kind` and options as `PIL.Image.Image.save` takes them."""
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def recompress(image: Image.Image, quality: int, kind: str = "JPEG", *, subsampling: int = 2) -> Image.Image:
    """Encode an RGB image in memory and decode it again, like a messenger or a web site.

    `kind` is "JPEG" or "WEBP", `quality` 1 to 100 on the scale of that encoder, and `subsampling` of a JPEG's
    color channels has Pillow's numbers: 0 for 4:4:4, 2 for 4:2:0.
    """
    options = {"subsampling": subsampling} if kind == "JPEG" else {"method": 2}
    encoded = BytesIO(encode(image, kind, quality=quality, **options))
    return Image.open(encoded, formats=[kind]).convert("RGB")


def thumbnail(image: Image.Image, side: int) -> bytes:
    """Encode an RGB image as a JPEG of at most `side` px that contains nothing else of the image's file."""
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    small.info.clear()
    return encode(small, "JPEG", quality=80)
