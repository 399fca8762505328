"""The card after a right click on an image, in Chromium with the real server."""

import base64
import json
from typing import Any

import httpx
import pytest

from tests.extension.conftest import Chromium, RunningServer, Site
from tests.server.page import shown_range

IMAGE = '<img id="it" src="/it.jpg" width="300" height="300">'


def detection(server: RunningServer, image: bytes) -> dict[str, Any]:
    return httpx.post(f"{server.url}/api/predict", files={"image": ("it.jpg", image)}, timeout=300).json()


def test_shows_the_verdict_of_the_api(
    chromium: Chromium, site: Site, server: RunningServer, face: bytes, two_faces: bytes
) -> None:
    """Without a permission prompt: the click grants access to the tab."""
    for name, image in (("it.jpg", face), ("two.jpg", two_faces)):
        site.put(f"/{name}", image)
        page = chromium.visit(site.page(f'<img src="/{name}" width="300">', f"/{name}.html"))
        card = chromium.right_click(page, site.url(f"/{name}"))
        answer = detection(server, image)
        assert card.verdict() == answer["verdict"]
        assert card.text(".range strong") == shown_range(answer, answer["thresholds"])
        assert "Not proof" in (card.text(".not-proof") or "")
        card.wait("this.querySelector('.faces canvas')")
        verdicts = card.call(
            "function() { return [...this.querySelectorAll('.faces li')].map(one => one.dataset.verdict) }"
        )
        assert sorted(verdicts) == sorted(face["verdict"] for face in answer["faces"])
        assert chromium.worker.evaluate("() => asked") == []
    kept = chromium.history()
    assert [entry["name"] for entry in kept] == ["two.jpg", "it.jpg"]
    assert kept[1]["p_fake"] == detection(server, face)["p_fake"]
    assert set(kept[0]) == {"time", "verdict", "p_fake", "name", "sha256", "answer"}
    assert str(site.port) not in json.dumps(kept), "no addresses are stored"
    assert "base64" not in json.dumps(kept), "no images either"


SHOWN: list[tuple[dict[str, Any], str, str]] = [
    ({"p_fake": 0.996}, "fake", ">99%"),
    ({"verdict": "uncertain", "p_fake": 0.5}, "uncertain", "50%"),
    ({"verdict": "real", "p_fake": 0.001}, "real", "<1%"),
]


def test_every_verdict(chromium: Chromium, site: Site) -> None:
    numbers = range(len(SHOWN))
    for number in numbers:
        site.put(f"/{number}.jpg", f"bytes {number}")
    images = (f'<img src="/{number}.jpg" width="300" height="200">' for number in numbers)
    page = chromium.visit(site.page("".join(images)))
    for number, (answer, verdict, shown) in enumerate(SHOWN):
        site.answers.pop("/api/predict", None)
        chromium.settings(server=site.as_server(**answer))
        card = chromium.right_click(page, site.url(f"/{number}.jpg"))
        assert card.verdict() == verdict
        assert card.text(".range strong") == shown
        real, open_, fake = (
            card.box(f".zone[data-verdict={name}]") for name in ("real", "uncertain", "fake")
        )
        assert real["x"] < open_["x"] < fake["x"]
        marker = card.box(".marker")
        at = {"real": real, "uncertain": open_, "fake": fake}[verdict]
        assert at["x"] - 4 <= marker["x"] + marker["width"] / 2 <= at["right"] + 4
        card.click(".close")
        assert card.text() is None


def test_images_of_other_hosts_are_read_after_permission(chromium: Chromium, site: Site, face: bytes) -> None:
    """127.0.0.1, which is permitted by the manifest, stands for a host that the user permitted."""
    site.put("/it.jpg", face)
    address = site.url("/it.jpg", "127.0.0.1")
    page = chromium.visit(
        site.page(f'<img src="{address}" width="300">', Content_Security_Policy="connect-src 'none'")
    )
    card = chromium.right_click(page, address, allow=True)
    assert card.verdict() == "real"
    assert chromium.worker.evaluate("() => asked") == ["http://127.0.0.1/*"]


