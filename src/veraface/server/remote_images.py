"""Fetches images from public addresses only: protection against SSRF. Needs httpx, the extra `links`.

Rules: OWASP, Server-Side Request Forgery Prevention Cheat Sheet, case 2 (any public host is allowed)
https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
Addresses: the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890).

httpx-secure is not used: it opens a TCP connection to a denied address before it checks the address, it
checks one of several addresses of a name, and it takes no other resolver.
"""

import asyncio
import contextlib
import logging
import re
import socket
import ssl
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from veraface import __version__
from veraface.errors import UnsupportedImageError
from veraface.server.errors import ApiError
from veraface.server.uploads import Upload, safe_filename, too_large

Address = IPv4Address | IPv6Address

_MAX_URL_LENGTH = 4096
_MAX_REDIRECTS = 3
_MAX_CONCURRENT = 8  # further requests wait, within their own timeout
_REDIRECTS = (301, 302, 303, 307, 308)
_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_HEADERS = {
    "User-Agent": f"Veraface/{__version__}",
    "Accept": "image/*",
    "Accept-Encoding": "identity",  # nothing is decompressed, so no response can be a decompression bomb
    "Connection": "close",
}
# Content types that servers send for files of unknown type; the decoder checks the content anyway.
_UNKNOWN_TYPES = ("application/octet-stream", "binary/octet-stream")
# Resolvers read a host whose last label is a number as an IPv4 address: 2130706433, 0x7f.1, 0177.0.0.1.
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
# IPv6 addresses assigned to hosts; this excludes loopback, local, mapped and NAT64 addresses.
_IPV6_UNICAST = ip_network("2000::/3")
_NOT_PUBLIC = [
    ip_network("2001::/23"),  # protocol assignments, among them Teredo (embeds an IPv4 address)
    ip_network("2001:db8::/32"),  # documentation
    ip_network("2002::/16"),  # 6to4, embeds an IPv4 address
    ip_network("3fff::/20"),  # documentation
    # IPv4: networks that `is_global` of some Python versions accepts.
    ip_network("192.0.0.0/24"),  # protocol assignments; metadata service of one cloud
    ip_network("192.88.99.0/24"),  # 6to4 relays
    ip_network("168.63.129.16/32"),  # platform service of another cloud
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
        """Send a request to the first address of its host that can be connected to; all must be allowed."""
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


class RemoteImageFetcher:
    """Fetches images from the public internet into memory; the timeout includes names and redirects."""

    def __init__(self, max_bytes: int, timeout_s: float, transport: PublicTransport | None = None) -> None:
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._transport = transport or PublicTransport(timeout_s / 3)
        self._slots = asyncio.Semaphore(_MAX_CONCURRENT)
        # Its debug messages contain hosts, paths and headers; a URL is as private as an image.
        logging.getLogger("httpcore").setLevel(logging.WARNING)

    async def fetch(self, link: str) -> Upload:
        """Fetch the image at a URL; raise an ApiError as soon as the file is known to be too large."""
        url = _parse(link)
        try:
            async with asyncio.timeout(self._timeout_s), self._slots:
                return Upload(await self._follow(url), safe_filename(url.path))
        except TimeoutError:
            message = f"the image did not arrive within {self._timeout_s:g} s; save it and send the file"
            raise ApiError(504, "link_timeout", message) from None
        except NotPublicError:
            message = "the address of this link is not public; only images on the public web are fetched"
            raise ApiError(400, "link_refused", message) from None
        except (httpx.HTTPError, OSError, ValueError):  # ValueError: int() of a header with too many digits
            raise _unreachable("its server cannot be reached, or closes the connection") from None

    async def _follow(self, url: httpx.URL) -> bytes:
        # Without an httpx client: it would keep cookies, and report invalid redirects as network errors.
        for _ in range(_MAX_REDIRECTS + 1):
            request = httpx.Request("GET", url, headers=_HEADERS)
            response = await self._transport.handle_async_request(request)
            async with contextlib.aclosing(response):
                if response.status_code not in _REDIRECTS:
                    return await self._read(response)
                url = _parse(response.headers.get("location", ""), base=url)
        raise _unreachable(f"it is redirected more than {_MAX_REDIRECTS} times")

    async def _read(self, response: httpx.Response) -> bytes:
        if response.status_code != 200:
            raise _unreachable(f"its server responds with HTTP status {response.status_code}")
        if response.headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
            raise _unreachable("its server compresses it although the request did not allow that")
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type and not content_type.startswith("image/") and content_type not in _UNKNOWN_TYPES:
            message = "the content type of this link is not an image; link to the image itself"
            raise ApiError(415, UnsupportedImageError.code, message)
        declared = response.headers.get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared) > self._max_bytes:
            raise too_large(self._max_bytes)
        content = bytearray()
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > self._max_bytes:
                raise too_large(self._max_bytes)
        return bytes(content)


def _parse(link: str, base: httpx.URL | None = None) -> httpx.URL:
    """Parse a URL that may be requested; raise an ApiError of status 400 otherwise."""
    if len(link) > _MAX_URL_LENGTH:
        raise _bad(f"it is longer than {_MAX_URL_LENGTH} characters")
    try:
        url = base.join(link) if base else httpx.URL(link)
        host = url.raw_host.decode()
        is_ipv6 = ":" in host and "%" not in host  # without a zone
    except (httpx.InvalidURL, ValueError):
        raise _bad("it is malformed") from None
    if url.scheme not in ("http", "https"):
        raise _bad("only links that begin with http:// or https:// are accepted")
    if url.userinfo:
        raise _bad("it contains a user name or password")
    is_host = is_ipv6 or _HOST_NAME.fullmatch(host.removesuffix("."))
    if not is_host or (url.port is not None and not 0 < url.port < 65536):
        raise _bad("it is malformed")
    return url


def _bad(reason: str) -> ApiError:
    return ApiError(400, "bad_link", f"this link cannot be fetched: {reason}")


def _unreachable(reason: str) -> ApiError:
    return ApiError(502, "link_unreachable", f"the image cannot be fetched from this link: {reason}")
