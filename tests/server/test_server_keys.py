"""API keys, and requests of pages of other origins."""

import hashlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect

from tests.server.asgi import application
from veraface.cli.create_api_key import create_api_key

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
def protected(keys_file: Path) -> Iterator[Any]:
    """A client of an application that needs a key."""
    with application(
        api_keys=f" {digest(KEY)}, {digest('vf_third')}",
        api_keys_file=str(keys_file),
        metrics=True,
        cors_origins=f"{SITE},http://localhost:3000",
    ) as client:
        yield client


def predict(client: Any, image: bytes, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/api/predict", files={"image": ("a.jpg", image)}, headers=named)


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
def test_known_keys_are_accepted(protected: Any, face: bytes, headers: dict[str, str]) -> None:
    response = predict(protected, face, **headers)
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "key_required"),
        ({"X-API-Key": ""}, "key_required"),
        ({"Authorization": f"Basic {KEY}"}, "key_required"),
        ({"Authorization": "Bearer vf_wrong"}, "key_unknown"),
        ({"X-API-Key": "vf_wrong"}, "key_unknown"),
        ({"X-API-Key": digest(KEY)}, "key_unknown"),  # a digest is not a key
        ({"X-API-Key": f"{KEY} "[:-2]}, "key_unknown"),
        ({"X-API-Key": b"\xff\xfe".decode("latin-1")}, "key_unknown"),
    ],
)
def test_missing_and_unknown_keys_are_rejected(
    protected: Any, face: bytes, headers: dict[str, str], code: str
) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    response = protected.post("/api/predict", files={"image": ("a.jpg", face)}, headers=raw)
    assert response.status_code == 401
    assert response.json()["success"] is False
    assert response.json()["error"]["code"] == code
    assert response.headers["WWW-Authenticate"].startswith('Bearer realm="veraface"')
    assert not [word for word in headers.values() if word and word in response.text]


@pytest.fixture(scope="module")
def server_with_keys(start_server: Start) -> Iterator[Any]:
    with start_server(VERAFACE_API_KEYS=digest(KEY)) as server:
        yield server


def test_an_upload_without_a_key_is_not_waited_for(server_with_keys: Any) -> None:
    address = urlsplit(server_with_keys.url)
    with socket.create_connection((address.hostname, address.port), timeout=300) as connection:
        connection.sendall(
            b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nx"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 401")  # before the rest of the body is sent


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", "/healthz", "/readyz", "/api/model", "/api/model-status"]
)
def test_page_and_documentation_need_no_key(protected: Any, path: str) -> None:
    assert protected.get(path).status_code == 200


def test_metrics_need_a_key_too(protected: Any) -> None:
    assert protected.get("/metrics").status_code == 401
    assert protected.get("/metrics", headers={"X-API-Key": KEY}).status_code == 200


def test_the_log_contains_no_key(server_with_keys: Any, face: bytes) -> None:
    for key in (KEY, "vf_wrong"):
        httpx.post(f"{server_with_keys.url}/api/predict", headers={"X-API-Key": key}, timeout=300)
    log = server_with_keys.wait_for_log("POST /api/predict 401")
    assert "vf_" not in log
    assert digest(KEY) not in log
    assert "no API keys are set" not in log


def test_openapi_documents_keys_if_there_are_any(protected: Any) -> None:
    document = protected.get("/openapi.json").json()
    operation = document["paths"]["/api/predict"]["post"]
    schemes = document["components"]["securitySchemes"]
    named = [schemes[name] for entry in operation["security"] for name in entry]
    assert {(scheme["type"], scheme.get("name", scheme.get("scheme"))) for scheme in named} == {
        ("http", "bearer"),
        ("apiKey", "X-API-Key"),
    }
    assert "401" in operation["responses"]
    with application() as client:
        assert "securitySchemes" not in client.get("/openapi.json").json()["components"]


def test_the_page_shows_that_a_key_is_missing(
    server_with_keys: Any, open_page: Callable[..., Any], face: bytes
) -> None:
    page = open_page(server_with_keys.url)
    page.set_input_files("input[type=file]", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": face})
    expect(page.locator("[data-fault=key_required]").first).to_contain_text("key")  # "analyzing" comes first


def test_the_command_creates_keys_that_are_accepted(face: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    made = []
    for _ in range(2):
        create_api_key()
        made.append(dict(line.split() for line in capsys.readouterr().out.splitlines()[:2]))
    assert made[0]["key"] != made[1]["key"]
    assert len(made[0]["key"]) >= 43  # 256 bits
    with application(api_keys=made[0]["digest"]) as client:
        assert predict(client, face, X_API_Key=made[0]["key"]).status_code == 200
        assert predict(client, face, X_API_Key=made[1]["key"]).status_code == 401


@pytest.mark.parametrize("origin", [SITE, "http://localhost:3000"])
def test_pages_of_named_origins_may_send_requests(protected: Any, face: bytes, origin: str) -> None:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,x-api-key",
    }
    preflight = protected.options("/api/predict", headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == origin
    assert "access-control-allow-credentials" not in preflight.headers
    for key, status in ((KEY, 200), ("vf_wrong", 401)):
        response = predict(protected, face, Origin=origin, X_API_Key=key)
        assert response.status_code == status
        assert response.headers["Access-Control-Allow-Origin"] == origin
        assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]
        assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    "origin", ["https://app.example.org.evil.example", "http://app.example.org", f"{SITE}:444", "null"]
)
def test_pages_of_other_origins_may_not(protected: Any, origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in protected.options("/api/predict", headers=asked).headers
    answer = protected.get("/api/model-status", headers={"Origin": origin})
    assert "access-control-allow-origin" not in answer.headers


def test_by_default_no_other_origin_may_send_requests() -> None:
    with application() as client:
        answer = client.get("/api/model-status", headers={"Origin": SITE})
    assert "access-control-allow-origin" not in answer.headers
