"""Images behind links, requested through the whole application."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from tests.server.asgi import application
from tests.server.sites import MAX_BYTES, Resolver, here_is_public
from veraface.server import Settings, SettingsError, load_settings
from veraface.server.remote_images import PublicTransport, RemoteImageFetcher


@pytest.fixture
def ask(site: Any) -> Iterator[Callable[..., httpx.Response]]:
    """Posts to an application that fetches links; `faces.example` is the test's own site."""
    resolver = Resolver(faces_example=[["127.0.0.1"]], inner_example=[["10.0.0.5"]])
    transport = PublicTransport(1, resolve=resolver, allow=here_is_public)
    fetcher = RemoteImageFetcher(MAX_BYTES, 5, transport)
    with application(fetcher.fetch, fetch_links=True, max_upload_bytes=MAX_BYTES) as client:
        yield partial(client.post, "/api/predict")


Ask = Callable[..., httpx.Response]


def form(*fields: tuple[str, str]) -> dict[str, Any]:
    return {"files": [(name, (None, value)) for name, value in fields]}


def check_error(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    answer = response.json()
    assert answer["success"] is False
    assert answer["error"]["code"] == code
    return answer


def test_a_linked_image_gets_the_response_of_an_upload(ask: Ask, site: Any, face: bytes) -> None:
    linked = ask(**form(("url", f" http://faces.example:{site.port}/face/portrait.jpg\n")))
    assert linked.status_code == 200, linked.text
    uploaded = ask(files={"image": ("portrait.jpg", face)}, params={"heatmap": "false"})
    assert {**linked.json(), "timing_ms": None} == {**uploaded.json(), "timing_ms": None}
    assert linked.json()["prediction"]["filename"] == "portrait.jpg"


def test_failures_through_the_application(ask: Ask, site: Any, face: bytes) -> None:
    web = f"http://faces.example:{site.port}"
    check_error(ask(**form(("url", "ftp://faces.example/"))), 400, "bad_link")
    check_error(ask(**form(("url", "http://faces.example/" + "x" * 9000))), 400, "bad_link")
    answer = check_error(ask(**form(("url", "http://inner.example/"))), 400, "link_refused")
    assert "10.0.0.5" not in str(answer)
    check_error(ask(**form(("url", f"{web}/missing"))), 502, "link_unreachable")
    check_error(ask(**form(("url", f"{web}/declared"))), 413, "image_too_large")
    both = {"image": ("a.jpg", face), "url": (None, f"{web}/face")}
    check_error(ask(files=both), 400, "two_pictures")
    answer = check_error(ask(**form(("note", "no image"))), 400, "missing_image")
    assert "'image'" in answer["error"]["message"]
    assert "'url'" in answer["error"]["message"]
    # A plain HTML form also sends an empty text field.
    assert ask(files={"image": ("a.jpg", face), "url": (None, " ")}).status_code == 200


def test_links_are_off_by_default(client: httpx.Client, face: bytes) -> None:
    assert Settings().fetch_links is False
    answer = check_error(
        client.post("/api/predict", **form(("url", "http://127.0.0.1/"))), 400, "links_not_enabled"
    )
    assert "VERAFACE_FETCH_LINKS=true" in answer["error"]["message"]
    check_error(client.post("/api/predict", **form(("url", ""))), 400, "missing_image")
    both = {"image": ("a.jpg", face), "url": (None, "http://127.0.0.1/")}
    check_error(client.post("/api/predict", files=both), 400, "two_pictures")
    assert client.get("/api/model-status").json()["limits"]["links"] is False


def test_a_server_that_fetches_links(start_server: Callable[..., Any], site: Any) -> None:
    """The real server: it cannot write to any file, and requests nothing from its own machine."""
    with (
        start_server(VERAFACE_FETCH_LINKS="true", VERAFACE_LOG_LEVEL="debug") as server,
        httpx.Client(base_url=server.url, timeout=300) as client,
    ):
        assert client.get("/api/model-status").json()["limits"]["links"] is True
        for host in ("localhost", "127.0.0.1", "[::1]", "2130706433", "Canary@localhost"):
            link = f"http://{host}:{site.port}/Canary.jpg"
            code = "bad_link" if "@" in host else "link_refused"
            check_error(client.post("/api/predict", **form(("url", link))), 400, code)
        operation = client.get("/openapi.json").json()["paths"]["/api/predict"]["post"]
        client.get("/last-line-of-this-test")
        log = server.wait_for_log("(no such page) 404")
    assert site.seen == []
    assert "POST /api/predict 400" in log
    assert "Canary" not in log
    schema = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert schema["properties"]["url"]["format"] == "uri"
    assert schema["properties"]["image"]["format"] == "binary"
    assert {"400", "413", "502", "504"} <= set(operation["responses"])


def test_links_without_their_extra_are_refused_before_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)  # as if not installed
    assert load_settings(fetch_links=False).fetch_links is False
    monkeypatch.setenv("VERAFACE_FETCH_LINKS", "true")
    with pytest.raises(SettingsError, match="VERAFACE_FETCH_LINKS") as caught:
        load_settings()
    assert 'pip install "veraface[links]"' in str(caught.value)


START = """
import sys
sys.modules["httpx"] = None
sys.argv = ["veraface", "serve"]
from veraface.cli import main
main()
"""


def test_the_server_does_not_start_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERAFACE_FETCH_LINKS", "true")
    finished = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, timeout=300)
    assert finished.returncode == 1
    assert 'pip install "veraface[links]"' in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize("value", ["0", "-1", "61", "soon", "nan"])
def test_an_invalid_timeout_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("VERAFACE_LINK_TIMEOUT_S", value)
    with pytest.raises(SettingsError, match="VERAFACE_LINK_TIMEOUT_S"):
        load_settings()


def test_without_links_the_server_needs_no_httpx() -> None:
    code = "import sys; sys.modules['httpx'] = None; from veraface.server import create_app; create_app()"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
