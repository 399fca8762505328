"""Routes of the browser page, its static files and the API documentation."""

import hashlib
import mimetypes
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

STATIC = Path(__file__).parent / "static"

# The page is one document; js/router.js shows the view of each path.
_VIEWS = ("/", "/history", "/dashboard", "/about", "/result/{id}")

# Browsers execute modules of this type only, and some systems map .js to text/plain.
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("application/manifest+json", ".webmanifest")
mimetypes.add_type("text/plain", "")  # display LICENSE files instead of downloading them


def install_pages(app: FastAPI, root_path: str = "") -> None:
    """Add the page at all its paths, /docs, /static and the service worker to the application.

    `root_path` is the path under which a proxy serves the page.
    """
    # FastAPI's own /docs loads Swagger UI from another host. fastapi_offline ships the same files.
    swagger = Path(str(files("fastapi_offline"))) / "static"

    def add(path: str, file: Path) -> None:
        if root_path and file.suffix == ".html":
            page = _page_under(root_path, file)
            headers = {"ETag": f'"{hashlib.sha256(page.encode()).hexdigest()}"'}
            app.add_api_route(path, lambda: HTMLResponse(page, headers=headers), include_in_schema=False)
        else:
            app.add_api_route(path, lambda: FileResponse(file), include_in_schema=False)

    for path in _VIEWS:
        add(path, STATIC / "index.html")
    # The scope of a service worker is the folder of its URL.
    add("/sw.js", STATIC / "sw.js")
    add("/docs", STATIC / "docs.html")
    add("/docs/swagger-ui.css", swagger / "swagger-ui.css")
    add("/docs/swagger-ui-bundle.js", swagger / "swagger-ui-bundle.js")
    app.mount("/static", GZipMiddleware(StaticFiles(directory=STATIC)), name="static")


def _page_under(root_path: str, file: Path) -> str:
    """Return a page whose addresses begin with the root path, which its scripts read from `data-root`."""
    page = file.read_text(encoding="utf-8").replace('="/', f'="{root_path}/')
    return page.replace("<html ", f'<html data-root="{root_path}" ', 1)
