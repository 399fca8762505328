"""The web server: the HTTP API and the browser page."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from veraface.server.app import create_app, serve
    from veraface.server.settings import Settings, SettingsError, load_settings

__all__ = ["Settings", "SettingsError", "create_app", "load_settings", "serve"]


def __getattr__(name: str) -> Any:
    """Import FastAPI and Uvicorn at the first use only, since commands import modules of this package."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from veraface.server import app, settings

    return getattr(app if name in ("create_app", "serve") else settings, name)
