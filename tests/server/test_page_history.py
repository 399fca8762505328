"""What the browser remembers: kept there only, found again, exported, deleted, switched off."""

import base64
import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Request, expect
from tests.server.page import choose, expect_verdict

OpenPage = Callable[..., Page]
Predict = Callable[..., httpx.Response]
Encode = Callable[..., bytes]

HOSTILE = [
    "<img src=x onerror=alert(1)>.png",
    '"><script>alert(1)</script>',
    "{count} $& \\u0000.jpg",
    "‮gpj.exe",
    "a" * 5000,
    "=HYPERLINK(0)",
    "",
]

# Puts entries into the history by the page's own module, one second apart, the first the newest.
SEED = """async (entries) => {
    const { remember } = await import("/static/js/history.js");
    const face = { box: [10, 10, 20, 20], landmarks: [], detection_score: 0.9, p_fake: 0.04,
        verdict: "real", reasons: [] };
    const model = { name: "lite", version: "1.2", sha256: "ab" };
    const answer = { success: true, verdict: "real", p_fake: 0.04, faces: [face], reasons: [],
        width: 64, height: 48, format: "PNG", model,
        thresholds: { real: 0.2, fake: 0.8 }, timing_ms: { total: 20 } };
    const canvas = new OffscreenCanvas(64, 48);
    canvas.getContext("2d").fillRect(0, 0, 32, 48);
    const picture = await canvas.convertToBlob({ type: "image/webp" });
    for (const [index, entry] of entries.entries()) {
        const usual = { id: `entry-${index}`, time: Date.now() - 1000 * index, name: `${index}.jpg`,
            size: 1000, hash: null, verdict: "real", p_fake: 0.04, answer, failure: null, picture };
        await remember({ ...usual, ...entry });
    }
}"""
ANSWER = {
    "faces": [
        {
            "box": [1.5, 2, 30, 40],
            "p_fake": 0.97,
            "verdict": "fake",
            "heatmap": {"box": [0, 0, 50, 50], "grid": [[0.1234, 1.0], [0.0, 0.5]]},
        }
    ],
    "model": {"name": "lite", "version": "1.2", "sha256": "ab"},
    "thresholds": {"real": 0.2, "fake": 0.8},
}
MIXED: list[dict[str, Any]] = [
    {"name": "anna.jpg", "verdict": "fake", "p_fake": 0.97, "hash": "ab12" + 60 * "0", "answer": ANSWER},
    {"name": "Bob Árbol.png", "verdict": "real"},
    {"name": "carla.jpg", "verdict": "uncertain", "p_fake": 0.5, "hash": "cd34" + 60 * "0"},
    {"name": "wall.jpg", "verdict": "no_face", "p_fake": None, "failure": {"code": "no_face"}},
    {"name": "x.jpg", "verdict": "failed", "p_fake": None, "failure": {"code": "face_too_small"}},
]


@pytest.fixture
def open_history(open_page: OpenPage) -> OpenPage:
    """Opens the history, with these entries in it."""

    def open_(entries: list[dict[str, Any]] | None = None, **options: object) -> Page:
        page = open_page(path="/history", **options)
        page.locator('.history:not([data-state="reading"])').wait_for()
        if entries:
            page.evaluate(SEED, entries)
            expect(page.locator(".past")).to_have_count(len(entries))
        return page

    return open_


def names(page: Page) -> list[str]:
    return page.locator(".past:visible .card-link").all_text_contents()


def stored(page: Page) -> list[dict[str, Any]]:
    script = """async () => (await (await import("/static/js/history.js")).list())
        .map(({ picture, ...entry }) => ({ ...entry, picture: picture?.size ?? null }))"""
    entries: list[dict[str, Any]] = page.evaluate(script)
    return entries


def select(page: Page, *indices: int) -> None:
    for index in indices:
        page.locator(".past").nth(index).hover()
        page.locator(".past-select input").nth(index).check()


def saved(page: Page, button: Locator) -> str:
    with page.expect_download() as download:
        button.click()
    assert re.fullmatch(r"veraface-history-\d{4}-\d\d-\d\d\.(json|csv)", download.value.suggested_filename)
    return Path(download.value.path()).read_bytes().decode()


def acts(page: Page, name: str) -> Locator:
    return page.locator(".history-acts").get_by_role("button", name=name)


