"""The answer is on the first screen: verdict, range, reason and next step, at every size."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.server.page import bounds, choose, expect_state, settle
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


def unstable() -> dict[str, Any]:
    """The answer with the longest reason."""
    reason = {"code": "changes_under_recompression", "message": ""}
    one = {**face(0.88), "p_fake_range": [0.61, 0.88], "verdict": "uncertain", "reasons": [reason]}
    return answer([one], verdict="uncertain", p_fake_range=[0.61, 0.88])


def group() -> dict[str, Any]:
    """The answer with the longest headline and a sentence that counts faces."""
    return answer([face(0.04), face(0.96, (705, 105, 67, 83))], (960, 512))


@pytest.mark.parametrize("language", ["en", "de", "ar"])
@pytest.mark.parametrize("mobile", [True, False], ids=["mobile", "desktop"])
def test_the_answer_is_on_the_first_screen(open_page: OpenPage, mobile: bool, language: str) -> None:
    sizes = [size for size in SIZES if (size[0] < 900) is mobile]
    page = open_page(viewport=viewport(sizes[0]), locale=language, is_mobile=mobile, has_touch=mobile)
    for size in sizes:
        page.set_viewport_size(viewport(size))
        for body, image in ((unstable(), portrait()), (group(), two_faces())):
            answers(page, body)
            name = f"A rather long name of a photograph {size[0]} {len(body['faces'])}.jpg"
            choose(page, image, name)
            expect(page.locator("#filename")).to_have_text(name)
            expect_state(page, "analyzed")
            expect(page.locator("#verdict")).to_be_visible()
            settle(page)
            page.evaluate("scrollTo(0, 0)")
            seen = page.evaluate(SEEN)
            for part in PARTS:
                box = bounds(page, part)
                assert box["y"] >= 0, (size, part)
                assert box["y"] + box["height"] <= seen["height"], (size, part, box, seen)
                assert box["x"] >= 0, (size, part)
                assert box["x"] + box["width"] <= seen["width"] + 1, (size, part, box, seen)
            assert page.locator("#frame").bounding_box() is not None
            page.unroute("**/api/predict*")


def viewport(size: tuple[int, int]) -> ViewportSize:
    return {"width": size[0], "height": size[1]}
