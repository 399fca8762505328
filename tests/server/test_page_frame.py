"""The frame around every view: addresses, themes, sizes, and no markup from file names."""

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page, expect

import veraface.server
from tests.server.page import bounds, choose, expect_state, settle
from tests.server.scenes import answer, answers, face, fails, portrait
from tests.waiting import wait_until

STATIC = Path(veraface.server.__file__).parent / "static"
PHONE = {"viewport": {"width": 320, "height": 568}, "has_touch": True, "is_mobile": True}

pytestmark = pytest.mark.same_page

OpenPage = Callable[..., Page]
Predict = Callable[..., httpx.Response]


def test_the_empty_page_states_its_purpose_and_limits(open_page: OpenPage) -> None:
    page = open_page()
    expect(page).to_have_title("Analyze · Veraface")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("footer")).to_contain_text("not proof")
    expect(page.locator("footer")).to_contain_text("Never use it alone against a person")
    expect(page.locator("#privacy")).to_contain_text("stays on this computer")
    expect(page.locator("#limit")).to_have_text("up to 25 MB · videos up to 100 MB")
    expect(page.locator("#privacy")).to_contain_text(
        "This browser keeps a list of results; you can turn that off"
    )


def test_a_file_name_is_never_markup(open_page: OpenPage) -> None:
    page = open_page()
    names = (
        "<img src=x onerror=document.title='owned'>.jpg",
        "<script>document.title='owned'</script>.jpg",
        "&lt;b&gt;.jpg",
    )
    for state in ("analyzed", "failed"):
        if state == "analyzed":
            answers(page, answer([face(0.9)]))
        else:
            fails(page, 422, "no_face")
        for name in names:
            choose(page, portrait(), name)
            expect(page.locator("#filename")).to_have_text(name)
            expect_state(page, state)
        expect(page.locator("#filename *, main script, main img:not(#image, #view)")).to_have_count(0)
        expect(page).to_have_title("Result · Veraface")


def brightness(page: Page) -> int:
    """0 black to 255 white, of what the page is painted on."""
    colour = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    return int(re.findall(r"\d+", colour)[0])


def test_dark_light_and_as_the_system_has_it(open_page: OpenPage) -> None:
    """As the system has it at first; another choice is stored."""
    page = open_page(fresh=True, color_scheme="light")
    assert brightness(page) > 220
    page.emulate_media(color_scheme="dark")
    assert brightness(page) < 40
    page.get_by_role("button", name="Theme: as the system. Switch to light").click()
    assert brightness(page) > 220
    page.reload()
    assert brightness(page) > 220
    page.get_by_role("button", name="Theme: light. Switch to dark").click()
    page.emulate_media(color_scheme="light")
    page.reload()
    assert brightness(page) < 40
    page.get_by_role("button", name="Theme: dark. Switch to as the system").click()
    assert brightness(page) > 220


def test_nothing_moves_where_that_is_not_wanted(open_page: OpenPage) -> None:
    """While a view waits for its figures, which is when most does."""
    page = open_page(fresh=True, service_workers="block")
    page.route("**/api/model", lambda route: None)  # never answered
    page.locator('#pages [data-view="dashboard"]').click()
    expect(page.locator(".bone").first).to_be_visible()
    moving = "document.getAnimations().filter((one) => one.playState === 'running').length"
    assert page.evaluate(moving) > 0
    page.emulate_media(reduced_motion="reduce")
    settle(page)
    assert page.evaluate(moving) == 0


def test_a_phone_needs_no_sideways_scrolling(open_page: OpenPage, two_faces: bytes, corrupt: bytes) -> None:
    page = open_page(**PHONE)

    def expect_fit() -> None:
        for width in (390, 320):
            page.set_viewport_size({"width": width, "height": 844})
            settle(page)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width

    expect(page.get_by_text("Choose an image")).to_be_visible()
    expect_fit()
    choose(page, two_faces, "a-very-long-name-" * 12 + ".jpg")
    expect_state(page, "analyzed")
    expect_fit()
    choose(page, corrupt)
    expect_state(page, "failed")
    expect_fit()


def test_the_api_documentation_works_offline_in_the_theme_of_the_page(open_page: OpenPage) -> None:
    page = open_page(path="/docs", fresh=True, color_scheme="dark")
    expect(page.get_by_text("/api/predict", exact=True)).to_be_visible()
    assert brightness(page) < 40
    page.emulate_media(color_scheme="light")
    assert brightness(page) > 220
    page.get_by_role("link", name="Back to the page").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Is this face real?")


