"""API keys, other sites' pages, proxies: who may ask, with the real server."""

import hashlib
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect

Start = Callable[..., Any]
KEY, OTHER_KEY = "vf_first", "vf_second"
SITE = "https://app.example.org"


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@pytest.fixture(scope="module")
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "keys.txt"
    path.write_text(f"# who has which\n\n{digest(OTHER_KEY).upper()}  # the archive\n")
    return path


@pytest.fixture(scope="module")
def locked(start_server: Start, keys_file: Path) -> Iterator[Any]:
    with start_server(
        VERAFACE_API_KEYS=f" {digest(KEY)}, {digest('vf_third')}",
        VERAFACE_API_KEYS_FILE=str(keys_file),
        VERAFACE_METRICS="true",
        VERAFACE_CORS_ORIGINS=f"{SITE},http://localhost:3000",
    ) as server:
        yield server


def predict(server: Any, image: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(
        f"{server.url}/api/predict", files={"image": ("a.jpg", image)}, headers=named, timeout=60
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": f"bearer {KEY}"},
        {"X-API-Key": KEY},
        {"X-API-Key": OTHER_KEY},
        {"X-API-Key": "vf_third"},
        {"Authorization": "Basic bm9ib2R5Om5vdGhpbmc=", "X-API-Key": KEY},
    ],
)
def test_who_has_a_key_is_let_in(locked: Any, face: bytes, headers: dict[str, str]) -> None:
    response = predict(locked, face, **headers)
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "key_required"),
        ({"X-API-Key": ""}, "key_required"),
        ({"Authorization": f"Basic {KEY}"}, "key_required"),
        ({"Authorization": "Bearer vf_wrong"}, "key_unknown"),
        ({"X-API-Key": "vf_wrong"}, "key_unknown"),
        ({"X-API-Key": digest(KEY)}, "key_unknown"),  # who reads the settings has no key
        ({"X-API-Key": f"{KEY} "[:-2]}, "key_unknown"),
        ({"X-API-Key": b"\xff\xfe".decode("latin-1")}, "key_unknown"),
    ],
)
def test_who_has_none_is_not(locked: Any, face: bytes, headers: dict[str, str], code: str) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    response = httpx.post(
        f"{locked.url}/api/predict", files={"image": ("a.jpg", face)}, headers=raw, timeout=60
    )
    assert response.status_code == 401
    assert response.json()["success"] is False
    assert response.json()["error"]["code"] == code
    assert response.headers["WWW-Authenticate"].startswith('Bearer realm="veraface"')
    assert not [word for word in headers.values() if word and word in response.text]


def test_a_picture_without_a_key_is_not_waited_for(locked: Any) -> None:
    address = urlsplit(locked.url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(b"POST /api/predict HTTP/1.1\r\nHost: here\r\nContent-Length: 100000\r\n\r\nx")
        assert connection.recv(100).startswith(b"HTTP/1.1 401")  # before the rest of the body is sent


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", "/healthz", "/readyz", "/api/model", "/api/model-status"]
)
def test_page_and_documentation_stay_open(locked: Any, path: str) -> None:
    assert httpx.get(locked.url + path).status_code == 200


def test_metrics_need_a_key_too(locked: Any) -> None:
    assert httpx.get(f"{locked.url}/metrics").status_code == 401
    assert httpx.get(f"{locked.url}/metrics", headers={"X-API-Key": KEY}).status_code == 200


def test_the_log_holds_no_key(locked: Any, face: bytes) -> None:
    predict(locked, face, X_API_Key=KEY)
    predict(locked, face, X_API_Key="vf_wrong")
    log = locked.wait_for_log("POST /api/predict 401")
    assert "vf_" not in log
    assert digest(KEY) not in log
    assert "no API keys are set" not in log


def test_the_document_tells_of_keys(locked: Any, client: httpx.Client) -> None:
    document = httpx.get(f"{locked.url}/openapi.json").json()
    operation = document["paths"]["/api/predict"]["post"]
    schemes = document["components"]["securitySchemes"]
    named = [schemes[name] for entry in operation["security"] for name in entry]
    assert {(scheme["type"], scheme.get("name", scheme.get("scheme"))) for scheme in named} == {
        ("http", "bearer"),
        ("apiKey", "X-API-Key"),
    }
    assert "401" in operation["responses"]
    assert "securitySchemes" not in client.get("/openapi.json").json()["components"]


def test_the_page_says_what_is_missing(locked: Any, open_page: Callable[..., Any], face: bytes) -> None:
    page = open_page(locked.url)
    page.set_input_files("input[type=file]", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": face})
    expect(page.locator("[data-fault=key_required]").first).to_contain_text("key")  # "judging" comes first


def test_the_command_makes_a_key_that_opens(start_server: Start, face: bytes) -> None:
    made = [
        dict(line.split() for line in output.splitlines()[:2])
        for output in (
            subprocess.run(
                [sys.executable, "-c", "from veraface.cli import main; main()", "key"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for _ in range(2)
        )
    ]
    assert made[0]["key"] != made[1]["key"]
    assert len(made[0]["key"]) >= 43  # 256 bits
    with start_server(VERAFACE_API_KEYS=made[0]["digest"]) as server:
        assert predict(server, face, X_API_Key=made[0]["key"]).status_code == 200
        assert predict(server, face, X_API_Key=made[1]["key"]).status_code == 401


@pytest.mark.parametrize("origin", [SITE, "http://localhost:3000"])
def test_pages_of_named_sites_may_ask(locked: Any, face: bytes, origin: str) -> None:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,x-api-key",
    }
    preflight = httpx.options(f"{locked.url}/api/predict", headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == origin
    assert "access-control-allow-credentials" not in preflight.headers
    for key, status in ((KEY, 200), ("vf_wrong", 401)):
        response = predict(locked, face, Origin=origin, X_API_Key=key)
        assert response.status_code == status
        assert response.headers["Access-Control-Allow-Origin"] == origin
        assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]
        assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    "origin", ["https://app.example.org.evil.example", "http://app.example.org", f"{SITE}:444", "null"]
)
def test_pages_of_other_sites_may_not(locked: Any, origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    assert (
        "access-control-allow-origin" not in httpx.options(f"{locked.url}/api/predict", headers=asked).headers
    )
    answer = httpx.get(f"{locked.url}/api/model-status", headers={"Origin": origin})
    assert "access-control-allow-origin" not in answer.headers


def test_by_default_no_other_site_may_ask(client: httpx.Client) -> None:
    answer = client.get("/api/model-status", headers={"Origin": SITE})
    assert "access-control-allow-origin" not in answer.headers
