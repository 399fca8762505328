"""The list of many images as a worklist: filters, order, copies, a person's own decisions."""

import contextlib
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import skimage.data
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.server.page import card, choose_many, expect_state
from tests.server.page_pool import PagePool
from tests.server.scenes import answer, face
from tests.server.shared_page import SharedPage, start_over


def portrait(quality: int = 85) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(skimage.data.astronaut()).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def plain(brightness: int) -> bytes:
    buffer = io.BytesIO()
    ramp = Image.linear_gradient("L").rotate(brightness)
    ramp.convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


FILES = [
    ("real.jpg", portrait()),
    ("copy.jpg", portrait()),
    ("again.jpg", portrait(60)),
    ("open.jpg", plain(90)),
    ("none.jpg", plain(180)),
    ("fake.jpg", plain(270)),
]
CHANCES = {"real": 0.03, "copy": 0.03, "again": 0.03, "open": 0.5, "fake": 0.97}


@pytest.fixture(scope="module")
def shared(page_pool: PagePool, server: Any) -> Iterator[SharedPage]:
    with contextlib.closing(SharedPage(page_pool, server.url, make_list)) as shared:
        yield shared


@pytest.fixture
def listed(shared: SharedPage, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The list of these files, in its first order, without filters and decisions."""
    with shared.lend(request) as page:
        page.route("**/api/predict*", respond)
        page.locator("#home").click()
        expect_state(page, "list")
        page.locator("#sort").select_option("added")
        page.evaluate(
            """() => {
                const copies = document.getElementById("hide-copies");
                copies.checked = false;
                copies.dispatchEvent(new Event("change"));
                const pressed = '.session :is(.filter, .decide)[aria-pressed="true"]';
                for (const button of document.querySelectorAll(pressed)) button.click();
                for (const note of document.querySelectorAll(".session .decision-note")) {
                    note.value = "";
                    note.dispatchEvent(new Event("change"));
                }
                document.activeElement.blur();
            }"""
        )
        assert names(page) == ["real.jpg", "copy.jpg", "again.jpg", "open.jpg", "none.jpg", "fake.jpg"]
        yield page


def respond(route: Route) -> None:
    """Answer as the name of the file says."""
    sent = route.request.post_data_buffer or b""
    chance = next((p for name, p in CHANCES.items() if f'"{name}.jpg"'.encode() in sent), None)
    if chance is None:
        route.fulfill(status=422, json={"success": False, "error": {"code": "no_face", "message": ""}})
    else:
        route.fulfill(json=answer([face(chance)]))


def make_list(page: Page) -> None:
    page.route("**/api/predict*", respond)
    choose_many(page, FILES)
    expect(page.locator("#count")).to_contain_text("6 of 6 images done")
    expect(card(page, "again.jpg").locator(".card-copies p")).to_have_text("Looks like real.jpg")


def names(page: Page) -> list[str]:
    return page.locator(".card:visible .card-link").all_text_contents()


def saved(page: Page, name: str) -> str:
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    return Path(download.value.path()).read_text("utf-8-sig")


def test_each_outcome_is_counted_and_can_be_shown_alone(listed: Page) -> None:
    counts = listed.locator(".session .filter-count").all_text_contents()
    assert counts == ["1", "1", "3", "1", "0"]  # fake, cannot tell, real, no face, not classified
    listed.get_by_role("button", name="Likely real 3").click()
    assert names(listed) == ["real.jpg", "copy.jpg", "again.jpg"]
    listed.get_by_role("button", name="Likely fake 1").click()
    assert len(names(listed)) == 4
    expect(listed.locator("#progress")).to_be_hidden()


def test_the_most_suspicious_come_first(listed: Page) -> None:
    listed.locator("#sort").select_option("suspicion")
    assert names(listed)[:3] == ["fake.jpg", "open.jpg", "real.jpg"]
    assert names(listed)[-1] == "none.jpg"
    listed.locator("#sort").select_option("name")
    assert names(listed) == [
        "fake.jpg",
        "none.jpg",
        "open.jpg",
        "real.jpg",
        "copy.jpg",
        "again.jpg",
    ]  # copies follow


def test_copies_are_named_and_can_be_hidden(listed: Page) -> None:
    expect(card(listed, "copy.jpg").locator(".card-copies p")).to_have_text("Copy of real.jpg")
    listed.get_by_role("switch", name="Hide 2 copies").check()
    assert names(listed) == ["real.jpg", "open.jpg", "none.jpg", "fake.jpg"]
    card(listed, "real.jpg").get_by_role("button", name="Show 2 copies").click()
    assert names(listed) == ["real.jpg", "copy.jpg", "again.jpg", "open.jpg", "none.jpg", "fake.jpg"]
    button = card(listed, "real.jpg").get_by_role("button", name="Hide 2 copies")
    expect(button).to_be_focused()
    button.press("Enter")
    assert len(names(listed)) == 4


def test_faces_are_in_the_middle_of_their_cards(listed: Page) -> None:
    """The face of the sample is in the upper quarter: the image is aligned with its top."""
    position = card(listed, "real.jpg").locator("img").evaluate("(one) => one.style.objectPosition")
    assert position == "50% 0%"


def test_decisions_are_made_by_keys_and_exported_with_the_verdict(listed: Page) -> None:
    listed.keyboard.press("j")
    listed.keyboard.press("3")
    listed.keyboard.press("j")
    listed.keyboard.press("1")
    expect(
        card(listed, "copy.jpg").get_by_role("button", name="Your decision: Likely fake")
    ).to_have_attribute("aria-pressed", "true")
    listed.keyboard.press("k")
    expect(card(listed, "real.jpg").locator(".card-link")).to_be_focused()
    note = card(listed, "real.jpg").get_by_label("Note")
    note.fill("asked the photographer")
    note.blur()
    entries: list[dict[str, Any]] = json.loads(saved(listed, "JSON"))
    assert [(one["name"], one["verdict"], one["decision"]) for one in entries[:2]] == [
        ("real.jpg", "real", "real"),
        ("copy.jpg", "real", "fake"),
    ]
    rows = list(csv.DictReader(io.StringIO(saved(listed, "CSV"))))
    assert rows[0]["note"] == "asked the photographer"
    assert {"verdict", "decision", "reasons", "hash"} <= set(rows[0])
    listed.locator("#pages").get_by_role("link", name="History").click()
    expect(card(listed, "copy.jpg").locator(".past-decision")).to_have_text("You: Likely fake")


def test_results_are_decided_one_after_another_by_keys(listed: Page) -> None:
    card(listed, "real.jpg").locator(".card-link").click()
    decided = listed.locator('.own-decision .decide[aria-pressed="true"]')
    listed.keyboard.press("3")
    expect(decided).to_have_text("Likely real")
    listed.keyboard.press("j")
    expect(listed.locator("#filename")).to_have_text("copy.jpg")
    expect(decided).to_have_count(0)
    button = listed.locator('.own-decision .decide[data-verdict="fake"]')
    button.press("Enter")
    expect(decided).to_have_text("Likely fake")
    expect(button).to_be_focused()
    listed.locator(".own-decision").get_by_label("Note").fill("seen before")
    listed.keyboard.press("Escape")  # leaves the field, then the result
    expect(listed.locator("#filename")).to_have_text("copy.jpg")
    listed.keyboard.press("Escape")
    expect(card(listed, "copy.jpg").get_by_label("Note")).to_have_value("seen before")
    expect(card(listed, "copy.jpg").locator(".decide[aria-pressed=true]")).to_have_count(1)


def test_results_are_walked_in_the_order_of_the_list(listed: Page) -> None:
    listed.locator("#sort").select_option("suspicion")
    listed.get_by_role("button", name="Likely real 3").click()
    listed.get_by_role("button", name="Likely fake 1").click()
    card(listed, "fake.jpg").locator(".card-link").click()
    expect(listed.locator(".place")).to_have_text("1 of 4")
    listed.keyboard.press("j")
    expect(listed.locator("#filename")).to_have_text("real.jpg")
    listed.keyboard.press("Escape")
    expect_state(listed, "list")
    assert names(listed) == ["fake.jpg", "real.jpg", "copy.jpg", "again.jpg"]  # as it was left
    expect(listed.locator("#sort")).to_have_value("suspicion")


def test_the_same_key_takes_a_decision_back(listed: Page) -> None:
    for _ in range(2):
        card(listed, "fake.jpg").locator(".card-link").focus()
        listed.keyboard.press("2")
    expect(listed.locator('.decide[aria-pressed="true"]')).to_have_count(0)


def test_copies_follow_what_they_are_copies_of(listed: Page, shared: SharedPage) -> None:
    """One that is added later too. Hiding copies does not hide it from the filter for its own verdict."""
    choose_many(listed, [("late.jpg", portrait())])  # answered as without a face
    expect_state(listed, "failed")
    listed.locator("#back").click()
    expect_state(listed, "list")
    expect(card(listed, "late.jpg").locator(".card-copies p")).to_have_text("Copy of real.jpg")
    assert names(listed)[:4] == ["real.jpg", "copy.jpg", "again.jpg", "late.jpg"]
    listed.locator("#sort").select_option("suspicion")
    assert names(listed)[:6] == ["fake.jpg", "open.jpg", "real.jpg", "copy.jpg", "again.jpg", "late.jpg"]
    listed.locator("#sort").select_option("name")
    assert names(listed)[2:] == ["open.jpg", "real.jpg", "copy.jpg", "again.jpg", "late.jpg"]
    listed.locator("#sort").select_option("added")
    listed.get_by_role("switch", name="Hide 3 copies").check()
    listed.get_by_role("button", name="No face found 2").click()
    assert names(listed) == ["late.jpg", "none.jpg"]
    shared.close()  # there is a file more in its list


def test_a_single_image_needs_no_tools(listed: Page, shared: SharedPage) -> None:
    page = listed
    start_over(page)
    choose_many(page, FILES[:1])
    expect_state(page, "analyzed")
    page.keyboard.press("Escape")
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator(".worklist")).to_be_hidden()
    expect(page.locator("#progress")).to_be_hidden()
    shared.close()
