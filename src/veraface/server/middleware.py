"""ASGI middleware: security headers, and an access log without private data."""

import logging
import time
import traceback
from collections.abc import Sequence

from asgi_correlation_id import correlation_id
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veraface.server.errors import FAULT, INTERNAL_ERROR, fault_response
from veraface.server.request_record import RequestObserver, RequestRecord, method_of, route_of

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
# Trusted Types: the browser refuses to turn text into markup or code, except in js/trusted.js.
_PAGE_POLICY = {**_POLICY, "require-trusted-types-for": "'script'", "trusted-types": "veraface"}
# Swagger UI writes markup with style attributes. No script is allowed for it.
_DOCS_POLICY = {**_POLICY, "style-src": "'self' 'unsafe-inline'"}

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), browsing-topics=()",
    "X-Frame-Options": "DENY",
}


class SecurityHeaders:
    """ASGI middleware that adds a content security policy and other headers to every response.

    Args:
        app: The application inside.
        frame_origins: Other sites that may show the page in a frame.
    """

    def __init__(self, app: ASGIApp, frame_origins: Sequence[str] = ()) -> None:
        self._app = app
        self._frame_origins = frame_origins
        self._headers = dict(_HEADERS)
        if frame_origins:
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
        policy = _DOCS_POLICY if path == "/docs" else _PAGE_POLICY
        if self._frame_origins:
            policy = {**policy, "frame-ancestors": " ".join(self._frame_origins)}
        return "; ".join(f"{name} {sources}" for name, sources in policy.items())


class AccessLog:
    """ASGI middleware that logs every request, and answers 500 where the application raises an error.

    Args:
        app: The application inside.
        observers: Called with the record of every request.
    """

    def __init__(self, app: ASGIApp, observers: Sequence[RequestObserver] = ()) -> None:
        self._app = app
        self._observers = (_log_access, *observers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def send_and_note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note_status)
        except Exception as error:
            # Without the error's message: a decoder may quote the image's metadata in it.
            where = "".join(traceback.format_tb(error.__traceback__))
            _log.error("%s in %s %s\n%s", type(error).__name__, method_of(scope), route_of(scope), where)
            scope[FAULT] = INTERNAL_ERROR[0]
            if not status:
                await fault_response(500, *INTERNAL_ERROR)(scope, receive, send_and_note_status)
        finally:
            seconds = time.perf_counter() - started
            record = RequestRecord(method_of(scope), route_of(scope), status, seconds, scope.get(FAULT))
            for observe in self._observers:
                observe(record)


def _log_access(record: RequestRecord) -> None:
    took_ms = round(record.seconds * 1000)
    fields = {
        "event": "request",
        "method": record.method,
        "route": record.route,
        "status": record.status,
        "ms": took_ms,
    }
    if record.error_code:
        fields["fault"] = record.error_code
    _access.info(
        "%s %s %d %d ms %s",
        *(record.method, record.route, record.status, took_ms, correlation_id.get()),
        extra=fields,
    )
