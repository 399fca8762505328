"""The automatic check of the image under the pointer, with permission for every website."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.extension.conftest import Card, Chromium, RunningServer, Site, chromium_with, wait_until

IMAGES = """<body style="margin: 0"><img id="big" src="/it.jpg" width="300" height="300">
<img id="small" src="/small.jpg" width="100" height="100">
<img id="none" src="/none.jpg" width="300" height="200">"""


@pytest.fixture(scope="module")
def allowed(browser: Browser, unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """Permission prompts cannot be automated: this manifest requests the permission at installation."""
    folder = tmp_path_factory.mktemp("allowed") / "extension"
    shutil.copytree(unpacked, folder)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["host_permissions"] += manifest.pop("optional_host_permissions")
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with chromium_with(browser, folder, tmp_path_factory.mktemp("profile")) as chromium:
        chromium.wait_until_ready()
        yield chromium


def scripts(chromium: Chromium) -> list[str]:
    found = "async () => (await chrome.scripting.getRegisteredContentScripts()).map(script => script.id)"
    return chromium.worker.evaluate(found)


def automatic_page(allowed: Chromium, server: str, site: Site) -> Page:
    """Open a page on which the automatic check runs."""
    allowed.settings(server=server, automatic=True)
    wait_until(allowed.context.pages[0], lambda: scripts(allowed) == ["automatic"])
    page = allowed.visit(site.page(IMAGES))
    page.bring_to_front()
    return page


def test_a_badge_shows_the_verdict_until_the_check_is_disabled(
    allowed: Chromium, server: RunningServer, site: Site, face: bytes, no_face: bytes
) -> None:
    allowed.settings(server=server.url)
    site.put("/it.jpg", face)
    site.put("/small.jpg", face)
    site.put("/none.jpg", no_face)
    assert scripts(allowed) == []
    options = allowed.open("options.html")
    options.locator("#automatic").check()
    expect(options.locator("#automatic")).to_be_checked()
    wait_until(options, lambda: scripts(allowed) == ["automatic"])

    page = allowed.visit(site.page(IMAGES))
    page.bring_to_front()
    site.asked.clear()
    badge = Card(page)
    page.evaluate(
        """() => {
            const given = { bubbles: true, composed: true, clientX: 50, clientY: 50, pointerType: "mouse" };
            document.querySelector("#big").dispatchEvent(new PointerEvent("pointermove", given));
        }"""
    )
    page.hover("#small")
    page.wait_for_timeout(1000)
    page.hover("#none")
    wait_until(page, lambda: site.asked)
    page.wait_for_timeout(1000)
    assert badge.text() is None
    assert [path for _, path, _ in site.asked] == ["/none.jpg"], (
        "no small ones, none for what a page makes up"
    )
    page.hover("#big")
    assert badge.verdict() == "real"
    assert "Likely real" in (badge.text() or "")
    page.hover("#small")
    assert badge.text() is None
    page.hover("#big")
    page.wait_for_timeout(900)
    assert badge.verdict() == "real"
    assert [path for _, path, _ in site.asked] == ["/none.jpg", "/it.jpg"], "each once a page"
    assert all(cookies == "" for _, _, cookies in site.asked)
    assert allowed.history() == []

    card = Card(page)
    badge.click(".pill")
    card.wait("this.querySelector('[role=dialog] .answer')")
    assert card.text("h2") == "Likely real"

    options.bring_to_front()
    options.locator("#automatic").uncheck()
    wait_until(options, lambda: scripts(allowed) == [])
    page = allowed.visit(site.page(IMAGES, "/again.html"))
    page.bring_to_front()
    page.hover("#big")
    page.wait_for_timeout(1200)
    assert Card(page).text() is None


def test_pages_that_were_open_before_stop_checking_too(
    allowed: Chromium, server: RunningServer, site: Site, face: bytes
) -> None:
    site.put("/it.jpg", face)
    site.put("/none.jpg", face)
    page = automatic_page(allowed, server.url, site)
    badge = Card(page)
    page.hover("#big")
    assert badge.verdict() == "real"
    allowed.settings(server=server.url, automatic=False)
    site.asked.clear()
    page.hover("#none")
    page.wait_for_timeout(1200)
    assert site.asked == []
    assert badge.text() is None


def test_a_check_waits_for_the_one_in_progress(allowed: Chromium, site: Site) -> None:
    """One check runs at a time; the server is busy with the first one."""
    site.be_busy()
    server = site.as_server()
    site.put("/it.jpg", b"any bytes")
    site.put("/none.jpg", b"other bytes")
    page = automatic_page(allowed, server, site)
    badge = Card(page)
    page.hover("#big")
    wait_until(page, lambda: [path for _, path, _ in site.asked].count("/api/predict") == 1)
    page.hover("#none")
    site.be_free()
    assert badge.verdict() == "fake"
