"""Image forensics without a trained model: views for a person to look at, and JPEG compression history."""

from typing import TYPE_CHECKING

from veraface.utils import lazy_exports

if TYPE_CHECKING:
    from veraface.forensics.guides import VIEW_GUIDES, ViewGuide
    from veraface.forensics.jpeg_grid import find_jpeg_grid
    from veraface.forensics.views import ForensicViews, error_levels, forensic_views, noise_residual

__all__ = ["VIEW_GUIDES", "ForensicViews", "ViewGuide"]
__all__ += ["error_levels", "find_jpeg_grid", "forensic_views", "noise_residual"]

_VIEWS = "ForensicViews error_levels forensic_views noise_residual"
_EXPORTS = {"guides": "VIEW_GUIDES ViewGuide", "jpeg_grid": "find_jpeg_grid", "views": _VIEWS}

__getattr__ = lazy_exports(__name__, _EXPORTS)
