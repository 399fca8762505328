"""How many images one client may have judged in a while: counted in this process, or together in Redis."""

import asyncio
import hashlib
import ipaddress
import logging
import math
import time
from collections import OrderedDict

from fastapi import Request
from limits import RateLimitItem, parse
from limits.aio.storage import RedisStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter, RateLimiter

from veraface.server.errors import ApiError

_log = logging.getLogger("veraface.server")

_MAX_CLIENTS = 100_000  # that are counted at the same time in this process, some 30 MB
_REDIS_PATIENCE_S = 0.5
_REDIS_PAUSE_S = 5  # in which it is not asked again after it failed
_PREFIX = "veraface"
_IPV6_NETWORK = 64  # bits: what one subscriber is given at least


class BoundedMemory(Storage):
    """Counters of the last window, oldest forgotten first where there are too many.

    The library's own storage in memory grows with the number of clients, and is searched at every request.
    Whoever has more addresses than this holds is not stopped by a limit on each of them in any case.

    Args:
        most: How many clients are counted at the same time.
    """

    STORAGE_SCHEME = None

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._counters: OrderedDict[str, tuple[int, float]] = OrderedDict()  # count and its end, oldest first

    @property
    def base_exceptions(self) -> type[Exception]:
        """None of its own."""
        return ValueError

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Counts, from `amount` on where the last window is over; returns the count."""
        count, end = self._live(key)
        if count == 0:
            self._counters.pop(key, None)  # a new window is the youngest
            end = time.time() + expiry
        self._counters[key] = (count + amount, end)
        while len(self._counters) > self._most or next(iter(self._counters.values()))[1] <= time.time():
            self._counters.popitem(last=False)
        return count + amount

    async def get(self, key: str) -> int:
        """The count of the window that is not over; 0 if there is none."""
        return self._live(key)[0]

    async def get_expiry(self, key: str) -> float:
        """When that window is over, as a timestamp."""
        return self._live(key)[1]

    def _live(self, key: str) -> tuple[int, float]:
        now = time.time()
        count, end = self._counters.get(key, (0, now))
        return (count, end) if end > now else (0, now)

    async def check(self) -> bool:
        """Whether it works; it does."""
        return True

    async def reset(self) -> int:
        """Forgets all; returns how many that were."""
        forgotten = len(self._counters)
        self._counters.clear()
        return forgotten

    async def clear(self, key: str) -> None:
        """Forgets one."""
        self._counters.pop(key, None)


class RateLimit:
    """A dependency of routes that one client may not ask too often.

    Where Redis does not answer, this process counts by itself: the limit then holds for each server alone
    instead of for all together, but nobody is turned away for it, and nobody is let in without bounds.

    Args:
        rate: Such as "60/minute"; a window begins with the first request in it.
        redis_url: Where to count together with other servers.
    """

    def __init__(self, rate: str, redis_url: str | None = None) -> None:
        self._rate: RateLimitItem = parse(rate)
        self._alone = FixedWindowRateLimiter(BoundedMemory(_MAX_CLIENTS))
        self._together = FixedWindowRateLimiter(_redis(redis_url)) if redis_url else None
        self._ask_again_at = 0.0  # by the loop's clock
        self._redis_failed = False

    async def __call__(self, request: Request) -> None:
        """Lets a request pass.

        Raises:
            ApiError: 429 where this client has had all it may.
        """
        wait_s = await self._wait(_digest(_client(request)))
        if wait_s:
            message = f"no more than {self._rate} from one client; try again in {wait_s} s"
            raise ApiError(429, "rate_limited", message, retry_after_s=wait_s)

    async def _wait(self, client: str) -> int:
        """Seconds until this client may ask again; 0 where it may now."""
        now = asyncio.get_running_loop().time()
        if self._together and now >= self._ask_again_at:
            try:
                async with asyncio.timeout(_REDIS_PATIENCE_S):
                    wait_s = await self._count(self._together, client)
            except Exception as error:  # whatever it is: Redis being down must not take this server down
                self._ask_again_at = asyncio.get_running_loop().time() + _REDIS_PAUSE_S
                self._redis_is(failed=True, why=type(error).__name__)
            else:
                self._redis_is(failed=False)
                return wait_s
        return await self._count(self._alone, client)

    async def _count(self, limiter: RateLimiter, client: str) -> int:
        if await limiter.hit(self._rate, client):
            return 0
        reset, _ = await limiter.get_window_stats(self._rate, client)
        return max(1, math.ceil(reset - time.time()))

    def _redis_is(self, *, failed: bool, why: str = "") -> None:
        if failed != self._redis_failed:
            self._redis_failed = failed
            if failed:
                _log.warning("Redis does not answer (%s): this server counts requests by itself", why)
            else:
                _log.info("Redis answers again: requests are counted together with other servers")


def _redis(url: str) -> Storage:
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    return RedisStorage(
        url,
        implementation="redispy",
        key_prefix=_PREFIX,
        socket_timeout=_REDIS_PATIENCE_S,
        socket_connect_timeout=_REDIS_PATIENCE_S,
        retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]  # passed on to Redis
    )


def _client(request: Request) -> str:
    """Whose requests are counted together: those with one key, else those from one address."""
    key = getattr(request.state, "key", None)
    if key:
        return f"key {key}"
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return f"address {int(address) >> (128 - _IPV6_NETWORK):x}/{_IPV6_NETWORK}"
        address = address.ipv4_mapped
    return f"address {address}"


def _digest(client: str) -> str:
    """What stands for a client in memory and in Redis, where no addresses lie about."""
    return hashlib.blake2b(client.encode(), digest_size=16).hexdigest()
