"""The forensic views: error levels, noise, JPEG grid; requested late, explained, accessible."""

import base64
import io
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.server.page import bounds, choose, expect_state, settle
from tests.server.page_requests import hold, wait_for
from tests.server.test_page_scenes import AXE, violations
from tests.waiting import wait_until

pytestmark = pytest.mark.same_page

OpenPage = Callable[..., Page]
VIEWS = {"Error levels": "error_levels", "Noise": "noise", "JPEG grid": "grid"}
LANGUAGES = ["en", "es", "hi", "de", "fr", "ar", "zh"]


@pytest.fixture
def open_result(open_page: OpenPage, face: bytes) -> Callable[..., Page]:
    """The page with an analyzed image and the choice of views."""

    def open_(**options: object) -> Page:
        page = open_page(**options)
        choose(page, face)
        expect_state(page, "analyzed")
        page.locator(".experts summary").click()
        expect(page.locator(".views")).to_be_visible()
        return page

    return open_


@pytest.fixture(scope="module")
def answer(client: httpx.Client, face: bytes) -> dict[str, Any]:
    return client.post("/api/evidence", files={"image": ("a.jpg", face)}).json()


def pick(page: Page, name: str) -> None:
    page.locator(".views").get_by_text(name, exact=True).click()


def shown(page: Page) -> bytes:
    """The image file of the view that is shown."""
    source = page.locator("#view").get_attribute("src") or ""
    assert source.startswith("data:image/webp;base64,")
    return base64.b64decode(source.split(",")[1])


def count_requests(page: Page) -> list[str]:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/evidence" in request.url else None)
    return asked


def chosen_words(page: Page) -> Locator:
    return page.locator(".view-words .chosen")


def test_views_are_requested_once_and_only_when_one_is_chosen(
    open_result: Callable[..., Page], answer: dict[str, Any]
) -> None:
    page = open_result()
    asked = count_requests(page)
    expect(page.locator("#view")).to_be_hidden()
    expect(chosen_words(page)).to_contain_text("no influence on the verdict")
    assert asked == []
    for name, kind in VIEWS.items():
        pick(page, name)
        expect(page.locator("#view")).to_be_visible()
        expect(page.locator("#view")).to_have_attribute("alt", name)
        expected = next(view for view in answer["views"] if view["name"] == kind)
        assert base64.b64encode(shown(page)).decode() == expected["data"]
        expect(page.locator(".legend")).to_be_hidden()  # it belongs to the heatmap
        expect(chosen_words(page)).to_contain_text("How to read it")
        expect(chosen_words(page)).to_contain_text("What can mislead")
    assert len(asked) == 1
    pick(page, "None")
    expect(page.locator("#view")).to_be_hidden()


def test_nothing_moves_when_another_view_is_chosen(open_result: Callable[..., Page]) -> None:
    page = open_result()
    parts = ("#frame", ".views", ".view-words", "#panel")
    before = [bounds(page, part) for part in parts]
    for name in VIEWS:
        pick(page, name)
        expect(page.locator("#view")).to_be_visible()
        expect(page.locator(".view-status")).to_be_empty()
        assert [bounds(page, part) for part in parts] == before, name


def test_one_overlay_at_a_time(open_result: Callable[..., Page]) -> None:
    page = open_result()
    switch, view = page.locator("#heatmap-on"), page.locator("#view")
    page.keyboard.press("e")
    expect(switch).to_be_checked()
    pick(page, "Noise")
    expect(view).to_be_visible()
    expect(switch).not_to_be_checked()
    page.locator("#compare").fill("30")
    expect(view).to_have_css("clip-path", re.compile("inset"))
    page.locator("#filename").click()
    page.keyboard.press("e")
    expect(view).to_be_hidden()
    expect(switch).to_be_checked()
    expect(page.get_by_role("radio", name="None")).to_be_checked()


def test_the_image_alone_is_seen_as_long_as_the_button_is_held(open_result: Callable[..., Page]) -> None:
    page = open_result()
    hold, heatmap, boxes = page.locator("#hold"), page.locator("#evidence"), page.locator("#boxes")
    expect(hold).to_be_hidden()  # nothing lies over the image
    page.keyboard.press("e")
    hold.hover()
    page.mouse.down()
    expect(heatmap).to_be_hidden()
    expect(boxes).to_be_hidden()
    page.mouse.move(0, 0)  # let go elsewhere
    page.mouse.up()
    expect(heatmap).to_be_visible()
    for key in ("Space", "Enter"):
        hold.focus()
        page.keyboard.down(key)
        expect(heatmap).to_be_hidden()
        expect(hold).to_have_attribute("aria-pressed", "true")
        page.keyboard.up(key)
        expect(heatmap).to_be_visible()
        expect(boxes).to_be_visible()


def test_a_view_covers_the_image_exactly_below_the_boxes(open_result: Callable[..., Page]) -> None:
    page = open_result()
    pick(page, "Noise")
    expect(page.locator("#view")).to_be_visible()
    wait_until(lambda: page.evaluate("document.querySelector('#view').naturalWidth === 512"))
    assert page.locator("#view").bounding_box() == page.locator("#image").bounding_box()
    page.locator(".face-box").click()  # still within reach
    expect(page.locator(".face-box")).to_have_attribute("aria-pressed", "true")


