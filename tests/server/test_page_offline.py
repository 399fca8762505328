"""The page as an installed application: it opens without the server and caches nothing private."""

import base64
import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

import veraface.server
from tests.server.door import open_door
from tests.server.page import choose, expect_fault, expect_state, expect_verdict
from tests.server.page_pool import PagePool
from tests.server.shared_page import SharedPage
from tests.waiting import wait_until

STATIC = Path(veraface.server.__file__).parent / "static"

OpenPage = Callable[..., Page]


def wait_for_worker(page: Page) -> None:
    page.evaluate("navigator.serviceWorker.ready.then(() => {})")
    wait_until(
        lambda: page.evaluate(
            "async () => (await (await caches.open('veraface-shell-1')).keys()).length > 30"
        )
    )


@pytest.fixture(scope="module")
def shared(page_pool: PagePool, server: Any) -> Iterator[SharedPage]:
    def install(page: Page) -> None:
        wait_for_worker(page)
        page.reload()

    with contextlib.closing(SharedPage(page_pool, server.url, install, fresh=True)) as shared:
        yield shared


@pytest.fixture
def installed(shared: SharedPage, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page whose requests the worker answers."""
    with shared.lend(request) as page:
        yield page


def test_the_worker_keeps_every_file_of_the_page() -> None:
    """All that the page may ask for but its other languages, which are kept once they are used."""
    script = (STATIC / "sw.js").read_text()
    listed = re.findall(r'"([^"]+)"', script[script.index("const SHELL = [") : script.index("];")])
    kinds = {".js", ".css", ".json", ".svg", ".png", ".webmanifest"}
    there = {
        path.relative_to(STATIC).as_posix()
        for path in STATIC.rglob("*")
        if path.suffix in kinds and path.name not in ("sw.js", "docs.js")
    }
    other_languages = {name for name in there if name.startswith("languages/")} - {"languages/en.json"}
    assert set(listed) == there - other_languages
    assert listed == sorted(listed)


def test_the_page_opens_without_its_server_and_works_again_with_it(
    open_page: OpenPage, server: Any, face: bytes, complaints: list[str]
) -> None:
    with open_door(server.url) as port:
        url = f"http://127.0.0.1:{port}"
        answer = httpx.post(f"{url}/api/predict", files={"image": ("a.jpg", face)}, timeout=300).json()
        page = open_page(url, fresh=True)
        page.locator("#language").select_option("de")
        expect(page.locator("html")).to_have_attribute("lang", "de")
        wait_for_worker(page)
        page.reload()  # from here on the worker answers
        expect(page.locator("html")).to_have_attribute("lang", "de")
        page.locator("#language").select_option("en")
        expect(page.locator("html")).to_have_attribute("lang", "en")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Is this face real?")
    expect(page.locator("#banner")).to_contain_text("does not answer")
    page.goto(f"{url}/history")
    expect(page.get_by_role("heading", level=1)).to_have_text("History")
    page.locator("#pages").get_by_role("link", name="About").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("About Veraface")
    expect(page.locator("#model-card")).to_contain_text("does not answer")
    page.goto(f"{url}/result/0123456789abcdef01234567")
    expect(page.get_by_role("heading", level=1)).to_have_text("This result is not in this browser")
    choose(page, face)
    expect_fault(page, "Server not reachable")
    with open_door(server.url, port):
        expect(page.locator("#banner")).to_be_hidden()
        page.get_by_role("button", name="Try again").click()
        expect_verdict(page, answer)
    complaints[:] = [text for text in complaints if "Failed to fetch" not in text]


def test_the_page_can_be_installed(installed: Page) -> None:
    browser = installed.context.new_cdp_session(installed)
    manifest = browser.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert '"display": "standalone"' in manifest["data"]
    problems = browser.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A test's browser window is a private one, which installs nothing.
    assert [problem["errorId"] for problem in problems if problem["errorId"] != "in-incognito"] == []


def test_the_worker_caches_no_image_and_no_answer(installed: Page, face: bytes) -> None:
    page = installed
    choose(page, face)
    expect_state(page, "analyzed")
    kept = page.evaluate(
        """async () => {
            const all = await Promise.all((await caches.keys()).map(async (name) =>
                (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)));
            return all.flat();
        }"""
    )
    assert "/" in kept
    # What is no view is not taken for one.
    page.goto(page.url.split("/result")[0] + "/api/model")
    expect(page.locator("body")).to_contain_text('"name"')
    page.go_back()
    kept_page = page.evaluate("caches.match('/').then((answer) => answer.text())")
    assert kept_page.startswith("<!doctype html>")
    assert [path for path in kept if path != "/" and not path.startswith("/static/")] == []


def test_a_server_that_fails_is_taken_for_one_that_is_not_there(installed: Page) -> None:
    """As a proxy answers while the server behind it restarts."""
    page = installed
    broken = """async () => {
        const kept = await caches.open("veraface-shell-1");
        await kept.put("/static/js/none.js", new Response("kept"));
        return (await fetch("/static/js/none.js")).status;
    }"""
    assert page.evaluate(broken) == 404  # the program exists and answers
    page.context.route("**/static/js/none.js", lambda route: route.fulfill(status=502))
    assert page.evaluate("fetch('/static/js/none.js').then((answer) => answer.text())") == "kept"
    page.context.unroute_all()
    page.evaluate("caches.open('veraface-shell-1').then((kept) => kept.delete('/static/js/none.js'))")


def test_only_what_has_changed_is_written_again(installed: Page) -> None:
    """A file without an ETag, which a proxy may remove, counts as changed."""
    page = installed
    page.context.route("**/static/js/none.js", lambda route: route.fulfill(status=200, body="new"))
    ask = """async () => {
        const kept = await caches.open("veraface-shell-1");
        const { headers } = await kept.match("/static/js/dom.js");
        await kept.put("/static/js/dom.js", new Response("marked", { headers }));
        await kept.put("/static/js/none.js", new Response("old"));
        for (const name of ["dom", "none"]) await (await fetch(`/static/js/${name}.js`)).text();
    }"""
    text = "(name) => caches.match(`/static/js/${name}.js`).then((answer) => answer.text())"
    page.evaluate(ask)
    wait_until(lambda: page.evaluate(text, "none") == "new")
    assert page.evaluate(text, "dom") == "marked"
    page.context.unroute_all()
    clear = """async () => {
        const kept = await caches.open("veraface-shell-1");
        await Promise.all(["dom", "none"].map((name) => kept.delete(`/static/js/${name}.js`)));
        await fetch("/static/js/dom.js");
    }"""
    page.evaluate(clear)
    wait_until(lambda: page.evaluate("caches.match('/static/js/dom.js').then(Boolean)"))


def test_after_an_upgrade_no_old_file_stays_behind(installed: Page, server: Any) -> None:
    """One visit to any view renews them all: files of two versions do not fit together."""
    page = installed
    age = """async (names) => {
        const kept = await caches.open("veraface-shell-1");
        for (const name of names) {
            await kept.put(`/static/${name}`, new Response("old", { headers: { ETag: '"old"' } }));
        }
    }"""
    page.evaluate(age, ["js/dom.js", "js/views/dashboard.js", "languages/hi.json", "js/dashboard/roc.js"])
    page.goto(f"{server.url}/about")
    expect(page.get_by_role("heading", level=1)).to_have_text("About Veraface")
    renewed = """async () => {
        const kept = await caches.open("veraface-shell-1");
        const texts = (await kept.matchAll()).map((answer) => answer.text());
        return (await Promise.all(texts)).every((text) => text !== "old");
    }"""
    wait_until(lambda: page.evaluate(renewed))


def test_caches_of_other_applications_are_left_alone(open_page: OpenPage) -> None:
    """And those of older versions of this one are not."""
    page = open_page(path="/api/model", fresh=True)
    page.evaluate("Promise.all(['veraface-shell-0', 'somebody-else'].map((name) => caches.open(name)))")
    page.goto(page.url.replace("/api/model", "/"))
    wait_for_worker(page)
    wait_until(lambda: page.evaluate("caches.has('veraface-shell-0').then((there) => !there)"))
    assert sorted(page.evaluate("caches.keys()")) == ["somebody-else", "veraface-shell-1"]


@pytest.mark.parametrize("path", ["/", "/history", "/dashboard", "/about", "/result/0123abc", "/sw.js"])
def test_every_address_of_the_page_answers(client: httpx.Client, path: str) -> None:
    whole, head = client.get(path), client.head(path)
    assert whole.status_code == head.status_code == 200
    assert head.content == b""
    kind = "text/javascript" if path == "/sw.js" else "text/html"
    assert whole.headers["content-type"] == head.headers["content-type"] == f"{kind}; charset=utf-8"
    assert whole.headers["cache-control"] == "no-cache"
    policy = whole.headers["content-security-policy"]
    assert "require-trusted-types-for 'script'; trusted-types veraface" in policy
    assert "worker-src 'self'; manifest-src 'self'" in policy
    assert path.replace("0123abc", "{id}") not in client.get("/openapi.json").json()["paths"]


def test_another_app_can_share_an_image_with_the_installed_page(installed: Page, face: bytes) -> None:
    """The worker takes it, in memory; it waits for a click, as websites can send such a form too."""
    page = installed
    manifest = page.evaluate("fetch('/static/manifest.webmanifest').then((answer) => answer.json())")
    target = manifest["share_target"]
    assert target["action"] == "../share"  # from /static/
    share = """([content, name]) => {
        const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
        const form = document.createElement("form");
        Object.assign(form, { method: "post", action: "/share", enctype: "multipart/form-data" });
        const field = Object.assign(document.createElement("input"), { type: "file", name });
        const transfer = new DataTransfer();
        if (bytes.length) transfer.items.add(new File([bytes], "shared.jpg", { type: "image/jpeg" }));
        field.files = transfer.files;
        form.append(field);
        document.body.append(form);
        form.submit();
    }"""
    page.evaluate(share, [base64.b64encode(face).decode(), target["params"]["files"][0]["name"]])
    expect_state(page, "ready")
    page.locator("#analyse").click()
    expect_state(page, "analyzed")
    expect(page.locator("#filename")).to_have_text("shared.jpg")
    kept = (
        "caches.open('veraface-shell-1').then((kept) => kept.keys()).then((all) => all.map(({ url }) => url))"
    )
    assert [url for url in page.evaluate(kept) if "shar" in url] == [
        page.url.split("/result")[0] + "/static/js/share.js"
    ]
    page.goto(page.url.split("/result")[0] + "/?shared")
    expect(page.locator("#notice")).to_contain_text("did not arrive")
    assert page.url.endswith("/")


@pytest.mark.parametrize("name", ["icon-192.png", "icon-512.png", "maskable-512.png"])
def test_icons_have_the_sizes_of_the_manifest(name: str) -> None:
    from PIL import Image

    with Image.open(STATIC / "icons" / name) as icon:
        assert f"{icon.width}" in name
        assert icon.width == icon.height


def test_the_worker_is_the_only_script_that_an_address_may_become(installed: Page) -> None:
    tried = installed.evaluate(
        """async () => {
            const { scriptUrl } = await import("/static/js/trusted.js");
            try { return String(scriptUrl("https://example.com/x.js")) } catch (error) { return error.name }
        }"""
    )
    assert tried == "TypeError"
