"""Rate limits per client: in one process, behind proxies, and together with other servers."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.asgi import CLIENT_ADDRESS, application
from tests.server.test_server_keys import digest
from tests.waiting import wait_until
from veraface.server import rate_limit


def post(client: Any, **headers: str) -> Any:
    """A request that is counted, and answered with 400 at once if it is within the limit."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/api/predict", headers=named)


def statuses(client: Any, count: int) -> list[int]:
    return [post(client).status_code for _ in range(count)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The time that windows are measured by; a test may set `clock.now`."""

    class Clock:
        now = 1_000_000.0

    monkeypatch.setattr(time, "time", lambda: Clock.now)
    return Clock


def test_no_limit_by_default() -> None:
    with application() as client:
        assert statuses(client, 30) == [400] * 30


def test_response_past_the_limit(clock: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"), application(rate_limit="3/minute") as client:
        assert statuses(client, 3) == [400] * 3
        clock.now += 40.5
        response = post(client, X_Forwarded_For="192.0.2.1")  # believed from trusted proxies only
        assert response.status_code == 429
        assert response.json()["error"]["code"] == "rate_limited"
        assert response.json()["success"] is False
        assert response.headers["Retry-After"] == "20"
        assert client.get("/api/model-status").status_code == 200
        document = client.get("/openapi.json").json()
        assert "429" in document["paths"]["/api/predict"]["post"]["responses"]
        clock.now += 20
        assert statuses(client, 4) == [400, 400, 400, 429]
    assert "POST /api/predict 429" in caplog.text
    assert CLIENT_ADDRESS not in caplog.text


def test_a_window_begins_with_its_first_request(clock: Any) -> None:
    with application(rate_limit="2/minute") as client:
        for wait_s, status in ((0, 400), (59, 400), (0, 429), (1, 400), (59, 400), (0, 429), (1, 400)):
            clock.now += wait_s
            assert post(client).status_code == status


def test_clients_behind_a_trusted_proxy_are_counted_apart() -> None:
    with application(rate_limit="1/hour", trusted_proxies=["10.0.0.0/8", CLIENT_ADDRESS]) as client:

        def status(*forwarded: str) -> int:
            return int(post(client, X_Forwarded_For=", ".join(forwarded)).status_code)

        assert status("192.0.2.1") == 400
        assert status("192.0.2.1") == 429
        assert status("198.51.100.7", "192.0.2.1") == 429  # the client's own entry is not believed
        assert status("192.0.2.1", "10.1.2.3") == 429  # two proxies
        assert status("::ffff:192.0.2.1") == 429
        assert status("192.0.2.2") == 400
        assert status("2001:db8:1:2::1") == 400
        assert status("2001:db8:1:2:ffff::9") == 429  # the same /64
        assert status("2001:db8:1:3::1") == 400
        assert status("no address") == 400
        assert status("no address either") == 429  # all of these share one count


def test_an_untrusted_proxy_is_not_believed() -> None:
    with application(rate_limit="1/hour", trusted_proxies=["10.0.0.0/8"]) as client:
        assert post(client, X_Forwarded_For="192.0.2.1").status_code == 400
        assert post(client, X_Forwarded_For="192.0.2.2").status_code == 429


def test_keys_are_counted_apart() -> None:
    with application(rate_limit="2/hour", api_keys=[digest("one"), digest("two")]) as client:
        assert [post(client, X_API_Key="one").status_code for _ in range(3)] == [400, 400, 429]
        assert post(client, X_API_Key="two").status_code == 400
        assert post(client, X_API_Key="three").status_code == 401


def test_without_keys_the_key_header_changes_nothing() -> None:
    with application(rate_limit="1/hour") as client:
        assert post(client, X_API_Key="one").status_code == 400
        assert post(client, X_API_Key="two").status_code == 429


def test_by_default_a_proxy_header_is_not_believed(start_server: Any) -> None:
    """Uvicorn's default would believe it from a client on the same machine, so this needs a real server."""
    with start_server(VERAFACE_RATE_LIMIT="1/hour") as server:
        assert [
            httpx.post(
                f"{server.url}/api/predict", headers={"X-Forwarded-For": f"192.0.2.{n}"}, timeout=60
            ).status_code
            for n in (1, 2)
        ] == [400, 429]
        assert "127.0.0.1" not in server.log().replace(server.url, "")


class Redis:
    """A Redis server that a test can stop and start."""

    def __init__(self, program: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [program, "--port", str(self.port), "--save", "", "--dir", str(folder)]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen([*self._command, "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL)
        wait_until(self.accepts_connections)

    def accepts_connections(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

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


def test_servers_share_counts_in_redis(redis: Redis) -> None:
    settings = {"rate_limit": "3/hour", "redis_url": redis.url}
    with application(**settings) as one, application(**settings) as two:
        assert [post(client).status_code for client in (one, two, one)] == [400] * 3
        response = post(two)
        assert response.status_code == 429
        assert 3500 < int(response.headers["Retry-After"]) <= 3600
        kept = redis.command("KEYS", "*")
        assert b"veraface" in kept
        assert CLIENT_ADDRESS.encode() not in kept


def test_without_redis_each_server_counts_on_its_own(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rate_limit, "REDIS_RETRY_S", 60)
    with application(rate_limit="2/hour", redis_url=redis.url) as client:
        assert post(client).status_code == 400
        redis.stop()
        assert statuses(client, 3) == [400, 400, 429]
        assert caplog.text.count("Redis does not respond") == 1  # asked once, then left alone for the pause
        assert redis.url not in caplog.text


def test_redis_is_used_again_after_a_failure(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "REDIS_RETRY_S", 0)
    with application(rate_limit="2/hour", redis_url=redis.url) as client:
        redis.stop()
        assert statuses(client, 3) == [400, 400, 429]
        redis.start()
        assert statuses(client, 3) == [400, 400, 429]  # the new Redis has counted nothing before


def test_a_silent_redis_delays_requests_only_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rate_limit, "REDIS_RETRY_S", 600)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        with application(rate_limit="2/hour", redis_url=url) as client:
            assert statuses(client, 3) == [400, 400, 429]
    assert caplog.text.count("Redis does not respond") == 1  # asked once, then left alone for the pause
    assert "Traceback" not in caplog.text
