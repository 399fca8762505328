"""Videos on the page: adding, progress, timeline and frames."""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.sample_images import portrait
from tests.sample_videos import make_audio, make_plain, make_playable, make_portrait, panned
from tests.server.page import (
    VERDICTS,
    bounds,
    choose,
    choose_many,
    expect_fault,
    expect_range,
    expect_state,
    percent,
    read_status,
)
from tests.server.page_pool import VIEWPORT, PagePool
from tests.server.shared_page import SharedPage, at_home, start_over, with_status
from tests.server.test_page_scenes import axe, violations
from tests.waiting import wait_until

OpenPage = Callable[..., Page]
__all__ = ["axe"]  # a fixture


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_portrait(tmp_path_factory.mktemp("videos") / "a.mp4", 6).read_bytes()


@pytest.fixture(scope="module")
def result(video: bytes, server: Any) -> dict[str, Any]:
    """The result of the API."""
    return json.loads(events(server.url, video).split("event: result\ndata: ")[1])


def events(url: str, video: bytes) -> str:
    """What the API answers."""
    return httpx.post(f"{url}/api/predict-video", files={"video": ("a", video)}, timeout=300).text


def choose_video(page: Page, content: bytes, name: str = "a.mp4", kind: str = "video/mp4") -> None:
    choose(page, content, name, kind)


@pytest.fixture(scope="module")
def shared(page_pool: PagePool, server: Any, video: bytes) -> Iterator[SharedPage]:
    """A page with the analyzed video."""

    def analyze(page: Page) -> None:
        expect(page.locator("#limit")).to_contain_text("videos up to 100 MB")
        choose_video(page, video)
        expect_state(page, "analyzed")

    with contextlib.closing(SharedPage(page_pool, server.url, analyze)) as shared:
        yield shared