def test_the_keyboard_is_enough(open_result: Callable[..., Page]) -> None:
    page = open_result()
    page.locator(".views input").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Error levels")).to_be_focused()
    expect(page.get_by_role("radio", name="Error levels")).to_be_checked()
    expect(page.locator("#view")).to_have_attribute("alt", "Error levels")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("radio", name="None")).to_be_checked()
    expect(page.locator("#view")).to_be_hidden()
    expect(page.get_by_role("group", name="Forensic view over the image")).to_be_visible()


def test_loading_is_shown_and_the_last_choice_counts(open_result: Callable[..., Page]) -> None:
    page = open_result()
    held = hold(page, "**/api/evidence")
    pick(page, "Noise")
    expect(page.locator(".view-status")).to_contain_text("Computing forensic views")
    pick(page, "JPEG grid")
    pick(page, "None")
    wait_for(page, lambda: bool(held))
    assert len(held) == 1
    with page.expect_response("**/api/evidence"):
        held[0].continue_()
    expect(page.locator("#view")).to_be_hidden()
    pick(page, "JPEG grid")  # it is there by now
    expect(page.locator("#view")).to_be_visible()
    assert len(held) == 1


def test_a_failure_is_reported_and_can_be_retried(open_result: Callable[..., Page]) -> None:
    page = open_result()
    failure = {"success": False, "error": {"code": "overloaded", "message": "too much"}}
    page.route("**/api/evidence", lambda route: route.fulfill(status=503, json=failure))
    pick(page, "Noise")
    again = page.locator(".view-status").get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    expect(page.locator("#view")).to_be_hidden()
    page.unroute("**/api/evidence")
    again.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#view")).to_be_visible()
    expect(page.get_by_role("radio", name="Noise")).to_be_focused()


def test_an_invalid_view_is_never_shown(open_result: Callable[..., Page]) -> None:
    """Other forms of it are tested in tests/page/api.test.js."""
    page = open_result()
    view = {"name": "noise", "media_type": "image/webp", "data": '"><img src=https://example.org>'}
    page.route("**/api/evidence", lambda route: route.fulfill(json={"success": True, "views": [view]}))
    pick(page, "Noise")
    expect(page.locator(".view-status").get_by_role("button", name="Try again")).to_be_visible()
    expect(page.locator("#view")).to_be_hidden()
    assert page.locator("#view").get_attribute("src") is None


def test_a_result_from_the_history_has_no_file_for_views(open_result: Callable[..., Page]) -> None:
    page = open_result()
    expect(page.locator(".details")).to_contain_text(re.compile("[0-9a-f]{64}"))
    kept = "import('/static/js/history.js').then(({ recall }) => recall(location.pathname.split('/').pop()))"
    wait_until(lambda: page.evaluate(f"async () => Boolean(await {kept})"))
    page.reload()
    expect_state(page, "analyzed")
    page.locator(".experts summary").click()
    expect(page.locator(".experts")).to_contain_text("Add it again")
    expect(page.locator(".views")).to_have_count(0)


def test_a_failed_image_has_no_choice_of_views(open_page: OpenPage, no_face: bytes) -> None:
    page = open_page()
    choose(page, no_face)
    expect_state(page, "failed")
    expect(page.locator(".evidence")).to_be_hidden()


def test_an_image_that_the_browser_cannot_show_has_views(
    open_page: OpenPage, portrait: Image.Image, encode: Callable[..., bytes]
) -> None:
    page = open_page()
    choose(page, encode(portrait, "TIFF"), "photo.tiff", "image/tiff")
    expect_state(page, "analyzed")
    expect(page.locator("#stage-note")).to_be_visible()
    page.locator(".experts summary").click()
    pick(page, "Noise")
    expect(page.locator("#view")).to_be_visible()
    expect(page.locator("#stage-note")).to_be_hidden()
    with Image.open(io.BytesIO(shown(page))) as view:
        assert view.size == portrait.size


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.is_file():
        pytest.skip("no axe-core: `make test` installs it with npm")
    return AXE.read_text("utf-8")


def test_views_are_accessible_and_fit_in_every_language(open_result: Callable[..., Page], axe: str) -> None:
    page = open_result(reduced_motion="reduce")
    too_narrow = """labels => labels.filter((one) => one.scrollWidth > one.clientWidth)
        .map((one) => one.textContent)"""
    for language in LANGUAGES:
        page.locator("#language").select_option(language)
        expect(page.locator("html")).to_have_attribute("lang", language)
        page.locator(".views label").nth(3).click()
        expect(page.locator("#view")).to_be_visible()
        for width in (1200, 390, 320):
            page.set_viewport_size({"width": width, "height": 800})
            settle(page)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (language, width)
            cut = page.locator(".views label span").evaluate_all(too_narrow)
            assert cut == [], (language, width)
    for width, theme in ((320, "dark"), (390, "light"), (1200, "dark")):
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate("theme => (document.documentElement.dataset.theme = theme)", theme)
        settle(page)
        broken = violations(page, axe)
        assert not broken, "\n".join([f"{width} {theme}", *broken])
