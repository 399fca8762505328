"""ASGI middleware: security headers, and an access log without what a client can choose freely."""

import logging
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from asgi_correlation_id import correlation_id
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veraface.server.errors import FAULT, internal_error

_access = logging.getLogger("veraface.access")
_log = logging.getLogger("veraface.server")

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_POLICY = {
    **dict.fromkeys(["default-src", "base-uri", "frame-ancestors"], "'none'"),
    **dict.fromkeys(["script-src", "style-src", "connect-src", "worker-src", "manifest-src"], "'self'"),
    "form-action": "'self'",
    "img-src": "'self' blob: data:",
    "media-src": "blob:",  # a video that was chosen
}
# Trusted Types: the browser refuses to turn text into markup or code, except in js/trusted.js.
_PAGE_POLICY = {**_POLICY, "require-trusted-types-for": "'script'", "trusted-types": "veraface"}
# Swagger UI writes markup with style attributes. No script is allowed for it.
_DOCS_POLICY = {**_POLICY, "style-src": "'self' 'unsafe-inline'"}
# A report allows its own style by a hash, and nothing else.
_REPORT = "/api/v1/report"
_REPORT_POLICY = {
    **dict.fromkeys(["default-src", "base-uri", "form-action", "frame-ancestors"], "'none'"),
    "style-src": "'unsafe-inline'",
    "img-src": "data:",
}

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), browsing-topics=()",
    "X-Frame-Options": "DENY",
}


class SecurityHeaders:
    """Adds security headers to every response; `frame_origins` may show the page in a frame."""

    def __init__(self, app: ASGIApp, frame_origins: Sequence[str] = ()) -> None:
        self._app = app
        self._headers = dict(_HEADERS)
        self._frames = {}
        if frame_origins:
            self._frames = {"frame-ancestors": " ".join(frame_origins)}
            # It cannot name sites, and browsers would apply it in addition to the policy.
            del self._headers["X-Frame-Options"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update({**self._headers, "Content-Security-Policy": self._policy(path)})
                # Results are not cached; files of the page are revalidated (304).
                is_live = path.startswith("/api/") or path == "/metrics"
                headers.setdefault("Cache-Control", "no-store" if is_live else "no-cache")
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _policy(self, path: str) -> str:
        policy = {**{"/docs": _DOCS_POLICY, _REPORT: _REPORT_POLICY}.get(path, _PAGE_POLICY), **self._frames}
        return "; ".join(f"{name} {sources}" for name, sources in policy.items())


class RootPath:
    """Serves the application under a path such as "/veraface", whether or not a proxy removes it.

    The application sees paths without it.
    """

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self._app = app
        self._root = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if path == self._root or path.startswith(f"{self._root}/"):
            scope = {**scope, "path": path.removeprefix(self._root) or "/"}

        async def send_with_location(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if location := headers.get("location"):  # of a path with a slash at its end, to one without
                    headers["location"] = (
                        self._root + urlsplit(location)._replace(scheme="", netloc="").geturl()
                    )
            await send(message)

        await self._app(scope, receive, send_with_location)


class HeadRequests:
    """Responds to HEAD on every route as to GET, without the body (RFC 9110, section 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        scope["method"] = "GET"
        try:
            await self._app(scope, receive, send_without_body)
        finally:
            scope["method"] = "HEAD"  # for logs, metrics and traces


@dataclass(frozen=True)
class RequestRecord:
    """A handled request, for logs and metrics."""

    method: str
    route: str
    status: int
    """HTTP status; 0 if the client disconnected before the response began"""
    seconds: float
    """time from the end of the request's headers to the end of the response"""
    error_code: str | None
    """the `code` of the error response; None for other responses"""


class StatusRecorder:
    """Passes the messages of a response on, and records its `status`: 0 until the response begins."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


def method_of(scope: Scope) -> str:
    """Return the HTTP method of a request; "other" for one that no route accepts."""
    method: str = scope["method"]
    return method if method in _METHODS else "other"


def route_of(scope: Scope) -> str:
    """Return the route with its parameters unfilled, never the path: a path can be private or forged."""
    path = getattr(scope.get("route"), "path", None)
    if isinstance(path, str) and path:
        return path
    return "/static" if scope["path"].startswith("/static/") else "(no such page)"


class AccessLog:
    """Logs every request, and responds with status 500 if the application raises an exception."""

    def __init__(self, app: ASGIApp, observers: Sequence[Callable[[RequestRecord], None]] = ()) -> None:
        self._app = app
        self._observers = (_log_access, *observers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        response = StatusRecorder(send)
        try:
            await self._app(scope, receive, response)
        except Exception as error:
            # Without the error's message: a decoder may quote the image's metadata in it.
            where = "".join(traceback.format_tb(error.__traceback__))
            _log.error("%s in %s %s\n%s", type(error).__name__, method_of(scope), route_of(scope), where)
            fault = internal_error()
            scope[FAULT] = fault.code
            if not response.status:
                await fault.response()(scope, receive, response)
        finally:
            seconds = time.perf_counter() - started
            route, code = route_of(scope), scope.get(FAULT)
            record = RequestRecord(method_of(scope), route, response.status, seconds, code)
            for observe in self._observers:
                observe(record)


def _log_access(record: RequestRecord) -> None:
    fields = {"event": "request", "method": record.method, "route": record.route, "status": record.status}
    fields["ms"] = round(record.seconds * 1000)
    message = "%(method)s %(route)s %(status)d %(ms)d ms %(id)s"
    if record.error_code:
        fields["fault"] = record.error_code
    _access.info(message, {**fields, "id": correlation_id.get()}, extra=fields)