def test_a_wrong_address_leads_to_the_start(open_page: OpenPage, client: httpx.Client) -> None:
    """In a browser; a program gets JSON."""
    page = open_page(path="/no/such/page", anew=True)
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no page here")
    expect(page).to_have_title("Not found · Veraface")
    page.get_by_role("link", name="Analyze an image").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Is this face real?")
    assert client.get("/no/such/page", headers={"Accept": "text/html"}).status_code == 404
    assert client.get("/no/such/page").json()["error"]["code"] == "not_found"
    assert client.get("/api/no-such-route", headers={"Accept": "text/html"}).json()["success"] is False


@pytest.mark.parametrize("view", ["history", "dashboard"])
def test_every_view_lines_up_with_the_bar_on_a_huge_screen(open_page: OpenPage, view: str) -> None:
    page = open_page(path=f"/{view}")
    page.set_viewport_size({"width": 3840, "height": 1600})
    settle(page)
    brand, tools = bounds(page, ".brand"), bounds(page, ".tools")
    assert bounds(page, "#main h1")["x"] == pytest.approx(brand["x"], abs=2)
    assert tools["x"] + tools["width"] == pytest.approx(3840 - brand["x"], abs=2)


def test_the_bar_takes_one_row_on_the_narrowest_phone(open_page: OpenPage) -> None:
    page = open_page(**PHONE)
    assert bounds(page, ".top")["height"] < 60


def test_something_is_on_screen_before_the_words_have_come(open_page: OpenPage) -> None:
    page = open_page(path="/api/model-status", fresh=True, service_workers="block")
    page.route("**/languages/*.json", lambda route: None)
    page.goto(page.url.replace("/api/model-status", "/"), wait_until="commit")
    page.locator("main").wait_for(state="attached")
    skeleton = "getComputedStyle(document.querySelector('main'), '::before')"
    wait_until(lambda: page.evaluate(f"{skeleton}.opacity === '1' && parseFloat({skeleton}.height) > 100"))


def test_modules_of_the_start_page_are_loaded_at_once() -> None:
    """Not one after another, and none that is not needed."""
    named = set(
        re.findall(r'rel="modulepreload" href="/static/([^"]+)"', (STATIC / "index.html").read_text())
    )
    needed: set[str] = set()
    todo = ["js/main.js", "js/views/analyse.js"]
    while todo:
        path = todo.pop()
        needed.add(path)
        folder = (STATIC / path).parent
        for other in re.findall(r'^import .*?from "(\..*?)";', (STATIC / path).read_text(), re.MULTILINE):
            module = (folder / other).resolve().relative_to(STATIC.resolve()).as_posix()
            todo += [module] if module not in needed else []
    assert named <= needed
    assert len(needed - named) < 8, "name new modules in index.html"


@pytest.mark.parametrize("view", ["history", "dashboard", "about"])
def test_each_view_has_an_address_of_its_own(open_page: OpenPage, view: str) -> None:
    page = open_page()
    page.locator(f'#pages [data-view="{view}"]').click()
    expect(page.locator("body")).to_have_attribute("data-view", view)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(f'#pages [data-view="{view}"]')).to_have_attribute("aria-current", "page")
    expect(page).to_have_title(re.compile(r".+ · Veraface"))
    page.locator("#home").click()
    expect(page.locator("body")).to_have_attribute("data-view", "analyse")
    expect(page.locator("#main")).to_be_focused()
    page.go_back()
    expect(page.locator("body")).to_have_attribute("data-view", view)
    page.reload()
    expect(page.locator("body")).to_have_attribute("data-view", view)


def test_nothing_can_become_markup_or_script(open_page: OpenPage, complaints: list[str]) -> None:
    """Trusted Types: even code that tried to would be stopped by the browser."""
    page = open_page()
    for attempt in (
        "() => { document.body.innerHTML = '<b>' }",
        "() => { document.createElement('script').src = '/static/js/main.js' }",
        "() => { trustedTypes.createPolicy('other', {}) }",
    ):
        with pytest.raises(BrowserError, match="TypeError"):
            page.evaluate(attempt)
    # The browser logs it to the console; here that is no error.
    complaints.clear()