def test_a_result_is_listed_and_opened_again(
    open_page: OpenPage, predict: Predict, two_faces: bytes, encode: Encode
) -> None:
    """With its picture, its boxes and its heatmap; after the page was left, too."""
    answer = predict(two_faces).json()
    page = open_page()
    choose(page, two_faces, "two.jpg")
    expect_verdict(page, answer)
    page.locator('#pages a[data-view="history"]').click()
    expect(page.locator(".past .card-link")).to_have_text("two.jpg")
    expect(page.locator(".past time")).to_contain_text("now")
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
    expect(page.get_by_role("heading", name="No result fits")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    assert len(names(page)) == 5
    for toggle in page.locator(".filter").all():
        expect(toggle).to_have_attribute("aria-pressed", "false")


def test_the_way_back_from_a_result_leads_to_the_same_place(open_history: OpenPage) -> None:
    page = open_history([{"name": f"{index}.png"} for index in range(60)])
    page.locator("#search").fill(".png")
    page.locator(".past").nth(30).scroll_into_view_if_needed()
    at = page.evaluate("scrollY")
    assert at > 500
    page.locator(".past .card-link").nth(30).click()
    expect(page.locator(".past")).to_have_count(0)
    page.go_back()
    expect(page.locator("#search")).to_have_value(".png")
    expect(page.locator(".past").nth(30)).to_be_in_viewport()
    assert page.evaluate("scrollY") == pytest.approx(at, abs=2)


def test_verdicts_are_said_in_words_and_times_in_the_language(open_history: OpenPage) -> None:
    hour = 3_600_000
    page = open_history(MIXED)
    said = page.locator(".card-state > span:first-of-type").all_text_contents()
    assert said == ["Likely fake", "Likely real", "Cannot tell", "No face found", "Faces too small"]
    chances = page.locator(".card-chance > .unseen").all_text_contents()
    assert chances == [f"Probability of fake: {percent}%" for percent in (97, 4, 50)]
    page.evaluate(SEED, [{"id": "old", "name": "old.jpg", "time": page.evaluate("Date.now()") - 49 * hour}])
    time = page.locator('.past[data-id="old"] time')
    expect(time).to_contain_text("2 days ago")
    assert re.search(r", 20\d\d", time.text_content() or "")
    page.locator("#language").select_option("de")
    expect(time).to_contain_text("vorgestern")


def test_one_is_deleted_and_brought_back(open_history: OpenPage) -> None:
    page = open_history(MIXED)
    page.locator(".past").nth(1).hover()
    page.get_by_role("button", name="Delete ⁨Bob Árbol.png⁩").click()
    expect(page.locator(".past")).to_have_count(4)
    expect(page.locator("#undo")).to_contain_text("Bob Árbol.png")
    page.wait_for_timeout(300)
    assert len(stored(page)) == 4  # at once, not when the chance to undo is over
    page.locator("#undo button").click()
    expect(page.locator(".past")).to_have_count(5)
    assert names(page) == [entry["name"] for entry in MIXED]
    expect(page.locator("#undo")).to_be_hidden()
    assert [entry["picture"] for entry in stored(page)] != [None] * 5


def test_the_chance_to_undo_ends_after_some_seconds(open_history: OpenPage) -> None:
    page = open_history(MIXED)
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
    """What is there stays until the person says so; what comes later is not kept."""
    page = open_page(path="/history")
    page.evaluate(SEED, MIXED)
    expect(page.locator(".past")).to_have_count(5)
    switch = page.get_by_role("switch", name="Keep history in this browser")
    expect(switch).to_be_checked()
    switch.click()
    page.get_by_role("dialog").get_by_role("button", name="Keep them").click()
    expect(switch).not_to_be_checked()
    expect(page.locator("#history-still")).to_contain_text("5 from before are still here")
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


def test_the_export_holds_what_was_found_and_no_picture(open_history: OpenPage) -> None:
    page = open_history(MIXED)
    first = json.loads(saved(page, acts(page, "JSON")))[0]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("time"))
    assert first == {
        "name": "anna.jpg",
        "hash": "ab12" + 60 * "0",
        "verdict": "fake",
        "p_fake": 0.97,
        "failure": None,
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
        "failure": "",
        "faces": "1",
        "model": "lite",
        "model_version": "1.2",
        "threshold_real": "0.2",
        "threshold_fake": "0.8",
    }


