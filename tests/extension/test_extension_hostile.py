"""Hostile pages, images and servers: what a check lets them do."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.extension.conftest import Chromium, Site, wait_until

IMAGE = '<img id="it" src="/it.jpg" width="300" height="300">'
HOSTILE = "\"><img src=x onerror=document.title='owned'><b>\u202egpj.evil"
# What no text can be made of.
NO_TEXT = {"toString": 1, "valueOf": 1}


def test_messages_of_a_page_start_no_check(chromium: Chromium, site: Site, face: bytes) -> None:
    """From the content scripts' world, as a compromised page process could; the automatic check is off."""
    site.put("/it.jpg", face)
    page = chromium.visit(site.page("nothing"))
    chromium.let_in(page)
    pages = len(chromium.context.pages)
    answers = chromium.worker.evaluate(
        """async address => {
            const tab = (await chrome.tabs.query({})).find(tab => tab.url);
            const asks = ["whole card", "under pointer", "again", "full", "nonsense", "__proto__"];
            const func = (asks, address) => Promise.all(
                asks.map(ask => chrome.runtime.sendMessage({ ask, address, id: "x" }).catch(() => null)),
            );
            const [{ result }] = await chrome.scripting.executeScript({
                target: { tabId: tab.id }, func, args: [asks, address],
            });
            return result;
        }""",
        site.url("/it.jpg"),
    )
    page.wait_for_timeout(500)
    assert answers[1] == {"stop": True, "badge": None}
    assert [path for _, path, _ in site.asked] == ["/"]
    assert len(chromium.context.pages) == pages


def test_cookies_are_never_sent_to_this_machine(chromium: Chromium, site: Site) -> None:
    address = site.url("/admin", "127.0.0.1")
    chromium.context.add_cookies([{"name": "session", "value": "1", "url": address}])
    site.put("/admin", "please log in", "text/html")
    page = chromium.visit(site.page("nothing"))
    assert chromium.right_click(page, address, allow=True).fault() == "image_unavailable"
    by_worker = [cookies for host, path, cookies in site.asked if path == "/admin"]
    assert set(by_worker) == {""}


REMOVES_CARDS = f"""{IMAGE}<script>
    new MutationObserver(() => document.querySelector("[popover]")?.remove())
        .observe(document, {{ childList: true, subtree: true }});
</script>"""
SVG = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">
    <image href="/it.jpg" width="99"/>
