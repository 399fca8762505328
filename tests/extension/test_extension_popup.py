"""The popup: checks of chosen, dropped and pasted images, and the recent checks."""

import base64
import json
import re
from collections.abc import Callable

import httpx
from playwright.sync_api import Page, expect

from tests.extension.conftest import AXE, Chromium, RunningServer, Site, violations
from tests.server.conftest import running_server
from tests.server.page import shown_range

NAME = "<img src=x onerror=document.title='owned'> & \u202egpj.jpg"
BRING = """([name, data, how]) => {
    const bytes = Uint8Array.from(atob(data), one => one.charCodeAt(0));
    const files = new DataTransfer();
    files.items.add(new File([bytes], name, { type: "image/jpeg" }));
    const given = { bubbles: true, cancelable: true };
    if (how === "drop") dispatchEvent(new DragEvent("drop", { ...given, dataTransfer: files }));
    else dispatchEvent(new ClipboardEvent("paste", { ...given, clipboardData: files }));
}"""


def bring(page: Page, image: bytes, how: str, name: str = "portrait.jpg") -> None:
    if how == "choose":
        page.set_input_files("#file", {"name": name, "mimeType": "image/jpeg", "buffer": image})
    else:
        page.evaluate(BRING, [name, base64.b64encode(image).decode(), how])


def test_shows_the_api_verdict(chromium: Chromium, server: RunningServer, face: bytes) -> None:
    answer = httpx.post(f"{server.url}/api/predict", files={"image": ("x", face)}, timeout=300).json()
    page = chromium.open("popup.html")
    for how in ("choose", "drop", "paste"):
        bring(page, face, how, f"{how}.jpg")
        expect(page.locator("#name")).to_have_text(f"{how}.jpg")
        verdict = page.locator("#view [data-verdict]").first
        expect(verdict).to_have_attribute("data-verdict", answer["verdict"])
        shown = shown_range(answer, answer["thresholds"]) or ""
        expect(page.locator("#view .range strong")).to_have_text(shown)
        expect(page.locator("#recent li")).to_have_count(0)  # it is shown already
        assert chromium.history()[0]["p_fake"] == answer["p_fake"]


def test_the_modes_of_the_server_are_followed(chromium: Chromium, face: bytes) -> None:
    """In the result and in the list, also after the popup was closed."""
    with running_server(VERAFACE_WORDS_ONLY="true", VERAFACE_NEVER_SAY_REAL="true") as server:
        answer = httpx.post(f"{server.url}/api/v1/detect", files={"image": face}, timeout=300).json()
        assert answer["verdict"] == "real"
        chromium.settings(server=server.url)
        page = chromium.open("popup.html")
        bring(page, face, "choose")
        expect(page.locator("#view .answer")).to_contain_text("No sign of forgery found")
        expect(page.locator("#view .range")).to_have_count(0)
        page.reload()
        expect(page.locator("#recent .verdict")).to_have_text("No sign of forgery found")
        expect(page.locator("#recent .chance")).to_have_text("")
        page.locator(".recent-item").click()
        expect(page.locator("#view .answer")).to_contain_text("No sign of forgery found")
        assert not re.search(r"\breal\b|\d%", page.locator("body").inner_text(), re.IGNORECASE)


def test_recent_checks_are_listed_and_cleared(
    chromium: Chromium, face: bytes, no_face: bytes, two_faces: bytes
) -> None:
    page = chromium.open("popup.html")
    expect(page.locator("#empty")).to_contain_text("No checks yet")
    for name, image in (
        ("one.jpg", face),
        ("none.jpg", no_face),
        ("two.jpg", two_faces),
        ("again.jpg", face),
    ):
        bring(page, image, "choose", name)
        expect(page.locator("#name")).to_have_text(name)
        expect(page.locator("#view .answer, #view [data-fault]")).to_have_count(1)
    expect(page.locator("#recent .what")).to_have_text(["two.jpg", "none.jpg"])
    expect(page.locator("#recent .verdict").nth(1)).to_have_text("No face found")
    page.reload()
    expect(page.locator("#recent li")).to_have_count(3)
    page.locator("#clear").click()
    expect(page.locator("#recent li")).to_have_count(0)
    assert chromium.history() == []


