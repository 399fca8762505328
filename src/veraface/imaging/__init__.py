"""Images: recognizing, checking and decoding them. The names below load Pillow when they are first used."""

from typing import TYPE_CHECKING

from veraface.utils import lazy_exports

if TYPE_CHECKING:
    from veraface.imaging.containers import ContainerInfo
    from veraface.imaging.decode import ImageFile, ImageLimits, ImageSource
    from veraface.imaging.formats import FORMATS, ImageFormat, sniff_format
    from veraface.imaging.lazy import LazyImage

__all__ = [
    "FORMATS",
    "ContainerInfo",
    "ImageFile",
    "ImageFormat",
    "ImageLimits",
    "ImageSource",
    "LazyImage",
    "sniff_format",
]

_MODULES = {
    "FORMATS": "formats",
    "ContainerInfo": "containers",
    "ImageFormat": "formats",
    "LazyImage": "lazy",
    "sniff_format": "formats",
}

__getattr__ = lazy_exports(__name__, dict.fromkeys(__all__, "decode") | _MODULES)