</svg>"""


@pytest.mark.parametrize(("document", "kind"), [(REMOVES_CARDS, "text/html"), (SVG, "image/svg+xml")])
def test_the_result_is_shown_in_a_window_where_a_document_holds_no_card(
    chromium: Chromium, site: Site, face: bytes, document: str, kind: str
) -> None:
    """A page that removes the card, and a document that cannot contain one."""
    site.put("/it.jpg", face)
    site.put("/document", document, kind)
    window = chromium.right_click_window(chromium.visit(site.url("/document")), site.url("/it.jpg"))
    assert window.locator("#view h2").inner_text() == "Likely real"
    window.close()


def test_a_hostile_page_can_neither_restyle_nor_read_the_card(
    chromium: Chromium, site: Site, face: bytes
) -> None:
    site.put("/it.jpg", face)
    style = "<style>* { display: none !important; color: red !important; all: unset !important }</style>"
    page = chromium.visit(
        site.page(
            IMAGE + style,
            Content_Security_Policy="default-src 'none'; img-src 'self'; style-src 'unsafe-inline'",
        )
    )
    card = chromium.right_click(page, site.url("/it.jpg"))
    assert card.verdict() == "real"
    assert card.box()["width"] == 320
    color = "function() { return getComputedStyle(this.querySelector('.card')).color }"
    assert card.call(color) == "rgb(22, 24, 29)"
    assert page.evaluate("[...document.querySelectorAll('*')].every(node => node.shadowRoot === null)")
    assert "Likely" not in page.evaluate("document.documentElement.outerHTML + document.body.innerText")
    assert page.evaluate("typeof verafaceCard + typeof chrome?.storage") == "undefinedundefined"


def test_names_and_messages_from_outside_never_become_markup(chromium: Chromium, site: Site) -> None:
    reasons = [{"code": HOSTILE, "message": HOSTILE}, {"code": "constructor", "message": HOSTILE}, None]
    chromium.settings(server=site.as_server(reasons=reasons, faces=[{"reasons": HOSTILE}]))
    path = "/%22%3E%3Cimg%20src=x%20onerror=document.title='owned'%3E%E2%80%AEgpj.jpg"
    site.put(path, b"any bytes")
    page = chromium.visit(site.page(f'<img src="{path}">'))
    card = chromium.right_click(page, site.url(path))
    assert card.verdict() == "fake"
    assert card.call("function() { return this.querySelectorAll('img, b').length }") == 0
    assert "<img src=x" in (card.text(".reasons") or "")
    assert chromium.history()[0]["name"] == "\"><img src=x onerror=document.title='owned'>gpj.jpg"
    popup = chromium.open("popup.html")
    popup.wait_for_selector("#recent li")
    assert popup.locator("#recent img").count() == 0
    assert popup.title() == "Veraface"
    assert page.title() == ""


def test_error_codes_of_the_server_never_become_markup(chromium: Chromium, site: Site) -> None:
    fault = {"success": False, "error": {"code": "constructor", "message": HOSTILE}}
    site.put("/api/predict", json.dumps(fault), "application/json", 400)
    site.put("/it.jpg", b"any bytes")
    chromium.settings(server=site.as_server())
    card = chromium.right_click(chromium.visit(site.page(IMAGE)), site.url("/it.jpg"))
    assert card.fault() == "other"
    assert card.call("function() { return this.querySelectorAll('img, b').length }") == 0


def test_an_image_that_differs_from_the_displayed_one_is_noticed(
    chromium: Chromium, site: Site, face: bytes, portrait: Image.Image, encode: Callable[..., bytes]
) -> None:
    """A host may serve the page one image and the extension another."""
    site.put("/it.jpg", face, Cache_Control="no-store")
    site.put("/it.jpg", encode(portrait.crop((0, 0, 512, 400))))
    page = chromium.visit(site.page('<img src="/it.jpg">'))
    card = chromium.right_click(page, site.url("/it.jpg"))
    card.verdict()
    assert "different shape" in (card.text(".reasons") or "")


@pytest.mark.parametrize(
    "attack",
    [
        "card => card.style.setProperty('display', 'none', 'important')",
        "card => card.style.setProperty('visibility', 'hidden', 'important')",
        "card => card.style.setProperty('opacity', '0', 'important')",
        "card => document.querySelector('video').append(card)",
    ],
)
def test_a_card_that_the_page_hides_is_shown_in_a_window(
    chromium: Chromium, site: Site, face: bytes, attack: str
) -> None:
    site.put("/it.jpg", face)
    script = f"""<video></video><script>
        new MutationObserver(() => document.querySelectorAll("html > [popover]").forEach({attack}))
            .observe(document, {{ childList: true, subtree: true }})
    </script>"""
    page = chromium.visit(site.page(IMAGE + script))
    with chromium.context.expect_page() as opened:
        chromium.right_click(page, site.url("/it.jpg"))
    expect(opened.value.locator("#view h2")).to_have_text("Likely real")
    expect(opened.value.locator("#name")).to_have_text("it.jpg")


@pytest.mark.parametrize("name", ["documentElement", "createElement", "querySelectorAll", "activeElement"])
def test_named_elements_that_shadow_document_properties(
    chromium: Chromium, site: Site, face: bytes, name: str
) -> None:
    """`<img name=x>` replaces `document.x`, also for content scripts (DOM clobbering)."""
    site.put("/it.jpg", face)
    page = chromium.visit(site.page(f'{IMAGE}<img name="{name}" src="/it.jpg">'))
    before = len(chromium.context.pages)
    card = chromium.right_click(page, site.url("/it.jpg"))
    seen = "function() { return this.querySelector('[data-verdict=real] h2')?.checkVisibility() }"
    wait_until(page, lambda: card.call(seen) or len(chromium.context.pages) > before)
    for window in chromium.context.pages[before:]:
        expect(window.locator("#view h2")).to_have_text("Likely real")


def test_windows_show_the_verdict_of_their_own_image(chromium: Chromium, site: Site) -> None:
    watch = "new MutationObserver(() => document.querySelector('[popover]')?.remove())"
    script = f"<script>{watch}.observe(document, {{ childList: true, subtree: true }})</script>"
    page = chromium.visit(site.page('<img src="/a.jpg"><img src="/b.jpg">' + script))
    windows = []
    for name, verdict in (("a.jpg", "fake"), ("b.jpg", "real")):
        site.answers.pop("/api/predict", None)
        chromium.settings(server=site.as_server(verdict=verdict))
        site.put(f"/{name}", name)
        with chromium.context.expect_page() as opened:
            chromium.right_click(page, site.url(f"/{name}"))
        expect(opened.value.locator("#name")).to_have_text(name)
        windows.append(opened.value)
    for window, name, verdict in zip(
        windows, ("a.jpg", "b.jpg"), ("Likely fake", "Likely real"), strict=True
    ):
        window.reload()
        expect(window.locator("#name")).to_have_text(name)
        expect(window.locator("#view h2")).to_have_text(verdict)


def test_works_under_the_strictest_policies(chromium: Chromium, site: Site, face: bytes) -> None:
    site.put("/it.jpg", face)
    policy = "default-src 'none'; img-src 'self'; sandbox; require-trusted-types-for 'script'; trusted-types"
    page = chromium.visit(site.page(IMAGE, Content_Security_Policy=policy))
    card = chromium.right_click(page, site.url("/it.jpg"))
    assert card.verdict() == "real"
    assert card.box()["width"] == 320


def test_a_result_is_not_shown_on_the_next_page(chromium: Chromium, site: Site) -> None:
    """Of the same host or another one; no window opens either."""
    for number, host in enumerate(("page.test", "other.test")):
        site.answers.pop("/api/predict", None)
        site.be_busy()
        chromium.settings(server=site.as_server())
        site.put("/it.jpg", f"bytes {number}")
        site.page("the next page", "/next.html")
        page = chromium.visit(site.page(IMAGE, "/first.html"))
        windows = len(chromium.context.pages)
        card = chromium.right_click(page, site.url("/it.jpg"))
        card.wait("this.querySelector('h2')?.textContent === 'The server is busy'")
        page.goto(site.url("/next.html", host))
        site.be_free()
        wait_until(page, lambda known=number: len(chromium.history()) > known)
        page.wait_for_timeout(500)
        assert page.evaluate("document.querySelectorAll('[popover]').length") == 0
        assert len(chromium.context.pages) == windows


def test_a_data_address_above_the_upload_limit_is_refused(chromium: Chromium, site: Site) -> None:
    """It is not uploaded."""
    limits = {"max_upload_bytes": 2**20}
    site.put("/api/model-status", json.dumps({"loaded": False, "limits": limits}), "application/json")
    chromium.settings(server=site.as_server())
    page = chromium.visit(site.page("nothing"))
    card = chromium.right_click(page, "data:image/jpeg;base64," + "A" * 2**21)
    assert card.fault() == "image_too_large"
    assert "/api/predict" not in [path for _, path, _ in site.asked]


@pytest.mark.parametrize("scheme", ["javascript:alert(1)", "//"])
def test_addresses_that_are_not_web_addresses(chromium: Chromium, site: Site, scheme: str) -> None:
    page = chromium.visit(site.page("nothing"))
    card = chromium.right_click(page, scheme)
    assert card.fault() == "image_unavailable"
    assert chromium.worker.evaluate("() => asked") == []


@pytest.mark.parametrize(
    "answer",
    [
        {"reasons": [{"code": "x", "message": NO_TEXT}], "faces": [NO_TEXT, None], "width": NO_TEXT},
        {"thresholds": {"real": 0.9, "fake": 0.1}},
        {"reasons": [{"code": f"{number}", "message": "x" * 100_000} for number in range(100)]},
    ],
)
def test_invalid_values_beside_a_verdict(chromium: Chromium, site: Site, answer: dict[str, Any]) -> None:
    """The rest of the cases are in resultView.test.js."""
    chromium.settings(server=site.as_server(**answer))
    site.put("/it.jpg", b"any bytes")
    card = chromium.right_click(chromium.visit(site.page(IMAGE)), site.url("/it.jpg"))
    assert card.verdict() == "fake"
    assert len(card.text() or "") < 4000
    assert card.box()["bottom"] <= 700 - 8


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/api/model-status", {"loaded": True, "name": NO_TEXT, "limits": {"max_upload_bytes": NO_TEXT}}),
        ("/api/predict", {"verdict": "fake", "p_fake": 7}),
    ],
)
def test_an_invalid_verdict_is_not_shown(
    chromium: Chromium, site: Site, path: str, answer: dict[str, Any] | None
) -> None:
    chromium.settings(server=site.as_server())
    site.answers.pop(path)
    site.put(path, json.dumps(answer), "application/json")
    site.put("/it.jpg", b"any bytes")
    card = chromium.right_click(chromium.visit(site.page(IMAGE)), site.url("/it.jpg"))
    if path == "/api/predict":
        assert card.fault() == "not_veraface"
        assert chromium.history() == []
    else:
        assert card.verdict() == "fake"