def test_recent_checks_open_with_faces_and_full_result(
    chromium: Chromium, face: bytes, no_face: bytes, two_faces: bytes
) -> None:
    """As long as the image is in memory; later without them."""
    page = chromium.open("popup.html")
    for name, image in (("two.jpg", two_faces), ("none.jpg", no_face), ("one.jpg", face)):
        bring(page, image, "choose", name)
        expect(page.locator("#name")).to_have_text(name)
        expect(page.locator("#view .answer, #view [data-fault]")).to_have_count(1)
    page.locator(".recent-item").filter(has_text="two.jpg").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#name")).to_have_text("two.jpg")
    expect(page.locator("#view .faces li")).to_have_count(2)
    with chromium.context.expect_page() as opened:
        page.locator("[data-action=full]").click()
    expect(opened.value.locator("#filename")).to_have_text("two.jpg")
    page.bring_to_front()
    page.locator(".recent-item").filter(has_text="none.jpg").click()
    expect(page.locator("#view h2")).to_have_text("No face found")
    expect(page.locator("#recent .what")).to_have_text(["one.jpg", "two.jpg"])
    chromium.worker.evaluate("async () => chrome.storage.session.clear()")  # as at a new start of the browser
    page.locator(".recent-item").filter(has_text="two.jpg").click()
    expect(page.locator("#view .answer")).to_be_visible()
    expect(page.locator("[data-action=full]")).to_have_count(0)
    expect(page.locator("#view")).to_contain_text("The image itself is not stored")


def test_at_most_fifty_checks_are_stored_and_none_if_disabled(
    chromium: Chromium, server: RunningServer, face: bytes
) -> None:
    entries = [
        {"time": n, "verdict": "real", "p_fake": 0.1, "name": f"{n}.jpg", "sha256": str(n)} for n in range(50)
    ]
    nonsense = [None, {"time": "now", "verdict": "<b>"}, {**entries[0], "name": 7}]
    store = "async history => chrome.storage.local.set({ history })"
    chromium.worker.evaluate(store, [*nonsense, *entries])
    page = chromium.open("popup.html")
    expect(page.locator("#recent li")).to_have_count(50)
    chromium.worker.evaluate(store, entries)
    bring(page, face, "choose")
    expect(page.locator("#name")).to_have_text("portrait.jpg")
    expect(page.locator("#recent li")).to_have_count(49)
    assert len(chromium.history()) == 50
    page.locator("#clear").click()
    expect(page.locator("#recent li")).to_have_count(0)
    chromium.settings(server=server.url, history=False)
    bring(page, face, "choose")
    expect(page.locator("#view .answer")).to_be_visible()
    expect(page.locator("#empty")).to_contain_text("history is off")
    assert chromium.history() == []


def test_hostile_file_names_are_shown_as_text(chromium: Chromium, face: bytes) -> None:
    page = chromium.open("popup.html")
    bring(page, face, "drop", NAME)
    expect(page.locator("#name")).to_have_text("<img src=x onerror=document.title='owned'> & gpj.jpg")
    expect(page.locator("#view .answer")).to_be_visible()
    page.reload()
    expect(page.locator("#recent .what")).to_have_text("<img src=x onerror=document.title='owned'> & gpj.jpg")
    assert page.locator("main img, main b").count() == 0
    assert page.title() == "Veraface"


def test_a_dropped_link_is_refused(chromium: Chromium) -> None:
    page = chromium.open("popup.html")
    page.evaluate(
        "dispatchEvent(new DragEvent('drop', { dataTransfer: new DataTransfer(), cancelable: true }))"
    )
    expect(page.locator("#view h2")).to_have_text("Not a file")


def test_an_unreachable_server_can_be_asked_again(
    chromium: Chromium, server: RunningServer, face: bytes
) -> None:
    chromium.settings(server="http://127.0.0.1:9")
    page = chromium.open("popup.html")
    bring(page, face, "choose")
    expect(page.locator("#view h2")).to_have_text("Veraface is not running")
    expect(page.locator(".command")).to_have_text("veraface serve")
    chromium.settings(server=server.url)
    page.locator("[data-action=again]").click()
    expect(page.locator("#view [data-verdict=real]").first).to_be_visible()


def test_only_the_latest_check_is_shown(chromium: Chromium, site: Site) -> None:
    """The server is busy with the first image when the second arrives."""
    site.be_busy()
    chromium.settings(server=site.as_server())
    page = chromium.open("popup.html")
    bring(page, b"first", "choose", "first.jpg")
    expect(page.locator("#view h2")).to_have_text("The server is busy")
    site.be_free()
    bring(page, b"second", "choose", "second.jpg")
    expect(page.locator("#recent .what")).to_have_text(["first.jpg"])
    expect(page.locator("#name")).to_have_text("second.jpg")


