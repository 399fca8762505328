"""Zooming and panning the image with mouse, fingers and keys."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.server.page import choose, expect_state, settle

OpenPage = Callable[..., Page]


@pytest.fixture
def result_page(page: Page, face: bytes) -> Page:
    """A result with one face, as it is when it comes."""
    return as_it_comes(page, face, "face.jpg")


@pytest.fixture
def two_faced_page(page: Page, two_faces: bytes) -> Page:
    return as_it_comes(page, two_faces, "two.jpg")


def as_it_comes(page: Page, image: bytes, name: str) -> Page:
    """Show the result of that image, which the page analyzes only once."""
    if page.locator("#filename").count() == 0 or page.locator("#filename").inner_text() != name:
        choose(page, image, name)
        expect(page.locator("#filename")).to_have_text(name)
    expect_state(page, "analyzed")
    page.keyboard.press("0")
    expect(page.locator(".zoom-share")).to_have_text("100%")
    page.locator(".face-box").first.click()
    page.mouse.move(-1, -1)
    page.evaluate("document.activeElement.blur()")
    settle(page)
    return page


def place(part: Locator) -> tuple[float, float, float, float]:
    box = part.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"], box["height"]


def middle(part: Locator) -> tuple[float, float]:
    x, y, width, height = place(part)
    return x + width / 2, y + height / 2


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
        settle(page)  # it glides


def test_the_image_can_be_zoomed_and_panned(result_page: Page) -> None:
    page = result_page
    share, image = page.locator(".zoom-share"), page.locator("#image")
    expect(share).to_have_text("100%")
    width = place(image)[2]
    page.get_by_role("button", name="Zoom in").click()
    press(page, "+")
    expect(share).not_to_have_text("100%")
    before, frame = place(image), place(page.locator("#frame"))
    assert before[2] > 2.5 * width
    page.mouse.move(frame[0] + 20, frame[1] + 20)
    page.mouse.down()
    page.mouse.move(frame[0] + 80, frame[1] + 60, steps=4)
    page.mouse.up()
    after = place(image)
    assert after[0] == pytest.approx(before[0] + 60, abs=2)
    assert after[1] == pytest.approx(before[1] + 40, abs=2)
    line = page.locator(".face-box").evaluate("b => parseFloat(getComputedStyle(b).borderTopWidth)")
    assert line < 2  # drawn thinner, so that it looks as thick as before
    page.keyboard.press("0")
    expect(share).to_have_text("100%")
    expect(page.get_by_role("button", name="Zoom out")).to_be_disabled()


def test_the_wheel_scrolls_the_page_and_zooms_with_control(result_page: Page) -> None:
    page = result_page
    share = page.locator(".zoom-share")
    page.mouse.move(*middle(page.locator("#frame")))
    page.mouse.wheel(0, -100)
    settle(page)
    expect(share).to_have_text("100%")
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    expect(share).not_to_have_text("100%")
    page.mouse.wheel(0, 100)  # back, without the key: one who has zoomed means the image
    expect(share).to_have_text("100%")


def test_a_double_click_zooms_in_and_out(result_page: Page) -> None:
    page = result_page
    x, y, _, _ = place(page.locator("#frame"))
    page.mouse.dblclick(x + 30, y + 30)
    expect(page.locator(".zoom-share")).to_have_text("250%")
    settle(page)
    page.mouse.dblclick(x + 30, y + 30)
    expect(page.locator(".zoom-share")).to_have_text("100%")


def test_two_fingers_zoom(open_page: OpenPage, face: bytes) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    choose(page, face)
    expect_state(page, "analyzed")
    width = place(page.locator("#image"))[2]
    x, y = middle(page.locator("#frame"))
    browser = page.context.new_cdp_session(page)

    def touch(kind: str, apart: float) -> None:
        points = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        browser.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [] if kind == "touchEnd" else points}
        )

    touch("touchStart", 20)
    for apart in range(30, 100, 10):
        touch("touchMove", apart)
    touch("touchEnd", 0)
    expect(page.locator(".zoom-share")).not_to_have_text("100%")
    assert place(page.locator("#image"))[2] > 1.5 * width
    assert page.evaluate("visualViewport.scale") == 1  # the image, not the page


def test_arrow_keys_pan_the_zoomed_image(result_page: Page) -> None:
    page = result_page
    image, frame = page.locator("#image"), page.locator("#frame")
    page.locator("#another").focus()
    page.keyboard.press("Tab")
    expect(page.locator(".face-box")).to_be_focused()  # whole, it is not to be moved: no stop on the way
    press(page, "+", "+")
    page.locator("#another").focus()
    page.keyboard.press("Tab")
    expect(frame).to_be_focused()
    before = place(image)
    press(page, "ArrowRight", "ArrowDown")
    after = place(image)
    assert after[0] < before[0] - 20
    assert after[1] < before[1] - 20
    press(page, "ArrowLeft", "ArrowUp")
    assert place(image)[:2] == pytest.approx(before[:2], abs=2)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Pan the zoomed image")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_face_out_of_sight_is_brought_in_when_it_gets_the_focus(two_faced_page: Page) -> None:
    page = two_faced_page
    press(page, "+", "+", "+", "+")
    page.locator("#another").focus()
    page.keyboard.press("Tab")
    left, top, width, height = place(page.locator("#frame"))
    for index, key in enumerate(("Tab", "ArrowRight")):  # the faces are one tab stop
        page.keyboard.press(key)
        expect(page.locator(".face-box").nth(index)).to_be_focused()
        settle(page)
        x, y = middle(page.locator(".face-box").nth(index))
        assert left < x < left + width
        assert top < y < top + height
    assert page.locator("#frame").evaluate("f => [f.scrollLeft, f.scrollTop]") == [0, 0]


def test_panning_by_a_face_does_not_select_it(two_faced_page: Page) -> None:
    page = two_faced_page
    page.mouse.move(*middle(page.locator("#frame")))
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)  # a little, about the middle: both faces stay in sight
    page.keyboard.up("Control")
    expect(page.locator(".zoom-share")).not_to_have_text("100%")
    label = page.locator('.face-box[aria-pressed="false"]').get_attribute("aria-label")
    other = page.locator(f'.face-box[aria-label="{label}"]')
    x, y = middle(other)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 30, y + 15, steps=4)
    page.mouse.up()
    expect(other).to_have_attribute("aria-pressed", "false")
    other.click()
    expect(other).to_have_attribute("aria-pressed", "true")


def test_quick_zoom_steps_end_where_slow_ones_do(result_page: Page) -> None:
    box = result_page.locator(".face-box")
    press(result_page, "+", "+")
    slow = place(box)
    press(result_page, "0")
    # Both before the browser draws again, as they come on a busy machine.
    result_page.evaluate(
        """() => ["+", "+"].forEach((key) =>
            document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })))"""
    )
    expect(result_page.locator(".zoom-share")).to_have_text("272%")
    settle(result_page)
    assert place(box) == pytest.approx(slow, abs=1)
