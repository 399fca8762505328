"""From the image to the stored result: by touch, by keyboard alone, in both themes, at every size."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.server.page import choose, choose_many, expect_state, expect_verdict, settle
from tests.server.page_requests import hold

pytestmark = pytest.mark.same_page

OpenPage = Callable[..., Page]
Predict = Callable[..., httpx.Response]

PHONE = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}
FITS = "document.documentElement.scrollWidth <= innerWidth"


def with_theme(open_page: OpenPage, theme: str, **form: object) -> Page:
    page = open_page(**form)
    page.evaluate("theme => (document.documentElement.dataset.theme = theme)", theme)
    expect(page.locator("#main h1")).to_be_visible()
    return page


def tab_to(page: Page, selector: str) -> None:
    """Goes on with Tab until that has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} is not reached with Tab")


def test_on_a_phone_by_touch(open_page: OpenPage, predict: Predict, face: bytes, two_faces: bytes) -> None:
    page = with_theme(open_page, "light", **PHONE)
    with page.expect_file_chooser() as chooser:
        expect(page.locator("#limit")).to_contain_text("MB")
        page.locator("#choose").tap()
    chooser.value.set_files(
        [
            {"name": name, "mimeType": "image/jpeg", "buffer": content}
            for name, content in (("one.jpg", face), ("two.jpg", two_faces))
        ]
    )
    expect(page.locator("#count")).to_contain_text("2 of 2 images done")
    assert page.evaluate(FITS)
    page.locator(".card-link").nth(1).tap()
    expect_verdict(page, predict(two_faces).json())
    headline, image, pages = (page.locator(name).bounding_box() for name in (".headline", "#image", "#pages"))
    assert headline["y"] + headline["height"] <= min(image["y"], pages["y"]), "the verdict comes first"
    boxes = page.locator(".face-box")
    for index in (1, 0):
        boxes.nth(index).tap()
        expect(boxes.nth(index)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Zoom in").tap()
    expect(page.locator(".zoom-share")).not_to_have_text("100%")
    page.get_by_role("button", name="Whole image").tap()
    page.locator("#more summary").tap()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as PNG").tap()
    assert Path(saved.value.path()).read_bytes().startswith(b"\x89PNG")
    assert page.evaluate(FITS)
    page.locator("#previous").tap()
    expect_verdict(page, predict(face).json())
    page.locator("#pages").get_by_role("link", name="Analyze").tap()
    with page.expect_download() as saved:
        page.get_by_role("button", name="JSON").tap()
    assert len(json.loads(Path(saved.value.path()).read_text("utf-8"))) == 2


def test_by_keyboard_alone(open_page: OpenPage, predict: Predict, face: bytes, two_faces: bytes) -> None:
    page = with_theme(open_page, "dark")
    # Playwright asks the browser for the chooser without waiting for its answer: ask before the keys.
    with page.expect_file_chooser() as chooser:
        tab_to(page, "#options summary")
        page.keyboard.press("Enter")
        tab_to(page, "#at-once")
        page.keyboard.press("Space")  # sent on request only
        page.keyboard.press("o")
    chooser.value.set_files(
        [
            {"name": name, "mimeType": "image/jpeg", "buffer": content}
            for name, content in (("one.jpg", face), ("two.jpg", two_faces))
        ]
    )
    expect(page.get_by_role("button", name="Analyze 2 images")).to_be_visible()
    tab_to(page, "#analyse")
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_contain_text("2 of 2 images done")
    tab_to(page, "#save-csv")
    with page.expect_download() as saved:
        page.keyboard.press("Enter")
    assert saved.value.suggested_filename == "veraface.csv"
    tab_to(page, ".card-link")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect_verdict(page, predict(two_faces).json())
    tab_to(page, ".face-item[aria-pressed=false]")
    page.keyboard.press("Enter")
    expect(page.locator(".face-item[aria-pressed=true]")).to_be_focused()
    tab_to(page, "#back")
    tab_to(page, "#heatmap-on")
    page.keyboard.press("Space")
    tab_to(page, "#compare")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#compare")).to_have_value("99")
    for selector in ("#save-image", "#save-json"):
        tab_to(page, "#more summary")
        page.keyboard.press("Enter")
        tab_to(page, selector)
        with page.expect_download():
            page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect_state(page, "list")


def test_after_a_press_the_focus_is_where_the_answer_is(open_page: OpenPage, face: bytes) -> None:
    page = open_page()
    page.route("**/api/predict*", lambda route: route.abort())
    choose(page, face)
    again = page.get_by_role("button", name="Try again")
    again.focus()
    page.unroute("**/api/predict*")
    page.keyboard.press("Enter")
    expect_state(page, "analyzed")
    expect(page.locator("#verdict")).to_be_focused()


def test_letters_of_twice_the_size_lose_nothing(open_page: OpenPage, two_faces: bytes) -> None:
    """WCAG 1.4.4, with the longest words and from right to left."""
    page = open_page()

    def expect_fit() -> None:
        for width, language in ((1280, "de"), (390, "de"), (390, "ar")):
            page.set_viewport_size({"width": width, "height": 844})
            page.locator("#language").select_option(language)
            expect(page.locator("html")).to_have_attribute("lang", language)
            settle(page)
            assert page.evaluate(FITS), (width, language)

    page.evaluate("document.documentElement.style.fontSize = '200%'")
    expect_fit()
    choose(page, two_faces)
    expect_state(page, "analyzed")
    expect_fit()


def test_a_very_large_screen_is_filled(open_page: OpenPage, face: bytes) -> None:
    page = open_page()
    hold(page)
    page.set_viewport_size({"width": 3840, "height": 2160})
    assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") > 24
    choose_many(page, [(f"{i}.jpg", face) for i in range(8)])
    expect(page.locator(".card")).to_have_count(8)
    grid = page.locator(".cards").bounding_box()
    assert grid is not None
    assert grid["width"] > 0.95 * 3840


def test_nothing_moves_by_itself_where_that_is_not_wanted(open_page: OpenPage, face: bytes) -> None:
    page = open_page()
    hold(page)
    page.emulate_media(reduced_motion="reduce")
    choose(page, face)
    expect_state(page, "analyzing")
    assert page.evaluate("document.getAnimations().filter((one) => one.playState === 'running').length") == 0
    page.emulate_media(reduced_motion="null")
