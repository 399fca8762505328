"""Routes of the browser page, its static files and the API documentation."""

import mimetypes
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

STATIC = Path(__file__).parent / "static"

# The page is one document; js/router.js shows the view of each path.
_VIEWS = ("/", "/history", "/dashboard", "/about", "/result/{id}")

# Browsers execute modules of this type only, and some systems map .js to text/plain.
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("application/manifest+json", ".webmanifest")
mimetypes.add_type("text/plain", "")  # display LICENSE files instead of downloading them


def install_pages(app: FastAPI) -> None:
    """Add the page at all its paths, /docs, /static and the service worker to the application."""
    # FastAPI's own /docs loads Swagger UI from another host. fastapi_offline ships the same files.
    swagger = Path(str(files("fastapi_offline"))) / "static"

    def add(path: str, file: Path) -> None:
        app.add_api_route(path, lambda: FileResponse(file), include_in_schema=False)

    for path in _VIEWS:
        add(path, STATIC / "index.html")
    # The scope of a service worker is the folder of its URL.
    add("/sw.js", STATIC / "sw.js")
    add("/docs", STATIC / "docs.html")
    add("/docs/swagger-ui.css", swagger / "swagger-ui.css")
    add("/docs/swagger-ui-bundle.js", swagger / "swagger-ui-bundle.js")
    app.mount("/static", GZipMiddleware(StaticFiles(directory=STATIC)), name="static")
