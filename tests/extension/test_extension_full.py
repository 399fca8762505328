"""The full result: opened on the page of the user's own server, with the image that was checked."""

from playwright.sync_api import expect

from tests.extension.conftest import Chromium, RunningServer, Site
from tests.extension.test_extension_card import IMAGE


def test_the_full_result_opens_on_the_page_of_the_server(
    chromium: Chromium, site: Site, server: RunningServer, two_faces: bytes
) -> None:
    """With the very image that was checked: the website may serve another one later, or none."""
    for _ in range(2):  # for the website and for the extension
        site.put("/two.jpg", two_faces, Cache_Control="no-store")
    site.put("/two.jpg", b"", status=410)
    page = chromium.visit(site.page('<img src="/two.jpg" width="300">'))
    card = chromium.right_click(page, site.url("/two.jpg"))
    verdict = card.text("h2") if card.verdict() else None
    asked = len(site.asked)
    card.wait("this.querySelector('[data-action=full]')")
    card.call("function() { this.querySelector('[data-action=full]').scrollIntoView() }")
    with chromium.context.expect_page() as opened:
        card.click("[data-action=full]")
    full = opened.value
    expect(full.locator("#filename")).to_have_text("two.jpg")
    expect(full.locator("#verdict")).to_have_text(verdict or "")
    expect(full.locator(".face-box")).to_have_count(2)
    assert full.url.startswith(f"{server.url}/result/")
    assert len(site.asked) == asked, "the website is not asked again"
    assert page.evaluate("document.documentElement.outerHTML").count("base64") == 0


def test_an_image_that_is_no_longer_in_memory_is_read_again(
    chromium: Chromium, site: Site, face: bytes
) -> None:
    site.put("/it.jpg", face)
    page = chromium.visit(site.page(IMAGE))
    card = chromium.right_click(page, site.url("/it.jpg"))
    card.verdict()
    card.wait("this.querySelector('[data-action=full]')")
    card.call("function() { this.querySelector('[data-action=full]').scrollIntoView() }")
    chromium.worker.evaluate("async () => chrome.storage.session.remove('images')")
    with chromium.context.expect_page() as opened:
        card.click("[data-action=full]")
    expect(opened.value.locator("#verdict")).to_have_text("Likely real")
    opened.value.close()
    chromium.worker.evaluate("async () => chrome.storage.session.remove('images')")
    site.answers["/it.jpg"] = [(410, {}, b"")]
    page.bring_to_front()
    page.evaluate("document.querySelector('img').removeAttribute('src')")
    card.click("[data-action=full]")
    assert card.fault() == "image_unavailable"


def test_a_website_cannot_hand_the_page_an_image_or_read_its_result(
    chromium: Chromium, site: Site, server: RunningServer
) -> None:
    """It may open the page, but neither reach into it nor send it anything that the page listens to."""
    page = chromium.visit(site.page("<button>open</button>"))
    page.evaluate(
        """url => document.querySelector("button").addEventListener("click", () => {
            globalThis.opened = open(url);
            setInterval(() => opened?.postMessage({ image: "data:image/png;base64,AA==" }, "*"), 50);
        })""",
        server.url,
    )
    with chromium.context.expect_page() as opened:
        page.locator("button").click()
    expect(opened.value.locator("#choose")).to_be_visible()
    page.wait_for_timeout(500)
    assert opened.value.evaluate("opener") is None
    assert page.evaluate("opened.closed"), "the website has lost sight of it"
    assert opened.value.url == f"{server.url}/"
    assert opened.value.locator(".card").count() == 0


def test_a_page_that_is_not_the_server_receives_no_image(chromium: Chromium, site: Site) -> None:
    """The server redirects to another website, which has a file input of the same name."""
    site.put("/it.jpg", b"any bytes")
    address = site.as_server()
    site.put("/", "", status=302, Location=site.url("/trap", "other.test"))
    trap = "<body data-view=analyse><input type=file id=file onchange=document.title=this.files.length>"
    site.put("/trap", trap, "text/html")
    chromium.settings(server=address)
    page = chromium.visit(site.page(IMAGE, "/page"))
    card = chromium.right_click(page, site.url("/it.jpg"))
    card.verdict()
    card.wait("this.querySelector('[data-action=full]')")
    card.call("function() { this.querySelector('[data-action=full]').scrollIntoView() }")
    with chromium.context.expect_page() as opened:
        card.click("[data-action=full]")
    opened.value.wait_for_url("**/trap")
    page.wait_for_timeout(1500)
    assert opened.value.title() == ""
