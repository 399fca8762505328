"""The provenance panel: beside the verdict, as text, in the reader's language."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.provenance import files
from tests.server.page import choose, expect_state
from tests.server.page_pool import VIEWPORT, PagePool
from tests.server.shared_page import SharedPage

pytestmark = pytest.mark.browser

EVIL = '<img src=x onerror="document.title=1">\u202e' + "long " * 60


@pytest.fixture(scope="module")
def claiming(portrait: Image.Image, encode: Callable[..., bytes]) -> bytes:
    """A portrait that names a camera, an editor, AI and the parameters of a generator, all at once."""
    exif = files.camera_exif(tag_0131="Adobe Photoshop 25.0", tag_9003="2199:01:01 00:00:00")
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.5), 3: "E", 4: (2.0, 17.0, 40.25)})
    comment = f"{EVIL}\nSteps: 20, Sampler: Euler a, Model: {EVIL[:40]}"
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + comment.encode("utf-16-be")
    return encode(portrait, "JPEG", quality=90, exif=exif, xmp=files.AI_PACKET)


@pytest.fixture(scope="module")
def shared(page_pool: PagePool, server: Any, claiming: bytes) -> Iterator[SharedPage]:
    """A page with the result of that portrait."""

    def analyze(page: Page) -> None:
        choose(page, claiming)
        expect_state(page, "analyzed")

    with contextlib.closing(SharedPage(page_pool, server.url, analyze)) as shared:
        yield shared


def test_the_panel_shows_the_claims_of_the_file(page: Page) -> None:
    panel = page.locator(".provenance")
    expect(panel.locator(".credentials")).to_contain_text("Content Credentials:")
    expect(panel.locator('.claims [data-code="ai_generated"]')).to_have_text("XMP: declared as AI-generated")
    expect(panel.locator('.claims [data-code="generator_parameters"]')).to_contain_text("EXIF UserComment")
    for code in ("editor_software", "future_date", "generator_size"):
        expect(panel.locator(f'.findings [data-code="{code}"]')).to_be_visible()
    for words in (
        "Canon EOS R6",
        "1/250 s, f/2.8, ISO 200, 85 mm",
        "common software, JPEG quality 90",
        "Present, not shown",
    ):
        expect(panel).to_contain_text(words)
    expect(panel).to_contain_text("does not affect the verdict")
    expect(panel).not_to_contain_text("29.5")


def test_long_values_are_folded_and_never_markup(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 700})
    prompt = page.locator(".provenance details").first
    summary = prompt.locator("summary")
    expect(summary).to_contain_text("<img src=x")
    whole = prompt.locator("> bdi")
    expect(whole).not_to_be_visible()
    summary.press("Enter")
    expect(whole).to_be_visible()
    assert page.locator(".provenance img").count() == 0
    assert page.title() != "1"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    summary.press("Enter")
    page.set_viewport_size(VIEWPORT)


def test_claims_are_in_the_readers_language(page: Page) -> None:
    """Other languages are tested in tests/page/provenance.test.js."""
    page.locator("#language").select_option("ar")
    expect(page.locator(".provenance .claims")).to_contain_text("الذكاء الاصطناعي")
    page.locator("#language").select_option("en")
    expect(page.locator(".provenance .claims")).to_contain_text("AI-generated")


def test_an_image_without_a_face_has_the_panel_too(page: Page, shared: SharedPage) -> None:
    choose(page, files.png(("parameters", files.A1111)), name="noise.png", kind="image/png")
    expect_state(page, "failed")
    expect(page.locator(".provenance")).to_contain_text("Stable Diffusion WebUI")
    shared.close()  # no test can have the first result back
