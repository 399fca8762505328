"""Where the card is: beside its image and never over it, in dialogs and frames; moving it."""

from tests.extension.conftest import Chromium, Site
from tests.extension.test_extension_card import IMAGE


def overlap(card: dict[str, float], image: dict[str, float]) -> float:
    """Return the area of the image that a card covers, in square pixels."""
    across = min(card["right"], image["x"] + image["width"]) - max(card["left"], image["x"])
    down = min(card["bottom"], image["y"] + image["height"]) - max(card["top"], image["y"])
    return max(0, across) * max(0, down)


STYLES = [
    "position:absolute;left:10px;top:40px;width:200px",
    "position:absolute;right:10px;top:40px;width:200px",
    "position:absolute;left:250px;top:100px;width:500px",  # less room at its sides than the card is wide
    "position:absolute;left:0;top:0;width:100%;height:400px",
    "position:absolute;left:0;bottom:0;width:100%;height:400px",
    "position:absolute;left:10px;top:1200px;width:200px",
]


def test_the_card_is_in_the_window_and_never_covers_its_image(
    chromium: Chromium, site: Site, face: bytes
) -> None:
    site.put("/it.jpg", face)
    page = chromium.visit(site.page('<img src="/it.jpg">'))
    for style in STYLES:
        page.locator("img").evaluate("(image, style) => { image.style.cssText = style }", style)
        page.locator("img").scroll_into_view_if_needed()
        card = chromium.right_click(page, site.url("/it.jpg"))
        card.verdict()
        box, image = card.box(), page.locator("img").bounding_box()
        assert image is not None
        assert box["left"] >= 8, style
        assert box["top"] >= 8, style
        assert box["right"] <= 1000 - 8, style
        assert box["bottom"] <= 700 - 8, style
        assert overlap(box, dict(image)) == 0, style
        assert box["width"] >= 230, style
        assert box["height"] >= 140, style
        card.click(".close")
        assert card.text() is None


def test_over_an_image_that_fills_the_window_the_card_is_one_line(
    chromium: Chromium, site: Site, face: bytes
) -> None:
    site.put("/it.jpg", face)
    page = chromium.visit(
        site.page('<img src="/it.jpg" style="position:fixed;inset:0;width:100%;height:100%">')
    )
    card = chromium.right_click(page, site.url("/it.jpg"))
    card.verdict()
    box = card.box()
    assert box["height"] < 60
    assert box["bottom"] == 700 - 8
    assert "Likely real" in (card.text(".short") or "")
    card.click(".fold")
    assert card.box()["height"] > 200
    card.click(".fold")
    assert card.box()["height"] < 60


def test_the_card_can_be_moved(chromium: Chromium, site: Site, face: bytes) -> None:
    """By the pointer and by the keyboard, and not out of the window; it then stays where it was put."""
    site.put("/it.jpg", face)
    page = chromium.visit(site.page(f'{IMAGE}<p style="height: 2000px">'))
    page.set_viewport_size({"width": 1000, "height": 1000})  # the card is high
    card = chromium.right_click(page, site.url("/it.jpg"))
    card.verdict()
    before, brand = card.box(), card.box(".brand")
    page.mouse.move(brand["x"] + 5, brand["y"] + 5)
    page.mouse.down()
    page.mouse.move(brand["x"] + 105, brand["y"] + 45, steps=3)
    page.mouse.up()
    page.mouse.move(5, 5)
    moved = card.box()
    assert (moved["left"], moved["top"]) == (before["left"] + 100, before["top"] + 40)
    card.call("function() { this.querySelector('.move').focus() }")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    assert (card.box()["left"], card.box()["top"]) == (moved["left"] - 24, moved["top"] + 24)
    page.evaluate("scrollTo(0, 300)")
    page.wait_for_timeout(200)
    assert card.box()["left"] == moved["left"] - 24
    for _ in range(60):
        page.keyboard.press("ArrowRight")
    assert card.box()["right"] == page.evaluate("document.documentElement.clientWidth") - 8


def test_inside_a_dialog_of_the_page(chromium: Chromium, site: Site, face: bytes) -> None:
    """Everything outside the dialog is inert."""
    site.put("/it.jpg", face)
    page = chromium.visit(
        site.page(f"<dialog>{IMAGE}</dialog><script>document.querySelector('dialog').showModal()</script>")
    )
    card = chromium.right_click(page, site.url("/it.jpg"))
    card.verdict()
    card.click(".close")
    assert card.text() is None


def test_in_a_frame_of_the_same_host(chromium: Chromium, site: Site, face: bytes) -> None:
    site.put("/it.jpg", face)
    site.page(IMAGE, "/inner.html")
    page = chromium.visit(
        site.page('<p style="height: 90px"></p><iframe src="/inner.html" width="700" height="500">')
    )
    chromium.let_in(page)
    frames = chromium.worker.evaluate(
        """async () => {
            const tab = (await chrome.tabs.query({})).find(tab => tab.url);
            const target = { tabId: tab.id, allFrames: true };
            const found = await chrome.scripting.executeScript({ target, func: () => location.pathname });
            return Object.fromEntries(found.map(({ frameId, result }) => [result, frameId]));
        }"""
    )
    card = chromium.right_click(page, site.url("/it.jpg"), frame=frames["/inner.html"])
    assert card.verdict() == "real"
    assert page.evaluate("document.querySelectorAll('[popover]').length") == 0
    assert page.frames[1].evaluate("document.querySelectorAll('[popover]').length") == 1


def test_for_a_frame_of_another_host_the_card_is_in_the_main_frame(
    chromium: Chromium, site: Site, face: bytes
) -> None:
    site.put("/it.jpg", face)
    site.page(IMAGE, "/inner.html")
    inner = site.url("/inner.html", "images.test")
    page = chromium.visit(site.page(f'<iframe src="{inner}" width="700" height="500"></iframe>'))
    no_such_frame = 123456  # as good as one that no script may enter
    card = chromium.right_click(page, site.url("/it.jpg", "images.test"), no_such_frame, allow=False)
    assert card.fault() == "not_permitted"
    assert page.evaluate("document.querySelectorAll('[popover]').length") == 1
