"""The page in the modes of a server, and its report of a wrong answer."""

import contextlib
import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.server.page import choose, expect_state, read_status
from tests.server.page_pool import PagePool
from tests.server.shared_page import SharedPage, with_status
from veraface.findings import GRADES

OpenPage = Callable[..., Page]
NOT_ON_THE_PAGE = {"verdict_no_face", "jpeg_grid", "forensic_views"}  # not in the response that it asks for


@pytest.fixture(scope="module")
def shared(page_pool: PagePool, server: Any, face: bytes) -> Iterator[SharedPage]:
    def analyze(page: Page) -> None:
        choose(page, face)
        expect_state(page, "analyzed")

    with contextlib.closing(SharedPage(page_pool, server.url, analyze)) as shared:
        yield shared


@pytest.fixture
def analyzed(shared: SharedPage, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page with the result of a face."""
    with shared.lend(request) as page:
        yield page


def test_words_only_shows_no_probability(analyzed: Page) -> None:
    assert re.search(r"\d ?%", analyzed.locator("#p-fake").inner_text())
    with_status(analyzed, lambda status: status["wording"].update(words_only=True))
    expect(analyzed.locator("#p-fake")).to_have_count(0)
    expect(analyzed.locator("#verdict")).not_to_be_empty()
    analyzed.unroute("**/api/model-status")
    read_status(analyzed)
    expect(analyzed.locator("#p-fake")).to_have_count(1)


def test_every_kind_of_finding_has_the_limitation_of_the_api(analyzed: Page) -> None:
    """The page has texts of its own, for its languages; in English they are those of the library."""
    shown = {code: limit for code, limit in GRADES.items() if code not in NOT_ON_THE_PAGE}
    findings = [
        {"origin": "provenance", "code": code, "grade": grade, "message": code, "limitation": "untranslated"}
        for code, (grade, _) in shown.items()
    ]
    limits = analyzed.evaluate(
        """async (findings) => {
            const { findingsView } = await import("/static/js/findings.js");
            const view = findingsView({ findings });
            return Object.fromEntries([...view.querySelectorAll("li")].map(
                (item) => [item.dataset.code, item.querySelector("p").textContent]));
        }""",
        findings,
    )
    assert limits == {code: f"{limit[0].upper()}{limit[1:]}." for code, (_, limit) in shown.items()}


def test_findings_are_listed_with_their_grades(analyzed: Page) -> None:
    findings = analyzed.locator(".grades")
    expect(findings.locator("li").first).not_to_be_visible()  # folded
    findings.locator("summary").click()
    verdict = findings.locator('[data-grade="inferred"] [data-code^="verdict_"]')
    expect(verdict).to_contain_text("False positive rate")
    expect(findings.locator('[data-grade="observed"]')).to_contain_text("Content Credentials: none")


def test_never_say_real_replaces_the_word(
    open_page: OpenPage, start_server: Callable[..., Any], face: bytes
) -> None:
    """Such a server gives the page every result, also those that it leaves out for others."""
    with start_server(VERAFACE_NEVER_SAY_REAL="true") as server:
        page = open_page(server.url)
        choose(page, face)  # one that is called real elsewhere
        expect_state(page, "analyzed")
        expect(page.locator("#verdict")).to_contain_text("No sign of forgery found")
        words = page.evaluate(
            "import('/static/js/language.js').then(({ text }) => text('verdicts.real.name'))"
        )
        assert words == "No sign of forgery found"
        assert "Likely real" not in page.locator("#main").inner_text()


def report(page: Page) -> None:
    page.locator("#more summary").click()
    page.locator("#wrong-answer").click()
    page.get_by_label("Fake", exact=True).check()
    page.locator(".wrong-answer textarea").fill("a mask")


def test_a_wrong_answer_is_saved_as_a_file(analyzed: Page, face: bytes, tmp_path: Path) -> None:
    page = analyzed
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
def test_a_wrong_answer_is_sent_where_the_server_keeps_it(analyzed: Page, face: bytes, kept: bool) -> None:
    page = analyzed
    with_status(page, lambda status: status["limits"].update(feedback=True))
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
    expect(page.locator(".wrong-answer")).to_have_count(0)
    told = "The report is kept." if kept else "could not be kept"
    expect(page.locator("#notice")).to_contain_text(told)
    (body,) = sent
    assert face in body
    assert b'name="label"\r\n\r\nfake' in body
    assert b'name="note"\r\n\r\na mask' in body
    page.unroute("**/api/model-status")
    read_status(page)
