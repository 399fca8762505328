"""The answer is on the first screen: verdict, range, reason and next step, at every size."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.server.page import choose, expect_state, settle
from tests.server.scenes import answer, answers, face, portrait, two_faces

OpenPage = Callable[..., Page]

SIZES = [(320, 568), (568, 320), (390, 844), (667, 375), (844, 390)]
SIZES += [(768, 1024), (1280, 720), (1920, 1080), (3840, 2160)]
PARTS = ("#verdict", "#p-fake", ".answer .bar", ".answer-why", ".answer-next li:last-child")
# The lowest point that is seen: the bar at the bottom of a phone lies over the page.
SEEN = """() => {
    const bar = document.querySelector("#pages");
    const fixed = getComputedStyle(bar).position === "fixed";
    return { width: innerWidth, height: fixed ? bar.getBoundingClientRect().top : innerHeight };
}"""
# Position and size of each part, by its selector; zeros while it is hidden.
BOXES = """(selectors) => Object.fromEntries(selectors.map((selector) => {
    const { x, y, width, height } = document.querySelector(selector).getBoundingClientRect();
    return [selector, { x, y, width, height }];
}))"""
LANGUAGES = ["en", "de", "fr", "ar"]


def unstable() -> dict[str, Any]:
    """The answer with the longest reason."""
    reason = {"code": "changes_under_recompression", "message": ""}
    one = {**face(0.88), "p_fake_range": [0.61, 0.88], "verdict": "uncertain", "reasons": [reason]}
    return answer([one], verdict="uncertain", p_fake_range=[0.61, 0.88])


def group() -> dict[str, Any]:
    """The answer with the longest headline and a sentence that counts faces."""
    return answer([face(0.04), face(0.96, (705, 105, 67, 83))], (960, 512))


@pytest.mark.parametrize("mobile", [True, False], ids=["mobile", "desktop"])
def test_the_answer_is_on_the_first_screen(open_page: OpenPage, mobile: bool) -> None:
    """With long words and from right to left; no result, alone or among several, is wider than the screen."""
    sizes = [size for size in SIZES if (size[0] < 900) is mobile]
    page = open_page(viewport=viewport(sizes[0]), is_mobile=mobile, has_touch=mobile)
    for body, image in ((unstable(), portrait()), (group(), two_faces())):
        answers(page, body)
        name = f"A rather long name of a photograph {len(body['faces'])}.jpg"
        choose(page, image, name)
        expect(page.locator("#filename")).to_have_text(name)
        expect_state(page, "analyzed")
        for language in LANGUAGES:
            page.locator("#language").select_option(language)
            expect(page.locator("html")).to_have_attribute("lang", language)
            for size in sizes:
                page.set_viewport_size(viewport(size))
                expect(page.locator("#verdict")).to_be_visible()
                settle(page)
                page.evaluate("scrollTo(0, 0)")
                expect_on_screen(page, f"{language} {size} {name}")
                assert page.evaluate("document.documentElement.scrollWidth") <= size[0], (language, size)
        page.unroute("**/api/predict*")


def expect_on_screen(page: Page, where: str) -> None:
    seen, boxes = page.evaluate(SEEN), page.evaluate(BOXES, [*PARTS, "#frame"])
    assert boxes.pop("#frame")["width"] > 0, where
    for part, box in boxes.items():
        assert box["width"] > 0, (where, part)
        assert box["y"] >= 0, (where, part)
        assert box["y"] + box["height"] <= seen["height"], (where, part, box, seen)
        assert box["x"] >= 0, (where, part)
        assert box["x"] + box["width"] <= seen["width"] + 1, (where, part, box, seen)


def viewport(size: tuple[int, int]) -> ViewportSize:
    return {"width": size[0], "height": size[1]}
