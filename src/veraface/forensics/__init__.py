"""Image forensics without a trained model: views for a person to look at, and JPEG compression history."""

from typing import TYPE_CHECKING

from veraface.utils import lazy_exports

if TYPE_CHECKING:
    from veraface.forensics.ela import error_levels
    from veraface.forensics.jpeg_grid import find_jpeg_grid
    from veraface.forensics.noise import noise_residual
    from veraface.forensics.views import VIEW_GUIDES, ForensicViews, ViewGuide, forensic_views

__all__ = ["VIEW_GUIDES", "ForensicViews", "ViewGuide"]
__all__ += ["error_levels", "find_jpeg_grid", "forensic_views", "noise_residual"]

_EXPORTS = {"ela": "error_levels", "jpeg_grid": "find_jpeg_grid", "noise": "noise_residual"}
_EXPORTS["views"] = "VIEW_GUIDES ForensicViews ViewGuide forensic_views"

__getattr__ = lazy_exports(__name__, _EXPORTS)
