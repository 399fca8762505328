"""Routes of the browser page, its static files and the API documentation."""

import hashlib
import mimetypes
from functools import cache
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from veraface.server.compression import CompressedRoute
from veraface.server.errors import respond_with_json

STATIC = Path(__file__).parent / "static"

# The page is one document; js/router.js shows the view of each path.
_VIEWS = ("/", "/history", "/dashboard", "/about", "/verify", "/result/{id}")

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
        route = CompressedRoute if file.suffix == ".html" else None
        app.router.add_api_route(
            path, lambda: _document(file, root_path), include_in_schema=False, route_class_override=route
        )

    for path in _VIEWS:
        add(path, STATIC / "index.html")
    # The scope of a service worker is the folder of its URL.
    add("/sw.js", STATIC / "sw.js")
    add("/docs", STATIC / "docs.html")
    add("/docs/swagger-ui.css", swagger / "swagger-ui.css")
    add("/docs/swagger-ui-bundle.js", swagger / "swagger-ui-bundle.js")
    app.mount("/static", GZipMiddleware(StaticFiles(directory=STATIC)), name="static")

    async def respond(request: Request, error: Exception) -> Response:
        """Return the page to a browser that requests an unknown path, JSON for all other errors."""
        response = await respond_with_json(request, error)
        wants_page = "text/html" in request.headers.get("Accept", "")
        if response.status_code == 404 and wants_page and not request.url.path.startswith("/api/"):
            return _document(STATIC / "index.html", root_path, response.status_code)
        return response

    app.add_exception_handler(HTTPException, respond)


def _document(file: Path, root_path: str, status: int = 200) -> Response:
    if file.suffix != ".html":
        return FileResponse(file, status)
    page = _page_under(root_path, file)
    headers = {"ETag": f'"{hashlib.sha256(page.encode()).hexdigest()}"'}
    return HTMLResponse(page, status, headers)


@cache
def _page_under(root_path: str, file: Path) -> str:
    """Return a page whose addresses begin with the root path, which its scripts read from `data-root`."""
    page = file.read_text(encoding="utf-8")
    if not root_path:
        return page
    return page.replace('="/', f'="{root_path}/').replace("<html ", f'<html data-root="{root_path}" ', 1)
