"""How many images one client may have judged: alone, behind proxies, and together with other servers."""

import contextlib
import shutil
import socket
import subprocess
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from limits import parse
from limits.aio.strategies import FixedWindowRateLimiter

from tests.server.test_server_keys import digest
from veraface.server.rate_limit import BoundedMemory

Start = Callable[..., Any]


def ask(server: Any, **headers: str) -> httpx.Response:
    """A request that is counted, and answered with 400 at once where it is let in."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(f"{server.url}/api/predict", headers=named, timeout=30)


def test_by_default_there_is_no_limit(client: httpx.Client) -> None:
    assert {client.post("/api/predict").status_code for _ in range(30)} == {400}


def test_past_the_limit_it_says_when_to_come_back(start_server: Start) -> None:
    with start_server(VERAFACE_RATE_LIMIT="3/2second") as server:
        assert [ask(server).status_code for _ in range(3)] == [400] * 3
        # Uvicorn by itself would believe this from a client on the same machine.
        response = ask(server, X_Forwarded_For="192.0.2.1")
        assert response.status_code == 429
        assert response.json()["error"]["code"] == "rate_limited"
        assert response.json()["success"] is False
        wait_s = int(response.headers["Retry-After"])
        assert 1 <= wait_s <= 2
        assert httpx.get(f"{server.url}/api/model-status").status_code == 200
        document = httpx.get(f"{server.url}/openapi.json").json()
        assert "429" in document["paths"]["/api/predict"]["post"]["responses"]
        time.sleep(wait_s)
        assert ask(server).status_code == 400
        assert "127.0.0.1" not in server.log().replace(server.url, "")


def test_behind_a_trusted_proxy_each_client_counts(start_server: Start) -> None:
    with start_server(
        VERAFACE_RATE_LIMIT="1/hour", VERAFACE_TRUSTED_PROXIES="10.0.0.0/8,127.0.0.1"
    ) as server:

        def status(*forwarded: str) -> int:
            return ask(server, X_Forwarded_For=", ".join(forwarded)).status_code

        assert status("192.0.2.1") == 400
        assert status("192.0.2.1") == 429
        assert status("198.51.100.7", "192.0.2.1") == 429  # what the client itself claims is not believed
        assert status("192.0.2.1", "10.1.2.3") == 429  # two proxies
        assert status("::ffff:192.0.2.1") == 429
        assert status("192.0.2.2") == 400
        assert status("2001:db8:1:2::1") == 400
        assert status("2001:db8:1:2:ffff::9") == 429  # the same /64
        assert status("2001:db8:1:3::1") == 400
        assert status("no address") == 400
        assert status("no address either") == 429  # they do not count as many


def test_from_an_untrusted_proxy_nothing_is_believed(start_server: Start) -> None:
    with start_server(VERAFACE_RATE_LIMIT="1/hour", VERAFACE_TRUSTED_PROXIES="10.0.0.0/8") as server:
        assert ask(server, X_Forwarded_For="192.0.2.1").status_code == 400
        assert ask(server, X_Forwarded_For="192.0.2.2").status_code == 429


def test_with_keys_each_key_counts(start_server: Start) -> None:
    keys = ",".join(map(digest, ("one", "two")))
    with start_server(VERAFACE_RATE_LIMIT="2/hour", VERAFACE_API_KEYS=keys) as server:
        assert [ask(server, X_API_Key="one").status_code for _ in range(3)] == [400, 400, 429]
        assert ask(server, X_API_Key="two").status_code == 400
        assert ask(server, X_API_Key="three").status_code == 401


def test_without_keys_a_header_gives_nobody_a_count_of_its_own(start_server: Start) -> None:
    with start_server(VERAFACE_RATE_LIMIT="1/hour") as server:
        assert ask(server, X_API_Key="one").status_code == 400
        assert ask(server, X_API_Key="two").status_code == 429


def test_memory_is_bounded_and_the_oldest_are_forgotten(run_async: Callable[..., Any]) -> None:
    async def run() -> None:
        memory = BoundedMemory(1000)
        limiter, rate = FixedWindowRateLimiter(memory), parse("1/hour")
        for client in range(1000):
            assert await limiter.hit(rate, str(client))
        assert not await limiter.hit(rate, "500")
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for client in range(1000, 100_000):
            assert await limiter.hit(rate, str(client))
        assert tracemalloc.get_traced_memory()[0] - before < 2**20
        tracemalloc.stop()
        assert not await limiter.hit(rate, "99999")
        assert await limiter.hit(rate, "500")
        assert await memory.reset() == 1000

    run_async(run)


def test_a_window_ends(run_async: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "time", lambda: now)

    async def run() -> None:
        nonlocal now
        memory = BoundedMemory(10)
        limiter, rate = FixedWindowRateLimiter(memory), parse("2/minute")
        assert [await limiter.hit(rate, "a") for _ in range(3)] == [True, True, False]
        now += 30
        assert await limiter.hit(rate, "b")
        assert (await limiter.get_window_stats(rate, "a")).reset_time == 1060
        now += 30
        assert [await limiter.hit(rate, "a") for _ in range(3)] == [True, True, False]
        now += 59
        assert await limiter.hit(rate, "c")
        assert await memory.reset() == 2  # of b's window nothing is kept

    run_async(run)


class Redis:
    """A real Redis server that can be stopped and started."""

    def __init__(self, program: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [program, "--port", str(self.port), "--save", "", "--dir", str(folder)]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen([*self._command, "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert time.monotonic() < deadline, "Redis does not start"
            time.sleep(0.05)

    def command(self, *words: str) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(f"{' '.join(words)}\r\n".encode())
            return connection.recv(65536)

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if not program:
        pytest.skip("needs redis-server")
    redis = Redis(program, tmp_path)
    redis.start()
    yield redis
    redis.stop()


def test_servers_count_together_in_redis(start_server: Start, redis: Redis) -> None:
    settings = {"VERAFACE_RATE_LIMIT": "3/hour", "VERAFACE_REDIS_URL": redis.url}
    with start_server(**settings) as one, start_server(**settings) as two:
        assert [ask(server).status_code for server in (one, two, one)] == [400] * 3
        response = ask(two)
        assert response.status_code == 429
        assert 3500 < int(response.headers["Retry-After"]) <= 3600
        kept = redis.command("KEYS", "*")
        assert b"veraface" in kept
        assert b"127.0.0.1" not in kept


def test_without_redis_each_server_counts_by_itself(start_server: Start, redis: Redis) -> None:
    with start_server(VERAFACE_RATE_LIMIT="2/hour", VERAFACE_REDIS_URL=redis.url) as server:
        assert ask(server).status_code == 400
        redis.stop()
        started = time.monotonic()
        assert [ask(server).status_code for _ in range(3)] == [400, 400, 429]
        assert time.monotonic() - started < 2
        log = server.wait_for_log("Redis does not answer")
        assert log.count("Redis does not answer") == 1
        assert redis.url not in log
        redis.start()
        deadline = time.monotonic() + 15
        while ask(server).status_code != 400:  # Redis knows of no request since it started
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert "Redis answers again" in server.wait_for_log("Redis answers again")


def test_a_redis_that_is_silent_is_not_waited_for(start_server: Start) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        with start_server(VERAFACE_RATE_LIMIT="2/hour", VERAFACE_REDIS_URL=url) as server:
            started = time.monotonic()
            assert [ask(server).status_code for _ in range(3)] == [400, 400, 429]
            assert time.monotonic() - started < 3
            assert "Traceback" not in server.log()
