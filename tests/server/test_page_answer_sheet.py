"""On a phone, verdict and range stay in sight once the answer's card has left the screen."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.server.page import bounds, choose, expect_state, settle
from tests.server.scenes import answer, answers, face, fails, portrait, video
from tests.server.shared_page import with_status
from tests.server.test_page_budgets import TAKE_SHIFTS, watch_shifts
from tests.server.test_page_first_screen import BOXES, SEEN, group, unstable, viewport
from tests.server.test_page_scenes import axe, violations

__all__ = ["axe"]  # a fixture

pytestmark = pytest.mark.same_page

OpenPage = Callable[..., Page]

LANGUAGES = ["en", "de", "ar"]
SIZES = [(320, 568), (568, 320), (390, 844), (667, 375), (844, 390)]
PHONE = {"viewport": viewport((320, 568)), "is_mobile": True, "has_touch": True}
MAX_HEIGHT = 64
# What has the focus, if the sheet covers it: null for the sheet itself and the bar of a phone.
COVERED = """() => {
    const held = document.activeElement;
    const sheet = document.querySelector(".answer-sheet");
    if (held === document.body || held.closest(".answer-sheet, #pages")) return null;
    const shown = getComputedStyle(sheet).visibility === "visible";
    const { top, bottom } = held.getBoundingClientRect();
    return shown && bottom > sheet.getBoundingClientRect().top + 1 && top > 0 ? held.outerHTML : null;
}"""


def sheet(page: Page) -> Locator:
    return page.locator(".answer-sheet")


def show_result(page: Page, body: dict[str, Any] | None = None, name: str = "image.jpg") -> None:
    answers(page, body or answer([face(0.97)]))
    choose(page, portrait(), name)
    expect(page.locator("#filename")).to_have_text(name)
    expect_state(page, "analyzed")
    expect(page.locator("#verdict")).to_be_visible()
    settle(page)
    page.evaluate("scrollTo(0, 0)")


def scroll_down(page: Page) -> None:
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    settle(page)


def back_button(page: Page) -> Locator:
    """The button as a screen reader finds it: not while it is hidden."""
    return sheet(page).get_by_role("button")


def test_it_comes_with_the_card_gone_and_a_tap_leads_back(open_page: OpenPage) -> None:
    page = open_page(**PHONE)
    for body, sizes in ((group(), SIZES[::2]), (unstable(), SIZES[1::2])):
        show_result(page, body, f"{sizes}.jpg")
        for language in LANGUAGES:
            page.locator("#language").select_option(language)
            expect(page.locator("html")).to_have_attribute("lang", language)
            for size in sizes:
                page.set_viewport_size(viewport(size))
                settle(page)
                page.evaluate("scrollTo(0, 0)")
                settle(page)
                expect_sheet_and_way_back(page, body, size)
        page.unroute("**/api/predict*")


def expect_sheet_and_way_back(page: Page, body: dict[str, Any], size: tuple[int, int]) -> None:
    expect(back_button(page)).to_have_count(0)
    name, shown = (page.locator(part).inner_text() for part in ("#verdict", "#p-fake"))
    scroll_down(page)
    expect(back_button(page)).to_be_visible()
    assert sheet(page).locator(".sheet-name").inner_text() == name
    assert sheet(page).locator(".range").inner_text() == shown
    expect(sheet(page)).to_have_attribute("data-verdict", body["verdict"])
    settle(page)  # it slides in
    seen, box, foot = page.evaluate(SEEN), bounds(page, ".answer-sheet"), bounds(page, "footer")
    assert seen["height"] - box["y"] <= MAX_HEIGHT, size
    assert (box["x"], box["width"]) == (0, seen["width"])
    assert foot["y"] + foot["height"] <= box["y"] + 1, "the end of the page is covered"
    parts = [f".answer-sheet {part}" for part in (".badge", ".sheet-name", ".range", "button")]
    for part, inner in page.evaluate(BOXES, parts).items():
        assert inner["y"] >= box["y"], (size, part)
        assert inner["y"] + inner["height"] <= seen["height"] + 1, (size, part)
        assert inner["x"] >= 0, (size, part)
        assert inner["x"] + inner["width"] <= seen["width"], (size, part)
    page.touchscreen.tap(size[0] / 2, box["y"] + 4)  # anywhere on it
    expect(page.locator("#verdict")).to_be_focused()
    expect(back_button(page)).to_have_count(0)
    assert bounds(page, ".answer")["y"] >= 0


def test_there_is_none_on_a_desktop(open_page: OpenPage) -> None:
    page = open_page()
    page.set_viewport_size(viewport((1280, 600)))
    show_result(page)
    scroll_down(page)
    assert bounds(page, ".answer")["y"] < 0
    expect(sheet(page)).to_be_hidden()


def test_nothing_jumps_when_it_comes(open_page: OpenPage) -> None:
    page = open_page(**PHONE)
    show_result(page)
    watch_shifts(page)
    scroll_down(page)
    expect(back_button(page)).to_be_visible()
    settle(page)
    assert page.evaluate(TAKE_SHIFTS) == []


def test_by_keyboard_it_is_reached_and_covers_nothing_that_has_the_focus(open_page: OpenPage) -> None:
    page = open_page(**PHONE)
    show_result(page)
    page.locator("#another").focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        settle(page)
        assert page.evaluate(COVERED) is None
        if page.evaluate("document.activeElement.matches('.answer-sheet button')"):
            break
    expect(back_button(page)).to_be_focused()
    expect(back_button(page)).to_have_accessible_name("Back to the verdict")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(sheet(page)).to_be_hidden()
    page.keyboard.press("Escape")
    expect(back_button(page)).to_be_focused()
    page.evaluate("scrollTo(0, 0)")  # the focus is not lost with the button
    expect(page.locator("#verdict")).to_be_focused()
    scroll_down(page)
    back_button(page).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#verdict")).to_be_focused()
    expect(page.locator("#verdict")).to_be_in_viewport()


def test_it_follows_the_card_and_goes_with_it(open_page: OpenPage) -> None:
    page = open_page(**PHONE)
    show_result(page)
    scroll_down(page)
    expect(back_button(page)).to_have_text("Back to the verdict")
    page.locator("#language").select_option("de")
    expect(back_button(page)).to_have_text("Zum Urteil")
    expect(sheet(page).locator(".sheet-name")).to_have_text("Wahrscheinlich gefälscht")
    page.locator("#more summary").evaluate("summary => summary.click()")
    expect(sheet(page)).to_be_hidden()  # a menu is open
    page.keyboard.press("Escape")
    expect(back_button(page)).to_be_visible()
    page.locator('#pages [data-view="about"]').tap()
    expect(page.locator(".about")).to_be_visible()
    scroll_down(page)
    expect(sheet(page)).to_have_count(0)


def test_a_failure_has_none(open_page: OpenPage) -> None:
    page = open_page(**PHONE)
    fails(page, 422, "no_face")
    choose(page, portrait())
    expect_state(page, "failed")
    scroll_down(page)
    expect(sheet(page)).to_be_hidden()


def test_words_only_has_no_range_there_either(open_page: OpenPage) -> None:
    page = open_page(**PHONE)
    with_status(page, lambda status: status["wording"].update(words_only=True, never_say_real=True))
    show_result(page, answer([face(0.03)]))
    name = page.locator("#verdict").inner_text()
    scroll_down(page)
    expect(sheet(page).locator(".sheet-name")).to_have_text(name)
    expect(sheet(page).locator(".range")).to_be_empty()


def test_it_is_accessible_still_and_not_on_paper(open_page: OpenPage, axe: str) -> None:
    page = open_page(**PHONE, fresh=True, color_scheme="light", reduced_motion="reduce")
    show_result(page)
    scroll_down(page)
    expect(back_button(page)).to_be_visible()
    assert violations(page, axe) == []
    page.emulate_media(color_scheme="dark")
    settle(page)
    assert violations(page, axe) == []
    assert sheet(page).evaluate("sheet => getComputedStyle(sheet).transitionProperty") == "none"
    page.emulate_media(media="print")
    expect(sheet(page)).to_be_hidden()


def test_a_video_has_it_too(open_page: OpenPage) -> None:
    page = open_page(**PHONE)
    video(page)
    scroll_down(page)
    expect(sheet(page).locator(".sheet-name")).to_have_text(page.locator("#verdict").inner_text())
    back_button(page).tap()
    expect(page.locator("#verdict")).to_be_focused()
