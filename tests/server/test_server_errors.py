"""Every failure has its status, its code and the one shape."""

import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from tests.server.backends import Broken
from veraface.server import Settings, create_app


def check_error(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert answer["success"] is False
    assert answer["error"]["code"] == code
    assert answer["error"]["message"]
    assert "Traceback" not in response.text
    assert "/src/" not in response.text
    assert ".py" not in response.text
    return answer


Predict = Callable[..., httpx.Response]


def test_no_face(predict: Predict, no_face: bytes) -> None:
    answer = check_error(predict(no_face), 422, "no_face")
    assert answer["faces"] == []
    assert (answer["width"], answer["height"]) == (500, 300)


def test_only_small_faces_are_reported_with_their_boxes(predict: Predict, small_face: bytes) -> None:
    answer = check_error(predict(small_face), 422, "face_too_small")
    (face,) = answer["faces"]
    assert face["p_fake"] is None
    x, y, _, _ = face["box"]
    assert 260 <= x <= 340
    assert 150 <= y <= 230


def test_a_covered_face_is_reported_as_such(predict: Predict, covered_face: bytes) -> None:
    answer = check_error(predict(covered_face), 422, "face_obscured")
    assert "covered or blurred" in answer["error"]["message"]
    assert [face["p_fake"] for face in answer["faces"]] == [None]


def test_unreadable_images(predict: Predict, corrupt: bytes, face: bytes) -> None:
    check_error(predict(corrupt), 422, "unreadable_image")
    check_error(predict(b""), 422, "unreadable_image")
    check_error(predict(face[: len(face) // 3]), 422, "unreadable_image")


def test_unsupported_files(predict: Predict) -> None:
    check_error(predict(b"%PDF-1.7 and so on", "paper.pdf"), 415, "unsupported_image")
    check_error(predict(b"just some text", "face.jpg"), 415, "unsupported_image")


def test_too_many_pixels(small_server: Any, portrait: Image.Image, encode: Callable[..., bytes]) -> None:
    image = encode(portrait.resize((600, 600)), quality=60)
    response = httpx.post(f"{small_server.url}/api/predict", files={"image": ("a.jpg", image)}, timeout=300)
    check_error(response, 413, "image_too_large")


def test_too_many_bytes(small_server: Any) -> None:
    def send(size: int) -> httpx.Response:
        return httpx.post(
            f"{small_server.url}/api/predict", files={"image": ("a.jpg", b"\xff" * size)}, timeout=60
        )

    check_error(send(200_001), 413, "image_too_large")
    check_error(send(3_000_000), 413, "image_too_large")
    check_error(send(200_000), 415, "unsupported_image")  # the limit itself is still taken


def connect(url: str) -> socket.socket:
    return socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=300)


HEAD = b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"


def test_a_declared_size_over_the_limit_is_refused_before_the_body_is_sent(small_server: Any) -> None:
    with connect(small_server.url) as connection:
        connection.sendall(HEAD + b"Content-Length: 900000000\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_an_undeclared_size_is_refused_while_it_streams(small_server: Any) -> None:
    part = b"--b\r\nContent-Disposition: form-data; name=image; filename=a\r\n\r\n"
    with connect(small_server.url) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%b\r\n" % (len(part), part))
        chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
        connection.settimeout(0.1)
        answer, sent = b"", 0
        while not answer and sent < 400:
            try:
                connection.sendall(chunk)
                sent += 1
                answer = connection.recv(4096)
            except TimeoutError:
                continue
            except ConnectionError:
                answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert sent * 0x8000 < 2_000_000


MULTIPART = "multipart/form-data; boundary=b"
PART = b"--b\r\nContent-Disposition: "


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("application/json", b"{}", "not_multipart"),
        ("multipart/form-data", b"--b\r\n", "malformed_upload"),
        (MULTIPART, b"this is no multipart body", "malformed_upload"),
        (MULTIPART, b"", "missing_image"),
        (MULTIPART, PART + b"form-data; name=image; filename=a\r\n\r\ncut of", "missing_image"),
        (MULTIPART, PART + b"form-data; name=image\r\n\r\n\r\n--b--\r\n", "missing_image"),
        (MULTIPART, PART + b'form-data; name=image; filename=""\r\n\r\n\r\n--b--\r\n', "missing_image"),
        (MULTIPART, PART + b"x\r\n\r\ny\r\n--b--\r\n", "malformed_upload"),
    ],
)
def test_requests_that_are_no_upload(client: httpx.Client, content_type: str, body: bytes, code: str) -> None:
    response = client.post("/api/predict", content=body, headers={"content-type": content_type})
    check_error(response, 400, code)


def test_no_content_type_at_all(client: httpx.Client) -> None:
    check_error(client.post("/api/predict"), 400, "not_multipart")


def test_the_file_must_be_in_the_field_named_image(client: httpx.Client, face: bytes) -> None:
    check_error(client.post("/api/predict", files={"photo": ("a.jpg", face)}), 400, "missing_image")
    two = [("image", ("a.jpg", face)), ("image", ("b.jpg", face))]
    check_error(client.post("/api/predict", files=two), 400, "malformed_upload")


def test_a_parameter_that_makes_no_sense(predict: Predict, face: bytes) -> None:
    answer = check_error(predict(face, heatmap="banana"), 422, "invalid_parameter")
    assert "heatmap" in answer["error"]["message"]


def test_unknown_addresses_and_methods(client: httpx.Client) -> None:
    check_error(client.get("/nothing/here"), 404, "not_found")
    check_error(client.get("/static/../settings.py"), 404, "not_found")
    check_error(client.get("/static/%2e%2e/settings.py"), 404, "not_found")
    response = client.get("/api/predict")
    check_error(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "POST"


@pytest.fixture
def ask(run_async: Callable[..., Any]) -> Callable[..., httpx.Response]:
    """Asks an application in this process, started or not."""

    def ask_(app: Any, method: str, path: str, *, start: bool = True, **request: Any) -> httpx.Response:
        async def run() -> httpx.Response:
            if start:
                await app.state.inference.start()
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.request(method, path, **request)

        return run_async(run)

    return ask_


def test_a_fault_of_the_server_tells_nothing(
    ask: Callable[..., httpx.Response], face: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(Settings(), backend=Broken())
    response = ask(app, "POST", "/api/predict", files={"image": ("a.jpg", face)})
    answer = check_error(response, 500, "internal_error")
    assert "secret" not in str(answer)
    assert "content-security-policy" in response.headers
    assert "RuntimeError in POST /api/predict" in caplog.text
    assert "secret" not in caplog.text


def test_not_ready_before_the_model_is_loaded(ask: Callable[..., httpx.Response]) -> None:
    app = create_app(Settings())
    for method, path in (("GET", "/readyz"), ("GET", "/api/model"), ("POST", "/api/predict")):
        check_error(ask(app, method, path, start=False), 503, "not_ready")
    assert ask(app, "GET", "/healthz", start=False).status_code == 200
    assert ask(app, "GET", "/api/model-status", start=False).json()["loaded"] is False
