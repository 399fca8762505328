"""Images: recognizing, checking and decoding them. The names below load Pillow when they are first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'decode')}"), name)