def test_no_name_becomes_a_formula_or_breaks_a_row(open_history: OpenPage) -> None:
    formulas = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "＋1"]
    plain = ['say "hi", again', "two\r\nlines", "a;=1", "日本.jpg", "1-2.jpg"]
    page = open_history([{"name": name} for name in formulas + plain])
    text = saved(page, acts(page, "CSV")).removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert [row["name"] for row in rows] == [f"'{name}" for name in formulas] + plain
    assert '"a;=1"' in text  # in quotes, or a spreadsheet that parts at semicolons sees a formula
    assert text.endswith("\r\n")
    assert [entry["name"] for entry in json.loads(saved(page, acts(page, "JSON")))] == formulas + plain


def test_hostile_names_stay_text(open_history: OpenPage) -> None:
    page = open_history([{"name": name} for name in HOSTILE])
    shown = [name if "exe" not in name else "gpj.exe" for name in HOSTILE[:-1]]
    assert names(page) == [*shown, "Pasted picture"]
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


def test_five_hundred_are_there_at_once_and_older_ones_go(open_history: OpenPage) -> None:
    page = open_history()
    page.evaluate(SEED, [{"id": f"e{index}", "time": 1_700_000_000_000 + index} for index in range(510)])
    assert [entry["id"] for entry in stored(page)] == [f"e{index}" for index in range(509, 9, -1)]
    page.locator("#home").click()
    expect(page.locator(".past")).to_have_count(0)
    took = page.evaluate(
        """async () => {
            const start = performance.now();
            document.querySelector('#pages a[data-view="history"]').click();
            const frame = () => new Promise(requestAnimationFrame);
            while (document.querySelectorAll(".past time").length < 500) await frame();
            await frame();
            return performance.now() - start;
        }"""
    )
    assert took < 3000  # a few hundred on a machine that does nothing else
    expect(page.locator(".past img[src]").first).to_be_visible()
    assert page.locator(".past img[src]").count() < 100  # those that are near
    took = page.evaluate(
        """() => {
            const start = performance.now();
            const search = document.getElementById("search");
            search.value = "5";
            search.dispatchEvent(new Event("input"));
            document.body.offsetHeight;
            return performance.now() - start;
        }"""
    )
    assert took < 300


def test_two_tabs_agree(open_history: OpenPage) -> None:
    page = open_history(MIXED)
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator(".past")).to_have_count(5)
    other.locator(".past .card-link").first.focus()
    other.keyboard.press("Delete")
    expect(page.locator(".past")).to_have_count(4)
    other.locator("#keep-history").click()
    other.get_by_role("button", name="Keep them").click()
    expect(page.locator("#keep-history")).not_to_be_checked()


def test_another_tab_may_delete_or_upgrade_the_database(open_history: OpenPage) -> None:
    """This one lets go of it, and opens it anew."""
    page = open_history(MIXED)
    other = page.context.new_page()
    other.goto(page.url.replace("/history", "/about"))
    deleted = other.evaluate(
        """() => new Promise((resolve) => {
            const request = indexedDB.deleteDatabase("veraface");
            request.onsuccess = () => resolve("deleted");
            request.onblocked = () => resolve("blocked");
        })"""
    )
    assert deleted == "deleted"
    assert stored(page) == []
    page.evaluate(SEED, MIXED[:2])
    expect(page.locator(".past")).to_have_count(2)
    upgraded = other.evaluate(
        """() => new Promise((resolve) => {
            const request = indexedDB.open("veraface", 99);
            request.onsuccess = () => { request.result.close(); resolve("upgraded"); };
            request.onblocked = () => resolve("blocked");
        })"""
    )
    assert upgraded == "upgraded"
    page.reload()
    expect(page.get_by_role("heading", name="This browser keeps nothing here")).to_be_visible()


def test_entries_of_another_shape_do_not_break_the_list(open_history: OpenPage) -> None:
    page = open_history(MIXED[:1])
    page.evaluate(
        """() => new Promise((resolve) => {
            const request = indexedDB.open("veraface");
            request.onsuccess = () => {
                const transaction = request.result.transaction("entries", "readwrite");
                const strange = [
                    { id: "bare" },
                    { id: "odd", time: "1", name: 5, hash: 7, verdict: "maybe", p_fake: "1", picture: "no" },
                    { id: "no", time: NaN, verdict: "constructor", answer: 3, failure: { code: "toString" } },
                    { id: "late", time: 8.7e15, verdict: "fake", answer: { faces: 3 }, failure: "x" },
                    { id: 7, name: "no page ever wrote such a one" },
                ];
                for (const entry of strange) transaction.objectStore("entries").put(entry);
                transaction.oncomplete = resolve;
            };
        })"""
    )
    page.reload()
    expect(page.locator(".past")).to_have_count(5)
    json.loads(saved(page, acts(page, "JSON")))
    saved(page, acts(page, "CSV"))
    acts(page, "Select all").click()
    page.locator("#delete").click()
    expect(page.locator(".past")).to_have_count(0)
    page.wait_for_timeout(300)
    assert stored(page) == []


