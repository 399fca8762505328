"""Adding images and links, and the queue."""

import base64
import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

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
    give,
    read_status,
)
from tests.server.page_requests import count_uploads, hold
from tests.server.scenes import fails, with_links
from tests.waiting import wait_until

pytestmark = pytest.mark.same_page

OpenPage = Callable[..., Page]
Predict = Callable[..., httpx.Response]


def test_an_image_can_be_dropped_anywhere(open_page: OpenPage, predict: Predict, face: bytes) -> None:
    page = open_page()
    give(page, "dragenter", [face])
    expect(page.locator("#veil")).to_be_visible()
    give(page, "drop", [face])
    expect(page.locator("#veil")).to_be_hidden()
    expect_verdict(page, predict(face).json())


def test_an_image_can_be_pasted(open_page: OpenPage, predict: Predict, face: bytes) -> None:
    page = open_page()
    give(page, "paste", [face])
    expect_verdict(page, predict(face).json())


def test_the_keyboard_is_enough(open_page: OpenPage, predict: Predict, two_faces: bytes) -> None:
    page = open_page()
    # Playwright asks the browser for the chooser without waiting for its answer: ask before the keys.
    with page.expect_file_chooser() as chooser:
        for _ in range(20):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id") == "choose":
                break
        page.keyboard.press("Enter")
    chooser.value.set_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": two_faces})
    expect_state(page, "analyzed")
    boxes = page.locator(".face-box")
    page.locator("#another").focus()
    page.keyboard.press("Tab")
    expect(boxes.nth(0)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(boxes.nth(1)).to_have_attribute("aria-pressed", "true")


def test_many_files_get_one_card_each(
    open_page: OpenPage, predict: Predict, face: bytes, two_faces: bytes, no_face: bytes
) -> None:
    page = open_page()
    choose_many(page, [("one.jpg", face), ("two.jpg", two_faces), ("none.jpg", no_face)])
    expect_state(page, "list")
    expect(page.locator("#count")).to_contain_text("3 of 3 images done")
    assert page.locator("#progress").evaluate("p => [p.value, p.max]") == [3, 3]
    expect(page.locator(".card")).to_have_count(3)
    for name, content in (("one.jpg", face), ("two.jpg", two_faces)):
        answer = predict(content).json()
        expect(card(page, name)).to_have_attribute("data-verdict", answer["verdict"])
        assert card(page, name).locator("img").evaluate("i => i.naturalWidth") > 0
    expect(card(page, "none.jpg")).to_contain_text("No face found")
    expect(page.locator("#live")).to_contain_text("3 of 3")
    choose_many(page, [("four.jpg", face), ("five.jpg", face)])
    expect(page.locator("#count")).to_contain_text("5 of 5")
    card(page, "one.jpg").get_by_role("button", name="Remove one.jpg from the list").click()
    expect(page.locator(".card")).to_have_count(4)
    page.get_by_role("button", name="Clear list").click()
    expect_state(page, "empty")


def test_concurrent_uploads_are_limited(open_page: OpenPage, face: bytes) -> None:
    page = open_page()
    uploads = count_uploads(page)
    hold(page)
    choose_many(page, [(f"{i}.jpg", face) for i in range(12)])
    expect(page.locator('.card[data-state="analyzing"]')).to_have_count(2)
    expect(page.locator('.card[data-state="queued"]')).to_have_count(10)
    assert uploads() == 2
    card(page, "5.jpg").get_by_role("button", name="Cancel 5.jpg").click()
    expect(card(page, "5.jpg")).to_contain_text("Canceled")
    page.get_by_role("button", name="Cancel all").click()
    expect(page.locator('.card[data-state="cancelled"]')).to_have_count(12)
    expect(page.get_by_role("button", name="Cancel all")).to_be_hidden()
    assert uploads() == 2
    page.unroute("**/api/predict*")
    card(page, "7.jpg").get_by_role("button", name="Analyze 7.jpg").click()
    expect(card(page, "7.jpg")).to_have_attribute("data-state", "analyzed")


def test_images_wait_for_the_user_when_immediate_analysis_is_off(
    open_page: OpenPage, predict: Predict, face: bytes, two_faces: bytes
) -> None:
    """A preview first; nothing is sent until Enter or the button is pressed. The setting is stored."""
    page = open_page()
    uploads = count_uploads(page)
    page.locator("#options summary").click()
    page.get_by_role("switch", name="Analyze immediately").uncheck()
    choose(page, face)
    expect_state(page, "ready")
    wait_until(lambda: page.evaluate("document.querySelector('#image').naturalWidth === 512"))
    expect(page.locator("#panel")).to_contain_text("in this browser only")
    assert uploads() == 0
    page.keyboard.press("Enter")
    expect_verdict(page, predict(face).json())
    page.goto(page.url.split("/result")[0])
    expect(page.locator("#at-once")).not_to_be_checked()
    uploads = count_uploads(page)
    choose_many(page, [("one.jpg", face), ("two.jpg", two_faces)])
    expect(page.locator('.card[data-state="ready"]')).to_have_count(2)
    assert uploads() == 0
    page.get_by_role("button", name="Analyze 2 images").click()
    expect(page.locator('.card[data-state="analyzed"]')).to_have_count(2)


def test_a_batch_is_saved_as_json_and_csv(
    open_page: OpenPage, predict: Predict, face: bytes, no_face: bytes
) -> None:
    page = open_page()
    choose_many(page, [("one.jpg", face), ("=cmd|calc.jpg", no_face)])
    expect(page.locator("#count")).to_contain_text("2 of 2")
    hashed = "async () => (await import('/static/js/queue.js')).checks().every(({ hash }) => hash)"
    wait_until(lambda: page.evaluate(hashed))  # the hashes may come after the verdicts
    with page.expect_download() as saved:
        page.locator("#save-json").click()
    entries = {entry["name"]: entry for entry in json.loads(Path(saved.value.path()).read_text("utf-8"))}
    assert set(entries) == {"one.jpg", "=cmd|calc.jpg"}
    assert entries["one.jpg"]["p_fake"] == predict(face).json()["p_fake"]
    assert entries["one.jpg"]["hash"] == hashlib.sha256(face).hexdigest()
    assert entries["=cmd|calc.jpg"]["verdict"] == "no_face"
    with page.expect_download() as saved:
        page.locator("#save-csv").click()
    rows = list(csv.DictReader(Path(saved.value.path()).read_text("utf-8-sig").splitlines()))
    assert [row["verdict"] for row in rows] == [
        entries[name]["verdict"] for name in ("one.jpg", "=cmd|calc.jpg")
    ]
    assert not any(
        value.startswith("=") for row in rows for value in row.values()
    )  # no formula for a spreadsheet


def test_the_list_stays_while_other_views_are_looked_at(open_page: OpenPage, face: bytes) -> None:
    page = open_page()
    choose_many(page, [("one.jpg", face), ("two.jpg", face)])
    page.locator("#pages").get_by_role("link", name="About").click()
    expect(page.locator("body")).to_have_attribute("data-view", "about")
    page.locator("#pages").get_by_role("link", name="Analyze").click()
    expect(page.locator(".card")).to_have_count(2)
    expect(page.locator("#count")).to_contain_text("2 of 2")
    card(page, "two.jpg").get_by_role("link").click()
    expect_state(page, "analyzed")
    page.go_back()
    expect(page.locator(".card")).to_have_count(2)


def test_the_cards_are_walked_with_the_arrows(open_page: OpenPage, face: bytes) -> None:
    page = open_page()
    choose_many(page, [(f"{i}.jpg", face) for i in range(6)])
    expect(page.locator("#count")).to_contain_text("6 of 6")
    links = page.locator(".card-link")
    page.keyboard.press("ArrowRight")
    expect(links.nth(0)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(links.nth(1)).to_be_focused()
    columns = page.evaluate(
        "getComputedStyle(document.querySelector('.cards')).gridTemplateColumns.split(' ').length"
    )
    page.keyboard.press("ArrowDown")
    expect(links.nth(1 + columns)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#filename")).to_have_text("1.jpg")


def test_dropping_something_else_is_explained(open_page: OpenPage) -> None:
    page = open_page()
    give(page, "drop", [])
    expect(page.locator("#notice")).to_contain_text("That is not an image")
    expect_state(page, "empty")
    page.locator("#notice").get_by_role("button", name="Close").click()
    expect(page.locator("#notice")).to_be_hidden()


def test_a_pasted_link_is_explained_where_the_server_fetches_none(open_page: OpenPage) -> None:
    page = open_page()
    expect(page.locator("#limit")).to_contain_text("up to")
    expect(page.locator("#link")).to_be_hidden()
    give(page, "paste", [], "https://example.com/face.jpg")
    expect(page.locator("#notice")).to_contain_text("VERAFACE_FETCH_LINKS")
    expect_state(page, "empty")


def test_a_link_is_analyzed_where_the_server_fetches_links(
    open_page: OpenPage, predict: Predict, face: bytes
) -> None:
    """The fetching is tested in test_server_links.py; here it is played, as no test has an internet."""
    answer = predict(face, heatmap="true").json()
    sent: list[str] = []

    def respond(route: Route) -> None:
        sent.append(route.request.post_data or "")
        route.fulfill(json=answer)

    page = open_page()
    limits = {"max_upload_bytes": 10**7, "max_pixels": 10**7, "links": True}
    status = {"loaded": True, "name": "m", "version": "1", "limits": limits}
    page.route("**/api/model-status", lambda route: route.fulfill(json=status))
    page.route("**/api/predict*", respond)
    read_status(page)
    page.locator("#link").fill("https://example.com/face.jpg")
    page.locator("#link").press("Enter")
    expect_verdict(page, answer)
    expect(page.locator("#filename")).to_have_text("https://example.com/face.jpg")
    expect(page.locator("#stage-note")).to_contain_text("No preview")
    assert 'name="url"' in sent[0]
    assert "https://example.com/face.jpg" in sent[0]
    give(page, "paste", [], "https://example.com/other.jpg")
    expect(page.locator("#filename")).to_have_text("https://example.com/other.jpg")
    expect_verdict(page, answer)


def test_a_server_that_refuses_a_link_is_understood(open_page: OpenPage) -> None:
    """Which addresses it refuses with this code is tested in test_server_links.py."""
    page = open_page()
    with_links(page)
    fails(page, 400, "link_refused")
    page.locator("#link").fill("http://127.0.0.1/face.jpg")
    page.locator("#link").press("Enter")
    expect_fault(page, "This address is not fetched")


def test_an_image_in_a_data_url_is_analyzed(open_page: OpenPage, predict: Predict, face: bytes) -> None:
    page = open_page()
    give(page, "paste", [], "data:image/jpeg;base64," + base64.b64encode(face).decode())
    expect_verdict(page, predict(face).json())
    expect(page.locator("#filename")).to_have_text("Pasted image")


def test_a_photo_from_the_camera_is_seen_before_it_is_sent(open_page: OpenPage) -> None:
    """The browser plays a video of the portrait as its camera."""
    page = open_page(permissions=["camera"])
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Take the photo").click()
    expect(dialog.get_by_role("img", name="The photo that was taken")).to_be_visible()
    assert "POST" not in sent
    dialog.get_by_role("button", name="Retake").click()
    dialog.get_by_role("button", name="Take the photo").click()
    dialog.get_by_role("button", name="Use this photo").click()
    expect(dialog).to_have_count(0)
    expect_state(page, "analyzed")
    expect(page.locator("#filename")).to_have_text("photo.jpg")
    expect(page.locator(".face-box")).to_have_count(1)


def test_a_refused_camera_is_explained(open_page: OpenPage) -> None:
    page = open_page(anew=True)
    refuse = "async () => { throw new DOMException('', 'NotAllowedError') }"
    page.evaluate(f"() => {{ navigator.mediaDevices.getUserMedia = {refuse} }}")
    page.get_by_role("button", name="Take a photo").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("does not let this page use the camera")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect_state(page, "empty")