def test_shows_where_images_are_sent(chromium: Chromium, server: RunningServer) -> None:
    page = chromium.open("popup.html")
    expect(page.locator("#privacy")).to_have_text("Images stay on this computer.")
    chromium.settings(server="http://veraface.example.org")
    expect(page.locator("#privacy")).to_contain_text("Images are sent to veraface.example.org")
    expect(page.locator("#privacy .warning")).to_contain_text("not encrypted")


def test_uses_the_chosen_language(
    chromium: Chromium, server: RunningServer, face: bytes, read_words: Callable[[str], dict[str, str]]
) -> None:
    chromium.settings(server=server.url, language="de")
    page = chromium.open("popup.html")
    for language in ("de", "ar", "zh"):
        chromium.settings(server=server.url, language=language)
        words = read_words(language)
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.locator("html")).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
        expect(page.locator(".drop strong")).to_have_text(words["extension.popup.drop"])
        bring(page, face, "choose", f"{language}.jpg")
        expect(page.locator("#name")).to_have_text(f"{language}.jpg")
        expect(page.locator("#view h2")).to_have_text(words["verdicts.real.name"])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), language


def test_a_result_without_a_page_is_shown_in_a_window(chromium: Chromium) -> None:
    """For example an image of the browser's own pages."""
    with chromium.context.expect_page() as opened:
        chromium.worker.evaluate(
            """async () => {
                const tab = (await chrome.tabs.query({}))[0];
                const srcUrl = "chrome://theme/IDR_LOGO";
                const info = { menuItemId: "check", srcUrl, pageUrl: "chrome://newtab/" };
                chrome.contextMenus.onClicked.dispatch(info, tab);
            }"""
        )
    expect(opened.value.locator("#view h2")).to_have_text("The image could not be read")


def test_fits_the_popup_size_of_browsers(chromium: Chromium, server: RunningServer, face: bytes) -> None:
    """At most 600 px high: the header stays, everything below scrolls as one, nothing is cut off."""
    entry = {"time": 1, "verdict": "fake", "p_fake": 0.9, "name": "long name " * 8, "sha256": "a"}
    store = "async history => chrome.storage.local.set({ history })"
    page = chromium.open("popup.html")
    page.set_viewport_size({"width": 380, "height": 600})
    for language, direction in (("en", "ltr"), ("ar", "rtl")):
        chromium.worker.evaluate(store, [{**entry, "sha256": str(number)} for number in range(50)])
        chromium.settings(server=server.url, language=language)
        page.reload()
        expect(page.locator("html")).to_have_attribute("dir", direction)
        expect(page.locator("#recent li")).to_have_count(50)
        bring(page, face, "choose")
        expect(page.locator("#view .answer")).to_be_visible()
        expect(page.locator("#name")).to_have_text("portrait.jpg")
        expect(page.locator("#recent li")).to_have_count(49)
        check_size(page)
        bring(page, face, "choose", "next.jpg")
        expect(page.locator("#name")).to_be_in_viewport(ratio=1)


def check_size(page: Page) -> None:
    scrolling = """() => [...document.querySelectorAll("html, body, body *")].filter(node =>
        ["auto", "scroll"].includes(getComputedStyle(node).overflowY) && node.scrollHeight > node.clientHeight
    ).map(node => node.localName)"""
    assert page.evaluate(scrolling) == ["main"]
    wide = """() => [...document.querySelectorAll("html, body, main")].filter(node =>
        node.scrollWidth > node.clientWidth
    ).map(node => node.localName)"""
    assert page.evaluate(wide) == []
    page.locator("#recent li").last.scroll_into_view_if_needed()
    expect(page.locator("#options")).to_be_in_viewport(ratio=1)
    expect(page.locator("#recent li").last).to_be_in_viewport(ratio=1)
    assert violations(page) == []


def test_is_accessible(chromium: Chromium, face: bytes, two_faces: bytes) -> None:
    page = chromium.open("popup.html")
    bring(page, two_faces, "choose")
    expect(page.locator("#view .faces li")).to_have_count(2)
    bring(page, face, "choose")
    expect(page.locator("#recent li")).to_have_count(1)
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], scheme
    page.keyboard.press("Tab")
    assert AXE.is_file()


def test_messages_of_the_server_are_text(chromium: Chromium, site: Site) -> None:
    message = "<b>bold</b>" * 100
    fault = {"success": False, "error": {"code": "malformed_upload", "message": message}}
    site.put("/api/predict", json.dumps(fault), "application/json", 400)
    chromium.settings(server=site.as_server())
    page = chromium.open("popup.html")
    bring(page, b"x", "choose")
    expect(page.locator("#view .note")).to_contain_text("<b>bold</b>")
    assert len(page.locator("#view .note").inner_text()) < 310
