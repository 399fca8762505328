"""Request ids and JSON logs."""

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.server.asgi import application
from tests.server.backends import Broken, Scripted
from veraface.server import create_app, load_settings
from veraface.server.logs import JsonFormatter
from veraface.workers.messages import VideoProgress

Start = Callable[..., Any]


@pytest.fixture(scope="module")
def logging_server(start_server: Start) -> Iterator[Any]:
    with start_server(VERAFACE_LOG_FORMAT="json") as server:
        yield server


def entries(server: Any, wait_for: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.wait_for_log(wait_for).splitlines()]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/static/js/main.js"), ("POST", "/api/predict"), ("GET", "/no")],
)
def test_every_response_has_an_own_request_id(method: str, path: str) -> None:
    with application() as client:
        ids = {client.request(method, path).headers["X-Request-ID"] for _ in range(3)}
    assert len(ids) == 3
    assert all(re.fullmatch(r"[0-9a-f]{16}", one) for one in ids)


@pytest.mark.parametrize("given", ["a", "A-b_c.9", "0" * 64])
def test_a_client_may_set_the_request_id(given: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"), application() as client:
        response = client.post("/api/predict", headers={"X-Request-ID": given})
    assert response.headers.get_list("X-Request-ID") == [given]
    assert response.json()["error"]["request_id"] == given
    assert re.search(rf"POST /api/predict 400 \d+ ms {re.escape(given)}\n", caplog.text)


@pytest.mark.parametrize("given", ["", "0" * 65, "a b", "<script>", "a\tb", "é"])
def test_an_unsafe_request_id_is_replaced(given: str) -> None:
    with application() as client:
        response = client.post("/api/predict", headers=[(b"X-Request-ID", given.encode())])
    assert re.fullmatch(r"[0-9a-f]{16}", response.headers["X-Request-ID"])
    assert response.json()["error"]["request_id"] == response.headers["X-Request-ID"]


def test_each_line_of_the_json_log_is_an_object(
    logging_server: Any, portrait: Image.Image, encode: Callable[..., bytes]
) -> None:
    exif = Image.Exif()
    exif[0x010E] = "Metadata-Canary"  # ImageDescription
    for content in (encode(portrait, exif=exif), b"Metadata-Canary"):
        httpx.post(
            f"{logging_server.url}/api/predict?note=Query-Canary",
            files={"image": ("Name-Canary.jpg", content)},
            headers={"X-Request-ID": "here", "User-Agent": "Agent-Canary", "Referer": "http://Canary/"},
            timeout=300,
        )
    httpx.get(f"{logging_server.url}/Path-Canary?Query-Canary", headers={"X-Request-ID": "last"}, timeout=300)
    found = entries(logging_server, '"last"')
    accepted, refused = (entry for entry in found if entry.get("request_id") == "here")
    assert accepted == {
        "time": accepted["time"],
        "level": "info",
        "logger": "veraface.access",
        "event": "request",
        "request_id": "here",
        "method": "POST",
        "route": "/api/predict",
        "status": 200,
        "ms": accepted["ms"],
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", accepted["time"])
    assert 0 < accepted["ms"] < 60_000
    assert (refused["status"], refused["fault"]) == (415, "unsupported_image")
    assert {"time", "level", "logger", "event"} <= set.intersection(*(set(entry) for entry in found))
    assert any("is loaded" in entry["event"] for entry in found)
    assert "Canary" not in logging_server.log()
    addresses = re.findall(r"127\.0\.0\.1:?\d*", logging_server.log())
    assert set(addresses) <= {logging_server.url.removeprefix("http://")}  # the address it listens on


def test_an_error_is_logged_without_its_message(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(load_settings(), backend=Broken())
    with TestClient(app, "http://localhost", raise_server_exceptions=False) as client:
        response = client.post("/api/predict", files={"image": ("a.jpg", b"x")})
    assert response.status_code == 500
    assert response.json()["error"]["request_id"] == response.headers["X-Request-ID"]
    assert "RuntimeError" in caplog.text
    assert Broken.text not in caplog.text


def test_invalid_fields_of_a_result_are_logged_without_their_values(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(
        load_settings(), backend=Scripted(VideoProgress(done=4711, total=1, time=0.0, p_fake=None))
    )
    with TestClient(app, "http://localhost") as client:
        response = client.post("/api/v1/forensics", files={"image": ("a.jpg", b"x")})
    assert (response.status_code, response.json()["error"]["code"]) == (503, "worker_lost")
    assert "invalid result of the task forensics: " in caplog.text
    assert "views: missing" in caplog.text
    assert "4711" not in caplog.text


def test_errors_of_libraries_are_formatted_without_their_message() -> None:
    text = "Metadata-Canary"
    try:
        raise ValueError(text)
    except ValueError:
        record = logging.LogRecord("some", logging.ERROR, "file", 1, "it %s", ("failed",), sys.exc_info())
    entry = json.loads(JsonFormatter().format(record))
    assert (entry["event"], entry["error"], entry["level"]) == ("it failed", "ValueError", "error")
    assert "test_server_logs" in entry["trace"]
    assert "Canary" not in str(entry)
