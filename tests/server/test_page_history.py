"""The history: stored in the browser only, searched, exported, deleted, switched off."""

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Request, expect

from tests.server.page import bounds, choose, expect_verdict, processor_clock, settle
from tests.server.remembered import ANSWER, MIXED, SEED, acts, names, saved, select, stored
from tests.waiting import wait_until

pytestmark = pytest.mark.same_page

OpenPage = Callable[..., Page]
Predict = Callable[..., httpx.Response]

PHONE = {"viewport": {"width": 320, "height": 568}, "has_touch": True, "is_mobile": True}
STORED = "async (count) => (await (await import('/static/js/history.js')).list()).length === count"
HOSTILE = [
    "<img src=x onerror=alert(1)>.png",
    '"><script>alert(1)</script>',
    "{count} $& \\u0000.jpg",
    "‮gpj.exe",
    "a" * 5000,
    "=HYPERLINK(0)",
    "",
]


def test_a_result_is_listed_and_opened_again(open_page: OpenPage, predict: Predict, two_faces: bytes) -> None:
    """With its image, boxes and heatmap; also after the page was left."""
    answer = predict(two_faces).json()
    page = open_page()
    choose(page, two_faces, "two.jpg")
    expect_verdict(page, answer)
    page.locator('#pages a[data-view="history"]').click()
    expect(page.locator(".past .card-link")).to_have_text("two.jpg")
    expect(page.locator(".past time")).to_have_attribute("title", "now")
    expect(page.locator(".day h2")).to_have_text("today")
    page.reload()
    expect(page.locator(".past img")).to_have_js_property("complete", True)
    assert page.locator(".past img").evaluate("image => image.naturalWidth") == 640
    (entry,) = stored(page)
    assert entry["p_fake"] == answer["p_fake"]
    assert re.fullmatch("[0-9a-f]{64}", entry["hash"])
    heatmaps = [face["heatmap"] for face in predict(two_faces, heatmap="true").json()["faces"]]
    assert [face["heatmap"] for face in entry["answer"]["faces"]] == heatmaps
    page.locator(".past .card-link").click()
    expect_verdict(page, answer)
    page.go_back()
    expect(page.locator(".past")).to_have_count(1)


def test_nothing_of_it_ever_leaves_the_browser(open_history: OpenPage) -> None:
    page = open_history(MIXED)
    page.locator(".past img").first.wait_for()
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    page.locator("#search").fill("a")
    page.locator(".filter").first.click()
    page.locator(".filter").first.click()
    page.locator("#search").fill("")
    saved(page, acts(page, "JSON"))
    saved(page, acts(page, "CSV"))
    select(page, 0)
    page.locator("#delete").click()
    page.locator("#undo button").click()
    expect(page.locator(".past:visible")).to_have_count(5)
    page.locator("#keep-history").click()
    page.locator("#ask button").last.click()
    expect(page.locator(".past")).to_have_count(0)
    beyond = [request.url for request in asked if not request.url.startswith("blob:")]
    assert [url for url in beyond if "/static/js/" not in url] == []
    assert all(request.method == "GET" and request.post_data is None for request in asked)
    expect(page.locator("#history-privacy")).to_contain_text("never on the server")


