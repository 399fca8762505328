"""Videos on the page: adding, progress, timeline and frames."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.sample_videos import make_audio, make_plain, make_portrait
from tests.server.page import VERDICTS, choose, choose_many, expect_fault, expect_range, expect_state, percent
from tests.server.test_page_scenes import axe, violations

OpenPage = Callable[..., Page]
__all__ = ["axe"]  # a fixture


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_portrait(tmp_path_factory.mktemp("videos") / "a.mp4", 6).read_bytes()


@pytest.fixture(scope="module")
def result(video: bytes, server: Any) -> dict[str, Any]:
    """The result of the API."""
    answer = httpx.post(f"{server.url}/api/predict-video", files={"video": ("a.mp4", video)}, timeout=120)
    return json.loads(answer.text.split("event: result\ndata: ")[1])


def choose_video(page: Page, content: bytes, name: str = "a.mp4", kind: str = "video/mp4") -> None:
    choose(page, content, name, kind)


@pytest.fixture
def page(open_page: OpenPage, video: bytes) -> Page:
    """The page with the analyzed video."""
    page = open_page()
    expect(page.locator("#limit")).to_contain_text("videos up to 100 MB")
    choose_video(page, video)
    expect(page.locator("body")).to_have_attribute("data-state", "analyzed", timeout=60_000)
    return page


def test_a_video_gets_its_verdict_and_a_timeline(page: Page, result: dict[str, Any]) -> None:
    expect(page.locator("#verdict")).to_have_text(VERDICTS[result["verdict"]])
    expect_range(page, result, result["thresholds"])
    expect(page.locator("#live")).to_contain_text(VERDICTS[result["verdict"]])
    expect(page.locator("#live")).to_contain_text(f"{len(result['timeline'])} frames")
    seen = [point for point in result["timeline"] if point["p_fake"] is not None]
    expect(page.locator(".chart .dot")).to_have_count(len(seen))
    expect(page.locator(".face-item")).to_have_count(len(result["tracks"]))
    expect(page.locator("#filename")).to_have_text("a.mp4")


def test_arrow_keys_go_from_frame_to_frame(page: Page, result: dict[str, Any]) -> None:
    chart, count = page.locator(".chart"), len(result["timeline"])
    chart.focus()
    page.keyboard.press("Home")
    expect(chart).to_have_attribute("aria-valuenow", "1")
    first = page.locator(".video-frame img").get_attribute("src") or ""
    assert first.startswith("data:image/jpeg;base64,")
    page.keyboard.press("ArrowRight")
    expect(chart).to_have_attribute("aria-valuenow", "2")
    point = result["timeline"][1]
    expect(chart).to_have_attribute("aria-valuetext", f"0:00.1: {percent(point['p_fake'])} fake, Likely real")
    expect(page.locator(".video-frame figcaption")).to_contain_text("0:00.1")
    assert page.locator(".video-frame img").get_attribute("src") != first
    assert page.evaluate("document.querySelector('.video-frame img').naturalWidth") == 320
    expect(page.locator(".video-box")).to_have_count(1)
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    expect(chart).to_have_attribute("aria-valuenow", str(count))
    page.keyboard.press("ArrowLeft")
    expect(chart).to_have_attribute("aria-valuenow", str(count - 1))


def test_points_of_the_chart_and_faces_can_be_selected(page: Page, result: dict[str, Any]) -> None:
    chart = page.locator(".chart")
    box = chart.bounding_box()
    assert box
    chart.click(position={"x": box["width"] - 12, "y": 40})
    expect(chart).to_have_attribute("aria-valuenow", str(len(result["timeline"])))
    page.locator(".face-item").click()
    track = result["tracks"][0]
    best = [point["time"] for point in result["timeline"]].index(track["frames"][track["best"]]["time"])
    expect(chart).to_have_attribute("aria-valuenow", str(best + 1))


def test_all_frames_are_there_as_a_table(page: Page, result: dict[str, Any]) -> None:
    page.locator(".frame-table summary").click()
    expect(page.locator(".frame-table tbody tr")).to_have_count(len(result["timeline"]))
    row = page.locator(".frame-table tbody tr").first
    expect(row).to_contain_text(percent(result["timeline"][0]["p_fake"]))
    expect(row.locator("th")).to_have_attribute("scope", "row")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_no_violation(page: Page, axe: str, theme: str) -> None:
    page.evaluate("theme => (document.documentElement.dataset.theme = theme)", theme)
    page.locator(".frame-table summary").click()
    assert violations(page, axe) == []


def test_in_arabic_on_the_narrowest_phone(open_page: OpenPage, video: bytes) -> None:
    page = open_page(locale="ar", viewport={"width": 320, "height": 640})
    choose_video(page, video)
    expect(page.locator("body")).to_have_attribute("data-state", "analyzed", timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#language").select_option("en")
    expect(page.locator(".chart-name")).to_have_text("Probability of fake over time")


def test_progress_is_shown_and_a_video_can_be_canceled(open_page: OpenPage, video: bytes) -> None:
    page = open_page()
    page.evaluate(
        """() => {
            const sent = 'event: progress\\ndata: {"done":3,"total":9,"time":1,"p_fake":0.5}\\n\\n';
            const real = window.fetch;
            window.fetch = (address, options) => String(address).includes("predict-video")
                ? Promise.resolve(new Response(new ReadableStream({
                      start(stream) {
                          stream.enqueue(new TextEncoder().encode(sent.slice(0, 25)));
                          stream.enqueue(new TextEncoder().encode(sent.slice(25)));
                          options.signal.addEventListener("abort", () => stream.error(new Error("aborted")));
                      },
                  })))
                : real(address, options);
        }"""
    )
    choose_video(page, video)
    expect(page.locator("#video-count")).to_have_text("3 of 9 frames analyzed")
    expect(page.locator(".video-progress progress")).to_have_attribute("max", "9")
    page.keyboard.press("Escape")
    expect_state(page, "cancelled")
    expect(page.locator("#verdict")).to_have_text("Canceled")


def test_files_that_are_not_videos_or_show_no_face(open_page: OpenPage, tmp_path: Path, face: bytes) -> None:
    page = open_page()
    for content, heading in (
        (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1/a.ts\n", "Not a supported video"),
        (face, "Not a supported video"),
        (make_audio(tmp_path / "s.mp4").read_bytes(), "Not a supported video"),
        (make_plain(tmp_path / "p.mp4").read_bytes(), "No face found"),
    ):
        choose_video(page, content)
        expect_fault(page, heading)


def test_a_too_large_video_is_not_sent(open_page: OpenPage, start_server: Callable[..., Any]) -> None:
    with start_server(VERAFACE_VIDEO_MAX_BYTES="2000") as server:
        page = open_page(server.url)
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url))
        expect(page.locator("#limit")).to_contain_text("videos up to")
        choose_video(page, b"\0" * 3000)
        expect_fault(page, "The video is too large")
        assert not any("predict" in url for url in sent)


def test_a_server_without_video_is_reported(open_page: OpenPage, start_server: Callable[..., Any]) -> None:
    with start_server(VERAFACE_VIDEO="false") as server:
        page = open_page(server.url)
        expect(page.locator("#limit")).to_have_text("up to 25 MB")
        choose_video(page, b"\0" * 3000)
        expect_fault(page, "Video is not enabled")


def test_videos_and_images_together(open_page: OpenPage, video: bytes, face: bytes) -> None:
    """A video may be recognized by its name only."""
    page = open_page()
    page.set_input_files(
        "#file",
        [
            {"name": "a.mkv", "mimeType": "", "buffer": video},
            {"name": "b.jpg", "mimeType": "image/jpeg", "buffer": face},
        ],
    )
    expect(page.locator("#count")).to_contain_text("2 of 2", timeout=60_000)
    page.get_by_role("link", name="a.mkv", exact=True).click()
    expect(page.locator(".chart")).to_be_visible()
    page.locator("#back").click()
    page.get_by_role("link", name="b.jpg", exact=True).click()
    expect(page.locator("#frame")).to_be_visible()


def test_images_alone_load_no_video_code(open_page: OpenPage, face: bytes) -> None:
    asked: list[str] = []
    page = open_page(service_workers="block")
    page.on("request", lambda request: asked.append(request.url))
    choose_many(page, [("a.jpg", face)])
    expect_state(page, "analyzed")
    loaded = page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    assert not [url for url in loaded if "js/video/" in url and not url.endswith("video/files.js")]
    assert not [url for url in loaded if url.endswith("video.css")]
