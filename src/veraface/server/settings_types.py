"""Types of settings: lists, digests, origins, networks, rates and URLs, with their validation."""

import ipaddress
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

_DIGEST = re.compile(r"[0-9a-f]{64}")
_MAX_KEY_FILE_BYTES = 2**20
# Schemes of pages with an own origin. "null" is not one: many kinds of page share it.
_ORIGIN_SCHEMES = ("http", "https", "chrome-extension", "moz-extension")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def refused(reason: str) -> PydanticCustomError:
    """Return the error for a value that is refused, with the reason as its message."""
    return PydanticCustomError("refused", "{reason}", {"reason": reason})


def is_installed(module: str) -> bool:
    """Return whether a module can be imported."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # nor its package
        return False


def _entries(value: Any) -> list[str]:
    parts = value.split(",") if isinstance(value, str) else list(value)
    return [part for part in (str(part).strip() for part in parts) if part]


def _digest(entry: str, where: str) -> str:
    if not _DIGEST.fullmatch(entry.lower()):
        # The entry is not quoted: it may be a key that should have been hashed.
        raise refused(
            f"{where} is not a SHA-256 digest of 64 hexadecimal digits; `veraface create-api-key` prints one"
        )
    return entry.lower()


def _digests(value: Any) -> tuple[str, ...]:
    digests = tuple(_digest(entry, f"entry {n}") for n, entry in enumerate(_entries(value), start=1))
    if isinstance(value, str) and not digests:
        raise refused("contains no digest; leave it out to accept requests without keys")
    return digests


def _digests_in_file(value: Any) -> tuple[str, ...]:
    if not isinstance(value, str | Path):
        return _digests(value)
    try:
        with Path(value).open("rb") as file:
            text = file.read(_MAX_KEY_FILE_BYTES + 1)
    except OSError as error:
        raise refused(f"cannot be read ({error.strerror})") from None
    if len(text) > _MAX_KEY_FILE_BYTES:
        raise refused("is too large for a list of digests")
    lines = (line.split("#")[0].strip() for line in text.decode(errors="replace").splitlines())
    digests = tuple(_digest(line, f"line {n}") for n, line in enumerate(lines, start=1) if line)
    if not digests:
        raise refused("contains no digest, so nobody could use the server")
    return digests


def _origin(value: str) -> str:
    """Refuse an origin that no browser sends, since it would never match."""
    if value == "*":
        raise refused("would let every web page send requests through its visitors; name origins")
    try:
        parts = urlsplit(value)
        port = "" if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    except ValueError:
        raise refused("is not an origin") from None
    host = parts.hostname or ""
    exact = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"
    if parts.scheme not in _ORIGIN_SCHEMES or not host or not host.isascii() or value != exact:
        raise refused("is not an origin as browsers write it, such as https://example.org")
    return value


def _proxy(value: str) -> str:
    try:
        network = ipaddress.ip_network(value)
    except ValueError:
        raise refused("is neither an IP address nor a network such as 10.0.0.0/8") from None
    if network.prefixlen == 0:
        raise refused("covers all addresses, so every client could forge its address")
    return value


def _rate(value: Any) -> Any:
    from limits import parse_many  # imported only if needed

    try:
        (rate,) = parse_many(value)
    except ValueError:
        raise refused("is not a rate such as 60/minute or 1000/day") from None
    if rate.amount < 1 or rate.multiples < 1:
        raise refused("would reject every request")
    return value


def _redis_url(value: Any) -> Any:
    try:
        parts = urlsplit(value)
        port = parts.port or 6379
    except ValueError:
        raise refused("is not the URL of a Redis server") from None
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise refused("is not the URL of a Redis server such as redis://127.0.0.1:6379/0")
    user, at, _ = parts.netloc.rpartition("@")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return parts._replace(netloc=f"{user}{at}{host}:{port}").geturl()


# Digests of keys, separated by commas.
Digests = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_digests)]
# Path of a file with one digest per line and comments after "#"; parsed to the digests.
DigestsInFile = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_digests_in_file)]
# Origins as browsers write them, separated by commas.
Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_entries)]
# IP addresses and networks, separated by commas.
Proxies = Annotated[tuple[Annotated[str, AfterValidator(_proxy)], ...], NoDecode, BeforeValidator(_entries)]
# In the notation of the library `limits`.
Rate = Annotated[str, BeforeValidator(_rate)]
# Parsed to a URL with a port.
RedisUrl = Annotated[str, BeforeValidator(_redis_url)]
