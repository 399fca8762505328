"""The dashboard in the browser: plots, layout and history; its figures are tested in tests/page/."""

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.server.page import expect_state
from tests.server.scenes import answer, answers, face
from tests.waiting import wait_until

pytestmark = pytest.mark.same_page

OpenPage = Callable[..., Page]
PARTS = ("roc", "reliability", "scores", "confusion", "sources", "tiers", "curves", "spots")
FITTED = """() => [...document.querySelectorAll(".plot")].every(
  (plot) => plot.firstChild?.offsetWidth === plot.clientWidth)"""  # empty until it is drawn


def card() -> dict[str, Any]:
    text = (files("veraface") / "models" / "weights" / "veraface.json").read_text("utf-8")
    return dict(json.loads(text))


@pytest.fixture
def open_dashboard(open_page: OpenPage) -> OpenPage:
    """Opens the dashboard of the default model; with `card`, that of another one."""

    def open_(**options: Any) -> Page:
        shown = options.pop("card", card())
        page = open_page(**options)
        page.route("**/api/model", lambda route: route.fulfill(json=shown))
        page.locator('nav a[href="/dashboard"]').click()
        expect(page.locator(".dashboard-body").first).to_have_attribute("aria-busy", "false")
        return page

    return open_


def slider(page: Page, part: str) -> Locator:
    return page.locator(f"#{part} [role=slider]").first


def valuetext(page: Page, part: str) -> str:
    return slider(page, part).get_attribute("aria-valuetext") or ""


