"""Handing on a result: signed report and its verification, summary, image, print, search on the web."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.provenance.files import AI_PACKET
from tests.sample_images import encode, portrait
from tests.server.page import bounds, choose, expect_state, settle
from tests.server.scenes import answer, answers, face, two_faces
from tests.waiting import wait_until
from veraface.report.page import read_data
from veraface.report.signature import verify
from veraface.report.texts import Language, texts_in

pytestmark = pytest.mark.same_page

OpenPage = Callable[..., Page]
Predict = Callable[..., httpx.Response]


@pytest.fixture
def result(open_page: OpenPage, face: bytes) -> Page:
    """The result of an image called holiday.jpg."""
    page = open_page()
    choose(page, face, "holiday.jpg")
    expect_state(page, "analyzed")
    expect(page.locator(".details")).to_contain_text(hashlib.sha256(face).hexdigest()[:16])
    return page


def saved_report(page: Page) -> Path:
    with page.expect_download() as saved:
        page.get_by_role("button", name="Signed report").click()
    assert saved.value.suggested_filename == "holiday-report.html"
    return Path(saved.value.path())


def test_a_signed_report_is_one_click_away(result: Page, face: bytes) -> None:
    file = saved_report(result).read_bytes()
    assert verify(file).intact
    data = read_data(file)
    assert data["file"] == {
        "name": "holiday.jpg",
        "bytes": len(face),
        "sha256": hashlib.sha256(face).hexdigest(),
    }
    expect(result.get_by_role("button", name="Saved")).to_be_visible()


def test_the_report_opens_in_a_tab_to_be_printed_on_one_page(result: Page) -> None:
    result.locator("#more summary").click()
    with result.context.expect_page() as opened:
        result.get_by_role("button", name="Report to print").click()
    report = opened.value
    report.wait_for_load_state()
    assert report.locator("h1").text_content() == "Veraface report"
    assert report.evaluate("getComputedStyle(document.body).maxWidth") != "none"  # its style is allowed
    assert report.pdf(format="A4").count(b"/Type /Page\n") == 1


def test_the_report_is_in_the_language_of_the_page(result: Page) -> None:
    verdicts: dict[Language, str] = {"de": "Wahrscheinlich echt", "ar": "حقيقي على الأرجح"}
    files = {}
    for language, verdict in verdicts.items():
        choose_language(result, language)
        with result.expect_download() as saved:
            result.locator("#report").click()
        files[language] = saved.value.path()
        with result.context.expect_page() as opened:
            result.evaluate("document.querySelector('#print-report').click()")
        report = opened.value
        report.wait_for_load_state()
        assert report.locator("html").get_attribute("lang") == language
        assert report.locator("#verdict").text_content() == verdict
        assert report.pdf(format="A4").count(b"/Type /Page\n") == 1
        report.close()
    result.locator("#verify-link").click()
    outcome = result.locator("#verify-outcome")
    for language, verdict in verdicts.items():
        choose_language(result, language)
        result.set_input_files("#report-file", files[language])
        expect(outcome).to_contain_text(texts_in(language)("verify.intact.name"))
        expect(outcome).to_contain_text(verdict)


def choose_language(page: Page, language: str) -> None:
    page.locator("#language").select_option(language)
    expect(page.locator("html")).to_have_attribute("lang", language)


def test_a_report_is_verified(result: Page) -> None:
    original = saved_report(result).read_bytes()
    result.locator("#verify-link").click()
    expect(result.get_by_role("heading", level=1)).to_have_text("Verify a report")
    outcome = result.locator("#verify-outcome")

    def give(content: bytes) -> None:
        result.set_input_files(
            "#report-file", [{"name": "report.html", "mimeType": "text/html", "buffer": content}]
        )

    give(original)
    expect(outcome).to_contain_text("Unchanged")
    expect(outcome).to_contain_text("holiday.jpg")
    expect(outcome).to_contain_text("This server signed it.")
    give(original.replace(b"Not proof.", b"Proof."))
    expect(outcome).to_contain_text("Changed")
    expect(outcome).not_to_contain_text("holiday.jpg")
    give(b"<h1>no report</h1>")
    expect(outcome).to_contain_text("Not a signed report")
    result.locator("#language").select_option("de")
    expect(outcome).to_contain_text("Kein signierter Bericht")


def test_a_dropped_report_is_verified_and_not_taken_for_an_image(result: Page) -> None:
    content = base64.b64encode(saved_report(result).read_bytes()).decode()
    result.locator("#verify-link").click()
    expect(result.locator("#report-file")).to_be_attached()
    result.evaluate(
        """(content) => {
            const transfer = new DataTransfer();
            const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
            transfer.items.add(new File([bytes], "report.html", { type: "text/html" }));
            document.body.dispatchEvent(
                new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer }));
        }""",
        content,
    )
    expect(result.locator("#verify-outcome")).to_contain_text("Unchanged")


@pytest.fixture
def clipboard(result: Page) -> Iterator[Page]:
    """The result, on a page whose clipboard may be replaced, and `copied` and `labels` set, by the test."""
    yield result
    result.evaluate(
        """() => {
            for (const name of ["write", "writeText"]) delete navigator.clipboard[name];
            for (const name of ["copied", "labels"]) delete window[name];
        }"""
    )


def test_the_summary_is_copied(clipboard: Page, face: bytes) -> None:
    result = clipboard
    result.evaluate("() => { navigator.clipboard.writeText = async (text) => (window.copied = text) }")
    button = result.get_by_role("button", name="Copy summary")
    button.evaluate(  # the button shows it for two seconds, which a busy machine may miss
        """(button) => {
            window.labels = [];
            new MutationObserver(() => labels.push(button.textContent)).observe(button, { childList: true });
        }"""
    )
    button.click()
    expect(result.locator("#live")).to_have_text("Copied")
    assert "Copied" in result.evaluate("labels")
    expect(button).to_be_visible()  # again
    copied = result.evaluate("copied")
    assert copied.startswith(f"{result.locator('#verdict').inner_text()}. ")
    assert "Not proof." in copied
    assert f"holiday.jpg (SHA-256 {hashlib.sha256(face).hexdigest()})" in copied
    result.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('denied')) }")
    result.get_by_role("button", name="Copy summary").click()
    expect(result.locator("#notice")).to_contain_text("did not allow copying")


def test_it_is_copied_as_an_image_and_shared(clipboard: Page) -> None:
    result = clipboard
    result.evaluate(
        """() => {
            navigator.clipboard.write = async ([item]) =>
                (window.copied = (await (await item.getType("image/png")).arrayBuffer()).byteLength);
        }"""
    )
    result.locator("#more summary").click()
    result.get_by_role("button", name="Copy as image").click()
    expect(result.locator("#live")).to_have_text("Copied")
    assert result.evaluate("copied") > 10_000


def test_the_image_names_the_marks_that_it_lacks(open_page: OpenPage) -> None:
    page = open_page(anew=True)
    page.evaluate(
        """() => {
            const { fillText } = CanvasRenderingContext2D.prototype;
            window.written = [];
            CanvasRenderingContext2D.prototype.fillText = function (words, ...place) {
                written.push(words);
                fillText.call(this, words, ...place);
            };
        }"""
    )
    choose(page, encode(portrait(), "JPEG", xmp=AI_PACKET), "made.jpg")
    expect_state(page, "analyzed")
    page.locator("#more summary").click()
    with page.expect_download():
        page.get_by_role("button", name="Save as PNG").click()
    written = " ".join(page.evaluate("written"))
    assert "this copy does not carry it: " in written
    assert "declared as AI-generated" in written


def test_a_result_is_saved_as_png_and_json(result: Page, predict: Predict, face: bytes) -> None:
    answer = predict(face).json()
    result.locator("#more summary").click()
    with result.expect_download() as saved:
        result.get_by_role("button", name="Save as PNG").click()
    assert saved.value.suggested_filename == "holiday-veraface.png"
    with Image.open(saved.value.path()) as image:
        assert image.format == "PNG"
        assert image.width == 1200
        assert image.height > 1200
        # The portrait is there, not only a frame: its orange suit.
        small = image.convert("RGB").reduce(20)
        orange = [small.getpixel((x, y)) for x in range(60) for y in range(small.height)]
    assert sum(red > 150 and red > 1.5 * blue for red, _, blue in orange) > 20
    result.locator("#more summary").click()
    with result.expect_download() as saved:
        result.get_by_role("button", name="Save as JSON").click()
    assert saved.value.suggested_filename == "holiday-veraface.json"
    (entry,) = json.loads(Path(saved.value.path()).read_text("utf-8"))
    assert entry["name"] == "holiday.jpg"
    assert entry["verdict"] == answer["verdict"]
    assert entry["p_fake"] == answer["p_fake"]
    assert entry["hash"] == hashlib.sha256(face).hexdigest()


@pytest.mark.parametrize("people", [1, 2])
def test_a_result_prints_on_one_page(open_page: OpenPage, face: bytes, people: int) -> None:
    page = open_page()
    if people == 2:
        answers(page, answer([face_(0.04), face_(0.96, (705, 105, 67, 83))], (960, 512)))
    choose(page, face if people == 1 else two_faces(), "holiday.jpg")
    expect_state(page, "analyzed")
    settle(page)
    for paper in ("A4", "Letter"):
        assert page.pdf(format=paper).count(b"/Type /Page\n") == 1, paper


face_ = face


def test_a_print_is_light_and_has_the_date_and_the_caveat(open_page: OpenPage, face: bytes) -> None:
    page = open_page(fresh=True, color_scheme="dark")
    choose(page, face)
    expect_state(page, "analyzed")
    page.evaluate("window.print = () => { document.body.dataset.printed = 'yes' }")
    page.locator("#more summary").click()
    page.get_by_role("button", name="Print this page").click()
    expect(page.locator("body")).to_have_attribute("data-printed", "yes")
    page.emulate_media(media="print")
    for hidden in ("#pages", "#language", "#another", ".hand-on", ".zoom", "#evidence-controls", ".experts"):
        expect(page.locator(hidden)).to_be_hidden()
    for shown in ("#image", "#verdict", ".answer", ".details", ".caveat"):
        expect(page.locator(shown)).to_be_visible()
    expect(page.locator(".details")).to_contain_text(re.compile(r"Checked.*20\d\d"))
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    for words in ("#verdict", ".details dd", ".caveat"):
        ink = page.locator(words).first.evaluate("w => getComputedStyle(w).color")
        # Dark on white, whatever the theme.
        assert max(map(int, re.findall(r"\d+", ink)[:3])) < 210, (words, ink)
    fingerprint = page.locator(".hash dd")
    expect(fingerprint).to_have_text(hashlib.sha256(face).hexdigest())
    assert fingerprint.evaluate("d => d.scrollWidth <= d.clientWidth")  # nothing is cut short on paper


def test_other_sites_are_named_and_asked_only_after_a_click(result: Page) -> None:
    """open_page fails for every request to another host."""
    menu = result.locator("#where-else")
    menu.locator("summary").click()
    expect(menu).to_contain_text("leaves this computer")
    links = menu.get_by_role("link")
    expect(links).to_have_count(4)
    for link in links.all():
        assert (link.get_attribute("href") or "").startswith("https://")
        assert link.get_attribute("rel") == "noopener noreferrer"
        assert link.get_attribute("target") == "_blank"
    result.keyboard.press("Escape")
    expect(links.first).to_be_hidden()
    expect_state(result, "analyzed")  # Escape closed the menu and nothing else
    menu.locator("summary").click()
    result.locator("#filename").click()
    expect(links.first).to_be_hidden()


def test_the_face_is_enlarged_beside_its_heatmap(result: Page) -> None:
    closeup = result.locator(".closeup")
    expect(closeup.get_by_role("heading", name="Look for yourself")).to_be_visible()
    expect(closeup.locator(".closeup-faces canvas")).to_have_count(2)
    for part in ("Eyes", "Mouth", "Ears", "Hairline"):
        expect(closeup.locator("figcaption", has_text=part)).to_be_visible()
    drawn = """() => [...document.querySelectorAll(".closeup canvas")].map((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return new Set(data).size > 20;
    })"""
    assert all(result.evaluate(drawn))
    large = bounds(result, ".closeup-faces canvas >> nth=0")
    assert large["width"] > 200


def test_without_the_file_there_is_no_report(result: Page) -> None:
    kept = "import('/static/js/history.js').then(({ recall }) => recall(location.pathname.split('/').pop()))"
    wait_until(lambda: result.evaluate(f"() => {kept}.then(Boolean)"))
    result.reload()
    expect_state(result, "analyzed")
    expect(result.get_by_role("button", name="Signed report")).to_be_disabled()
    expect(result.locator(".hand-on")).to_contain_text("add the image again")


def test_a_failed_report_is_explained(result: Page) -> None:
    failure: dict[str, Any] = {"success": False, "error": {"code": "overloaded", "message": "too much"}}
    result.route("**/api/v1/report?language=en", lambda route: route.fulfill(status=503, json=failure))
    result.get_by_role("button", name="Signed report").click()
    expect(result.locator("#notice")).to_be_visible()
    expect(result.get_by_role("button", name="Signed report")).to_be_enabled()