@pytest.fixture
def start(shared_start: SharedPage, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The start page, with the list of the files of tests before."""
    with shared_start.lend(request) as page:
        yield at_home(page)


@pytest.fixture(scope="module")
def playable(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Three seconds of a face, in a format that browsers play."""
    return make_playable(tmp_path_factory.mktemp("videos") / "a.webm", panned(24)).read_bytes()


@pytest.fixture(scope="module")
def playable_events(server: Any, playable: bytes) -> str:
    return events(server.url, playable)


def choose_playable(page: Page, playable: bytes, answer: str = "") -> None:
    """Choose that video; the server analyzes it, unless an answer of its is given."""
    if answer:
        page.route(
            "**/api/predict-video*",
            lambda route: route.fulfill(content_type="text/event-stream", body=answer),
            times=1,
        )
    choose(page, playable, "a.webm", "video/webm")
    expect_state(page, "analyzed")


TIME = "document.querySelector('video').currentTime"


def test_a_video_plays_beside_its_timeline(start: Page, playable: bytes) -> None:
    page = start
    choose_playable(page, playable)
    expect(page.locator(".provenance")).to_have_count(0)  # a container without claims
    timeline, plot = page.locator(".timeline"), bounds(page, ".plot")
    expect(page.locator("video")).to_be_visible()
    expect(page.locator(".video-frame img, .video-note")).to_have_count(2)
    expect(page.locator(".video-frame img")).to_be_hidden()
    expect(page.locator(".video-note")).to_be_hidden()
    expect(page.locator(".video-box")).to_have_count(1)
    page.mouse.click(plot["x"] + plot["width"] * 0.9, plot["y"] + 10)
    assert 2.5 < page.evaluate(TIME) < 2.9
    timeline.focus()
    page.keyboard.press("Home")
    expect(timeline).to_have_attribute("aria-valuenow", "1")
    assert page.evaluate(TIME) < 0.2
    page.keyboard.press("w")
    worst = page.evaluate(TIME)
    shown = page.locator("figcaption").inner_text()
    page.keyboard.press("Home")
    page.locator("#worst").click()
    assert page.evaluate(TIME) == worst
    expect(page.locator("figcaption")).to_have_text(shown)
    page.mouse.click(plot["x"] + plot["width"] * 0.6, plot["y"] + 10)
    timeline.focus()
    page.keyboard.press(" ")
    expect(page.locator("video")).to_have_js_property("ended", True)
    expect(timeline).to_have_attribute("aria-valuenow", "24")
    expect(page.locator(".video-box")).to_have_count(1)


def test_the_video_is_seen_while_it_is_analyzed(start: Page, playable: bytes) -> None:
    page = start
    page.route("**/api/predict-video*", lambda route: None)
    choose(page, playable, "a.webm", "video/webm")
    expect(page.locator("video")).to_be_visible()
    expect(page.locator("video")).to_have_js_property("videoWidth", 480)
    expect(page.locator("#video-count")).to_have_text("Uploading the video")
    page.keyboard.press("Escape")
    expect_state(page, "cancelled")


def test_a_video_gets_its_verdict_and_a_timeline(page: Page, result: dict[str, Any]) -> None:
    expect(page.locator("#verdict")).to_have_text(VERDICTS[result["verdict"]])
    expect_range(page, result, result["thresholds"])
    expect(page.locator("#live")).to_contain_text(VERDICTS[result["verdict"]])
    expect(page.locator("#live")).to_contain_text(f"{len(result['timeline'])} frames")
    seen = [point for point in result["timeline"] if point["p_fake"] is not None]
    expect(page.locator(".timeline .dot")).to_have_count(len(seen))
    expect(page.locator(".face-item")).to_have_count(len(result["tracks"]))
    expect(page.locator("#filename")).to_have_text("a.mp4")


def test_a_video_that_the_browser_cannot_play_is_shown_by_its_frames(page: Page) -> None:
    expect(page.locator(".video-note")).to_contain_text("cannot play this kind of video")
    expect(page.locator("video")).to_be_hidden()
    expect(page.locator(".video-frame img")).to_be_visible()
    frames = page.locator(".key-frame")
    expect(frames).to_have_count(6)
    frames.last.click()
    expect(frames.last).to_have_attribute("aria-current", "true")
    assert page.locator("figcaption").inner_text() == frames.last.inner_text()


def test_each_face_has_its_lane(start: Page, tmp_path: Path) -> None:
    """The second face comes after half of the time."""
    one = portrait(400)
    images = []
    for number in range(12):
        images.append(Image.new("RGB", (800, 400), (90, 100, 110)))
        images[-1].paste(one, (number, 0))
        if number >= 6:
            images[-1].paste(one.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (400, 0))
    page = start
    choose(page, make_playable(tmp_path / "two.webm", images).read_bytes(), "two.webm", "video/webm")
    expect_state(page, "analyzed")
    expect(page.locator(".lane")).to_have_count(2)
    expect(page.locator(".lane-name .cut-out")).to_have_count(2)
    lanes = page.locator(".lane").evaluate_all(
        """lanes => lanes.map(lane => {
            const whole = lane.getBoundingClientRect();
            const parts = [...lane.children].map(part => part.getBoundingClientRect());
            const [from, to] = [parts.map(part => part.left), parts.map(part => part.right)];
            return [Math.min(...from), Math.max(...to)].map(x => (x - whole.left) / whole.width);
        })"""
    )
    long, short = sorted(lanes)
    assert long == pytest.approx([0, 1], abs=0.03)
    assert short == pytest.approx([0.5, 1], abs=0.1)
    page.keyboard.press("Home")
    expect(page.locator(".video-box")).to_have_count(1)
    page.keyboard.press("End")
    expect(page.locator(".video-box")).to_have_count(2)
    answer = page.locator(".answer").inner_text()
    assert "of 2 faces" in answer or "All 2 faces" in answer
    page.locator("#pages").get_by_role("link", name="History").click()
    expect(page.locator(".past .card-count").first).to_contain_text("2 faces")
    page.get_by_role("link", name="two.webm", exact=True).click()
    page.reload()
    expect(page.locator(".answer")).to_have_text(answer, use_inner_text=True)


def test_progress_is_not_called_slow_while_it_moves(open_page: OpenPage, video: bytes) -> None:
    page = open_page(fresh=True, service_workers="block")
    page.clock.install(time="2026-03-14T09:26:53")
    page.clock.pause_at("2026-03-14T09:27:00")  # from here on, only the test lets time pass
    page.evaluate(
        """() => {
            const real = window.fetch;
            window.fetch = (address, options) => String(address).includes("predict-video")
                ? Promise.resolve(new Response(new ReadableStream({
                      start(stream) {
                          const event = (data) => `event: progress\\ndata: ${JSON.stringify(data)}\\n\\n`;
                          const sent = (done) => event({ done, total: 9, time: 1, p_fake: null });
                          window.send = (done) => stream.enqueue(new TextEncoder().encode(sent(done)));
                          options.signal.addEventListener("abort", () => stream.error(new Error("aborted")));
                      },
                  })))
                : real(address, options);
        }"""
    )
    choose_video(page, video)
    expect_state(page, "analyzing")
    expect(page.locator("#video-count")).to_have_text("Uploading the video")
    wait_until(lambda: page.evaluate("typeof window.send === 'function'"))
    for done in range(1, 5):
        page.evaluate("done => send(done)", done)
        page.clock.run_for(10_000)
        expect(page.locator("#video-count")).to_contain_text(f"{done} of 9 frames")
        expect(page.locator("#verdict")).to_have_text("Analyzing")
    page.clock.run_for(10_000)
    expect(page.locator("#verdict")).to_have_text("Still analyzing")
    page.keyboard.press("Escape")


def test_touch_screens_are_told_to_tap(open_page: OpenPage, playable: bytes, playable_events: str) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    choose_playable(page, playable, playable_events)
    expect(page.get_by_text("Tap the timeline")).to_be_visible()
    expect(page.get_by_text("Click the timeline")).to_be_hidden()
    expect(page.locator("#back")).to_be_hidden()
    plot = page.locator(".plot")
    plot.scroll_into_view_if_needed()
    plot.tap()  # its middle
    assert 1.3 < page.evaluate(TIME) < 1.7


def test_arrow_keys_go_from_frame_to_frame(page: Page, result: dict[str, Any]) -> None:
    chart, count = page.locator(".timeline"), len(result["timeline"])
    chart.focus()
    page.keyboard.press("Home")
    expect(chart).to_have_attribute("aria-valuenow", "1")
    first = page.locator(".video-frame img").get_attribute("src") or ""
    assert first.startswith("data:image/jpeg;base64,")
    page.keyboard.press("ArrowRight")
    expect(chart).to_have_attribute("aria-valuenow", "2")
    point = result["timeline"][1]
    expect(chart).to_have_attribute("aria-valuetext", f"0:00.1 · Likely real, {percent(point['p_fake'])}")
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
    chart, plot = page.locator(".timeline"), bounds(page, ".plot")
    page.mouse.click(plot["x"] + plot["width"] - 2, plot["y"] + 40)
    expect(chart).to_have_attribute("aria-valuenow", str(len(result["timeline"])))
    page.locator(".face-item").click()
    track = result["tracks"][0]
    best = [point["time"] for point in result["timeline"]].index(track["frames"][track["best"]]["time"])
    expect(chart).to_have_attribute("aria-valuenow", str(best + 1))


def test_all_frames_are_there_as_a_table(page: Page, result: dict[str, Any]) -> None:
    fold = page.locator(".frame-table summary")
    fold.click()
    expect(page.locator(".frame-table tbody tr")).to_have_count(len(result["timeline"]))
    row = page.locator(".frame-table tbody tr").first
    expect(row).to_contain_text(percent(result["timeline"][0]["p_fake"]))
    expect(row.locator("th")).to_have_attribute("scope", "row")
    fold.click()


def test_axe_finds_no_violation(page: Page, axe: str) -> None:
    page.locator(".frame-table summary").click()
    for theme in ("light", "dark"):
        page.evaluate("theme => (document.documentElement.dataset.theme = theme)", theme)
        assert violations(page, axe) == [], theme
    page.locator(".frame-table summary").click()


def test_in_arabic_on_the_narrowest_phone(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.locator("#language").select_option("ar")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator(".chart-name").first).not_to_have_text("Probability of fake over time")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#language").select_option("en")
    expect(page.locator(".chart-name").first).to_have_text("Probability of fake over time")
    page.set_viewport_size(VIEWPORT)


def test_progress_is_shown_and_a_video_can_be_canceled(start: Page, video: bytes) -> None:
    page = start
    page.evaluate(
        """() => {
            const sent = 'event: progress\\ndata: {"done":3,"total":9,"time":1,"p_fake":0.5}\\n\\n';
            const real = (window.realFetch = window.fetch);
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
    expect(page.locator("#video-count")).to_have_text("3 of 9 frames analyzed · 0:01")
    expect(page.locator(".video-progress progress")).to_have_attribute("max", "9")
    page.keyboard.press("Escape")
    expect_state(page, "cancelled")
    expect(page.locator("#verdict")).to_have_text("Canceled")
    page.evaluate("window.fetch = window.realFetch")


def test_files_that_are_not_videos_or_show_no_face(start: Page, tmp_path: Path, face: bytes) -> None:
    for number, (content, heading) in enumerate(
        (
            (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1/a.ts\n", "Not a supported video"),
            (face, "Not a supported video"),
            (make_audio(tmp_path / "s.mp4").read_bytes(), "Not a supported video"),
            (make_plain(tmp_path / "p.mp4").read_bytes(), "No face found"),
        )
    ):
        choose_video(start, content, f"{number}.mp4")
        expect(start.locator("#filename")).to_have_text(f"{number}.mp4")
        expect_fault(start, heading)


def test_a_too_large_video_is_not_sent(start: Page) -> None:
    with_status(start, lambda status: status["limits"].update(max_video_bytes=2**20))
    sent: list[str] = []
    start.route("**/api/predict*", lambda route: sent.append(route.request.url))
    expect(start.locator("#limit")).to_contain_text("videos up to 1 MB")
    choose_video(start, b"\0" * (2**20 + 1))
    expect_fault(start, "The video is too large")
    assert sent == []
    start.unroute("**/api/model-status")
    read_status(start)


def test_a_server_without_video_is_reported(start: Page) -> None:
    """It says so in its status; test_server_video.py."""
    with_status(start, lambda status: status["limits"].update(video=False))
    expect(start.locator("#limit")).to_have_text("up to 25 MB")
    choose_video(start, b"\0" * 3000)
    expect_fault(start, "Video is not enabled")
    start.unroute("**/api/model-status")
    read_status(start)


def test_videos_and_images_together(start: Page, video: bytes, face: bytes) -> None:
    """A video may be recognized by its name only."""
    page = start
    start_over(page)
    page.set_input_files(
        "#file",
        [
            {"name": "a.mkv", "mimeType": "", "buffer": video},
            {"name": "b.jpg", "mimeType": "image/jpeg", "buffer": face},
        ],
    )
    expect(page.locator("#count")).to_contain_text("2 of 2")
    page.get_by_role("link", name="a.mkv", exact=True).click()
    expect(page.locator(".timeline")).to_be_visible()
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


def test_what_a_video_claims_is_shown(start: Page, video: bytes, page: Page) -> None:
    pytest.importorskip("c2pa")
    from tests.provenance.credentials import sign

    expect(page.locator(".provenance .credentials")).to_have_attribute("data-state", "absent")
    choose_video(start, sign(video, "video/mp4"))
    panel = start.locator("#panel .provenance")
    expect(panel.locator(".credentials")).to_have_attribute("data-state", "untrusted_signer")
    expect(panel).to_contain_text("Test Press")
    expect(panel.locator('.claims [data-code="ai_generated"]')).to_be_visible()
