"""An image behind a link, fetched so that a link can never reach what only this machine can reach.

Rules: OWASP, Server-Side Request Forgery Prevention Cheat Sheet, case 2 (any public host may be asked)
https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
Addresses: the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890).

Needs httpx, the extra `links`; import this module only where `Settings.fetch_links` is on.
"""

import asyncio
import contextlib
import logging
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from veraface import __version__
from veraface.errors import UnsupportedImageError
from veraface.server.errors import ApiError
from veraface.server.uploads import Upload, plain_name, too_large

Address = IPv4Address | IPv6Address

_MAX_LINK = 4096  # characters
_MAX_REDIRECTS = 3
_AT_ONCE = 8  # links fetched at the same time; more wait, within their own time limit
_REDIRECTS = (301, 302, 303, 307, 308)
_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
# Where the last label is a number, resolvers read all as an IPv4 address: 2130706433, 0x7f.1, 0177.0.0.1.
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_HEADERS = {
    "User-Agent": f"Veraface/{__version__}",
    "Accept": "image/*",
    "Accept-Encoding": "identity",  # nothing is ever unpacked, so nothing can burst
    "Connection": "close",
}

# What servers call files of whose kind they know nothing; it is told by their content in any case.
_UNNAMED_TYPES = ("application/octet-stream", "binary/octet-stream")

# IPv6: only what is handed out to hosts, which leaves out loopback, local, mapped and NAT64 addresses...
_IPV6_UNICAST = ip_network("2000::/3")
_NOT_PUBLIC = [
    ip_network(network)
    for network in (
        "2001::/23",  # ... and in it protocol assignments, Teredo (holds an IPv4 address) among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, holds an IPv4 address
        "3fff::/20",  # documentation
        # IPv4: what Python's is_global lets through, in some of its versions.
        "192.0.0.0/24",  # protocol assignments; one cloud's metadata
        "192.88.99.0/24",  # relays for 6to4
        "168.63.129.16/32",  # another cloud's service for its own machines
    )
]


def is_public(address: Address) -> bool:
    """Whether an address is global unicast and not this machine's own."""
    if isinstance(address, IPv6Address):
        handed_out = address in _IPV6_UNICAST and address.scope_id is None
    else:
        handed_out = address.is_global and not address.is_multicast and not address.is_reserved
    special = any(address in network for network in _NOT_PUBLIC)
    return handed_out and not special and not is_this_machine(address)


