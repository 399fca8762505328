"""What the page says of Veraface: its model's card as it is, and examples that work when they are copied."""

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
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
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
    page = open_page(path="/about#api")
    expect(page.get_by_role("heading", name="API")).to_be_in_viewport()


def test_it_says_what_a_verdict_is_not(open_page: OpenPage) -> None:
    page = open_page(path="/about")
    expect(page.locator("#verdict")).to_contain_text("It is not proof")
    expect(page.locator("#verdict dt")).to_have_text(["Likely fake", "Cannot tell", "Likely real"])
    expect(page.locator("#how li h3")).to_have_text(["Read", "Find faces", "Cut out", "Judge", "Decide"])
    expect(page.locator("#uses")).to_contain_text("alone against a person")
    expect(page.locator("#limits dt")).to_have_count(5)


def test_privacy_depends_on_where_the_server_is(open_page: OpenPage, server: Any) -> None:
    page = open_page(path="/about")
    expect(page.locator("#privacy")).to_contain_text("Pictures stay on this machine")
    # The same server under the name of another machine.
    elsewhere = "http://veraface.test"

    def from_server(route: Route) -> None:
        route.fulfill(response=route.fetch(url=route.request.url.replace(elsewhere, server.url)))

    far = page.context.new_page()
    far.route(f"{elsewhere}/**", from_server)
    far.goto(f"{elsewhere}/about")
    expect(far.locator("#privacy")).to_contain_text("Pictures go to veraface.test only")
    far.unroute_all(behavior="wait")  # what still loads would fail in the midst of it when the page closes


def test_the_card_is_that_of_the_model(open_page: OpenPage, client: httpx.Client) -> None:
    card = client.get("/api/model").json()
    page = open_page(path="/about")
    shown = page.locator("#model-card")
    expect(shown.locator("code")).to_have_text(card["sha256"])
    expect(shown).to_contain_text(f"{card['name']} {card['version']}")
    expect(shown).to_contain_text(f"{card['crop']['size']} × {card['crop']['size']} px")
    expect(shown).to_contain_text(f"Up to {card['thresholds']['real']:.0%} counts as real")
    expect(shown).to_contain_text(f"Reals called fake: {card['error_rates']['reals_called_fake']:.1%}")
    expect(shown).to_contain_text(card["licence"])
    expect(shown.locator('ul[lang="en"] li')).to_have_text(card["limits"])
    shown.get_by_text("Terms of the training pictures").click()
    expect(shown.locator("tbody tr")).to_have_count(len(card["data_terms"]))
    for source, terms in card["data_terms"].items():
        expect(shown.get_by_role("row", name=f"{source} {terms}", exact=True)).to_be_visible()
    expect(shown.locator("tbody")).to_have_attribute("lang", "en")


def test_a_card_that_lacks_things_is_shown_as_it_is(open_page: OpenPage) -> None:
    page = open_page()
    page.route("**/api/model", lambda route: route.fulfill(json={"name": "<b>mine</b>", "version": "2"}))
    page.locator("#pages").get_by_role("link", name="About").click()
    expect(page.locator("#model-card dd").first).to_have_text("<b>mine</b> 2")
    expect(page.locator("#model-card details")).to_be_hidden()
    expect(page.locator("#model-card")).to_contain_text("states no limits")


