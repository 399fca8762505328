"""The history when storage is full, refused, shared between tabs, or changed by others."""

import base64
import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.server.page import choose, expect_verdict, processor_clock
from tests.server.page_pool import PagePool
from tests.server.remembered import MIXED, SEED, acts, names, saved, stored
from tests.server.shared_page import SharedPage
from tests.waiting import wait_until

OpenPage = Callable[..., Page]
Predict = Callable[..., httpx.Response]
Encode = Callable[..., bytes]


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
    expect(page.get_by_role("heading", name="This browser stores nothing here")).to_be_visible()


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
    expect(page.locator(".day").last).to_have_text("Date unknown")
    json.loads(saved(page, acts(page, "JSON")))
    saved(page, acts(page, "CSV"))
    acts(page, "Select all").click()
    page.locator("#delete").click()
    expect(page.locator(".past")).to_have_count(0)
    wait_until(
        lambda: page.evaluate("async () => !(await (await import('/static/js/history.js')).list()).length")
    )


def test_an_entry_that_is_lost_takes_no_other_with_it(open_history: OpenPage) -> None:
    """Chromium fails to read all entries if one image file is lost, as after a crash."""
    page = open_history(MIXED, fresh=True, service_workers="block")
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


def test_a_foreign_database_of_the_same_name_is_left_alone(open_page: OpenPage) -> None:
    """Another program on the same origin may use the name; the page reports that it stores nothing."""
    page = open_page(path="/api/model")
    page.evaluate(
        """() => new Promise((resolve) => {
            const request = indexedDB.open("veraface", 1);
            request.onupgradeneeded = () => request.result.createObjectStore("theirs");
            request.onsuccess = () => { request.result.close(); resolve(); };
        })"""
    )
    page.goto(page.url.replace("/api/model", "/history"))
    expect(page.get_by_role("heading", name="This browser stores nothing here")).to_be_visible()
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
# One page for all of them, each loaded under its name.
REFUSE = "\n".join(f"if (window.name === {json.dumps(name)}) {{ {code} }}" for name, code in REFUSALS.items())


@pytest.fixture(scope="module")
def shared_refusing(page_pool: PagePool, server: Any) -> Iterator[SharedPage]:
    def refuse(page: Page) -> None:
        page.add_init_script(REFUSE)
        page.add_init_script(f'Object.defineProperty(window, "localStorage", {REFUSES});')

    page = SharedPage(page_pool, server.url, refuse, fresh=True, service_workers="block")
    with contextlib.closing(page) as shared:
        yield shared


@pytest.fixture
def refusing(shared_refusing: SharedPage, request: pytest.FixtureRequest) -> Iterator[Page]:
    with shared_refusing.lend(request) as page:
        yield page


@pytest.mark.parametrize("refusal", REFUSALS)
def test_without_storage_everything_else_works(
    refusing: Page, server: Any, predict: Predict, face: bytes, refusal: str
) -> None:
    page = refusing
    page.evaluate("name => { window.name = name }", refusal)
    page.goto(f"{server.url}/history")
    heading = page.get_by_role("heading", name="This browser stores nothing here")
    expect(heading).to_be_visible()
    expect(page.locator("#keep-history")).to_be_disabled()
    choose(page, face)
    expect_verdict(page, predict(face).json())


def test_a_browser_that_stores_no_images_stores_the_rest(open_page: OpenPage) -> None:
    page = open_page(path="/api/model", fresh=True, service_workers="block")
    page.add_init_script(
        """const put = IDBObjectStore.prototype.put;
        IDBObjectStore.prototype.put = function (entry) {
            if (entry.picture) throw new DOMException("", "DataCloneError");
            return put.call(this, entry);
        };"""
    )
    page.goto(page.url.replace("/api/model", "/history"))
    page.evaluate(SEED, MIXED)
    expect(page.locator(".past")).to_have_count(5)
    expect(page.locator(".past .no-image")).to_have_count(5)


LARGE = """async ([id, size]) => (await import("/static/js/history.js")).remember({
    id, time: Date.now(), name: id, verdict: "real", p_fake: 0.1, answer: {}, failure: null, hash: null, size,
    picture: new Blob([crypto.getRandomValues(new Uint8Array(60_000)), new Uint8Array(size)]) })"""


