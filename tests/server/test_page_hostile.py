"""Files, names and answers that mean harm, and answers that are none at all."""

import io
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.server.page import choose, choose_many, expect_fault, expect_state, expect_verdict, give
from tests.server.scenes import STATUS, answer, face, portrait

OpenPage = Callable[..., Page]
Predict = Callable[..., httpx.Response]

EVIL = "<img src=x onerror=document.title='owned'>"
JUDGED = answer([face(0.9)])


def changed(**other: Any) -> str:
    return json.dumps({**JUDGED, **other})


def expect_no_markup(page: Page) -> None:
    expect(page.locator("main script, main iframe, main img:not(#picture, #view)")).to_have_count(0)
    expect(page).to_have_title("Result · Veraface")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "<h1>It works!</h1>",
        '{"success": true}',
        '{"success": true, "p_fake": NaN}',
        changed(faces=[]),
        changed(faces=[{**face(0.9), "box": [0, 0, "12", None]}]),
        changed(faces=[{**face(0.9), "heatmap": {"box": [0, 0, 9, 9], "grid": [[1, 2], [3]]}}]),
        changed(faces=[None]),
        changed(p_fake=17),
        changed(p_fake="0.9"),
        changed(verdict="certain"),
        changed(width=0),
        changed(thresholds=None),
        changed(model=None),
        changed(reasons="none"),
        changed(timing_ms={"decode": 1}),
    ],
)
def test_an_answer_that_is_none_is_a_failure_and_no_verdict(open_page: OpenPage, body: str) -> None:
    page = open_page()
    page.route("**/api/predict*", lambda route: route.fulfill(body=body))
    choose(page, portrait())
    expect_fault(page, "Something went wrong")
    page.unroute("**/api/predict*")
    page.get_by_role("button", name="Try again").click()
    expect_state(page, "judged")


@pytest.mark.parametrize(
    ("status", "heading"),
    [
        (413, "The picture is too large"),
        (500, "Something went wrong"),
        (502, "Server not reachable"),
        (504, "Server not reachable"),
    ],
)
def test_a_proxy_that_answers_in_its_own_words_is_understood(
    open_page: OpenPage, status: int, heading: str
) -> None:
    page = open_page()
    page.route("**/api/predict*", lambda route: route.fulfill(status=status, body="<h1>nginx</h1>"))
    choose(page, portrait())
    expect_fault(page, heading)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_proxy_is_asked_again_after_the_time_it_asks_for(
    open_page: OpenPage, predict: Predict, status: int
) -> None:
    page = open_page()
    refusal = {"status": status, "body": "<h1>Slow down</h1>", "headers": {"Retry-After": "3"}}
    page.route("**/api/predict*", lambda route: route.fulfill(**refusal))
    choose(page, portrait())
    expect_state(page, "busy")
    expect(page.locator("#panel")).to_contain_text("Next try in 3 s")
    page.unroute("**/api/predict*")
    expect_verdict(page, predict(portrait()).json())


@pytest.mark.parametrize(
    "error", ["words", {"code": "__proto__", "message": {"a": 1}}, {"code": 5, "message": None}, {}]
)
def test_an_odd_error_is_still_told(open_page: OpenPage, error: Any) -> None:
    page = open_page()
    body = {"success": False, "error": error}
    page.route("**/api/predict*", lambda route: route.fulfill(status=400, json=body))
    choose(page, portrait())
    expect_fault(page, "Something went wrong")


