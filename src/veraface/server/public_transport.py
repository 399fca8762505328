"""An HTTP transport that connects to public addresses only: protection against SSRF.

Rules: OWASP, Server-Side Request Forgery Prevention Cheat Sheet, case 2 (any public host is allowed)
https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
Addresses: the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890).

httpx-secure is not used: it opens a TCP connection to a denied address before it checks the address, it
checks one of several addresses of a name, and it takes no other resolver.
"""

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

Address = IPv4Address | IPv6Address

# Resolvers read a host whose last label is a number as an IPv4 address: 2130706433, 0x7f.1, 0177.0.0.1.
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
# IPv6 addresses assigned to hosts; this excludes loopback, local, mapped and NAT64 addresses.
_IPV6_UNICAST = ip_network("2000::/3")
_NOT_PUBLIC = [
    ip_network(network)
    for network in (
        "2001::/23",  # protocol assignments, among them Teredo (embeds an IPv4 address)
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, embeds an IPv4 address
        "3fff::/20",  # documentation
        # IPv4: networks that `is_global` of some Python versions accepts.
        "192.0.0.0/24",  # protocol assignments; metadata service of one cloud
        "192.88.99.0/24",  # 6to4 relays
        "168.63.129.16/32",  # platform service of another cloud
    )
]


class NotPublicError(Exception):
    """A host has an address that is not public."""


def is_public(address: Address) -> bool:
    """Return whether an address is global unicast and not an address of this machine."""
    if isinstance(address, IPv6Address):
        unicast = address in _IPV6_UNICAST and address.scope_id is None
    else:
        unicast = address.is_global and not address.is_multicast and not address.is_reserved
    special = any(address in network for network in _NOT_PUBLIC)
    return unicast and not special and not is_this_machine(address)


def is_this_machine(address: Address) -> bool:
    """Return whether an address is one of this machine, where services behind a firewall may listen."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((str(address), 9))  # selects a route; sends nothing
        return ip_address(probe.getsockname()[0]) == address
    return False


async def resolve(host: str) -> list[str]:
    """Return all addresses of a host name by the system's resolver; raises OSError if there is none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class PublicTransport(httpx.AsyncBaseTransport):
    """Resolves a host once, checks all of its addresses, and connects to an address that was checked.

    It uses no proxy, and a new connection for each request: TLS that was verified for one name must not serve
    another name at the same address. The timeout is that of an address while the host has further ones.
    """

    def __init__(
        self,
        timeout_s: float,
        *,
        resolve: Callable[[str], Awaitable[list[str]]] = resolve,
        allow: Callable[[Address], bool] = is_public,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._resolve = resolve
        self._allow = allow
        tls = tls or httpx.create_ssl_context(trust_env=False)  # with the certificates of certifi
        limits = httpx.Limits(max_keepalive_connections=0)
        self._transport = httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the first address of its host that can be connected to.

        Raises:
            NotPublicError: An address of the host is not allowed.
            httpx.TransportError: The host cannot be reached, or violates the protocol.
            OSError: The host name cannot be resolved.
        """
        name = request.url.raw_host.decode()
        addresses = await self._addresses(name)
        for address in addresses:
            last = address is addresses[-1]
            pinned = httpx.Request(
                request.method,
                request.url.copy_with(host=str(address)),
                headers=request.headers,  # `Host` names the host, not the address
                stream=request.stream,
                extensions={
                    "sni_hostname": name.removesuffix("."),  # the certificate must be valid for it
                    "timeout": {"connect": None if last else self._timeout_s},
                },
            )
            try:
                return await self._transport.handle_async_request(pinned)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if last:
                    raise
        raise httpx.ConnectError("the host name has no address", request=request)

    async def _addresses(self, host: str) -> list[Address]:
        try:
            addresses = [ip_address(host)]
        except ValueError:
            if _NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]):
                raise NotPublicError from None
            addresses = [ip_address(found) for found in dict.fromkeys(await self._resolve(host))]
        if not all(map(self._allow, addresses)):
            raise NotPublicError
        return addresses

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()