def test_an_entry_that_is_lost_takes_no_other_with_it(open_history: OpenPage) -> None:
    """Chromium fails the whole reading where one picture's file is gone, as after a crash."""
    page = open_history(MIXED)
    page.add_init_script(
        """const lost = () => { throw new DOMException("Data lost: missing file", "NotReadableError"); };
        const { get } = IDBObjectStore.prototype;
        IDBObjectStore.prototype.getAll = lost;
        IDBObjectStore.prototype.get = function (key) {
            return key === "entry-1" ? lost() : get.call(this, key);
        };"""
    )
    page.reload()
    expect(page.locator(".past")).to_have_count(len(MIXED) - 1)
    assert "Bob Árbol.png" not in names(page)


def test_a_database_of_somebody_else_is_left_alone(open_page: OpenPage) -> None:
    """Another program of the same address may have taken the name; the page says that it keeps nothing."""
    page = open_page(path="/docs")
    page.evaluate(
        """() => new Promise((resolve) => {
            const request = indexedDB.open("veraface", 1);
            request.onupgradeneeded = () => request.result.createObjectStore("theirs");
            request.onsuccess = () => { request.result.close(); resolve(); };
        })"""
    )
    page.goto(page.url.replace("/docs", "/history"))
    expect(page.get_by_role("heading", name="This browser keeps nothing here")).to_be_visible()
    page.evaluate(SEED, MIXED[:1])
    expect(page.locator("#keep-history")).to_be_disabled()


