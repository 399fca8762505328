"""Images: recognizing, checking and decoding them. The names below load Pillow when they are first used."""

from typing import TYPE_CHECKING

from veraface.utils import lazy_exports

if TYPE_CHECKING:
    from veraface.imaging.decode import ImageFile, ImageLimits, ImageSource
    from veraface.imaging.formats import FORMATS, ImageFormat, sniff_format
    from veraface.imaging.guards import ContainerInfo
    from veraface.imaging.lazy import LazyImage

__all__ = ["FORMATS", "ContainerInfo", "ImageFile", "ImageFormat", "ImageLimits", "ImageSource", "LazyImage"]
__all__ += ["sniff_format"]

_EXPORTS = {"decode": "ImageFile ImageLimits ImageSource", "formats": "FORMATS ImageFormat sniff_format"}
_EXPORTS |= {"guards": "ContainerInfo", "lazy": "LazyImage"}

__getattr__ = lazy_exports(__name__, _EXPORTS)
