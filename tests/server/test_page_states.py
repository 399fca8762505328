"""States without a verdict: waiting, busy, failed."""

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.server.page import (
    card,
    choose,
    choose_many,
    expect_fault,
    expect_state,
    expect_verdict,
    read_status,
)
from tests.server.page_pool import PagePool
from tests.server.page_requests import hold, wait_for
from tests.server.shared_page import SharedPage, at_home, start_over, with_status
from tests.waiting import wait_until

Predict = Callable[..., httpx.Response]


@pytest.fixture
def page(page: Page) -> Page:
    """The start page, with the list of the files of tests before."""
    return at_home(page)


def test_the_image_is_shown_during_the_analysis(page: Page, face: bytes) -> None:
    held = hold(page)
    choose(page, face)
    expect_state(page, "analyzing")
    expect(page.locator("#frame")).to_have_class(re.compile("scanning"))
    expect(page.locator("#panel")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#panel .bones .bone")).to_have_count(4)
    expect(page.locator("#panel .bones .bone").first).to_be_visible()
    wait_until(lambda: page.evaluate("document.querySelector('#image').naturalWidth === 512"))
    wait_for(page, lambda: bool(held))
    held[0].abort()
    expect_fault(page, "Server not reachable")


def test_no_face(page: Page, no_face: bytes) -> None:
    choose(page, no_face)
    expect_fault(page, "No face found")
    expect(page.locator(".face-box")).to_have_count(0)
    expect(page.locator("#evidence-controls")).to_be_hidden()


def test_a_face_too_small(page: Page, small_face: bytes) -> None:
    choose(page, small_face)
    expect_fault(page, "Faces too small")
    expect(page.locator(".face-box")).to_have_count(1)
    expect(page.locator(".face-box")).to_have_attribute("data-verdict", "unclassified")


def test_a_covered_face(page: Page, face: bytes) -> None:
    body = {"success": False, "error": {"code": "face_obscured", "message": "the face is covered"}}
    page.route("**/api/predict*", lambda route: route.fulfill(status=422, json=body))
    choose(page, face, "masked.jpg")
    expect_fault(page, "Face covered or blurred")
    expect(page.locator("#panel")).to_contain_text(
        "The face is covered or blurred, so it was not classified."
    )
    page.get_by_role("link", name="History").first.click()
    expect(card(page, "masked.jpg")).to_contain_text("Face covered or blurred")


def test_a_damaged_file(page: Page, corrupt: bytes) -> None:
    choose(page, corrupt, "broken.png", "image/png")
    expect_fault(page, "The file is damaged")


def test_a_file_that_is_not_an_image(page: Page) -> None:
    choose(page, b"%PDF-1.7", "paper.pdf", "application/pdf")
    expect_fault(page, "Not a supported image")


def test_too_large_a_file_is_not_even_sent(page: Page) -> None:
    with_status(page, lambda status: status["limits"].update(max_upload_bytes=2**20))
    expect(page.locator("#limit")).to_contain_text("up to 1 MB")
    uploads = hold(page)
    choose(page, b"\xff\xd8" + b"x" * 2**20)
    expect_fault(page, "The image is too large")
    assert uploads == []
    page.unroute("**/api/model-status")
    read_status(page)


def test_too_many_pixels(page: Page, face: bytes) -> None:
    """As `test_server_errors.py` has the answer from a server."""
    body = {"success": False, "error": {"code": "image_too_large", "message": "more pixels than it takes"}}
    page.route("**/api/predict*", lambda route: route.fulfill(status=413, json=body))
    choose(page, face)
    expect_fault(page, "The image is too large")


def test_an_unreachable_server_can_be_tried_again(page: Page, predict: Predict, face: bytes) -> None:
    page.route("**/api/predict*", lambda route: route.abort())
    choose(page, face)
    expect_fault(page, "Server not reachable")
    page.unroute("**/api/predict*")
    page.get_by_role("button", name="Try again").click()
    expect_verdict(page, predict(face).json())


def test_a_late_answer_is_never_shown_for_another_image(page: Page, face: bytes, no_face: bytes) -> None:
    held: list[Any] = []
    page.route("**/api/predict*", lambda route: held.append(route) if not held else route.continue_())
    choose(page, face)
    expect_state(page, "analyzing")
    wait_for(page, lambda: bool(held))
    choose(page, no_face)
    expect_fault(page, "No face found")
    expect(page.locator(".face-box")).to_have_count(0)


@pytest.fixture(scope="module")
def shared_stopped(page_pool: PagePool, server: Any) -> Iterator[SharedPage]:
    def stop(page: Page) -> None:
        page.clock.install(time="2026-03-14T09:26:53")
        page.clock.pause_at("2026-03-14T09:27:00")

    page = SharedPage(page_pool, server.url, stop, fresh=True, service_workers="block")
    with contextlib.closing(page) as shared:
        yield shared


@pytest.fixture
def stopped(shared_stopped: SharedPage, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page with a clock that only the test moves: what is shown for a second may be read later."""
    with shared_stopped.lend(request) as page:
        page.locator("#home").click()
        expect(page.locator("#filename")).to_have_count(0)
        yield page


def pass_until(page: Page, state: str) -> None:
    """Let a few milliseconds of the stopped clock pass at a time, until the page has that state."""

    def reached() -> bool:
        page.clock.run_for(10)
        return page.locator("body").get_attribute("data-state") == state

    wait_until(reached)


def busy(route: Route, status: int = 503, code: str = "overloaded", wait: str = "2") -> None:
    """Answers as a server does that has too much to do."""
    body = {"success": False, "error": {"code": code, "message": "too much to do"}}
    route.fulfill(status=status, json=body, headers={"Retry-After": wait})


def test_a_busy_server_is_asked_again_after_the_time_it_asks_for(
    stopped: Page, predict: Predict, face: bytes
) -> None:
    page = stopped
    page.route("**/api/predict*", lambda route: busy(route, 429))
    choose(page, face)
    pass_until(page, "busy")
    expect(page.locator("#verdict")).to_have_text("The server is busy")
    expect(page.locator("#panel")).to_contain_text("Next try in 2 s")
    page.clock.run_for(1000)
    expect(page.locator("#panel")).to_contain_text("Next try in 1 s")
    expect_state(page, "busy")
    page.unroute("**/api/predict*")
    page.clock.run_for(1000)
    pass_until(page, "analyzed")
    expect_verdict(page, predict(face).json())


def test_a_busy_server_can_be_asked_at_once_or_not_at_all(page: Page, predict: Predict, face: bytes) -> None:
    page.route("**/api/predict*", lambda route: busy(route, wait="600"))
    choose(page, face)
    expect(page.locator("#panel")).to_contain_text("Next try in 60 s")  # no longer, whatever it asks for
    page.unroute("**/api/predict*")
    page.get_by_role("button", name="Try now").click()
    expect_verdict(page, predict(face).json())
    page.route("**/api/predict*", lambda route: busy(route, wait="600"))
    choose(page, face)
    expect_state(page, "busy")
    page.get_by_role("button", name="Cancel").click()
    expect_state(page, "cancelled")
    page.unroute("**/api/predict*")
    page.locator("#analyse").click()
    expect_verdict(page, predict(face).json())


def test_a_server_that_stays_busy_is_given_up(stopped: Page, face: bytes) -> None:
    page = stopped
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.method)
        busy(route, 429, wait="0")

    page.route("**/api/predict*", refuse)
    choose(page, face)
    for tries in range(1, 5):
        pass_until(page, "busy")
        assert len(asked) == tries
        page.clock.run_for(1500)
        wait_for(page, lambda tries=tries: len(asked) > tries)
    pass_until(page, "failed")
    expect_fault(page, "The server is busy")
    assert len(asked) == 5
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_a_model_that_is_still_loading_is_waited_for(stopped: Page, predict: Predict, face: bytes) -> None:
    page = stopped
    page.route("**/api/predict*", lambda route: busy(route, code="not_ready", wait="1"))
    choose(page, face)
    pass_until(page, "busy")
    expect(page.locator("#verdict")).to_have_text("Still starting")
    page.unroute("**/api/predict*")
    page.clock.run_for(1000)
    pass_until(page, "analyzed")
    expect_verdict(page, predict(face).json())


def test_a_loading_model_is_reported(page: Page) -> None:
    loading = {"loaded": False, "limits": {"max_upload_bytes": 1, "max_pixels": 1, "links": False}}
    page.route("**/api/model-status", lambda route: route.fulfill(json=loading))
    page.reload()
    expect(page.locator("#banner")).to_contain_text("being loaded")
    expect(page.locator("#model")).to_have_text("model not loaded yet")
    page.unroute("**/api/model-status")
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#model")).to_contain_text("veraface")


def test_a_server_without_a_model_is_not_asked_again(page: Page, face: bytes) -> None:
    page.route("**/api/predict*", lambda route: busy(route, code="model_unavailable"))
    choose(page, face)
    expect_fault(page, "No model")


def test_a_slow_request_is_reported_and_can_be_canceled(stopped: Page, face: bytes) -> None:
    page = stopped
    hold(page)
    choose(page, face)
    pass_until(page, "analyzing")
    expect(page.locator("#verdict")).to_have_text("Analyzing")
    page.clock.run_for(5000)
    expect(page.locator("#verdict")).to_have_text("Still analyzing")
    expect(page.locator("#panel")).to_contain_text("slow")
    page.keyboard.press("Escape")
    expect_state(page, "cancelled")
    expect(page.locator("#verdict")).to_have_text("Canceled")


def test_the_banner_reports_an_unreachable_server_until_it_is_back(page: Page) -> None:
    expect(page.locator("#banner")).to_be_hidden()
    page.route("**/api/model-status", lambda route: route.abort())
    page.evaluate("dispatchEvent(new Event('offline'))")
    expect(page.locator("#banner")).to_contain_text("does not answer")
    page.unroute("**/api/model-status")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#banner")).to_be_hidden()


def test_several_faces_that_disagree(page: Page, predict: Predict, two_faces: bytes) -> None:
    """One face of the answer is changed to fake on its way: the page reports it and shows that face first."""
    answer = predict(two_faces, heatmap="true").json()
    second = answer["faces"][1]
    second |= {"p_fake": 0.97, "verdict": "fake"}
    message = "the faces of this image do not all get the same verdict"
    answer |= {"p_fake": 0.97, "verdict": "fake", "reasons": [{"code": "faces_disagree", "message": message}]}
    page.route("**/api/predict*", lambda route: route.fulfill(json=answer))
    choose(page, two_faces)
    expect_verdict(page, answer)
    expect(page.locator(".face-box").first).to_have_attribute(
        "aria-pressed", "true"
    )  # the worst is the first
    expect(page.locator(".face-box").first).to_have_attribute("data-verdict", "fake")
    expect(page.locator(".answer-why")).to_have_text("1 of 2 faces is likely fake and 1 is likely real.")
    expect(page.locator(".reasons")).to_contain_text("do not all get the same verdict")
    expect(page.locator('.face-box[data-verdict="fake"]')).to_have_count(1)
    expect(page.locator('.face-box[data-verdict="real"]')).to_have_count(1)


def test_a_fault_in_a_list_leaves_the_others_alone(
    page: Page, predict: Predict, face: bytes, corrupt: bytes
) -> None:
    start_over(page)
    choose_many(page, [("good.jpg", face), ("broken.png", corrupt), ("paper.pdf", b"%PDF-1.7")])
    expect(page.locator("#count")).to_contain_text("3 of 3")
    expect(card(page, "broken.png")).to_contain_text("The file is damaged")
    expect(card(page, "paper.pdf")).to_contain_text("Not a supported image")
    card(page, "good.jpg").get_by_role("link").click()
    expect_verdict(page, predict(face).json())
