"""The names by which clients may address the server, against DNS rebinding.

A web site can let its own name resolve to 127.0.0.1. To the visitor's browser its page and a server on that
machine then have the same origin, so the page reads every response. The name is still in the Host header:
browsers write it, and pages cannot change it.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from veraface.server.errors import FAULT, ApiError

# RFC 6761: *.localhost is this machine. Resolvers and browsers do not look it up.
_THIS_MACHINE = ("localhost", "*.localhost", "127.0.0.1", "::1")
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+?)\.?)(?::\d*)?", re.IGNORECASE)


def is_loopback(address: str) -> bool:
    """Return whether a server that listens on this address or name is reached from its own machine only."""
    try:
        found = [ipaddress.ip_address(address)]
    except ValueError:
        try:
            found = [ipaddress.ip_address(each[4][0]) for each in socket.getaddrinfo(address, None)]
        except (OSError, ValueError):
            return False
    return all(each.is_loopback for each in found)


def allowed_names(address: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the names for a server that listens on `address`; none if every name is allowed."""
    if not (names or is_loopback(address)):
        return ()
    return (*_THIS_MACHINE, address.lower(), *names)


class AllowedHosts:
    """Refuses requests whose Host header has none of these names, such as "example.org" or "*.example.org".

    The port is not compared. A request without the header is let through: no browser sends one.
    """

    def __init__(self, app: ASGIApp, names: tuple[str, ...]) -> None:
        self._app = app
        self._names = frozenset(name for name in names if not name.startswith("*"))
        self._endings = tuple(name[1:] for name in names if name.startswith("*"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or all(map(self._allows, Headers(scope=scope).getlist("host"))):
            await self._app(scope, receive, send)
            return
        error = ApiError(
            403,
            "host_not_allowed",
            "this server is not known by the name in the Host header; its operator can add the name "
            "with --allowed-host or VERAFACE_ALLOWED_HOSTS",
        )
        scope[FAULT] = error.code
        await error.response()(scope, receive, send)

    def _allows(self, host: str) -> bool:
        match = _HOST.fullmatch(host)
        name = (match[1] or match[2]).lower() if match else ""
        return name in self._names or name.endswith(self._endings)