def is_this_machine(address: Address) -> bool:
    """Whether the system takes an address for its own: a service behind a firewall would answer there."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((str(address), 9))  # only chooses a route; nothing is sent
        return ip_address(probe.getsockname()[0]) == address
    return False


async def resolve(host: str) -> list[str]:
    """All addresses of a host name, as this system finds them.

    Raises:
        OSError: The name has none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Links:
    """Fetches images from the public internet into memory.

    Args:
        max_bytes: Largest file that is taken.
        timeout_s: Seconds for everything: names, connections, redirects and the file.
        resolve: Finds the addresses of a host name.
        allow: Says which addresses may be connected to.
        tls: Decides which certificates are trusted.
    """

    def __init__(
        self,
        max_bytes: int,
        timeout_s: float,
        *,
        resolve: Callable[[str], Awaitable[list[str]]] = resolve,
        allow: Callable[[Address], bool] = is_public,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._resolve = resolve
        self._allow = allow
        self._tls = tls or httpx.create_ssl_context(trust_env=False)
        self._slots = asyncio.Semaphore(_AT_ONCE)
        # Its debug messages hold hosts, paths and headers; a link is as private as an image.
        logging.getLogger("httpcore").setLevel(logging.WARNING)

    async def fetch(self, link: str) -> Upload:
        """Fetches the image behind a link.

        Raises:
            ApiError: 400 where the link is none or leads to no public address; 413 as soon as the file is
                known to be too large; 415 where it is declared to be no image; 502 where it cannot be
                had; 504 where that takes too long.
        """
        url = _checked(link)
        try:
            async with asyncio.timeout(self._timeout_s), self._slots:
                return Upload(await self._follow(url), plain_name(url.path))
        except TimeoutError:
            message = f"the image did not arrive within {self._timeout_s:g} s; save it and send the file"
            raise ApiError(504, "link_timeout", message) from None
        except (httpx.HTTPError, OSError, ValueError):  # ValueError: numbers in headers without end
            raise _unreachable("its server cannot be reached or breaks off") from None

    async def _follow(self, url: httpx.URL) -> bytes:
        for _ in range(_MAX_REDIRECTS + 1):
            async with self._answer(url) as response:
                if response.status_code not in _REDIRECTS:
                    return await self._body(response)
                url = _checked(response.headers.get("location", ""), base=url)
        raise _unreachable(f"it is redirected more than {_MAX_REDIRECTS} times")

    @contextlib.asynccontextmanager
    async def _answer(self, url: httpx.URL) -> AsyncIterator[httpx.Response]:
        """Asks the first address that can be connected to. A bare transport has no proxies and no cookies."""
        addresses = await self._addresses(url.raw_host.decode())
        for address in addresses:
            last = address == addresses[-1]
            # One for each request: TLS checked for one name must not serve another at the same address.
            async with httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False) as transport:
                try:
                    connect_s = None if last else self._timeout_s / 3  # else one dead address takes all
                    response = await transport.handle_async_request(_request(url, address, connect_s))
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    if last:
                        raise
                    continue
                try:
                    yield response
                finally:
                    await response.aclose()
                return

    async def _addresses(self, host: str) -> list[Address]:
        """The addresses of a host, in order; a single one that is not allowed spoils them all."""
        try:
            addresses = [ip_address(host)]
        except ValueError:
            if _NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]):
                raise _refused() from None
            addresses = [ip_address(found) for found in dict.fromkeys(await self._resolve(host))]
        if not addresses:
            raise _unreachable("its server cannot be found")
        if not all(self._allow(address) for address in addresses):
            raise _refused()
        return addresses

    async def _body(self, response: httpx.Response) -> bytes:
        if response.status_code != 200:
            raise _unreachable(f"its server answers with HTTP status {response.status_code}")
        if response.headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
            raise _unreachable("its server compresses it, which was not asked for")
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind and not kind.startswith("image/") and kind not in _UNNAMED_TYPES:
            message = "what is behind this link is no image, by the word of its server; link to the image"
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


def _checked(link: str, base: httpx.URL | None = None) -> httpx.URL:
    """A link taken apart, where it is one that may be asked for at all."""
    if len(link) > _MAX_LINK:
        raise _bad(f"it is longer than {_MAX_LINK} characters")
    try:
        url = base.join(link) if base else httpx.URL(link)
        host = url.raw_host.decode()
    except (httpx.InvalidURL, ValueError):
        raise _bad("it is malformed") from None
    if url.scheme not in ("http", "https"):
        raise _bad("only links that begin with http:// or https:// are taken")
    if url.userinfo:
        raise _bad("it holds a user name or password")
    if not _is_host(host) or (url.port is not None and not 0 < url.port < 65536):
        raise _bad("it is malformed")
    return url


def _request(url: httpx.URL, address: Address, connect_s: float | None) -> httpx.Request:
    """A request to the very address that was checked: asking for the name again could give another."""
    name = url.raw_host.decode().removesuffix(".")
    extensions = {
        "sni_hostname": name,  # for which the certificate must be, too
        "timeout": {"connect": connect_s, "read": None, "write": None, "pool": None},
    }
    headers = {"Host": url.netloc.decode(), **_HEADERS}
    return httpx.Request("GET", url.copy_with(host=str(address)), headers=headers, extensions=extensions)


def _is_host(host: str) -> bool:
    if ":" in host:
        with contextlib.suppress(ValueError):
            return IPv6Address(host).scope_id is None
        return False
    return bool(_HOST_NAME.fullmatch(host.removesuffix(".")))


def _bad(why: str) -> ApiError:
    return ApiError(400, "bad_link", f"this link cannot be fetched: {why}")


def _refused() -> ApiError:
    message = "this link leads to an address that is not public; only images on the public web are fetched"
    return ApiError(400, "link_refused", message)


def _unreachable(why: str) -> ApiError:
    return ApiError(502, "link_unreachable", f"the image cannot be had from this link: {why}")
