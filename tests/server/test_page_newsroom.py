"""The page in the modes of a server, and its report of a wrong answer."""

import json
import re
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.server.page import choose, expect_state
from veraface.findings import GRADES

OpenPage = Callable[..., Page]
NOT_ON_THE_PAGE = {"verdict_no_face", "jpeg_grid", "forensic_views"}  # not in the response that it asks for


def with_status(page: Page, change: Callable[[dict[str, Any]], None]) -> None:
    """Have the page see another status of the server, from its next start on."""

    def respond(route: Route) -> None:
        status = route.fetch().json()
        change(status)
        route.fulfill(json=status)

    page.route("**/api/model-status", respond)
    page.reload()
    page.locator("#main > *").first.wait_for(state="attached")


@pytest.fixture
def analyzed(open_page: OpenPage, face: bytes) -> Callable[..., Page]:
    def open_(change: Callable[[dict[str, Any]], None] | None = None) -> Page:
        page = open_page(fresh=True)
        if change:
            with_status(page, change)
        choose(page, face)
        expect_state(page, "analyzed")
        return page

    return open_


def test_words_only_shows_no_probability(analyzed: Callable[..., Page]) -> None:
    panel = analyzed().locator("#main")
    assert re.search(r"\d ?%", panel.locator("#p-fake").inner_text())
    page = analyzed(lambda status: status["wording"].update(words_only=True))
    expect(page.locator("#verdict")).not_to_be_empty()
    expect(page.locator("#p-fake")).to_have_count(0)


def test_never_say_real_replaces_the_word(analyzed: Callable[..., Page]) -> None:
    page = analyzed(lambda status: status["wording"].update(never_say_real=True))
    page.evaluate(
        "(async () => window.words = (await import('/static/js/language.js')).text('verdicts.real.name'))()"
    )
    assert page.evaluate("window.words") == "No sign of forgery found"
    assert "Likely real" not in page.locator("#main").inner_text()


def test_every_kind_of_finding_has_the_limitation_of_the_api(open_page: OpenPage) -> None:
    """The page has texts of its own, for its languages; in English they are those of the library."""
    shown = {code: limit for code, limit in GRADES.items() if code not in NOT_ON_THE_PAGE}
    findings = [
        {"origin": "provenance", "code": code, "grade": grade, "message": code, "limitation": "untranslated"}
        for code, (grade, _) in shown.items()
    ]
    limits = open_page().evaluate(
        """async (findings) => {
            const { findingsView } = await import("/static/js/findings.js");
            const view = findingsView({ findings });
            return Object.fromEntries([...view.querySelectorAll("li")].map(
                (item) => [item.dataset.code, item.querySelector("p").textContent]));
        }""",
        findings,
    )
    assert limits == {code: f"{limit[0].upper()}{limit[1:]}." for code, (_, limit) in shown.items()}


def test_findings_are_listed_with_their_grades(analyzed: Callable[..., Page]) -> None:
    page = analyzed()
    findings = page.locator(".grades")
    expect(findings.locator("li").first).not_to_be_visible()  # folded
    findings.locator("summary").click()
    verdict = findings.locator('[data-grade="inferred"] [data-code^="verdict_"]')
    expect(verdict).to_contain_text("False positive rate")
    expect(findings.locator('[data-grade="observed"]')).to_contain_text("Content Credentials: none")


def test_a_server_that_never_says_real_gives_the_page_every_result(
    open_page: OpenPage, start_server: Callable[..., Any], face: bytes
) -> None:
    with start_server(VERAFACE_NEVER_SAY_REAL="true") as server:
        page = open_page(server.url, fresh=True)
        choose(page, face)  # one that is called real elsewhere
        expect_state(page, "analyzed")
        expect(page.locator("#verdict")).to_contain_text("No sign of forgery found")


def report(page: Page) -> None:
    page.locator("#more summary").click()
    page.locator("#wrong-answer").click()
    page.get_by_label("Fake", exact=True).check()
    page.locator(".wrong-answer textarea").fill("a mask")


def test_a_wrong_answer_is_saved_as_a_file(
    analyzed: Callable[..., Page], face: bytes, tmp_path: Path
) -> None:
    page = analyzed()
    report(page)
    expect(page.locator(".wrong-answer")).to_contain_text("Nothing is sent.")
    with page.expect_download() as download:
        page.locator(".wrong-answer .primary").click()
    assert download.value.suggested_filename == "image-wrong-answer.json"
    download.value.save_as(tmp_path / "saved.json")
    saved = json.loads((tmp_path / "saved.json").read_text())
    assert (saved["format"], saved["label"], saved["note"]) == ("veraface-feedback/1", "fake", "a mask")
    assert b64decode(saved["image"]) == face
    expect(page.locator("#notice")).to_contain_text("The report is kept.")
    expect(page.locator(".wrong-answer")).to_have_count(0)


@pytest.mark.parametrize("kept", [True, False])
def test_a_wrong_answer_is_sent_where_the_server_keeps_it(
    analyzed: Callable[..., Page], face: bytes, kept: bool
) -> None:
    page = analyzed(lambda status: status["limits"].update(feedback=True))
    sent: list[bytes] = []

    def respond(route: Route) -> None:
        sent.append(route.request.post_data_buffer or b"")
        answer = {"kept": True, "label": "fake", "sha256": "0" * 64}
        route.fulfill(
            status=200 if kept else 507, json=answer if kept else {"error": {"code": "feedback_not_kept"}}
        )

    page.route("**/api/v1/feedback", respond)
    report(page)
    expect(page.locator(".wrong-answer")).to_contain_text("kept in a folder of this server")
    page.locator(".wrong-answer .primary").click()
    told = "The report is kept." if kept else "could not be kept"
    expect(page.locator("#notice")).to_contain_text(told)
    (body,) = sent
    assert face in body
    assert b'name="label"\r\n\r\nfake' in body
    assert b'name="note"\r\n\r\na mask' in body