def test_images_of_other_hosts_are_not_read_without_permission(
    chromium: Chromium, site: Site, face: bytes
) -> None:
    site.put("/it.jpg", face)
    address = site.url("/it.jpg", "images.test")
    page = chromium.visit(site.page(f'<img src="{address}" width="300">'))
    card = chromium.right_click(page, address, allow=False)
    assert card.fault() == "not_permitted"
    assert "images.test" in (card.text() or "")
    assert chromium.worker.evaluate("() => asked") == ["http://images.test/*"]
    assert chromium.history() == []


def test_images_with_cors_need_no_permission(chromium: Chromium, site: Site, face: bytes) -> None:
    site.put("/it.jpg", face, Access_Control_Allow_Origin="*")
    address = site.url("/it.jpg", "images.test")
    page = chromium.visit(site.page(f'<img src="{address}" width="300">'))
    assert chromium.right_click(page, address, allow=False).verdict() == "real"


def test_cookies_are_sent_only_if_the_image_needs_them(chromium: Chromium, site: Site, face: bytes) -> None:
    chromium.context.add_cookies([{"name": "session", "value": "1", "url": site.url("/")}])
    site.put("/it.jpg", face)
    page = chromium.visit(site.page(IMAGE))
    site.asked.clear()
    assert chromium.right_click(page, site.url("/it.jpg")).verdict() == "real"
    assert site.asked == [("page.test", "/it.jpg", "")]

    site.put("/own.jpg", "please log in", "text/html")
    site.put("/own.jpg", face)
    assert chromium.right_click(page, site.url("/own.jpg")).verdict() == "real"
    assert site.asked[1:] == [("page.test", "/own.jpg", ""), ("page.test", "/own.jpg", "session=1")]


def test_images_with_data_and_blob_addresses(chromium: Chromium, site: Site, face: bytes) -> None:
    data = f"data:image/jpeg;base64,{base64.b64encode(face).decode()}"
    page = chromium.visit(site.page(f'<img src="{data}" width="300">'))
    assert chromium.right_click(page, data).verdict() == "real"
    assert chromium.history()[0]["name"] == ""

    site.put("/it.jpg", face)
    for let_go in (False, True):
        address = page.evaluate(
            """async letGo => {
                const image = document.querySelector("img");
                const url = URL.createObjectURL(await (await fetch("/it.jpg")).blob());
                image.src = url;
                await image.decode();
                if (letGo) URL.revokeObjectURL(url);
                return url;
            }""",
            let_go,
        )
        card = chromium.right_click(page, address)
        assert card.verdict() == "real"
        assert ("Read as displayed on the page" in (card.text() or "")) == let_go


def test_each_failure_has_its_own_state(
    chromium: Chromium, site: Site, no_face: bytes, small_face: bytes, corrupt: bytes
) -> None:
    site.put("/none.jpg", no_face)
    site.put("/small.jpg", small_face)
    site.put("/broken.png", corrupt)
    site.put("/drawing.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml")
    site.put("/huge.jpg", b"", Content_Length=str(2**31))
    site.put("/empty.jpg", b"")
    page = chromium.visit(site.page("images"))
    expected = {
        "/none.jpg": "no_face",
        "/small.jpg": "face_too_small",
        "/broken.png": "unreadable_image",
        "/drawing.svg": "unsupported_image",
        "/huge.jpg": "image_too_large",
        "/empty.jpg": "unreadable_image",
        "/gone.jpg": "image_unavailable",
    }
    found = {path: chromium.right_click(page, site.url(path)).fault() for path in expected}
    assert found == expected
    assert [entry["verdict"] for entry in chromium.history()] == ["face_too_small", "no_face"]


def test_an_unreachable_server_shows_how_to_start_it(
    chromium: Chromium, site: Site, face: bytes, server: RunningServer
) -> None:
    chromium.settings(server="http://127.0.0.1:9")
    site.put("/it.jpg", face)
    page = chromium.visit(site.page(IMAGE))
    site.asked.clear()
    card = chromium.right_click(page, site.url("/it.jpg"))
    assert card.fault() == "unreachable"
    assert card.text(".command") == "veraface serve"
    assert site.asked == [], "nothing is read without a server"
    chromium.settings(server=server.url)
    card.click("[data-action=again]")
    assert card.verdict() == "real"


