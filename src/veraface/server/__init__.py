"""The web server: the HTTP API and the browser page."""

from typing import TYPE_CHECKING

from veraface.utils import lazy_exports

if TYPE_CHECKING:
    from veraface.server.app import create_app, serve
    from veraface.server.settings import Settings, SettingsError, load_settings

__all__ = ["Settings", "SettingsError", "create_app", "load_settings", "serve"]

# FastAPI and Uvicorn are imported at the first use only, since commands import modules of this package.
_EXPORTS = {"app": "create_app serve", "settings": "Settings SettingsError load_settings"}

__getattr__ = lazy_exports(__name__, _EXPORTS)
