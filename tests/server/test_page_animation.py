"""Animated images on the page: analyzed and shown as videos."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.sample_images import encode
from tests.sample_videos import panned
from tests.server.page import VERDICTS, bounds, choose, expect_state, read_status
from tests.server.test_page_scenes import axe, violations

pytestmark = pytest.mark.same_page

OpenPage = Callable[..., Page]
Predict = Callable[..., httpx.Response]
__all__ = ["axe"]  # a fixture


@cache
def animation(kind: str, frames: int = 12) -> bytes:
    """Return 1.2 s of a face that moves, 240 by 200 px."""
    first, *others = [image.reduce(2) for image in panned(frames)]
    return encode(first, kind, save_all=True, append_images=others, duration=100)


def choose_animation(page: Page, content: bytes, kind: str = "GIF") -> None:
    expect(page.locator("#limit")).to_contain_text("videos")
    choose(page, content, f"a.{kind.lower()}", f"image/{kind.lower()}")
    expect_state(page, "analyzed")


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_an_animation_has_a_timeline_and_the_verdict_of_the_api(
    open_page: OpenPage, predict: Predict, kind: str
) -> None:
    content = animation(kind)
    answer = predict(content, f"a.{kind.lower()}").json()
    assert "several_frames" in [reason["code"] for reason in answer["reasons"]]
    page = open_page()
    choose_animation(page, content, kind)
    expect(page.locator("#verdict")).to_have_text(VERDICTS[answer["verdict"]])
    expect(page.locator(".timeline .dot")).to_have_count(8)
    expect(page.locator(".lane")).to_have_count(1)
    expect(page.locator(".key-frame")).to_have_count(6)


def test_the_timeline_leads_to_frames_and_a_button_shows_the_animation(open_page: OpenPage, axe: str) -> None:
    page = open_page()
    choose_animation(page, animation("GIF"))
    timeline, image, plot = page.locator(".timeline"), page.locator(".video-frame img"), bounds(page, ".plot")
    expect(page.locator("video")).to_be_hidden()
    expect(page.locator(".video-note")).to_be_hidden()
    page.mouse.click(plot["x"] + plot["width"] - 1, plot["y"] + 10)
    expect(timeline).to_have_attribute("aria-valuenow", "8")
    last = image.get_attribute("src")
    page.mouse.click(plot["x"] + 1, plot["y"] + 10)
    expect(timeline).to_have_attribute("aria-valuenow", "1")
    assert image.get_attribute("src") not in (None, last)
    expect(page.locator(".video-box")).to_have_count(1)
    play = page.get_by_role("button", name="Play or pause")
    play.click()
    expect(play).to_have_attribute("aria-pressed", "true")
    assert str(image.get_attribute("src")).startswith("blob:")
    expect(page.locator(".video-box")).to_have_count(0)
    page.locator("#worst").click()
    expect(play).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".video-box")).to_have_count(1)
    assert str(image.get_attribute("src")).startswith("data:image/jpeg")
    assert violations(page, axe) == []


def test_an_animation_is_kept_and_handed_on(open_page: OpenPage) -> None:
    page = open_page()
    choose_animation(page, animation("GIF"))
    with page.expect_download() as saved:
        page.locator("#report").click()
    assert "a.gif" in Path(saved.value.path()).read_text()
    page.locator("#where-else summary").click()
    expect(page.get_by_role("link", name="TinEye")).to_be_visible()
    page.locator("#pages").get_by_role("link", name="History").click()
    page.get_by_role("link", name="a.gif", exact=True).click()
    page.reload()
    expect(page.locator(".timeline .dot")).to_have_count(8)
    expect(page.locator(".key-frame")).to_have_count(6)
    expect(page.locator("#report, #play-animation:visible")).to_have_count(0)


def test_an_older_browser_finds_animations_as_well(open_page: OpenPage) -> None:
    page = open_page(anew=True)
    page.evaluate("delete globalThis.ImageDecoder")
    for kind in ("GIF", "WEBP", "PNG"):
        choose_animation(page, animation(kind, 3), kind)
        expect(page.locator(".timeline .dot")).to_have_count(3)
        page.locator("#home").click()


def test_two_frames_and_a_server_without_videos_have_the_result_of_an_image(open_page: OpenPage) -> None:
    page = open_page()
    expect(page.locator("#limit")).to_contain_text("videos")
    choose(page, animation("GIF", 2), "a.gif", "image/gif")
    expect_state(page, "analyzed")
    expect(page.locator(".face-box")).to_have_count(1)
    page.locator("#home").click()
    page.route("**/api/model-status", without_videos)
    read_status(page)
    expect(page.locator("#limit")).not_to_contain_text("videos")
    choose(page, animation("GIF"), "b.gif", "image/gif")
    expect_state(page, "analyzed")
    expect(page.locator("#filename")).to_have_text("b.gif")
    expect(page.locator(".face-box")).to_have_count(1)


def without_videos(route: Route) -> None:
    """Answer as a server with VERAFACE_VIDEO=false does."""
    status = route.fetch().json()
    status["limits"] |= {"video": False, "max_video_bytes": 0}
    route.fulfill(json=status)
