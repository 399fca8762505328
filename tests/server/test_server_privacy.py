"""Uploads are neither written to disk nor logged; every response has the security headers."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.server.asgi import application


def test_the_test_server_cannot_write_files(tmp_path: Path, no_writes: Callable[[], None]) -> None:
    """The next test relies on it: writing one byte to a file fails in such a process."""
    script = f"import pathlib; pathlib.Path({str(tmp_path / 'file')!r}).write_text('x')"
    process = subprocess.run([sys.executable, "-c", script], preexec_fn=no_writes, stderr=subprocess.PIPE)
    assert process.returncode != 0
    assert b"File too large" in process.stderr


def test_a_large_upload_touches_no_disk(
    client: httpx.Client, portrait: Image.Image, encode: Callable[..., bytes]
) -> None:
    image = encode(portrait.resize((1500, 1500)), "BMP")
    assert len(image) > 6_000_000
    response = client.post("/api/predict", files={"image": ("large.bmp", image)})
    assert response.status_code == 200, response.text


def test_the_log_contains_nothing_of_the_image(
    server: Any, client: httpx.Client, portrait: Image.Image, encode: Callable[..., bytes]
) -> None:
    exif = Image.Exif()
    exif[0x010E] = "Metadata-Canary"  # ImageDescription
    image = encode(portrait, exif=exif)
    assert b"Metadata-Canary" in image
    for content in (image, image[:3000], b"Metadata-Canary"):
        client.post("/api/predict?note=Query-Canary", files={"image": ("Name-Canary.jpg", content)})
    client.get("/Path-Canary.jpg?Query-Canary")
    client.get("/static/Path-Canary.jpg")
    client.get("/last-line-of-this-test")
    log = server.wait_for_log("POST /api/predict 415")
    assert "POST /api/predict 200" in log
    assert "POST /api/predict 422" in log
    assert "(no such page) 404" in log
    assert "Canary" not in log


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/static/js/main.js"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/api/model-status"),
        ("POST", "/api/predict"),
        ("GET", "/nothing"),
        ("DELETE", "/api/model"),
    ],
)
def test_headers_of_every_response(method: str, path: str) -> None:
    with application() as client:
        headers = client.request(method, path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == ("'self' 'unsafe-inline'" if path == "/docs" else "'self'")
    assert policy["connect-src"] == "'self'"
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "microphone=()" in headers["permissions-policy"]
    assert "camera=(self)" in headers["permissions-policy"]  # for a photo, once the person asks for it
    trusted = {"require-trusted-types-for": "'script'", "trusted-types": "veraface"}
    expected = dict.fromkeys(trusted) if path == "/docs" else trusted
    assert {name: policy.get(name) for name in trusted} == expected
    assert headers["cache-control"] == ("no-store" if path.startswith("/api/") else "no-cache")
    assert "server" not in headers


def test_only_named_origins_may_show_the_page_in_a_frame() -> None:
    with application(frame_origins="https://example.org,https://example.com") as client:
        headers = client.get("/").headers
    assert "frame-ancestors https://example.org https://example.com" in headers["content-security-policy"]
    assert "x-frame-options" not in headers  # it would forbid those as well


def test_by_default_no_origin_may_show_the_page_in_a_frame() -> None:
    with application() as client:
        assert client.get("/").headers["x-frame-options"] == "DENY"


def test_openapi_documents_the_routes() -> None:
    with application() as client:
        document = client.get("/openapi.json").json()
    operation = document["paths"]["/api/predict"]["post"]
    schema = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert schema["required"] == ["image"]
    assert schema["properties"]["image"]["format"] == "binary"
    assert set(operation["responses"]) == {"200", "400", "408", "413", "415", "422", "500", "503", "504"}
    prediction = document["components"]["schemas"]["Prediction"]
    assert set(prediction["required"]) == {"class", "confidence", "raw_score", "filename"}
    shown = {
        "/api/v1/detect",
        "/api/v1/detect-video",
        "/api/v1/forensics",
        "/api/v1/model",
        "/api/v1/report",
        "/api/v1/report/verify",
        "/api/v1/status",
        "/api/predict",
        "/api/predict-video",
        "/api/evidence",
        "/api/model-status",
        "/api/model",
        "/healthz",
        "/readyz",
    }
    assert set(document["paths"]) == shown
    card = document["components"]["schemas"]["CompatibleModelCardResponse"]["properties"]
    assert [name for name in card if card[name].get("deprecated")] == ["licence", "normalisation"]
