"""Many images at once: folders, a hundred files, a server that stops, and the focus meanwhile."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from tests.sample_images import encode
from tests.server import scenes
from tests.server.conftest import RunningServer
from tests.server.door import open_door
from tests.server.page import card, choose_many, expect_state
from tests.server.page_requests import hold, wait_for

pytestmark = pytest.mark.same_page

OpenPage = Callable[..., Page]


def test_a_dropped_folder_is_looked_through(open_page: OpenPage, tmp_path: Path) -> None:
    (tmp_path / "party/late").mkdir(parents=True)
    for name in ("party/10.jpg", "party/9.JPG", "party/late/a.jpg", "party/.hidden.jpg", "loose.jpg"):
        (tmp_path / name).write_bytes(small())
    (tmp_path / "party/notes.txt").write_text("not an image")
    (tmp_path / "empty").mkdir()
    page = open_page()
    scenes.answers(page, scenes.answer([scenes.face(0.1)]))

    def drop(*names: str) -> None:
        browser = page.context.new_cdp_session(page)
        files = [str(tmp_path / name) for name in names]
        for kind in ("dragEnter", "dragOver", "drop"):
            data = {"items": [], "files": files, "dragOperationsMask": 1}
            browser.send("Input.dispatchDragEvent", {"type": kind, "x": 600, "y": 300, "data": data})

    drop("empty")
    expect(page.locator("#notice")).to_contain_text("That is not an image")
    drop("party", "loose.jpg")
    expect(page.locator("#count")).to_contain_text("4 of 4 images done")
    assert page.locator(".card-link").all_inner_texts() == ["9.JPG", "10.jpg", "a.jpg", "loose.jpg"]


def test_a_hundred_images_are_each_sent_once(open_page: OpenPage) -> None:
    page = open_page()
    sent: list[str] = []

    def respond(route: Route) -> None:
        sent.extend(re.findall(r'filename="(\d+)', (route.request.post_data_buffer or b"").decode("latin-1")))
        route.fulfill(json=scenes.answer([face_of(len(sent))]))

    page.route("**/api/predict*", respond)
    content = small()
    choose_many(page, [(f"{i}.jpg", content) for i in range(100)])
    expect(page.locator("#count")).to_contain_text("100 of 100 images done")
    assert sorted(map(int, sent)) == list(range(100))
    for verdict in ("fake", "real"):
        expect(page.locator(f'.filter[data-verdict="{verdict}"] .filter-count')).to_have_text("50")
    assert page.locator("#progress").evaluate("p => p.value / p.max") == 1


def small() -> bytes:
    """An image that costs little to send and to show."""
    return encode(Image.new("RGB", (64, 64), "grey"), "JPEG")


def face_of(number: int) -> dict[str, Any]:
    return scenes.face(0.9 if number % 2 else 0.1)


def test_nothing_is_lost_when_the_server_stops(
    open_page: OpenPage, server: RunningServer, face: bytes
) -> None:
    with open_door(server.url) as port:
        page = open_page(f"http://127.0.0.1:{port}")
        held = hold(page)
        choose_many(page, [(f"{i}.jpg", face) for i in range(6)])
        expect(page.locator('.card[data-state="analyzing"]')).to_have_count(2)
        wait_for(page, lambda: len(held) == 2)
        held[0].continue_()
        expect(page.locator("#count")).to_contain_text("1 of 6 images done")
    page.unroute("**/api/predict*")  # what was held goes on its way, to nobody
    expect(page.locator("#banner")).to_contain_text("does not answer")
    expect(page.locator("#count")).to_contain_text("1 of 6 images done")
    again = page.get_by_role("button", name="Analyze 5 images")
    expect(again).to_be_visible()
    with open_door(server.url, port):
        expect(page.locator("#banner")).to_be_hidden()
        again.click()
        expect(page.locator("#count")).to_contain_text("6 of 6 images done")
        expect(again).to_be_hidden()


def test_what_was_cancelled_is_not_done_and_can_be_sent_together(open_page: OpenPage, face: bytes) -> None:
    page = open_page()
    hold(page)
    choose_many(page, [(f"{i}.jpg", face) for i in range(4)])
    page.get_by_role("button", name="Cancel all").click()
    expect(page.locator("#count")).to_contain_text("0 of 4 images done")
    page.unroute("**/api/predict*")
    page.get_by_role("button", name="Analyze 4 images").click()
    expect(page.locator("#count")).to_contain_text("4 of 4 images done")


def test_the_focus_stays_near_what_was_pressed(open_page: OpenPage, face: bytes) -> None:
    page = open_page()
    hold(page)
    choose_many(page, [(f"{i}.jpg", face) for i in range(4)])
    expect(page.locator('.card[data-state="analyzing"]')).to_have_count(2)

    def press(name: str) -> None:
        page.get_by_role("button", name=name, exact=True).focus()
        page.keyboard.press("Enter")

    def link(name: str) -> Locator:
        return card(page, name).get_by_role("link")

    for pressed, focused in (
        (["Cancel 2.jpg"], page.get_by_role("button", name="Remove 2.jpg from the list")),
        (["Remove 2.jpg from the list"], link("3.jpg")),
        (["Cancel 3.jpg", "Remove 3.jpg from the list"], link("1.jpg")),
        (["Cancel all"], page.get_by_role("button", name="Analyze 2 images")),
        (["Analyze 1.jpg"], link("1.jpg")),
        (["Cancel all", "Clear list"], page.locator("#choose")),
    ):
        for name in pressed:
            press(name)
        expect(focused).to_be_focused()
    expect_state(page, "empty")


@pytest.mark.parametrize("way", ["go_back", "reload"])
def test_leaving_in_the_middle_does_no_harm(open_page: OpenPage, face: bytes, way: str) -> None:
    page = open_page()
    hold(page)
    choose_many(page, [("one.jpg", face), ("two.jpg", face)])
    card(page, "one.jpg").get_by_role("link").click()
    expect_state(page, "analyzing")
    getattr(page, way)()
    if way == "reload":  # images are kept in no place but the page itself
        expect_state(page, "missing")
        return
    expect_state(page, "list")
    page.go_forward()
    expect_state(page, "analyzing")
    page.unroute("**/api/predict*")  # what was held goes on its way
    expect_state(page, "analyzed")
    page.go_back()
    expect(page.locator("#count")).to_contain_text("2 of 2 images done")
