"""Hostile files, names and answers; invalid answers are tested in tests/page/api.test.js."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.server.page import (
    choose,
    choose_many,
    expect_fault,
    expect_state,
    expect_verdict,
    give,
    read_status,
)
from tests.server.scenes import STATUS, answer, face, portrait

pytestmark = pytest.mark.same_page

OpenPage = Callable[..., Page]
Predict = Callable[..., httpx.Response]

EVIL = "<img src=x onerror=document.title='owned'>"
ANSWER = answer([face(0.9)])


def expect_no_markup(page: Page) -> None:
    expect(page.locator("main script, main iframe, main img:not(#image, #view)")).to_have_count(0)
    expect(page).to_have_title("Result · Veraface")


@pytest.mark.parametrize(
    ("response", "heading"),
    [
        ({"body": "<h1>It works!</h1>"}, "Something went wrong"),
        ({"body": json.dumps({**ANSWER, "p_fake": 17})}, "Something went wrong"),
        ({"status": 413, "body": "<h1>nginx</h1>"}, "The image is too large"),
        ({"status": 502, "body": "<h1>nginx</h1>"}, "Server not reachable"),
        ({"status": 400, "json": {"success": False, "error": {"code": "__proto__"}}}, "Something went wrong"),
    ],
)
def test_an_invalid_answer_is_a_failure_that_can_be_tried_again(
    open_page: OpenPage, response: dict[str, Any], heading: str
) -> None:
    """Every form of invalid answer is tested in tests/page/api.test.js."""
    page = open_page()
    page.route("**/api/predict*", lambda route: route.fulfill(**response))
    choose(page, portrait())
    expect_fault(page, heading)
    if heading != "The image is too large":
        page.unroute("**/api/predict*")
        page.get_by_role("button", name="Try again").click()
        expect_state(page, "analyzed")


def test_a_busy_proxy_is_asked_again_after_retry_after(open_page: OpenPage, predict: Predict) -> None:
    page = open_page()
    refusal = {"status": 503, "body": "<h1>Slow down</h1>", "headers": {"Retry-After": "3"}}
    page.route("**/api/predict*", lambda route: route.fulfill(**refusal))
    choose(page, portrait())
    expect_state(page, "busy")
    expect(page.locator("#panel")).to_contain_text(re.compile("Next try in [123] s"))
    page.unroute("**/api/predict*")
    expect_verdict(page, predict(portrait()).json())


def test_words_of_an_answer_are_never_markup(open_page: OpenPage) -> None:
    body = answer(
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
    page = open_page()
    page.set_viewport_size({"width": 390, "height": 844})
    page.route("**/api/predict*", lambda route: route.fulfill(json=body))
    choose(page, portrait())
    expect_state(page, "analyzed")
    for part in (".reasons", ".provenance", ".details", ".timing"):
        expect(page.locator(part)).to_contain_text(EVIL)
    expect_no_markup(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_provenance_of_another_form_costs_no_verdict(open_page: OpenPage) -> None:
    page = open_page()
    page.route("**/api/predict*", lambda route: route.fulfill(json={**ANSWER, "provenance": "all mine"}))
    choose(page, portrait())
    expect_state(page, "analyzed")
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
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='document.title=1'/>", "Not a supported image"),
        (b"<html><script>document.title='owned'</script></html>", "Not a supported image"),
        (b"", "The file is damaged"),
    ],
)
def test_a_file_that_only_pretends_to_be_an_image_does_nothing(
    open_page: OpenPage, content: bytes, heading: str
) -> None:
    page = open_page()
    for kind in ("image/jpeg", "image/svg+xml", "text/html"):
        choose(page, content, f"{kind.replace('/', '-')}.jpg", kind)
        expect(page.locator("#filename")).to_have_text(f"{kind.replace('/', '-')}.jpg")
        expect_fault(page, heading)
        expect_no_markup(page)


def test_pasted_text_that_is_no_address_of_an_image_is_explained(open_page: OpenPage) -> None:
    """Other such texts are tested in tests/page/addFiles.test.js."""
    page = open_page()
    give(page, "paste", [], "javascript:document.title='owned'")
    expect(page.locator("#notice")).to_contain_text("That is not an image")
    expect_state(page, "empty")
    expect(page).to_have_title("Analyze · Veraface")


def test_an_invalid_status_counts_as_unreachable(open_page: OpenPage) -> None:
    page = open_page()
    page.route("**/api/model-status", lambda route: route.fulfill(json={"loaded": True, "limits": EVIL}))
    read_status(page)
    expect(page.locator("#banner")).to_contain_text("does not answer")
    page.route("**/api/model-status", lambda route: route.fulfill(json={**STATUS, "name": EVIL}))
    expect(page.locator("#model")).to_contain_text(EVIL)
    expect(page.locator("#model *")).to_have_count(0)


def test_names_of_a_list_are_never_markup_either(open_page: OpenPage) -> None:
    page = open_page()
    page.route("**/api/predict*", lambda route: route.fulfill(json=ANSWER))
    choose_many(page, [(EVIL, portrait()), ("x" * 4000 + ".jpg", portrait()), ("gpj.\u202eexe", portrait())])
    expect(page.locator("#count")).to_contain_text("3 of 3")
    expect(page.locator(".card-link").nth(0)).to_have_text(EVIL)
    expect(page.locator(".card-link").nth(2)).to_have_text("gpj.exe")  # shown as it is, not turned round
    expect(page.locator(".cards img")).to_have_count(3)
    expect(page).to_have_title("Analyze · Veraface")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
