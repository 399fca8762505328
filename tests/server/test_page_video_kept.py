"""What stays of a video: its entry in the history, and its report on paper."""

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.sample_videos import make_plain
from tests.server.page import expect_fault
from tests.server.page_pool import PagePool
from tests.server.shared_page import SharedPage
from tests.server.test_page_video import choose_playable, choose_video, playable

HASH = re.compile("[0-9a-f]{64}")

OpenPage = Callable[..., Page]
__all__ = ["playable"]  # a fixture


@pytest.fixture(scope="module")
def shared(page_pool: PagePool, server: Any, playable: bytes) -> Iterator[SharedPage]:
    """A page with the analyzed video."""

    def analyze(page: Page) -> None:
        choose_playable(page, playable)
        expect(page.locator(".details .hash")).to_contain_text(HASH)

    permissions = ["clipboard-read", "clipboard-write"]
    with contextlib.closing(SharedPage(page_pool, server.url, analyze, permissions=permissions)) as shared:
        yield shared


def test_a_result_is_handed_on_as_summary_image_and_numbers(page: Page) -> None:
    page.locator("#copy-summary").click()
    expect(page.locator("#copy-summary")).to_have_text("Copied")
    summary = page.evaluate("navigator.clipboard.readText()")
    assert page.locator("#verdict").inner_text() in summary
    assert "Not proof" in summary
    assert re.search("a.webm .SHA-256 [0-9a-f]{64}", summary)
    for button, name in (("#save-image", "a-veraface.png"), ("#save-json", "a-veraface.json")):
        page.locator("#more summary").click()
        with page.expect_download() as saved:
            page.locator(button).click()
        assert saved.value.suggested_filename == name
        content = Path(saved.value.path()).read_bytes()
        if name.endswith("png"):
            image = Image.open(BytesIO(content))
            assert image.width == 1200
            assert image.height > 1000
            assert len(image.convert("RGB").getcolors(2**20) or []) > 1000  # the key frames
        else:
            numbers = json.loads(content)
            assert (numbers["name"], len(numbers["timeline"]), len(numbers["tracks"])) == ("a.webm", 24, 1)
            assert b"base64" not in content


def test_a_video_is_printed_on_one_page(page: Page) -> None:
    page.evaluate("window.print = () => document.body.classList.add('printed')")
    page.locator("#print").click()
    expect(page.locator("body.printed")).to_have_count(1)
    sheet = page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", sheet)) == 1
    page.emulate_media(media="print")
    for name in ("#filename", "#verdict", ".timeline", ".key-frame >> nth=5", ".caveat", ".details"):
        expect(page.locator(name)).to_be_visible()
    expect(page.locator(".details")).to_contain_text("Checked")
    for name in ("video", "#worst", "#print"):
        expect(page.locator(name)).to_be_hidden()
    page.emulate_media(media="null")


def test_the_history_keeps_a_video_as_key_frames(page: Page, shared: SharedPage) -> None:
    words = [page.locator(name).inner_text() for name in ("#verdict", "#p-fake")]
    page.locator("#pages").get_by_role("link", name="History").click()
    page.get_by_role("link", name="a.webm", exact=True).click()
    kept = """async id => {
        const { recall } = await import("/static/js/history.js");
        const { answer, picture } = await recall(id);
        const frames = answer.timeline.filter(({ thumbnail }) => thumbnail);
        return [JSON.stringify(answer).length + picture.size, frames.length];
    }"""
    page.reload()
    expect(page.locator(".timeline .dot")).to_have_count(24)
    assert [page.locator(name).inner_text() for name in ("#verdict", "#p-fake")] == words
    size, frames = page.evaluate(kept, page.url.rsplit("/", 1)[1])
    assert frames == 8
    assert size < 250_000
    expect(page.locator(".video-note")).to_contain_text("not stored")
    expect(page.locator(".key-frame")).to_have_count(6)
    pictures = set()
    page.keyboard.press("Home")
    for _ in range(10):
        expect(page.locator(".video-frame img")).to_be_visible()
        pictures.add(page.locator(".video-frame img").get_attribute("src"))
        page.keyboard.press("ArrowRight")
    assert len(pictures) == 8, "the arrow keys go through the kept frames"
    expect(page.locator("#back")).to_have_text("History")
    shared.close()  # the video itself is gone from this page


def test_a_video_without_a_face_is_kept_as_well(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page()
    choose_video(page, make_plain(tmp_path / "p.mp4").read_bytes(), "p.mp4")
    expect_fault(page, "No face found")
    page.locator("#pages").get_by_role("link", name="History").click()
    page.get_by_role("link", name="p.mp4", exact=True).click()
    expect_fault(page, "No face found")
    expect(page.locator("#again")).to_have_count(0)


def test_a_stored_video_that_is_damaged_is_not_shown(open_page: OpenPage) -> None:
    page = open_page(path="/history")
    page.evaluate(
        """async () => {
            const { remember } = await import("/static/js/history.js");
            const answer = { verdict: "fake", p_fake: 0.9, timeline: [{ time: "x" }], tracks: [] };
            const entry = { id: "damaged", time: 1, name: "x.mp4", verdict: "fake", p_fake: 0.9 };
            await remember({ ...entry, video: true, answer });
        }"""
    )
    page.goto(page.url.replace("history", "result/damaged"))
    expect(page.get_by_role("heading", level=1)).to_have_text("This result is not in this browser")
