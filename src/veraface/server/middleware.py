"""What goes around every answer: safe headers, an access log without private parts, no leaked traces."""

import logging
import time
import traceback

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veraface.server.faults import fault_response

_access = logging.getLogger("veraface.access")
_log = logging.getLogger("veraface.server")

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob: data:",
    "connect-src": "'self'",
    "worker-src": "'self'",
    "manifest-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
# No text becomes markup or code: the browser refuses, but for the service worker's address (js/trusted.js).
_PAGE_POLICY = {**_POLICY, "require-trusted-types-for": "'script'", "trusted-types": "veraface"}
# Swagger UI sets style attributes in the markup it makes, and makes markup; no script is let in for it.
_DOCS_POLICY = {**_POLICY, "style-src": "'self' 'unsafe-inline'"}

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), browsing-topics=()",
    "X-Frame-Options": "DENY",
}


def _policy(path: str) -> str:
    policy = _DOCS_POLICY if path == "/docs" else _PAGE_POLICY
    return "; ".join(f"{name} {sources}" for name, sources in policy.items())


def _page_name(scope: Scope) -> str:
    """The route, never the path itself: what a client puts in a path can be private or forged."""
    path = getattr(scope.get("route"), "path", None)
    if isinstance(path, str) and path:
        return path
    return "/static" if scope["path"].startswith("/static/") else "(no such page)"


class Guard:
    """ASGI middleware; the outermost one that the application itself adds."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.update({**_HEADERS, "Content-Security-Policy": _policy(scope["path"])})
                # A result must not outlive its page; page files are asked for anew, answered 304.
                is_api = scope["path"].startswith("/api/")
                headers.setdefault("Cache-Control", "no-store" if is_api else "no-cache")
            await send(message)

        try:
            await self._app(scope, receive, send_guarded)
        except Exception as error:
            # The error's own text is left out: a decoder may quote the picture's metadata in it.
            where = "".join(traceback.format_tb(error.__traceback__))
            _log.error("%s in %s %s\n%s", type(error).__name__, scope["method"], _page_name(scope), where)
            if not status:
                message = "something went wrong in the server; its log has more"
                await fault_response(500, "internal_error", message)(scope, receive, send_guarded)
        finally:
            took_ms = (time.perf_counter() - started) * 1000
            _access.info("%s %s %d %.0f ms", scope["method"], _page_name(scope), status, took_ms)