def test_markup_in_a_card_stays_text(open_page: OpenPage, client: httpx.Client) -> None:
    markup = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"

    def everywhere(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: everywhere(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [everywhere(inner) for inner in value]
        return markup if isinstance(value, str) else value

    card = {**everywhere(client.get("/api/model").json()), "data_terms": {markup: markup}}
    page = open_page()
    page.route("**/api/model", lambda route: route.fulfill(json=card))
    page.locator("#pages").get_by_role("link", name="About").click()
    shown = page.locator("#model-card")
    expect(shown.locator("code")).to_have_text(markup)
    expect(shown.locator("li", has_text=markup)).to_have_count(len(card["limits"]))
    expect(shown.locator("tbody th")).to_have_text(markup)
    assert page.locator("#main :is(img, script)").count() == 0
    expect(page).to_have_title("About · Veraface")


@pytest.mark.parametrize(
    "card",
    [
        {},
        {
            "name": 7,
            "version": None,
            "sha256": {"a": 1},
            "crop": "large",
            "thresholds": {"real": "0.1"},
            "error_rates": ["none"],
            "limits": "none",
            "data": [],
            "licence": {},
            "data_terms": {"one": {"two": 3}},
        },
        {"crop": {}, "thresholds": 3, "error_rates": "x", "limits": {"length": 2}, "data_terms": "abc"},
    ],
)
def test_a_card_may_have_anything_in_another_form(open_page: OpenPage, card: dict[str, Any]) -> None:
    page = open_page()
    page.route("**/api/model", lambda route: route.fulfill(json=card))
    page.locator("#pages").get_by_role("link", name="About").click()
    shown = page.locator("#model-card")
    expect(shown).to_contain_text("states no limits")
    expect(shown.locator(".bone")).to_have_count(0)
    said = shown.inner_text()
    assert [broken for broken in ("undefined", "NaN", "[object", "null") if broken in said] == []


def test_without_a_card_it_says_so_and_tries_again(open_page: OpenPage) -> None:
    page = open_page()
    page.route("**/api/model", lambda route: route.abort())
    page.locator("#pages").get_by_role("link", name="About").click()
    expect(page.locator("#model-card")).to_contain_text("does not answer")
    expect(page.locator("#model-card dl")).to_be_hidden()
    page.unroute("**/api/model")
    page.locator("#model-card").get_by_role("button", name="Try again").click()
    expect(page.locator("#model-card code")).to_be_visible()
    expect(page.locator("#model-card")).to_be_focused()


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
    assert answer["success"] is True
    assert answer["p_fake"] == predict(face).json()["p_fake"]


def test_the_example_in_python_works(
    open_page: OpenPage, predict: Predict, face: bytes, no_face: bytes, folder: Path
) -> None:
    code = example(open_page(path="/about"), "python")
    answer = predict(face).json()
    assert run([sys.executable, "-c", code], folder) == f"{answer['verdict']} {answer['p_fake']}\n"
    (folder / "photo.jpg").write_bytes(no_face)
    assert run([sys.executable, "-c", code], folder) == "no_face\n"


def test_the_example_in_javascript_works(
    open_page: OpenPage, predict: Predict, face: bytes, no_face: bytes, folder: Path
) -> None:
    if not shutil.which("node"):
        pytest.skip("no node")
    (folder / "judge.mjs").write_text(example(open_page(path="/about"), "javascript"))
    answer = predict(face).json()
    assert run(["node", "judge.mjs"], folder) == f"{answer['verdict']} {answer['p_fake']}\n"
    (folder / "photo.jpg").write_bytes(no_face)
    assert run(["node", "judge.mjs"], folder) == "no_face\n"


def test_the_examples_of_library_and_command_work(
    open_page: OpenPage, predict: Predict, face: bytes, folder: Path
) -> None:
    page = open_page(path="/about")
    answer = predict(face).json()
    verdict, p_fake = run([sys.executable, "-c", example(page, "library")], folder).split()
    assert verdict == answer["verdict"]
    assert float(p_fake) == pytest.approx(answer["p_fake"], abs=1e-4)
    command = "from veraface.cli import main; main()"
    plain, as_json, drawn = example(page, "command").splitlines()
    for line in (plain, as_json, drawn):
        assert line.startswith("veraface ")
    said = run([sys.executable, "-c", command, *as_json.split()[1:]], folder)
    assert json.loads(said)["verdict"] == answer["verdict"]
    run([sys.executable, "-c", command, *drawn.split()[1:]], folder)
    assert (folder / drawn.split()[-1]).read_bytes().startswith(b"\x89PNG")


def test_the_tabs_are_moved_through_by_keys(open_page: OpenPage) -> None:
    page = open_page(path="/about")
    tabs = page.get_by_role("tab")
    expect(tabs).to_have_text(["curl", "Python", "JavaScript", "Python library", "Command"])
    tabs.nth(0).focus()
    for key, index in (
        ("ArrowRight", 1),
        ("ArrowLeft", 0),
        ("ArrowLeft", 4),
        ("ArrowRight", 0),
        ("End", 4),
        ("Home", 0),
    ):
        page.keyboard.press(key)
        expect(tabs.nth(index)).to_be_focused()
        expect(page.get_by_role("tab", selected=True)).to_have_text(tabs.nth(index).inner_text())
        expect(page.get_by_role("tabpanel")).to_have_count(1)
        assert page.get_by_role("tabpanel").get_attribute("aria-labelledby") == tabs.nth(index).get_attribute(
            "id"
        )


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
    page = open_page()
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.locator("#pages").get_by_role("link", name="About").click()
    page.get_by_role("tabpanel").get_by_role("button").click()
    expect(page.get_by_role("tabpanel").get_by_role("button")).to_have_text("Selected")
    assert page.evaluate("String(getSelection())") == example(page, "curl")


@pytest.mark.parametrize("width", [320, 360, 768, 1280, 3840])
def test_it_fits_every_width(open_page: OpenPage, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 800})
    page.locator("#pages").get_by_role("link", name="About").click()
    expect(page.locator("#model-card code")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


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