def test_words_of_an_answer_are_never_markup(open_page: OpenPage) -> None:
    said = answer(
        [face(0.9)],
        reasons=[{"code": "new", "message": EVIL}],
        format=EVIL,
        model={"name": EVIL, "version": "y" * 5000, "sha256": ""},
        timing_ms={EVIL: 1e300, "total": 1e300},
        provenance={
            "credentials": {"state": EVIL, "message": EVIL, "signer": EVIL, "actions": [{"action": EVIL}, 5]},
            "claims": [{"code": EVIL, "place": EVIL, "message": EVIL}],
            "findings": [{"code": "__proto__", "message": EVIL}],
            "generator": {"name": EVIL, "prompt": EVIL * 50, "settings": [[EVIL, EVIL], 3]},
            "camera": EVIL,
            "encoder": {"tables": EVIL},
        },
    )
    page = open_page(viewport={"width": 390, "height": 844})
    page.route("**/api/predict*", lambda route: route.fulfill(json=said))
    choose(page, portrait())
    expect_state(page, "judged")
    for part in (".reasons", ".provenance", ".details", ".timing"):
        expect(page.locator(part)).to_contain_text(EVIL)
    expect_no_markup(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    "claims", ["all mine", [None], {"length": 3}, {"credentials": {"state": 1}, "claims": [], "findings": []}]
)
def test_an_odd_provenance_costs_no_verdict(open_page: OpenPage, claims: Any) -> None:
    page = open_page()
    page.route("**/api/predict*", lambda route: route.fulfill(body=changed(provenance=claims)))
    choose(page, portrait())
    expect_state(page, "judged")
    expect(page.locator(".provenance")).to_contain_text("did not read")


def test_metadata_is_never_markup(open_page: OpenPage, predict: Predict) -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    for tag in (0x010E, 0x0131, 0x013B, 0x8298):  # description, software, artist, copyright
        exif[tag] = EVIL
    xmp = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><script>document.title="owned"</script>{EVIL}</x:xmpmeta>'
    Image.open(io.BytesIO(portrait())).save(buffer, "JPEG", exif=exif, xmp=xmp.encode())
    assert EVIL.encode() in buffer.getvalue()
    page = open_page()
    choose(page, buffer.getvalue(), EVIL + ".jpg")
    expect_verdict(page, predict(buffer.getvalue()).json())
    expect_no_markup(page)


@pytest.mark.parametrize(
    ("content", "heading"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='document.title=1'/>", "Not a picture we can read"),
        (b"<html><script>document.title='owned'</script></html>", "Not a picture we can read"),
        (b"", "The file is damaged"),
    ],
)
@pytest.mark.parametrize("kind", ["image/jpeg", "image/svg+xml", "text/html"])
def test_what_only_pretends_to_be_a_picture_does_nothing(
    open_page: OpenPage, content: bytes, heading: str, kind: str
) -> None:
    page = open_page()
    choose(page, content, "holiday.jpg", kind)
    expect_fault(page, heading)
    expect_no_markup(page)


@pytest.mark.parametrize(
    "words",
    [
        "just some words",
        "javascript:document.title='owned'",
        "data:text/html,<script>document.title='owned'</script>",
        "data:image/png;base64,%%%",
        "file:///etc/passwd",
        "//example.com/a.jpg",
    ],
)
def test_what_is_pasted_and_no_address_of_a_picture_is_explained(open_page: OpenPage, words: str) -> None:
    page = open_page()
    give(page, "paste", [], words)
    expect(page.locator("#notice")).to_contain_text("neither a picture nor the address of one")
    expect_state(page, "empty")
    expect(page).to_have_title("Analyse · Veraface")


def test_a_server_that_says_nonsense_of_itself_is_none(open_page: OpenPage) -> None:
    page = open_page()
    page.route("**/api/model-status", lambda route: route.fulfill(json={"loaded": True, "limits": EVIL}))
    page.reload()
    expect(page.locator("#banner")).to_contain_text("does not answer")
    page.route("**/api/model-status", lambda route: route.fulfill(json={**STATUS, "name": EVIL}))
    expect(page.locator("#model")).to_contain_text(EVIL)
    expect(page.locator("#model *")).to_have_count(0)


def test_names_of_a_list_are_never_markup_either(open_page: OpenPage) -> None:
    page = open_page()
    page.route("**/api/predict*", lambda route: route.fulfill(json=JUDGED))
    choose_many(page, [(EVIL, portrait()), ("x" * 4000 + ".jpg", portrait()), ("gpj.\u202eexe", portrait())])
    expect(page.locator("#count")).to_contain_text("3 of 3")
    expect(page.locator(".card-link").nth(0)).to_have_text(EVIL)
    expect(page.locator(".card-link").nth(2)).to_have_text("gpj.exe")  # shown as it is, not turned round
    expect(page.locator("main img")).to_have_count(3)
    expect(page).to_have_title("Analyse · Veraface")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