def test_a_busy_server_is_asked_again(chromium: Chromium, site: Site) -> None:
    busy = json.dumps({"success": False, "error": {"code": "not_ready", "message": "the model is loading"}})
    for _ in range(4):  # until it has been read
        site.put("/api/predict", busy, "application/json", 503, Retry_After="1")
    site.put("/api/predict", "slow down", "text/plain", 429, Retry_After="0")
    chromium.settings(server=site.as_server())
    site.put("/it.jpg", b"any bytes")
    card = chromium.right_click(chromium.visit(site.page(IMAGE)), site.url("/it.jpg"))
    card.wait("this.querySelector('h2')?.textContent === 'The model is loading'")
    del site.answers["/api/predict"][:-2]
    assert card.verdict() == "fake"


@pytest.mark.parametrize("body", ["<h1>Welcome</h1>", "{}"])
def test_another_program_on_the_port_is_reported(chromium: Chromium, site: Site, body: str) -> None:
    site.put("/api/model-status", body, "application/json")
    site.put("/it.jpg", b"any bytes")
    chromium.settings(server=site.url("", "127.0.0.1"))
    card = chromium.right_click(chromium.visit(site.page(IMAGE)), site.url("/it.jpg"))
    assert card.fault() == "not_veraface"


def test_keyboard_and_focus(chromium: Chromium, site: Site, face: bytes) -> None:
    site.put("/it.jpg", face)
    page = chromium.visit(site.page(f'<button id="before">b</button>{IMAGE}'))
    page.evaluate("() => { onkeydown = event => { document.title += event.key } }")
    page.locator("#before").focus()
    card = chromium.right_click(page, site.url("/it.jpg"))
    card.verdict()
    assert card.attribute("[role=dialog]", "aria-label") == "Veraface's verdict on the image"
    assert card.call("function() { return this.activeElement?.getAttribute('role') }") == "dialog"
    page.keyboard.press("Tab")
    focused = []
    for _ in range(3):
        focused.append(card.call("function() { return this.activeElement?.className }").split()[-1])
        page.keyboard.press("Tab")
    assert focused == ["move", "fold", "close"]
    page.keyboard.press("Escape")
    assert card.text() is None
    assert page.evaluate("document.activeElement.id") == "before"
    assert page.title() == "", "the page receives no key events of the card"


def test_a_page_that_accepts_scripts_late_gets_the_card(chromium: Chromium, site: Site, face: bytes) -> None:
    """The browser grants access at once; a busy page rejects scripts until it learns of that."""
    site.put("/it.jpg", face)
    page = chromium.visit(site.page(IMAGE))
    pages = len(chromium.context.pages)
    chromium.worker.evaluate(
        """() => {
            const real = chrome.scripting.executeScript;
            let left = 3;
            chrome.scripting.executeScript = async (wish) => {
                if (left === 0) chrome.scripting.executeScript = real;
                else if (left-- > 0) throw new Error("Cannot access contents of the page.");
                return real.call(chrome.scripting, wish);
            };
        }"""
    )
    card = chromium.right_click(page, site.url("/it.jpg"))
    assert card.verdict() == "real"
    assert card.box()["left"] >= 300, "beside the image"
    assert len(chromium.context.pages) == pages, "and no window"


def test_arabic_is_laid_out_right_to_left(
    chromium: Chromium, site: Site, server: RunningServer, face: bytes
) -> None:
    chromium.settings(server=server.url, language="ar")
    site.put("/it.jpg", face)
    card = chromium.right_click(chromium.visit(site.page(IMAGE)), site.url("/it.jpg"))
    assert card.verdict() == "real"
    assert card.attribute(".card", "dir") == "rtl"
    assert card.text("h2") == "حقيقي على الأرجح"
    assert card.box(".close")["x"] < card.box(".brand")["x"]
