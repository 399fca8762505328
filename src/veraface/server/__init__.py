"""The web server: the HTTP API and the browser page."""

from veraface.server.app import create_app, serve
from veraface.server.settings import Settings, SettingsError, load_settings

__all__ = ["Settings", "SettingsError", "create_app", "load_settings", "serve"]
