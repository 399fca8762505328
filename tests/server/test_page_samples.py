"""Images to try: their size, what the packaged model answers, and one click each."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import veraface.server
from tests.server.backends import shared_detector
from tests.server.page import expect_state

SAMPLES = Path(veraface.server.__file__).parent / "static" / "samples"
MAX_BYTES = 100_000

OpenPage = Callable[..., Page]


@pytest.mark.parametrize(
    ("name", "verdict"), [("face-swap.jpg", "fake"), ("astronaut.jpg", "real"), ("officer.jpg", "uncertain")]
)
def test_the_packaged_model_answers_as_the_page_announces(name: str, verdict: str) -> None:
    result = shared_detector().detect((SAMPLES / name).read_bytes())
    assert result.verdict == verdict
    assert len(result.faces) == 1


def test_they_are_small_and_each_has_its_origin_and_license() -> None:
    images = list(SAMPLES.glob("*.jpg"))
    assert sum(path.stat().st_size for path in images) < MAX_BYTES
    table = (SAMPLES / "README.md").read_text("utf-8")
    assert [path.name for path in images if f"`{path.name}`" not in table] == []


def test_one_click_gives_a_result(open_page: OpenPage) -> None:
    for name, verdict in (("Swapped face", "fake"), ("Real photo", "real"), ("A hard case", "uncertain")):
        page = open_page()
        page.get_by_role("button", name=name).click()
        expect_state(page, "analyzed")
        expect(page.locator("#filename")).to_have_text(f"{name}.jpg")
        expect(page.locator(f'#panel [data-verdict="{verdict}"]').first).to_be_visible()


def test_a_sample_that_does_not_come_is_reported(open_page: OpenPage) -> None:
    page = open_page()
    page.route("**/static/samples/*", lambda route: route.abort())
    page.get_by_role("button", name="Real photo").click()
    expect(page.locator("#notice")).to_contain_text("sample image did not load")