def test_every_plot_is_drawn_has_a_caption_and_a_table_and_is_read_by_keys(open_dashboard: OpenPage) -> None:
    """What they show is tested in tests/page/dashboard.test.js, without a browser."""
    page = open_dashboard()
    page.locator("#all > details > summary").click()
    figures = page.locator("figure")
    expect(figures).to_have_count(5)
    expect(page.locator("figure canvas")).to_have_count(5)
    for figure in figures.all():
        assert len(figure.locator("figcaption").inner_text()) > 20
        assert not figure.locator("table").is_visible()
        figure.locator("summary").click()
        assert figure.locator("tbody tr").count() > 3
        assert figure.locator("thead th[scope=col]").count() > 1
        assert figure.locator("tbody th[scope=row]").count() == figure.locator("tbody tr").count()
    page.locator('#curves input[value="blur"]').check(force=True)
    expect(page.locator("#curves canvas")).to_have_count(2)
    slider(page, "roc").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(slider(page, "roc")).to_have_attribute("aria-valuenow", "2")
    expect(page.locator("#roc .dot")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#roc .dot")).to_be_hidden()


def test_a_card_of_another_form_is_drawn_without_errors(open_dashboard: OpenPage) -> None:
    """Each odd part by itself is tested in tests/page/dashboard.test.js."""
    page = open_dashboard(card={**card(), "measured": {**card()["measured"], **ODD}})
    page.locator("#all > details > summary").click()
    for part in PARTS:
        expect(page.locator(f"#{part} h2")).to_be_visible()
    shown = page.locator("main").inner_text()
    assert [word for word in ("undefined", "NaN", "[object", "null") if word in shown] == []


def test_the_pointer_reads_the_nearest_point(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    page.locator("#all > details > summary").click()
    over = page.locator("#reliability .u-over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    assert box is not None
    over.hover(position={"x": box["width"] - 4, "y": 10})
    last = card()["measured"]["diagrams"]["reliability"][-1]
    expect(page.locator("#reliability .reading")).to_contain_text(f"{last['pictures']} images")
    page.mouse.move(5, 5)
    expect(page.locator("#reliability .dot")).to_be_hidden()


def test_plots_take_the_colours_of_the_theme_and_the_size_of_the_window(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    page.locator("#all > details > summary").click()
    canvas = page.locator("#roc canvas")
    pixels = "canvas => canvas.toDataURL()"
    before = canvas.evaluate(pixels)
    page.evaluate(
        "d => d.theme = 'dark'",
        page.evaluate_handle("document.documentElement.dataset"),
    )
    wait_until(lambda: page.evaluate("([c, b]) => c.toDataURL() !== b", [canvas.element_handle(), before]))
    page.set_viewport_size({"width": 400, "height": 800})
    wait_until(lambda: page.evaluate("c => c.clientWidth < 380", canvas.element_handle()))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_it_fits_windows_of_every_width(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    page.locator("#all > details > summary").click()
    for width in (320, 360, 768, 1000, 3840):
        page.set_viewport_size({"width": width, "height": 800})
        wait_until(lambda: page.evaluate(FITTED))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width


def test_nothing_moves_when_the_card_comes(open_page: OpenPage) -> None:
    page = open_page()
    waiting: list[Route] = []
    page.route("**/api/model", lambda route: waiting.append(route))
    page.locator('nav a[href="/dashboard"]').click()
    expect(page.locator(".dashboard-body")).to_have_attribute("aria-busy", "true")
    expect(page.locator('.hundred [data-kind="unknown"]')).to_have_count(200)
    tops = "nodes => nodes.map((node) => node.getBoundingClientRect().top)"
    parts = page.locator(".glance .part, .glance .hundred, .glance .outcomes")
    before = parts.evaluate_all(tops)
    waiting[0].fulfill(json=card())
    expect(page.locator(".dashboard-body").first).to_have_attribute("aria-busy", "false")
    assert parts.evaluate_all(tops) == pytest.approx(before, abs=2)


def test_two_arrays_of_100_faces_come_first(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    whole = card()["measured"]["rows"][0]
    for at, keys in enumerate(
        (["reals_uncertain", "reals_called_fake"], ["fakes_uncertain", "fakes_called_real"])
    ):
        array = page.locator(".hundred").nth(at)
        expect(array.locator("span")).to_have_count(100)
        for kind, key in zip(("open", "wrong"), keys, strict=True):
            assert array.locator(f'[data-kind="{kind}"]').count() == pytest.approx(100 * whole[key], abs=1)
    expect(page.locator(".hundred").last).to_be_in_viewport()
    expect(page.locator(".worth dd").first).to_contain_text("100 were fake")
    expect(page.locator("#well, #badly")).to_have_count(2)
    assert page.locator("#badly .kinds li").count() >= 3
    expect(page.locator("#badly")).to_contain_text("Swapped faces in videos")
    expect(page.locator("#roc")).to_be_hidden()


def test_examples_of_what_it_finds_well_and_badly_are_a_click_from_their_result(
    open_dashboard: OpenPage,
) -> None:
    """That the default model answers so is tested in test_page_samples.py."""
    page = open_dashboard()
    answers(page, answer([face(0.97)]))
    expect(page.locator("#well .sample")).to_have_count(3)
    expect(page.locator("#badly .sample")).to_have_count(2)
    page.locator("#well .sample").first.click()
    expect_state(page, "analyzed")
    expect(page.locator("#filename")).to_have_text("Generated face.jpg")
    expect(page.locator('#panel [data-verdict="fake"]').first).to_be_visible()


def test_the_examples_are_those_of_the_default_model(open_dashboard: OpenPage) -> None:
    page = open_dashboard(card={**card(), "name": "mine"})
    expect(page.locator("#badly .kinds li").first).to_be_visible()
    expect(page.locator(".sample")).to_have_count(0)


def test_each_size_of_a_face_has_a_line_that_a_link_leads_to(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    start = page.url.replace("/dashboard", "/")
    page.locator("#home").click()
    expect(page.locator("body")).to_have_attribute("data-view", "analyse")
    page.goto(f"{start}dashboard#size-128-to-256-px")
    line = page.locator("#size-128-to-256-px")
    expect(line).to_be_in_viewport()
    row = next(row for row in card()["measured"]["by_face_size"] if row["face_size"] == "128 to 256 px")
    expect(line).to_contain_text(f"{100 * row['reals_called_fake']:.1f}%")
    expect(line.locator("th")).to_have_text("128 to 256 pixels")
    page.locator("#home").click()
    expect(page.locator("body")).to_have_attribute("data-view", "analyse")
    page.evaluate("import('/static/js/router.js').then(({ go }) => go('/dashboard#curves'))")
    expect(page.locator("#curves canvas").first).to_be_visible()  # unfolded


ODD: dict[str, Any] = {
    "rows": "many",
    "by_generator": {"one": 1},
    "by_face_size": [None, 3, {}],
    "self_blended": "yes",
    "tiers": [None, {"tier": "constructor", "auc": "high", "how": 7}],
    "weak_spots": [1, None, {"a": 2}, "hair: AUC 0.5", ""],
    "trivial": {"warnings": "none"},
    "thresholds": ["0.2"],
    "diagrams": {
        "roc": "round",
        "reliability": [None, {"from": "0", "pictures": None}],
        "histograms": [None, {"real": "abc", "fake": 3}],
        "confusion": {"real": 3, "fake": None},
    },
    "curves": {"clean": 1, "degradations": [None, {"degradation": "toString", "steps": [None, {"auc": {}}]}]},
}


def test_words_of_a_card_are_never_markup_and_never_too_long(open_dashboard: OpenPage) -> None:
    markup = "<img src=x onerror=document.title='taken'>" + "W" * 3000

    def everywhere(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: everywhere(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [everywhere(inner) for inner in value]
        return markup if isinstance(value, str) else value

    page = open_dashboard(card=everywhere(card()))
    page.locator("#all > details > summary").click()
    expect(page.locator("#spots li").first).to_have_text(markup)
    assert page.locator("#main :is(img, script)").count() == 0
    expect(page).to_have_title("Performance · Veraface")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_list_of_parts_leads_to_each(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    page.locator("#all > details > summary").click()
    page.locator(".contents").get_by_text("Worst slices").click()
    expect(page.locator("#spots h2")).to_be_in_viewport()
    expect(page.locator("#spots h2")).to_be_focused()


def test_what_was_chosen_and_opened_stays_when_the_language_changes(open_dashboard: OpenPage) -> None:
    page = open_dashboard()
    page.locator("#all > details > summary").click()
    page.locator('#curves input[value="blur"]').check(force=True)
    page.locator("#roc summary").click()
    page.locator("#language").select_option("de")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator('#curves input[value="blur"]')).to_be_checked()
    expect(page.locator("#roc details")).to_have_attribute("open", "")
    auc = f"{card()['measured']['rows'][0]['auc']:.3f}"
    expect(page.locator(".tile .value").first).to_have_text(auc.replace(".", ","))
