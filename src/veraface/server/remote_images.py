"""Fetches images from URLs, with protection against SSRF (`public_transport.py`).

Needs httpx, the extra `links`; import this module only if `Settings.fetch_links` is on.
"""

import asyncio
import contextlib
import logging
import re
from ipaddress import IPv6Address

import httpx

from veraface import __version__
from veraface.errors import UnsupportedImageError
from veraface.server.errors import ApiError
from veraface.server.public_transport import NotPublicError, PublicTransport
from veraface.server.uploads import Upload, safe_filename, too_large

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


class RemoteImageFetcher:
    """Fetches images from the public internet into memory.

    The timeout covers everything: name resolution, connections, redirects and the file. By default, the
    transport connects to public addresses only.
    """

    def __init__(
        self, max_bytes: int, timeout_s: float, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._transport = transport or PublicTransport(timeout_s / 3)
        self._slots = asyncio.Semaphore(_MAX_CONCURRENT)
        # Its debug messages contain hosts, paths and headers; a URL is as private as an image.
        logging.getLogger("httpcore").setLevel(logging.WARNING)

    async def fetch(self, link: str) -> Upload:
        """Fetch the image at a URL.

        Raises:
            ApiError: 400 if the URL is invalid or its host is not public; 413 as soon as the file is known
                to be too large; 415 if its content type is not an image; 502 if it cannot be fetched; 504 if
                that takes too long.
        """
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
            raise _unreachable(f"its server answers with HTTP status {response.status_code}")
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
    except (httpx.InvalidURL, ValueError):
        raise _bad("it is malformed") from None
    if url.scheme not in ("http", "https"):
        raise _bad("only links that begin with http:// or https:// are accepted")
    if url.userinfo:
        raise _bad("it contains a user name or password")
    if not _is_host(host) or (url.port is not None and not 0 < url.port < 65536):
        raise _bad("it is malformed")
    return url


def _is_host(host: str) -> bool:
    if ":" in host:
        with contextlib.suppress(ValueError):
            return IPv6Address(host).scope_id is None
        return False
    return bool(_HOST_NAME.fullmatch(host.removesuffix(".")))


def _bad(reason: str) -> ApiError:
    return ApiError(400, "bad_link", f"this link cannot be fetched: {reason}")


def _unreachable(reason: str) -> ApiError:
    return ApiError(502, "link_unreachable", f"the image cannot be fetched from this link: {reason}")