def test_it_is_searched_by_name_and_fingerprint_and_filtered_by_verdict(open_history: OpenPage) -> None:
    page = open_history(MIXED)
    search = page.locator("#search")
    for query, found in [
        ("ANNA", ["anna.jpg"]),
        ("árbol", ["Bob Árbol.png"]),  # the accent as a character of its own
        ("cd3", ["carla.jpg"]),
        (".jpg", ["anna.jpg", "carla.jpg", "wall.jpg", "x.jpg"]),
    ]:
        search.fill(query)
        assert names(page) == found
    counts = [int(text) for text in page.locator(".filter-count").all_text_contents()]
    assert counts == [1, 1, 0, 1, 1]
    expect(page.locator("#history-count")).to_have_text("4 of 5 results")
    page.get_by_role("button", name="Likely fake 1").click()
    assert names(page) == ["anna.jpg"]
    page.get_by_role("button", name="Cannot tell 1").click()
    assert names(page) == ["anna.jpg", "carla.jpg"]
    search.fill("nobody")
    expect(page.get_by_role("heading", name="No matching result")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    assert len(names(page)) == 5
    for toggle in page.locator(".filter").all():
        expect(toggle).to_have_attribute("aria-pressed", "false")


def test_the_way_back_from_a_result_leads_to_the_same_place(open_history: OpenPage) -> None:
    page = open_history([{"name": f"{index}.png"} for index in range(60)])
    page.locator("#search").fill(".png")
    page.locator(".past").nth(30).scroll_into_view_if_needed()
    settle(page)  # cards that are drawn for the first time may move the others
    top = "document.querySelectorAll('.past')[30].getBoundingClientRect().top"
    # Clicking may scroll further, so where the card was is noted by the click itself.
    note = f"window.leftAt = [scrollY, {top}]"
    page.evaluate(f"addEventListener('click', () => {{ {note} }}, {{ capture: true, once: true }})")
    page.locator(".past .card-link").nth(30).click()
    expect(page.locator(".past")).to_have_count(0)
    assert page.evaluate("leftAt[0]") > 500
    page.go_back()
    expect(page.locator("#search")).to_have_value(".png")
    expect(page.locator(".past").nth(30)).to_be_in_viewport()
    # Not by `wait_for_function`, whose second look the page's content security policy forbids.
    wait_until(lambda: page.evaluate(f"Math.abs({top} - leftAt[1]) <= 2"))
    settle(page)
    assert page.evaluate(f"Math.abs({top} - leftAt[1]) <= 2")


def test_the_first_result_is_on_the_first_screen_of_the_narrowest_phone(open_history: OpenPage) -> None:
    page = open_history(MIXED, **PHONE)
    assert bounds(page, ".past >> nth=0")["y"] + 80 < bounds(page, "#pages")["y"]
    expect(page.locator("#history-privacy")).to_be_visible()


def test_verdicts_and_times_are_in_the_language(open_history: OpenPage) -> None:
    hour = 3_600_000
    page = open_history(MIXED)
    states = page.locator(".card-state > span:first-of-type").all_text_contents()
    assert states == ["Likely fake", "Likely real", "Cannot tell", "No face found", "Faces too small"]
    chances = page.locator(".card-chance > .unseen").all_text_contents()
    assert chances == [f"Probability of fake: {percent}%" for percent in (97, 4, 50)]
    page.evaluate(SEED, [{"id": "old", "name": "old.jpg", "time": page.evaluate("Date.now()") - 49 * hour}])
    time = page.locator('.past[data-id="old"] time')
    expect(time).to_have_attribute("title", "2 days ago")
    assert re.fullmatch(r"\d+:\d\d [AP]M", time.text_content() or "")
    days = page.locator(".day:visible h2")
    expect(days).to_have_count(2)
    assert re.search(r"day, .*20\d\d", days.last.text_content() or "")
    page.locator("#language").select_option("de")
    expect(time).to_have_attribute("title", "vorgestern")
    expect(days.first).to_have_text("heute")


def test_the_most_suspicious_come_first_where_that_is_wanted(open_history: OpenPage) -> None:
    page = open_history(MIXED)
    page.locator("#sort").select_option("suspicion")
    expect(page.locator(".day")).to_have_count(0)
    states = page.locator(".card-state > span:first-of-type").all_text_contents()
    assert states == ["Likely fake", "Cannot tell", "Likely real", "No face found", "Faces too small"]


def test_one_is_deleted_and_brought_back(open_history: OpenPage) -> None:
    page = open_history(MIXED)
    page.locator(".past").nth(1).hover()
    page.get_by_role("button", name="Delete ⁨Bob Árbol.png⁩").click()
    expect(page.locator(".past")).to_have_count(4)
    expect(page.locator("#undo")).to_contain_text("Bob Árbol.png")
    # At once, not when the chance to undo is over after 10 s.
    wait_until(lambda: page.evaluate(STORED, 4))
    page.locator("#undo button").click()
    expect(page.locator(".past")).to_have_count(5)
    assert names(page) == [entry["name"] for entry in MIXED]
    expect(page.locator("#undo")).to_be_hidden()
    assert [entry["picture"] for entry in stored(page)] != [None] * 5


def test_the_chance_to_undo_ends_after_some_seconds(open_history: OpenPage) -> None:
    page = open_history(MIXED, fresh=True)
    page.clock.install()
    page.locator(".past .card-link").first.focus()
    page.keyboard.press("Delete")
    expect(page.locator("#undo")).to_be_visible()
    page.clock.run_for(8000)
    expect(page.locator("#undo")).to_be_visible()
    page.locator("#undo button").focus()  # not under the person's hand
    page.clock.run_for(20_000)
    expect(page.locator("#undo")).to_be_visible()
    page.locator("#search").focus()
    page.clock.run_for(11_000)
    expect(page.locator("#undo")).to_be_hidden()


def test_several_are_selected_deleted_and_exported(open_history: OpenPage) -> None:
    page = open_history(MIXED)
    select(page, 0, 2)
    expect(page.locator("#history-count")).to_have_text("2 selected")
    exported = json.loads(saved(page, acts(page, "JSON")))
    assert [entry["name"] for entry in exported] == ["anna.jpg", "carla.jpg"]
    page.locator("#search").fill("carla")  # what is out of sight is not deleted with the rest
    expect(page.locator("#history-count")).to_have_text("1 selected")
    page.locator("#delete").click()
    page.locator("#search").fill("")
    assert names(page) == ["anna.jpg", "Bob Árbol.png", "wall.jpg", "x.jpg"]
    acts(page, "Select all").click()
    expect(page.locator("#history-count")).to_have_text("4 selected")
    acts(page, "Select none").click()
    expect(page.locator("#history-count")).to_have_text("4 results")


def test_all_is_deleted_only_after_a_question(open_history: OpenPage) -> None:
    page = open_history(MIXED)
    page.locator("#delete").click()
    dialog = page.get_by_role("dialog", name="Delete all 5 results?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("#delete")).to_be_focused()
    assert len(stored(page)) == 5
    page.locator("#delete").click()
    dialog.get_by_role("button", name="Delete all").click()
    expect(page.get_by_role("heading", name="Nothing here yet")).to_be_visible()
    assert stored(page) == []
    page.reload()
    expect(page.get_by_role("heading", name="Nothing here yet")).to_be_visible()


def test_one_switch_turns_it_off(open_page: OpenPage, predict: Predict, face: bytes) -> None:
    """Stored results stay until the user deletes them; later ones are not stored."""
    page = open_page(path="/history")
    page.evaluate(SEED, MIXED)
    expect(page.locator(".past")).to_have_count(5)
    switch = page.get_by_role("switch", name="Keep history in this browser")
    expect(switch).to_be_checked()
    switch.click()
    page.get_by_role("dialog").get_by_role("button", name="Keep them").click()
    expect(switch).not_to_be_checked()
    expect(page.locator("#history-still")).to_contain_text("5 earlier results are still here")
    page.reload()
    expect(switch).not_to_be_checked()
    choose(page, face)
    expect_verdict(page, predict(face).json())
    page.locator('#pages a[data-view="history"]').click()
    expect(page.locator(".past")).to_have_count(5)
    page.locator("#history-still button").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete all").click()
    expect(page.get_by_role("heading", name="History is off")).to_be_visible()
    page.get_by_role("button", name="Keep history", exact=True).click()
    expect(switch).to_be_checked()
    choose(page, face)
    expect_verdict(page, predict(face).json())
    page.locator('#pages a[data-view="history"]').click()
    expect(page.locator(".past")).to_have_count(1)


def test_the_export_has_results_and_no_images(open_history: OpenPage) -> None:
    page = open_history(MIXED)
    first = json.loads(saved(page, acts(page, "JSON")))[0]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("time"))
    assert first == {
        "name": "anna.jpg",
        "hash": "ab12" + 60 * "0",
        "verdict": "fake",
        "p_fake": 0.97,
        "p_fake_range": [0.97, 0.97],
        "reasons": [],
        "failure": None,
        "decision": None,
        "note": "",
        "faces": [{"box": [1.5, 2, 30, 40], "p_fake": 0.97, "verdict": "fake"}],
        "model": ANSWER["model"],
        "thresholds": ANSWER["thresholds"],
    }
    page.locator("#search").fill("anna")
    page.get_by_role("button", name="Likely fake 1").click()
    text = saved(page, acts(page, "CSV"))
    assert text.startswith("\ufeff")
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    del row["time"]
    assert row == {
        "name": "anna.jpg",
        "hash": "ab12" + 60 * "0",
        "verdict": "fake",
        "p_fake": "0.97",
        "p_fake_low": "0.97",
        "p_fake_high": "0.97",
        "reasons": "",
        "failure": "",
        "decision": "",
        "note": "",
        "faces": "1",
        "model": "lite",
        "model_version": "1.2",
        "threshold_real": "0.2",
        "threshold_fake": "0.8",
    }


def test_hostile_names_stay_text(open_history: OpenPage) -> None:
    page = open_history([{"name": name} for name in HOSTILE])
    shown = [name if "exe" not in name else "gpj.exe" for name in HOSTILE[:-1]]
    assert names(page) == [*shown, "Pasted image"]
    assert page.locator(".past script, .past-undo img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for _ in HOSTILE:
        page.locator(".past .card-link").first.focus()
        page.keyboard.press("Delete")
        expect(page.locator("#undo")).to_contain_text("Deleted")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_keyboard_is_enough(open_history: OpenPage) -> None:
    page = open_history([{} for _ in range(9)])
    links = page.locator(".past .card-link")
    row = len(page.locator("#past").evaluate("e => getComputedStyle(e).gridTemplateColumns").split())
    page.keyboard.press("ArrowRight")
    expect(links.first).to_be_focused()
    for key, at in [("ArrowRight", 1), ("ArrowDown", 1 + row), ("ArrowLeft", row), ("ArrowUp", 0)]:
        page.keyboard.press(key)
        expect(links.nth(at)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(links.first).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator("#history-count")).to_have_text("1 selected")
    page.keyboard.press("x")
    page.keyboard.press("Delete")
    assert names(page)[0] == "1.jpg"
    expect(links.first).to_be_focused()
    page.keyboard.press("z")
    expect(links.first).to_have_text("0.jpg")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("8x.")  # letters are letters there
    expect(page.locator("#search")).to_have_value("8x.")
    page.locator("#search").fill("8.jpg")
    page.locator(".past:visible .card-link").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/result/entry-8$"))


def test_five_hundred_are_there_at_once_and_older_ones_go(open_page: OpenPage) -> None:
    page = open_page()
    page.evaluate(SEED, [{"id": f"e{index}", "time": 1_700_000_000_000 + index} for index in range(510)])
    assert [entry["id"] for entry in stored(page)] == [f"e{index}" for index in range(509, 9, -1)]
    processor_s = processor_clock(page)
    before = processor_s()
    page.evaluate(
        """async () => {
            document.querySelector('#pages a[data-view="history"]').click();
            const frame = () => new Promise(requestAnimationFrame);
            while (document.querySelectorAll(".past time").length < 500) await frame();
            await frame();
        }"""
    )
    assert processor_s() - before < 3  # a few tenths, usually
    expect(page.locator(".past img[src]").first).to_be_visible()
    assert page.locator(".past img[src]").count() < 100  # those that are near
    before = processor_s()
    page.evaluate(
        """() => {
            const search = document.getElementById("search");
            search.value = "5";
            search.dispatchEvent(new Event("input"));
            document.body.offsetHeight;
        }"""
    )
    assert processor_s() - before < 0.3


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_it_fits_every_screen(open_history: OpenPage, options: dict[str, Any]) -> None:
    page = open_history([*MIXED, {"name": "long" * 80}], **options)
    size = page.viewport_size

    def expect_fit() -> None:
        for viewport in (size, None if options else {"width": 3840, "height": 2160}):
            if viewport:
                page.set_viewport_size(viewport)
                settle(page)
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), viewport

    expect_fit()
    page.locator(".past .card-link").first.focus()
    page.keyboard.press("Delete")
    page.locator("#keep-history").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect_fit()
