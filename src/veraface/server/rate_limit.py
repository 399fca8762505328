"""Rate limits per client: counted in this process, or in Redis together with other servers."""

import asyncio
import hashlib
import ipaddress
import logging
import math
import time

from fastapi import Request
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter, RateLimiter

from veraface.server.errors import ApiError

_log = logging.getLogger("veraface.server")

REDIS_RETRY_S = 5.0  # pause after a failure
_REDIS_TIMEOUT_S = 0.5
_IPV6_NETWORK_BITS = 64  # the smallest network that providers assign to a subscriber


class RateLimit:
    """FastAPI dependency that limits how often a client may call a route.

    If Redis fails, this process counts on its own for `REDIS_RETRY_S` seconds. The limit then holds per
    server instead of for all servers together. A window of the rate begins with its first request.
    """

    def __init__(self, rate: str, redis_url: str = "") -> None:
        self._rate: RateLimitItem = parse(rate)
        self._local = FixedWindowRateLimiter(MemoryStorage())
        self._shared: FixedWindowRateLimiter | None = None
        self._retry_redis_at = -math.inf  # seconds of the event loop's clock
        if redis_url:
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff

            storage = RedisStorage(
                redis_url,
                implementation="redispy",
                key_prefix="veraface",
                socket_timeout=_REDIS_TIMEOUT_S,
                socket_connect_timeout=_REDIS_TIMEOUT_S,
                retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]  # passed on to Redis
            )
            self._shared = FixedWindowRateLimiter(storage)

    async def __call__(self, request: Request) -> None:
        """Count a request; raise an ApiError of status 429 if the client has used up its limit."""
        if wait_s := await self._hit(_client(request)):
            message = f"no more than {self._rate} from one client; try again in {wait_s} s"
            raise ApiError(429, "rate_limited", message, retry_after_s=wait_s)

    async def _hit(self, client: str) -> int:
        """Count a request and return the seconds until the client may try again, 0 within its limit."""
        clock = asyncio.get_running_loop().time
        if self._shared and clock() >= self._retry_redis_at:
            try:
                async with asyncio.timeout(_REDIS_TIMEOUT_S):
                    return await self._hit_in(self._shared, client)
            except Exception as error:  # any failure of Redis must not stop this server
                self._retry_redis_at = clock() + REDIS_RETRY_S
                message = "Redis does not respond (%s): this server counts requests on its own for %g s"
                _log.warning(message, type(error).__name__, REDIS_RETRY_S)
        return await self._hit_in(self._local, client)

    async def _hit_in(self, limiter: RateLimiter, client: str) -> int:
        if await limiter.hit(self._rate, client):
            return 0
        reset, _ = await limiter.get_window_stats(self._rate, client)
        return max(1, math.ceil(reset - time.time()))


def _client(request: Request) -> str:
    """Return what requests are counted by, as a digest: the API key, else the address or IPv6 network."""
    if key := getattr(request.state, "key", None):
        client = f"key {key}"
    else:
        client = _network(request.client.host if request.client else "")
    return hashlib.blake2b(client.encode(), digest_size=16).hexdigest()


def _network(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "unknown"
    address = getattr(address, "ipv4_mapped", None) or address
    bits = _IPV6_NETWORK_BITS if address.version == 6 else 32
    return str(ipaddress.ip_network((address, bits), strict=False))
