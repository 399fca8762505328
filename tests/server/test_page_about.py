"""The about view in the browser: contents, privacy, examples that work when copied; more in tests/page/."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.waiting import LIMIT_S
from veraface import Detector

pytestmark = pytest.mark.same_page

OpenPage = Callable[..., Page]
Predict = Callable[..., httpx.Response]
PARTS = ["verdict", "how", "uses", "limits", "privacy", "model-card", "licence", "api"]


def example(page: Page, name: str) -> str:
    return page.locator(f"#example-{name} code").text_content() or ""


@pytest.fixture
def folder(tmp_path: Path, face: bytes) -> Path:
    """A folder such as the examples are made for."""
    (tmp_path / "photo.jpg").write_bytes(face)
    return tmp_path


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_contents_lead_to_every_part(open_page: OpenPage) -> None:
    page = open_page(path="/about")
    expect(page).to_have_title("About · Veraface")
    links = page.get_by_role("navigation", name="On this page").get_by_role("link")
    assert [link.get_attribute("href") for link in links.all()] == [f"#{part}" for part in PARTS]
    expect(page.locator(".about h2")).to_have_text(links.all_inner_texts())
    for part in reversed(PARTS):
        page.locator(f'.contents a[href="#{part}"]').click()
        expect(page.locator(f"#{part} h2")).to_be_in_viewport()
    page.locator('.contents a[href="#privacy"]').click()
    expect(page.locator('.contents a[href="#privacy"]')).to_have_attribute("aria-current", "location")
    expect(page.locator(".contents [aria-current]")).to_have_count(1)
    assert page.url.endswith("/about#privacy")


def test_a_part_has_an_address_of_its_own(open_page: OpenPage) -> None:
    page = open_page(path="/about#api", anew=True)
    expect(page.get_by_role("heading", name="API")).to_be_in_viewport()


def test_it_states_what_a_verdict_is_not(open_page: OpenPage) -> None:
    page = open_page(path="/about")
    expect(page.locator("#verdict")).to_contain_text("It is not proof")
    expect(page.locator("#verdict dt")).to_have_text(["Likely fake", "Cannot tell", "Likely real"])
    expect(page.locator("#how li h3")).to_have_text(["Decode", "Detect faces", "Crop", "Classify", "Decide"])
    expect(page.locator("#uses")).to_contain_text("alone against a person")
    expect(page.locator("#limits dt")).to_have_count(5)


def test_privacy_depends_on_where_the_server_is(open_page: OpenPage, server: Any) -> None:
    page = open_page(path="/about")
    expect(page.locator("#privacy")).to_contain_text("Images stay on this machine")
    # The same server under the name of another machine.
    elsewhere = "http://veraface.test"

    def from_server(route: Route) -> None:
        route.fulfill(response=route.fetch(url=route.request.url.replace(elsewhere, server.url)))

    far = page.context.new_page()
    far.route(f"{elsewhere}/**", from_server)
    far.goto(f"{elsewhere}/about")
    expect(far.locator("#privacy")).to_contain_text("Images go to veraface.test only")
    far.unroute_all(behavior="wait")  # what still loads would fail in the midst of it when the page closes


def test_every_library_comes_with_its_notice(open_page: OpenPage, client: httpx.Client) -> None:
    page = open_page(path="/about")
    links = page.locator("#licence .libraries a")
    expect(links).to_have_text(["uPlot", "idb", "Panzoom"])
    for link in links.all():
        notice = client.get(link.get_attribute("href") or "")
        assert "opyright" in notice.text
        assert notice.headers["content-type"].startswith("text/plain")


def test_the_example_for_curl_works(open_page: OpenPage, predict: Predict, face: bytes, folder: Path) -> None:
    if not shutil.which("curl"):
        pytest.skip("no curl")
    answer = json.loads(run(["sh", "-c", example(open_page(path="/about"), "curl")], folder))
    assert answer["verdict"] == predict(face).json()["verdict"]
    assert answer["p_fake"] == predict(face).json()["p_fake"]


def test_the_example_in_python_works(
    open_page: OpenPage, predict: Predict, face: bytes, no_face: bytes, folder: Path
) -> None:
    code = example(open_page(path="/about"), "python")
    answer = predict(face).json()
    assert run([sys.executable, "-c", code], folder) == f"{answer['verdict']} {answer['p_fake']}\n"
    (folder / "photo.jpg").write_bytes(no_face)
    assert run([sys.executable, "-c", code], folder) == "no_face None\n"
    (folder / "photo.jpg").write_bytes(b"no image")
    assert run([sys.executable, "-c", code], folder) == "unsupported_image\n"


def test_the_example_in_javascript_works(
    open_page: OpenPage, predict: Predict, face: bytes, no_face: bytes, folder: Path
) -> None:
    if not shutil.which("node"):
        pytest.skip("no node")
    (folder / "detect.mjs").write_text(example(open_page(path="/about"), "javascript"))
    answer = predict(face).json()
    assert run(["node", "detect.mjs"], folder) == f"{answer['verdict']} {answer['p_fake']}\n"
    (folder / "photo.jpg").write_bytes(no_face)
    assert run(["node", "detect.mjs"], folder) == "no_face null\n"
    (folder / "photo.jpg").write_bytes(b"no image")
    assert run(["node", "detect.mjs"], folder) == "unsupported_image\n"


def test_the_examples_of_library_and_command_work(open_page: OpenPage, face: bytes, folder: Path) -> None:
    page = open_page(path="/about")
    answer = Detector().detect(face)
    verdict, p_fake = run([sys.executable, "-c", example(page, "library")], folder).split()
    assert verdict == answer.verdict
    assert float(p_fake) == pytest.approx(answer.p_fake, abs=1e-4)
    command = "from veraface.cli import main; main()"
    plain, as_json, drawn = example(page, "command").splitlines()
    for line in (plain, as_json, drawn):
        assert line.startswith("veraface ")
    output = run([sys.executable, "-c", command, *as_json.split()[1:]], folder)
    assert json.loads(output)["verdict"] == answer.verdict
    run([sys.executable, "-c", command, *drawn.split()[1:]], folder)
    assert (folder / drawn.split()[-1]).read_bytes().startswith(b"\x89PNG")


def test_an_example_is_copied(open_page: OpenPage) -> None:
    page = open_page(path="/about", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("tab", name="Python", exact=True).click()
    button = page.get_by_role("tabpanel").get_by_role("button")
    button.click()
    expect(button).to_have_text("Copied")
    expect(page.locator("#live")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == example(page, "python")
    expect(button).to_have_text("Copy")


def test_where_nothing_may_be_copied_the_example_is_selected(open_page: OpenPage) -> None:
    page = open_page(anew=True)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.locator("#pages").get_by_role("link", name="About").click()
    page.get_by_role("tabpanel").get_by_role("button").click()
    expect(page.get_by_role("tabpanel").get_by_role("button")).to_have_text("Selected")
    assert page.evaluate("String(getSelection())") == example(page, "curl")


def test_it_fits_every_width(open_page: OpenPage) -> None:
    page = open_page(path="/about")
    expect(page.locator("#model-card code")).to_be_visible()
    for width in (320, 360, 768, 1280, 3840):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width


def test_where_writing_runs_from_right_to_left_code_does_not(open_page: OpenPage) -> None:
    page = open_page(path="/about", locale="ar", viewport={"width": 320, "height": 800})
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("#model-card code")).to_be_visible()
    directions = (
        "[...document.querySelectorAll('main :is(pre, code)')].map((o) => getComputedStyle(o).direction)"
    )
    assert set(page.evaluate(directions)) == {"ltr"}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tabs = page.get_by_role("tab")
    tabs.first.focus()
    page.keyboard.press("ArrowLeft")  # onwards, there
    expect(tabs.nth(1)).to_be_focused()