def test_a_full_storage_drops_the_older_half(open_history: OpenPage) -> None:
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


def test_a_full_storage_is_reported(open_page: OpenPage) -> None:
    page = open_page(fresh=True, service_workers="block")
    limit = {"origin": page.evaluate("location.origin"), "quotaSize": 2_000_000}
    page.context.new_cdp_session(page).send("Storage.overrideQuotaForOrigin", limit)
    page.locator('#pages a[data-view="history"]').click()
    page.evaluate(SEED, MIXED)
    expect(page.locator(".past")).to_have_count(5)
    assert not page.evaluate(LARGE, ["huge", 9_000_000])
    expect(page.locator("#history-full")).to_contain_text("no space left")
    expect(page.locator(".past")).to_have_count(2)
    page.locator("#home").click()
    page.locator('#pages a[data-view="history"]').click()
    expect(page.locator("#history-full")).to_be_visible()
    assert page.evaluate(LARGE, ["fits again", 10])
    expect(page.locator("#history-full")).to_be_hidden()


def test_thumbnails_are_small_and_upright(open_page: OpenPage, encode: Encode) -> None:
    """As the camera turned it, without metadata, never larger than it was."""
    page = open_page()
    script = """async (bytes) => {
        const { makeThumbnail, sha256 } = await import("/static/js/images.js");
        const file = new Blob([new Uint8Array(bytes)]);
        const [copy, hash] = [await makeThumbnail(file, 100), await sha256(file)];
        if (!copy) return { hash };
        const bitmap = await createImageBitmap(copy);
        const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
        canvas.getContext("2d").drawImage(bitmap, 0, 0);
        const pixel = (x, y) => [...canvas.getContext("2d").getImageData(x, y, 1, 1).data];
        const text = new TextDecoder("latin1").decode(await copy.arrayBuffer());
        return { hash, type: copy.type, width: bitmap.width, height: bitmap.height,
            corner: pixel(2, 2), exif: /EXIF|Exif/.test(text) };
    }"""
    image = Image.new("RGB", (400, 200), (0, 0, 255))
    image.paste((255, 0, 0), (0, 100, 200, 200))  # the lower left, which comes to the upper left
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = page.evaluate(script, list(encode(image, quality=95, exif=exif)))
    assert (turned["type"], turned["width"], turned["height"]) == ("image/webp", 50, 100)
    assert turned["corner"][0] > 200 > 60 > turned["corner"][2]
    assert not turned["exif"]
    small = page.evaluate(script, list(encode(image.resize((40, 20)), "PNG")))
    assert (small["width"], small["height"]) == (40, 20)
    broken = page.evaluate(script, [1, 2, 3])
    assert broken == {"hash": "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81"}


def test_a_huge_image_does_not_freeze_the_page(open_page: OpenPage, encode: Encode) -> None:
    """The page's thread spends less time than decoding alone would take there: that happens beside it."""
    page = open_page()
    image = encode(Image.linear_gradient("L").resize((6000, 4000)).convert("RGB"), "PNG", compress_level=1)
    page.evaluate(
        """async (bytes) => {
            window.file = new Blob([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))]);
            window.images = await import("/static/js/images.js");
        }""",
        base64.b64encode(image).decode(),
    )
    beside = "images.makeThumbnail(file, 640).then(({ size }) => size)"
    in_the_page = """async () => {
        const image = new Image();
        image.src = URL.createObjectURL(file);
        await new Promise((loaded) => (image.onload = loaded));
        const context = new OffscreenCanvas(640, 427).getContext("2d", { willReadFrequently: true });
        context.drawImage(image, 0, 0, 640, 427);
        return context.getImageData(0, 0, 1, 1).data.length;
    }"""
    clock = processor_clock(page)
    start = clock()
    assert page.evaluate(beside) > 0
    spent, start = clock() - start, clock()
    assert page.evaluate(in_the_page) == 4
    decoding = clock() - start
    assert spent < decoding, f"{1000 * spent:.0f} ms, and {1000 * decoding:.0f} ms for decoding in the page"
