"""Requests as other programs than browsers send them: forms without file names, HEAD, probes of proxies."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.server.asgi import application

PAGES = ("/", "/history", "/result/1", "/about", "/docs", "/sw.js", "/static/index.html", "/openapi.json")
API = (
    "/healthz",
    "/readyz",
    "/api/v1/status",
    "/api/model-status",
    "/api/v1/model",
    "/api/model",
    "/metrics",
)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with application(metrics=True, cors_origins="https://app.example.org") as client:
        yield client


def post_part(client: Any, disposition: str, content: bytes, path: str = "/api/predict") -> httpx.Response:
    """Post a form of one part with this Content-Disposition."""
    part = f"--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode()
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    response: httpx.Response = client.post(path, content=part + content + b"\r\n--b--\r\n", headers=headers)
    return response


@pytest.mark.parametrize(
    ("disposition", "filename"),
    [
        ("name=image", ""),
        ('name="image"', ""),
        ('name="image"; filename=""', ""),
        ("filename=a.jpg; name=image", "a.jpg"),
        ("name=\"image\"; filename*=UTF-8''a%20b.jpg", ""),  # RFC 7578 forbids it; some clients send it
    ],
)
def test_an_image_needs_no_file_name(client: Any, face: bytes, disposition: str, filename: str) -> None:
    response = post_part(client, disposition, face)
    assert response.status_code == 200, response.text
    assert response.json()["prediction"]["filename"] == filename


def test_the_content_of_a_part_without_a_file_name_decides(client: Any, face: bytes) -> None:
    assert post_part(client, "name=image", b"some text").json()["error"]["code"] == "unsupported_image"
    assert post_part(client, "name=photo", b"some text").json()["error"]["code"] == "missing_image"
    twice = face + b"\r\n--b\r\nContent-Disposition: form-data; name=image\r\n\r\n" + face
    assert post_part(client, "name=image", twice).json()["error"]["code"] == "malformed_upload"
    for path in ("/api/v1/detect", "/api/v1/forensics"):
        assert post_part(client, "name=image", face, path).status_code == 200
    answer = post_part(client, "name=video", face, "/api/v1/detect-video").json()
    assert answer["error"]["code"] == "unsupported_video"


@pytest.mark.parametrize("path", [*PAGES, *API])
def test_head_is_answered_like_get_without_the_body(client: Any, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (get.status_code, b"") == (200, b"")
    if path != "/metrics":  # counts these requests
        ignored = ("x-request-id",)
        assert [h for h in head.headers.items() if h[0] not in ignored] == [
            h for h in get.headers.items() if h[0] not in ignored
        ]


def test_head_where_get_is_not_supported(client: Any) -> None:
    response = client.head("/api/predict")
    assert (response.status_code, response.headers["allow"], response.content) == (405, "POST", b"")
    assert client.head("/nothing/here").status_code == 404
    response = client.delete("/healthz")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")
    asked = {"Origin": "https://app.example.org", "Access-Control-Request-Method": "HEAD"}
    assert client.options("/healthz", headers=asked).status_code == 200


def test_head_is_counted_as_head(client: Any) -> None:
    client.head("/readyz")
    counted = 'veraface_requests_total{method="HEAD",route="/readyz",status="200"}'
    assert counted in client.get("/metrics").text
