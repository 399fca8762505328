"""The options page: server address, language, automatic check, history."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.extension.conftest import Chromium, RunningServer, Site, violations, wait_until

NONSENSE = [
    "",
    "not an address",
    "javascript:alert(1)",
]


def stored(chromium: Chromium) -> dict[str, Any]:
    return chromium.worker.evaluate("async () => (await chrome.storage.local.get('settings')).settings")


def save(page: Page, address: str) -> None:
    page.locator("#server").fill(address)
    page.locator("#server-form button").click()


def say(page: Page, allow: bool) -> None:
    """Set the answer to permission prompts."""
    page.evaluate(
        """allow => {
            globalThis.asked = [];
            chrome.permissions.request = async ({ origins }) => (asked.push(...origins), allow);
        }""",
        allow,
    )


def test_the_address_is_saved_and_the_server_reported(chromium: Chromium, server: RunningServer) -> None:
    chromium.settings()
    page = chromium.open("options.html")
    expect(page.locator("#server")).to_have_value("http://127.0.0.1:7860")
    save(page, f" {server.url.removeprefix('http://')}/ ")
    expect(page.locator("#server-status")).to_contain_text("is running with the model veraface")
    expect(page.locator("#server")).to_have_value(server.url)
    assert stored(chromium)["server"] == server.url
    save(page, "http://127.0.0.1:9")
    expect(page.locator("#server-status")).to_contain_text("no answer from a Veraface server at 127.0.0.1:9")


def test_invalid_addresses_are_refused(chromium: Chromium, server: RunningServer) -> None:
    page = chromium.open("options.html")
    for address in NONSENSE:
        page.evaluate("document.querySelector('#server-status').textContent = ''")
        save(page, address)
        expect(page.locator("#server-status")).to_contain_text("Not a valid server address")
        expect(page.locator("#server")).to_have_attribute("aria-invalid", "true")
    assert stored(chromium)["server"] == server.url


def test_another_host_needs_permission(chromium: Chromium, server: RunningServer, site: Site) -> None:
    page = chromium.open("options.html")
    say(page, allow=False)
    save(page, site.url("", "veraface.test"))
    expect(page.locator("#server-status")).to_contain_text("Not saved")
    assert page.evaluate("asked") == ["http://veraface.test/*"]
    assert stored(chromium)["server"] == server.url
    say(page, allow=True)
    save(page, site.url("/behind/a/proxy/", "veraface.test"))
    expect(page.locator("#server-status")).to_contain_text("not encrypted")
    assert stored(chromium)["server"] == site.url("/behind/a/proxy", "veraface.test")


def test_invalid_settings_are_replaced_by_defaults(chromium: Chromium) -> None:
    chromium.settings(server="javascript:alert(1)", language="constructor", automatic="yes", history=1)
    page = chromium.open("options.html")
    expect(page.locator("#server")).to_have_value("http://127.0.0.1:7860")
    expect(page.locator("#language")).to_have_value("")
    expect(page.locator("#automatic")).not_to_be_checked()
    expect(page.locator("#history")).to_be_checked()


def test_the_language_changes_everywhere_at_once(
    chromium: Chromium, read_words: Callable[[str], dict[str, str]]
) -> None:
    """Also in the context menu."""
    chromium.worker.evaluate(
        """() => {
            globalThis.creates ??= chrome.contextMenus.create;
            chrome.contextMenus.create = (entry, done) => {
                globalThis.title = entry.title;
                creates(entry, done);
            };
        }"""
    )
    page = chromium.open("options.html")
    english = read_words("en")
    for language in ("ar", "de", "es", "fr", "hi", "zh"):
        words = read_words(language)
        page.locator("#language").select_option(language)
        expect(page.locator("h1")).to_have_text(words["extension.options.heading"])
        expect(page.locator("html")).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
        expect(page).to_have_title(words["extension.options.title"])
        shown = page.locator("body").inner_text()
        foreign = [text for path, text in english.items() if text != words.get(path) and len(text) > 12]
        assert [phrase for phrase in foreign if phrase in shown] == []
        menu = words["extension.menu"]
        wait_until(page, lambda menu=menu: chromium.worker.evaluate("() => globalThis.title") == menu)


def test_the_history_is_disabled_and_cleared(chromium: Chromium) -> None:
    entry = {"time": 1, "verdict": "real", "p_fake": 0.1, "name": "a", "sha256": "b"}
    chromium.worker.evaluate("async entry => chrome.storage.local.set({ history: [entry] })", entry)
    page = chromium.open("options.html")
    page.locator("#history").uncheck()
    page.locator("#clear").click()
    expect(page.locator("#history-status")).to_have_text("Cleared.")
    assert chromium.history() == []
    wait_until(page, lambda: stored(chromium).get("history") is False)


def test_the_automatic_check_is_off_until_permitted(chromium: Chromium) -> None:
    page = chromium.open("options.html")
    expect(page.locator("#automatic")).not_to_be_checked()
    say(page, allow=False)
    page.locator("#automatic").click()
    expect(page.locator("#automatic-status")).to_contain_text("Stays off")
    expect(page.locator("#automatic")).not_to_be_checked()
    assert page.evaluate("asked") == ["https://*/*"]
    assert stored(chromium)["automatic"] is False
    assert chromium.worker.evaluate("() => chrome.scripting.getRegisteredContentScripts()") == []


def test_is_accessible(chromium: Chromium) -> None:
    page = chromium.open("options.html")
    save(page, "nonsense nonsense")
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], scheme
