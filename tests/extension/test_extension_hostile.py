"""Pages, pictures and servers that mean ill: what they can do to a check, and above all what they cannot."""

import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.extension.conftest import Chromium, Site, wait_until

PICTURE = '<img id="it" src="/it.jpg" width="300" height="300">'
HOSTILE = "\"><img src=x onerror=document.title='owned'><b>\u202egpj.evil"
# What no text can be made of.
NO_TEXT = {"toString": 1, "valueOf": 1}


def test_what_is_sent_from_a_page_alone_makes_no_check(chromium: Chromium, site: Site, face: bytes) -> None:
    """As a page would that has broken out of its own scripts; the check under the pointer is off."""
    site.put("/it.jpg", face)
    page = chromium.visit(site.page("nothing"))
    chromium.let_in(page)
    answers = chromium.worker.evaluate(
        """async address => {
            const tab = (await chrome.tabs.query({})).find(tab => tab.url);
            const asks = ["whole card", "under pointer", "again", "nonsense", "__proto__"];
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


def test_cookies_never_go_to_this_machine(chromium: Chromium, site: Site) -> None:
    address = site.url("/admin", "127.0.0.1")
    chromium.context.add_cookies([{"name": "session", "value": "1", "url": address}])
    site.put("/admin", "please log in", "text/html")
    page = chromium.visit(site.page("nothing"))
    assert chromium.right_click(page, address, allow=True).fault() == "image_unavailable"
    by_worker = [cookies for host, path, cookies in site.asked if path == "/admin"]
    assert set(by_worker) == {""}


def test_a_card_that_the_page_takes_off_is_shown_in_a_window(
    chromium: Chromium, site: Site, face: bytes
) -> None:
    """And so is one for a document that can have none."""
    site.put("/it.jpg", face)
    watch = "new MutationObserver(() => document.querySelector('[popover]')?.remove())"
    page = chromium.visit(
        site.page(
            f"{PICTURE}<script>{watch}.observe(document, {{ childList: true, subtree: true }})</script>"
        )
    )
    with chromium.context.expect_page() as opened:
        chromium.right_click(page, site.url("/it.jpg"))
    opened.value.wait_for_selector("#view .figure")
    assert opened.value.locator("#view h2").inner_text() == "Likely real"
    opened.value.close()

    namespaces = "xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'"
    site.put("/x.svg", f"<svg {namespaces}><image href='/it.jpg' width='99'/></svg>", "image/svg+xml")
    page = chromium.visit(site.url("/x.svg"))
    with chromium.context.expect_page() as opened:
        chromium.right_click(page, site.url("/it.jpg"))
    opened.value.wait_for_selector("#view .figure")


def test_a_hostile_page_can_neither_restyle_nor_read_nor_become_part_of_it(
    chromium: Chromium, site: Site, face: bytes
) -> None:
    site.put("/it.jpg", face)
    style = "<style>* { display: none !important; color: red !important; all: unset !important }</style>"
    page = chromium.visit(
        site.page(
            PICTURE + style,
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


def test_names_and_words_from_outside_never_become_markup(chromium: Chromium, site: Site) -> None:
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


def test_faults_named_by_the_server_never_become_markup(chromium: Chromium, site: Site) -> None:
    fault = {"success": False, "error": {"code": "constructor", "message": HOSTILE}}
    site.put("/api/predict", json.dumps(fault), "application/json", 400)
    site.put("/it.jpg", b"any bytes")
    chromium.settings(server=site.as_server())
    card = chromium.right_click(chromium.visit(site.page(PICTURE)), site.url("/it.jpg"))
    assert card.fault() == "other"
    assert card.call("function() { return this.querySelectorAll('img, b').length }") == 0


def test_another_picture_than_the_page_shows_is_noticed(
    chromium: Chromium, site: Site, face: bytes, portrait: Image.Image, encode: Callable[..., bytes]
) -> None:
    """A host may hand the page one picture and the extension another."""
    site.put("/it.jpg", face, Cache_Control="no-store")
    site.put("/it.jpg", encode(portrait.crop((0, 0, 512, 400))))
    page = chromium.visit(site.page('<img src="/it.jpg">'))
    card = chromium.right_click(page, site.url("/it.jpg"))
    card.verdict()
    assert "not of the same shape" in (card.text(".reasons") or "")


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
    page = chromium.visit(site.page(PICTURE + script))
    with chromium.context.expect_page() as opened:
        chromium.right_click(page, site.url("/it.jpg"))
    expect(opened.value.locator("#view h2")).to_have_text("Likely real")
    expect(opened.value.locator("#name")).to_have_text("it.jpg")


@pytest.mark.parametrize("name", ["documentElement", "createElement", "querySelectorAll", "activeElement"])
def test_names_that_hide_what_the_document_has(
    chromium: Chromium, site: Site, face: bytes, name: str
) -> None:
    """A picture's name takes the place of the document's own, for the extension's scripts as well."""
    site.put("/it.jpg", face)
    page = chromium.visit(site.page(f'{PICTURE}<img name="{name}" src="/it.jpg">'))
    before = len(chromium.context.pages)
    card = chromium.right_click(page, site.url("/it.jpg"))
    seen = "function() { return this.querySelector('[data-verdict=real] h2')?.checkVisibility() }"
    wait_until(page, lambda: card.call(seen) or len(chromium.context.pages) > before)
    for window in chromium.context.pages[before:]:
        expect(window.locator("#view h2")).to_have_text("Likely real")


def test_windows_never_show_another_pictures_verdict(chromium: Chromium, site: Site) -> None:
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


def test_under_the_strictest_policies(chromium: Chromium, site: Site, face: bytes) -> None:
    site.put("/it.jpg", face)
    policy = "default-src 'none'; img-src 'self'; sandbox; require-trusted-types-for 'script'; trusted-types"
    page = chromium.visit(site.page(PICTURE, Content_Security_Policy=policy))
    card = chromium.right_click(page, site.url("/it.jpg"))
    assert card.verdict() == "real"
    assert card.box()["width"] == 320


def test_a_page_left_in_the_middle_of_a_check(chromium: Chromium, site: Site) -> None:
    """Nothing is shown on the next one, of the same host or another, and no window comes up."""
    for number, host in enumerate(("page.test", "other.test")):
        site.answers.pop("/api/predict", None)
        site.put("/api/predict", "slow down", "text/plain", 503, Retry_After="1")
        chromium.settings(server=site.as_server())
        site.put("/it.jpg", f"bytes {number}")
        site.page("the next page", "/next.html")
        page = chromium.visit(site.page(PICTURE, "/first.html"))
        windows = len(chromium.context.pages)
        card = chromium.right_click(page, site.url("/it.jpg"))
        card.wait("this.querySelector('h2')?.textContent === 'The server is busy'")
        page.goto(site.url("/next.html", host))
        wait_until(page, lambda known=number: len(chromium.history()) > known)
        page.wait_for_timeout(500)
        assert page.evaluate("document.querySelectorAll('[popover]').length") == 0
        assert len(chromium.context.pages) == windows


def test_a_picture_of_more_than_the_server_takes(chromium: Chromium, site: Site) -> None:
    """Written out in its address, and read no further than it may be."""
    limits = {"max_upload_bytes": 2**20}
    site.put("/api/model-status", json.dumps({"loaded": False, "limits": limits}), "application/json")
    chromium.settings(server=site.as_server())
    page = chromium.visit(site.page("nothing"))
    card = chromium.right_click(page, "data:image/jpeg;base64," + "A" * 2**24)
    assert card.fault() == "image_too_large"
    assert "/api/predict" not in [path for _, path, _ in site.asked]


@pytest.mark.parametrize(
    "scheme", ["javascript:alert(1)", "file:///etc/passwd", "chrome://version", "about:", "//"]
)
def test_addresses_that_lead_nowhere(chromium: Chromium, site: Site, scheme: str) -> None:
    page = chromium.visit(site.page("nothing"))
    card = chromium.right_click(page, scheme)
    assert card.fault() == "image_unavailable"
    assert chromium.worker.evaluate("() => asked") == []


@pytest.mark.parametrize(
    "answer",
    [
        {"reasons": [{"code": "x", "message": NO_TEXT}, {"code": NO_TEXT, "message": "y"}]},
        {"faces": [NO_TEXT, None]},
        {"faces": [{"reasons": [NO_TEXT, None, 7]}]},
        {"width": NO_TEXT, "height": NO_TEXT},
        {"thresholds": {"real": 0.9, "fake": 0.1}},
        {"reasons": [{"code": f"{number}", "message": "x" * 100_000} for number in range(100)]},
    ],
)
def test_a_server_that_answers_nonsense(chromium: Chromium, site: Site, answer: dict[str, Any]) -> None:
    """Where there is a verdict, it is shown; what else makes no sense is left out."""
    chromium.settings(server=site.as_server(**answer))
    site.put("/it.jpg", b"any bytes")
    card = chromium.right_click(chromium.visit(site.page(PICTURE)), site.url("/it.jpg"))
    assert card.verdict() == "fake"
    assert len(card.text() or "") < 4000
    assert card.box()["bottom"] <= 700 - 8


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/api/model-status", {"loaded": True, "name": NO_TEXT, "limits": {"max_upload_bytes": NO_TEXT}}),
        ("/api/predict", {"verdict": "fake", "p_fake": 7}),
        ("/api/predict", {"verdict": NO_TEXT, "p_fake": "0.5", "faces": {}, "reasons": {}}),
        ("/api/predict", None),
    ],
)
def test_a_server_whose_verdict_makes_no_sense(
    chromium: Chromium, site: Site, path: str, answer: dict[str, Any] | None
) -> None:
    chromium.settings(server=site.as_server())
    site.answers.pop(path)
    site.put(path, json.dumps(answer), "application/json")
    site.put("/it.jpg", b"any bytes")
    card = chromium.right_click(chromium.visit(site.page(PICTURE)), site.url("/it.jpg"))
    if path == "/api/predict":
        assert card.fault() == "not_veraface"
        assert chromium.history() == []
    else:
        assert card.verdict() == "fake"


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes calls and never answers."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_server_that_never_answers(chromium: Chromium, site: Site, silent: str) -> None:
    chromium.settings(server=silent)
    site.put("/it.jpg", b"any bytes")
    card = chromium.right_click(chromium.visit(site.page(PICTURE)), site.url("/it.jpg"))
    assert card.fault() == "timeout"
    assert card.text("[data-action=again]") == "Try again"


def test_a_history_that_is_spoilt_is_still_a_list(chromium: Chromium) -> None:
    entry = {"time": 1, "verdict": "real", "p_fake": 0.1, "name": "good.jpg", "sha256": "b"}
    spoilt = [
        {"time": 1e300},
        {"time": None},
        {"p_fake": 2},
        {"verdict": "constructor"},
        {"name": ["x"]},
        {"p_fake": "x"},
    ]
    store = "async history => chrome.storage.local.set({ history })"
    chromium.worker.evaluate(store, [*({**entry, **other} for other in spoilt), entry, 7, "x"])
    page = chromium.open("popup.html")
    expect(page.locator("#recent .what")).to_have_text(["good.jpg"])
