"""What goes around every answer: safe headers, an access log without private parts, no leaked traces."""

import logging
import time
import traceback
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veraface.server.errors import FAULT, INTERNAL_ERROR, fault_response
from veraface.server.logs import FIELDS, choose_request_id, request_id
from veraface.server.request_record import Answered, Listener, method_of, route_of

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


def _policy(path: str, frame_origins: Sequence[str]) -> str:
    policy = _DOCS_POLICY if path == "/docs" else _PAGE_POLICY
    if frame_origins:
        policy = {**policy, "frame-ancestors": " ".join(frame_origins)}
    return "; ".join(f"{name} {sources}" for name, sources in policy.items())


class Guard:
    """ASGI middleware; the outermost one that the application itself adds.

    Args:
        app: What answers.
        listeners: Are told of every request that was answered.
        frame_origins: Other sites that may show the page in a frame of theirs.
    """

    def __init__(
        self, app: ASGIApp, listeners: Sequence[Listener] = (), frame_origins: Sequence[str] = ()
    ) -> None:
        self._app = app
        self._frame_origins = frame_origins
        # The older header cannot name sites; browsers would heed it beside the policy where that names some.
        self._headers = {
            name: value
            for name, value in _HEADERS.items()
            if not (frame_origins and name == "X-Frame-Options")
        }
        self._listeners = (_log_access, *listeners)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0
        name = choose_request_id(Headers(scope=scope).get("X-Request-ID", ""))
        request_id.set(name)  # of this task only: each request has its own

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                policy = _policy(scope["path"], self._frame_origins)
                headers.update({**self._headers, "Content-Security-Policy": policy})
                headers["X-Request-ID"] = name
                # A result must not outlive its page; page files are asked for anew, answered 304.
                is_live = scope["path"].startswith("/api/") or scope["path"] == "/metrics"
                headers.setdefault("Cache-Control", "no-store" if is_live else "no-cache")
            await send(message)

        try:
            await self._app(scope, receive, send_guarded)
        except Exception as error:
            # The error's own text is left out: a decoder may quote the image's metadata in it.
            where = "".join(traceback.format_tb(error.__traceback__))
            _log.error("%s in %s %s\n%s", type(error).__name__, method_of(scope), route_of(scope), where)
            scope[FAULT] = INTERNAL_ERROR[0]
            if not status:
                await fault_response(500, *INTERNAL_ERROR)(scope, receive, send_guarded)
        finally:
            answered = Answered(
                method_of(scope), route_of(scope), status, time.perf_counter() - started, scope.get(FAULT)
            )
            for listener in self._listeners:
                listener(answered)


def _log_access(answered: Answered) -> None:
    took_ms = round(answered.seconds * 1000)
    fields = {
        "event": "request",
        "method": answered.method,
        "route": answered.route,
        "status": answered.status,
        "ms": took_ms,
    }
    if answered.fault:
        fields["fault"] = answered.fault
    _access.info(
        "%s %s %d %d ms %s",
        *(answered.method, answered.route, answered.status, took_ms, request_id.get()),
        extra={FIELDS: fields},
    )
