"""Keyboard shortcuts, and the keys that they leave to the browser."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.server.page import choose, expect_state

pytestmark = pytest.mark.same_page

OpenPage = Callable[..., Page]
Listen = Callable[[Page, list[str]], None]

# Keys of the test's own, which count how often they were pressed.
LISTEN = """async (names) => {
    const { addKeys } = await import("/static/js/keys.js");
    window.pressed = [];
    const add = (name) => [name, { label: "keys.print", run: () => window.pressed.push(name) }];
    window.stopListening = addKeys(Object.fromEntries(names.map(add)));
}"""


@pytest.fixture
def listen(open_page: OpenPage) -> Iterator[Listen]:
    """Counts how often keys are pressed, until the test ends."""
    pages: list[Page] = []

    def listen_(page: Page, names: list[str]) -> None:
        pages.append(page)
        page.evaluate(LISTEN, names)

    yield listen_
    for page in pages:
        page.evaluate("() => { stopListening(); delete window.pressed; delete window.stopListening; }")


def listed(dialog: Locator) -> list[tuple[str, str]]:
    rows = dialog.locator(".keys > div").all()
    return [(row.locator("kbd").inner_text(), row.locator("dd").inner_text()) for row in rows]


def test_a_question_mark_lists_the_keys_and_escape_closes_the_list(open_page: OpenPage) -> None:
    page = open_page()
    page.locator("#choose").focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    assert ("?", "Show keyboard shortcuts") in listed(dialog)
    assert ("o", "Choose images") in listed(dialog)
    assert ("Esc", "Cancel, close or go back") in listed(dialog)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator("#choose")).to_be_focused()


def test_the_button_opens_the_list_of_shortcuts(open_page: OpenPage) -> None:
    page = open_page(path="/about")
    button = page.get_by_role("button", name="Show keyboard shortcuts")
    button.click()
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()


def test_the_list_is_that_of_the_view(open_page: OpenPage, face: bytes) -> None:
    page = open_page()
    choose(page, face)
    expect_state(page, "analyzed")
    page.keyboard.press("?")
    keys = dict(listed(page.get_by_role("dialog")))
    assert keys["e"] == "Show or hide the heatmap"
    assert keys["⇧ →"] == "Next result"
    page.keyboard.press("Escape")
    page.locator("#home").click()
    expect(page.locator("body")).to_have_attribute("data-view", "analyse")
    page.keyboard.press("?")
    keys = dict(listed(page.get_by_role("dialog")))
    assert "e" not in keys
    assert keys["c"] == "Take a photo"


def test_the_latest_shortcut_wins(open_page: OpenPage, listen: Listen) -> None:
    page = open_page()
    listen(page, ["?", "x"])
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator("#help").click()
    assert [name for name, _ in listed(page.get_by_role("dialog"))].count("?") == 1
    page.keyboard.press("Escape")
    page.evaluate("() => { stopListening(); stopListening() }")
    page.keyboard.press("x")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate("pressed") == ["?"]


def test_shift_counts_for_arrows_and_other_modifiers_belong_to_the_browser(
    open_page: OpenPage, listen: Listen
) -> None:
    page = open_page(path="/about")
    listen(page, ["x", "ArrowRight", "Shift+ArrowRight"])
    for key in ("x", "Control+x", "Alt+x", "Meta+x", "ArrowRight", "Shift+ArrowRight", "Control+ArrowRight"):
        page.keyboard.press(key)
    assert page.evaluate("pressed") == ["x", "ArrowRight", "Shift+ArrowRight"]


FOCUS = """(markup) => {
    const [tag, attribute] = markup.split(" ");
    const field = document.createElement(tag);
    const [name, value] = (attribute ?? "data-none").split("=");
    field.setAttribute(name, value ?? "");
    document.querySelector("main").append(field);
    field.focus();
}"""


def test_typed_keys_are_not_shortcuts(open_page: OpenPage, listen: Listen) -> None:
    page = open_page(path="/about")
    listen(page, ["x", "ArrowRight"])
    kinds = ("input", "textarea", "select", "input type=search", "div contenteditable")
    for count, markup in enumerate(kinds):
        page.evaluate(FOCUS, markup)
        page.keyboard.press("x")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("pressed") == ["x"] * count, markup
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("x")
        assert page.evaluate("pressed") == ["x"] * (count + 1), markup


@pytest.mark.parametrize("kind", ["range", "radio"])
def test_a_slider_or_a_choice_takes_the_arrows_but_no_letters(
    open_page: OpenPage, kind: str, listen: Listen
) -> None:
    page = open_page(path="/about")
    listen(page, ["x", "ArrowRight", " "])
    page.evaluate(FOCUS, f"input type={kind}")
    for key in ("ArrowRight", "Space", "x"):
        page.keyboard.press(key)
    assert page.evaluate("pressed") == ["x"]


def test_what_something_else_has_used_is_not_used_twice(open_page: OpenPage, listen: Listen) -> None:
    page = open_page(path="/about")
    listen(page, ["x", "ArrowRight", "Enter", " "])
    page.locator("[role=tab]").first.focus()
    for key in ("ArrowRight", "Enter", "Space"):
        page.keyboard.press(key)
    assert page.evaluate("pressed") == []


def test_nothing_behind_an_open_dialog_is_pressed(open_page: OpenPage, listen: Listen) -> None:
    page = open_page(path="/about")
    listen(page, ["x"])
    page.locator("#help").click()
    page.keyboard.press("x")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_have_count(1)
    assert page.evaluate("pressed") == []


def test_single_key_shortcuts_can_be_switched_off(open_page: OpenPage, listen: Listen) -> None:
    """WCAG 2.1.4: speech input must not trigger single-key shortcuts. The setting is stored."""
    page = open_page(path="/about")
    page.keyboard.press("?")
    switch = page.get_by_role("switch", name="Single-key shortcuts")
    expect(switch).to_be_checked()
    switch.uncheck()
    page.keyboard.press("Escape")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("About Veraface")
    listen(page, ["x", "ArrowRight"])
    for key in ("x", "?", "ArrowRight"):
        page.keyboard.press(key)
    assert page.evaluate("pressed") == ["ArrowRight"]
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator("#help").click()
    page.get_by_role("switch").check()
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    assert page.evaluate("pressed") == ["ArrowRight", "x"]
