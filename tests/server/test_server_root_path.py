"""The page and the API behind a proxy under a sub-path."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.server.asgi import application
from tests.server.page import choose, expect_state
from veraface.server import SettingsError, load_settings

ROOT = "/veraface"


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with application(root_path=f"{ROOT}/", metrics=True) as client:
        yield client


@pytest.mark.parametrize("kept", [ROOT, ""], ids=["path kept by the proxy", "path removed"])
def test_every_route_is_there_under_the_path(client: Any, kept: str, face: bytes) -> None:
    for path in ("/", "/history", "/docs", "/sw.js", "/static/js/main.js", "/openapi.json", "/healthz"):
        assert client.get(kept + path).status_code == 200, path
    for path in ("/", "/docs"):
        page = client.get(kept + path)
        addresses = re.findall(r'(?:href|src)="([^"#]+)"', page.text)
        assert len(addresses) > 3
        for address in addresses:
            assert address.startswith(f"{ROOT}/")
            assert client.get(address.removeprefix(ROOT if not kept else "")).status_code == 200, address
        assert page.headers["etag"]
    assert client.post(f"{kept}/api/predict", files={"image": ("a.jpg", face)}).status_code == 200
    # Headers by path: those of the API, and the policy of Swagger UI.
    assert client.get(f"{kept}/api/model-status").headers["cache-control"] == "no-store"
    assert "unsafe-inline" in client.get(f"{kept}/docs").headers["content-security-policy"]
    assert client.get(f"{kept}/openapi.json").json()["servers"] == [{"url": ROOT}]
    assert 'route="/static"' in client.get(f"{kept}/metrics").text


def test_paths_of_others_are_not_the_servers(client: Any) -> None:
    assert client.get("/veraface2/").status_code == 404
    redirected = client.get(f"{ROOT}/history/?a=b", follow_redirects=False)
    assert redirected.headers["location"] == f"{ROOT}/history?a=b"


def test_the_manifest_names_no_path_of_its_own(client: Any) -> None:
    manifest = client.get("/static/manifest.webmanifest").json()
    assert (manifest["start_url"], manifest["scope"]) == ("../", "../")
    assert not [icon for icon in manifest["icons"] if icon["src"].startswith("/")]


@pytest.mark.parametrize("path", ["veraface", "/a b", "/a?b", '/a"', "//a", "/..//", "/api", "/static/x"])
def test_invalid_root_paths_are_refused(path: str) -> None:
    with pytest.raises(SettingsError, match="root_path"):
        load_settings(root_path=path)
    assert load_settings(root_path="/").root_path == ""


def test_the_page_works_under_the_path(
    open_page: Callable[..., Page], start_server: Callable[..., Any], face: bytes
) -> None:
    with start_server(VERAFACE_ROOT_PATH=ROOT) as server:
        page = open_page(server.url, f"{ROOT}/", fresh=True)
        expect(page.get_by_role("heading", level=1)).to_have_text("Is this face real?")
        choose(page, face)
        expect_state(page, "analyzed")
        assert re.search(rf"{ROOT}/result/[\w-]+$", page.url)
        page.locator("#pages").get_by_role("link", name="History").click()
        expect(page.locator(".past")).to_have_count(1)
        assert page.url.endswith(f"{ROOT}/history")
        page.reload()
        expect(page.locator(".past")).to_have_count(1)
        kept = page.evaluate(
            """async () => {
              await navigator.serviceWorker.ready;
              const cache = await caches.open("veraface-shell-1");
              const size = async () => (await cache.keys()).length;
              for (let n = 0; n < 99 && (await size()) < 30; n++) await new Promise((r) => setTimeout(r, 99));
              return (await cache.keys()).map(({ url }) => new URL(url).pathname);
            }"""
        )
        assert len(kept) > 30
        assert all(path.startswith(f"{ROOT}/") for path in kept)
