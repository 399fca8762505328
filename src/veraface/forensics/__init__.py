"""Image forensics without a trained model: views for a person to look at, and JPEG compression history.

The names below load Pillow and NumPy when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from veraface.forensics.ela import error_levels
    from veraface.forensics.jpeg_grid import find_jpeg_grid
    from veraface.forensics.noise import noise_residual
    from veraface.forensics.views import VIEW_GUIDES, ForensicViews, ViewGuide, forensic_views

__all__ = [
    "VIEW_GUIDES",
    "ForensicViews",
    "ViewGuide",
    "error_levels",
    "find_jpeg_grid",
    "forensic_views",
    "noise_residual",
]

_MODULES = {"error_levels": "ela", "find_jpeg_grid": "jpeg_grid", "noise_residual": "noise"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'views')}"), name)