# How browsers refuse: no such thing at all, an error on touching it, one on opening, one that never comes.
REFUSES = '{ get() { throw new DOMException("", "SecurityError"); } }'
REFUSALS = {
    "undefined": 'Object.defineProperty(window, "indexedDB", { value: undefined });',
    "null": 'Object.defineProperty(window, "indexedDB", { get: () => null });',
    "throws": f'Object.defineProperty(window, "indexedDB", {REFUSES});',
    "open throws": 'IDBFactory.prototype.open = () => { throw new DOMException("", "SecurityError"); };',
    "open never ends": "const open = IDBFactory.prototype.open;"
    "IDBFactory.prototype.open = function () { return new Proxy(open.call(this, 'else'), {"
    "  get: (request, name) => typeof request[name] === 'function' ? () => {} : request[name] }); };",
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_without_storage_all_else_works(
    open_page: OpenPage, predict: Predict, face: bytes, refusal: str
) -> None:
    page = open_page()
    page.add_init_script(REFUSALS[refusal])
    page.add_init_script(f'Object.defineProperty(window, "localStorage", {REFUSES});')
    page.goto(page.url + "history")
    heading = page.get_by_role("heading", name="This browser keeps nothing here")
    expect(heading).to_be_visible(timeout=15_000)
    expect(page.locator("#keep-history")).to_be_disabled()
    choose(page, face)
    expect_verdict(page, predict(face).json())


def test_a_browser_that_keeps_no_pictures_keeps_the_rest(open_page: OpenPage) -> None:
    page = open_page()
    page.add_init_script(
        """const put = IDBObjectStore.prototype.put;
        IDBObjectStore.prototype.put = function (entry) {
            if (entry.picture) throw new DOMException("", "DataCloneError");
            return put.call(this, entry);
        };"""
    )
    page.goto(page.url + "history")
    page.evaluate(SEED, MIXED)
    expect(page.locator(".past")).to_have_count(5)
    expect(page.locator(".past .no-picture")).to_have_count(5)


LARGE = """async ([id, size]) => (await import("/static/js/history.js")).remember({
    id, time: Date.now(), name: id, verdict: "real", p_fake: 0.1, answer: {}, failure: null, hash: null, size,
    picture: new Blob([crypto.getRandomValues(new Uint8Array(60_000)), new Uint8Array(size)]) })"""


def test_where_room_runs_out_the_older_half_goes(open_history: OpenPage) -> None:
    page = open_history(MIXED)
    page.evaluate(
        """() => {
            const { put } = IDBObjectStore.prototype;
            IDBObjectStore.prototype.put = function (entry) {
                IDBObjectStore.prototype.put = put;
                throw new DOMException("", "QuotaExceededError");
            };
        }"""
    )
    assert page.evaluate(LARGE, ["new", 10])
    expect(page.locator(".past:visible")).to_have_count(3)
    assert names(page) == ["new", "anna.jpg", "Bob Árbol.png"]
    expect(page.locator("#history-full")).to_be_hidden()


def test_where_no_room_can_be_made_it_is_said(open_page: OpenPage) -> None:
    page = open_page()
    limit = {"origin": page.evaluate("location.origin"), "quotaSize": 2_000_000}
    page.context.new_cdp_session(page).send("Storage.overrideQuotaForOrigin", limit)
    page.locator('#pages a[data-view="history"]').click()
    page.evaluate(SEED, MIXED)
    expect(page.locator(".past")).to_have_count(5)
    assert not page.evaluate(LARGE, ["huge", 9_000_000])
    expect(page.locator("#history-full")).to_contain_text("no room left")
    expect(page.locator(".past")).to_have_count(2)
    page.locator("#home").click()
    page.locator('#pages a[data-view="history"]').click()
    expect(page.locator("#history-full")).to_be_visible()
    assert page.evaluate(LARGE, ["fits again", 10])
    expect(page.locator("#history-full")).to_be_hidden()


def test_pictures_are_made_small_and_upright(open_page: OpenPage, encode: Encode) -> None:
    """As the camera turned it, without metadata, never larger than it was."""
    page = open_page()
    script = """async (bytes) => {
        const { smallCopy, fingerprint } = await import("/static/js/pictures.js");
        const file = new Blob([new Uint8Array(bytes)]);
        const [copy, hash] = [await smallCopy(file, 100), await fingerprint(file)];
        if (!copy) return { hash };
        const bitmap = await createImageBitmap(copy);
        const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
        canvas.getContext("2d").drawImage(bitmap, 0, 0);
        const pixel = (x, y) => [...canvas.getContext("2d").getImageData(x, y, 1, 1).data];
        const text = new TextDecoder("latin1").decode(await copy.arrayBuffer());
        return { hash, type: copy.type, width: bitmap.width, height: bitmap.height,
            corner: pixel(2, 2), exif: /EXIF|Exif/.test(text) };
    }"""
    picture = Image.new("RGB", (400, 200), (0, 0, 255))
    picture.paste((255, 0, 0), (0, 100, 200, 200))  # the lower left, which comes to the upper left
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = page.evaluate(script, list(encode(picture, quality=95, exif=exif)))
    assert (turned["type"], turned["width"], turned["height"]) == ("image/webp", 50, 100)
    assert turned["corner"][0] > 200 > 60 > turned["corner"][2]
    assert not turned["exif"]
    small = page.evaluate(script, list(encode(picture.resize((40, 20)), "PNG")))
    assert (small["width"], small["height"]) == (40, 20)
    broken = page.evaluate(script, [1, 2, 3])
    assert broken == {"hash": "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81"}


def test_a_huge_picture_does_not_freeze_the_page(open_page: OpenPage, encode: Encode) -> None:
    page = open_page()
    picture = encode(Image.radial_gradient("L").resize((8000, 6000)).convert("RGB"), quality=80)
    longest, took = page.evaluate(
        """async (bytes) => {
            const { smallCopy } = await import("/static/js/pictures.js");
            const file = new Blob([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))]);
            let [longest, last, busy] = [0, performance.now(), true];
            const tick = () => {
                longest = Math.max(longest, performance.now() - last);
                last = performance.now();
                if (busy) setTimeout(tick, 5);
            };
            tick();
            const start = performance.now();
            const copy = await smallCopy(file, 640);
            busy = false;
            return [copy.size > 0 ? longest : Infinity, performance.now() - start];
        }""",
        base64.b64encode(picture).decode(),
    )
    assert longest < max(200, 0.6 * took)  # decoded beside the page, which only copies the outcome


SCREENS = [
    {},
    {"viewport": {"width": 320, "height": 640}, "is_mobile": True},
    {"viewport": {"width": 3840, "height": 2160}},
]


@pytest.mark.parametrize("options", SCREENS)
def test_it_fits_every_screen(open_history: OpenPage, options: dict[str, Any]) -> None:
    page = open_history([*MIXED, {"name": "long" * 80}], **options)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".past .card-link").first.focus()
    page.keyboard.press("Delete")
    page.locator("#keep-history").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
