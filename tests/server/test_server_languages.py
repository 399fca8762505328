"""The page in every language: nothing missing, nothing left over, and a switch that changes everything."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

import veraface.server
from tests.server.page import bounds

STATIC = Path(veraface.server.__file__).parent / "static"
LANGUAGES = sorted(path.stem for path in (STATIC / "languages").glob("*.json"))
OTHERS = [name for name in LANGUAGES if name != "en"]
CATEGORIES = {"zero", "one", "two", "few", "many", "other"}
# Asked for by a name that is put together: text(`verdicts.${verdict}.name`).
COMPOSED = ("answer.", "verdicts.", "faults.", "reasons.", "result.stages.", "waiting.", "theme.")
COMPOSED += ("provenance.", "closeup.", "verify.")
COMPOSED += ("wrongAnswer.",)
COMPOSED += ("neverSayReal.", "wordsOnly.")  # replace others in a mode
COMPOSED += ("dashboard.glance.", "dashboard.kindNames.", "game.", "keys.decide.", "worklist.sort.")
COMPOSED += ("findings.grades.", "findings.limits.", "dashboard.attacks.", "dashboard.attributes.names.")

OpenPage = Callable[..., Page]


def leaves(words: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Paths and words; plural forms are one leaf."""
    for name, value in words.items():
        if isinstance(value, dict) and not set(value) <= CATEGORIES:
            yield from leaves(value, f"{path}{name}.")
        else:
            yield path + name, value


def read(language: str) -> dict[str, Any]:
    return dict(leaves(json.loads((STATIC / "languages" / f"{language}.json").read_text("utf-8"))))


def forms(value: Any) -> list[str]:
    return list(value.values()) if isinstance(value, dict) else [value]


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_there_are_seven() -> None:
    assert LANGUAGES == ["ar", "de", "en", "es", "fr", "hi", "zh"]


@pytest.mark.parametrize("language", OTHERS)
def test_no_words_are_missing_or_left_over(language: str) -> None:
    own, english = list(read(language)), list(read("en"))
    name = f"languages/{language}.json"
    missing, left_over = (
        [key for key in english if key not in own],
        [key for key in own if key not in english],
    )
    assert not missing, f"{name} lacks {missing}"
    assert not left_over, f"{name} has {left_over}, which en.json lacks"
    moved = [
        f"{key} where en.json has {other}" for key, other in zip(own, english, strict=True) if key != other
    ]
    assert not moved, f"{name} has the keys in another order: {moved[0]}"


@pytest.mark.parametrize("language", OTHERS)
def test_words_are_translated_and_keep_what_is_put_into_them(language: str) -> None:
    """A singular or dual may say its number in words."""
    for (path, own), english in zip(read(language).items(), read("en").values(), strict=True):
        where = f"languages/{language}.json: {path}"
        assert isinstance(own, dict) == isinstance(english, dict), where
        allowed = placeholders(forms(english)[-1])
        for form in forms(own):
            assert form.strip(), where
            assert "<" not in form, where
            assert placeholders(form) <= allowed, where
        assert placeholders(forms(own)[-1]) == allowed, where
    same = [
        path
        for path, own in read(language).items()
        if own == read("en")[path] and len(re.sub(r"\{\w+\}", "", str(own))) > 12
    ]
    assert same == ["intake.formats"]


def test_every_reason_has_words() -> None:
    """But for two, which are the verdicts' own words."""
    files = STATIC.parents[1].rglob("*.py")
    codes = {code for file in files for code in re.findall(r'Reason\(\s*"(\w+)"', file.read_text())}
    assert len(codes) > 10
    assert codes - {"no_face", "weak_evidence"} == {
        name.removeprefix("reasons.") for name in read("en") if name.startswith("reasons.")
    }


def test_every_word_is_asked_for_and_every_one_asked_for_is_there() -> None:
    code = "".join(p.read_text("utf-8") for p in [*STATIC.rglob("js/**/*.js"), STATIC / "index.html"])
    asked = set(re.findall(r'(?:\btext\(|data-text="?|data-label="?|\bhasText\()"([\w.]+)"', code))
    asked |= set(re.findall(r'"data-(?:text|label)": "([\w.]+)"', code))
    asked |= set(re.findall(r'\b(?:label|title|path): "([\w.]+)"', code))
    known = set(read("en"))
    assert not asked - known, f"languages/en.json lacks {sorted(asked - known)}"
    named = set(re.findall(r'"(\w+(?:\.\w+)+)"', code))  # keys kept in variables
    composed = {path for path in known if path.startswith(COMPOSED)}
    unused = sorted(known - asked - named - composed)
    assert not unused, f"no code asks for {unused}; use them, or add their prefix to COMPOSED of this file"


# How each language says "real", and the texts about one image or face.
REAL = {
    "ar": "حقيقي|واقعي",
    "de": r"\becht",
    "en": r"\breal",
    "es": r"\breal(es)?\b|auténtic",
    "fr": r"\bréel|authenti",
    "hi": "असली|वास्तविक",
    "zh": "真",
}
ABOUT_AN_IMAGE = (
    "answer.",
    "evidence.heatmap.",
    "keys.decide.",
    "reasons.",
    "result.",
    "stage.",
    "verdicts.",
)
NOT_REAL = "verdicts.real.detail"  # in this mode it says that nothing proves an image to be authentic


@pytest.mark.parametrize("language", LANGUAGES)
def test_never_say_real_replaces_every_text_about_an_image_that_says_so(language: str) -> None:
    words, real = read(language), re.compile(REAL[language], re.IGNORECASE)
    assert real.search(words["verdicts.real.name"])
    assert real.search(words["answer.worth.real"])
    instead = {p.removeprefix("neverSayReal."): t for p, t in words.items() if p.startswith("neverSayReal.")}
    assert instead.keys() <= words.keys()
    shown = {
        path: [re.sub(r"\{\w+\}", "", form) for form in forms(instead.get(path, text))]
        for path, text in words.items()
    }
    said = [
        path
        for path, texts in shown.items()
        if path.startswith(ABOUT_AN_IMAGE) and path != NOT_REAL and any(map(real.search, texts))
    ]
    assert said == []


def choose(page: Page, content: bytes) -> None:
    page.set_input_files("#file", {"name": "one.jpg", "mimeType": "image/jpeg", "buffer": content})


def test_the_menu_changes_everything_at_once(open_page: OpenPage, two_faces: bytes, no_face: bytes) -> None:
    """The result stays, the words change, and the choice is remembered: for one language after another."""
    page = open_page()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    choose(page, two_faces)
    expect(page.locator("body")).to_have_attribute("data-state", "analyzed")
    page.locator(".face-item").nth(1).click()
    shown = page.locator("#p-fake").text_content()
    for language in OTHERS:
        words = read(language)
        page.locator("#language").select_option(language)
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.locator("html")).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
        names = [words[f"verdicts.{verdict}.name"] for verdict in ("fake", "real", "uncertain")]
        assert page.locator("#verdict").text_content() in names, language
        expect(page.locator(".details h3")).to_have_text(words["result.details"])
        expect(page.locator(".face-item").nth(1)).to_have_attribute("aria-pressed", "true")
        expect(page.locator(".face-box").nth(1)).to_have_attribute("aria-pressed", "true")
        digits = re.compile(r"\D")
        assert digits.sub("", page.locator("#p-fake").text_content() or "") == digits.sub("", shown or "")
        theme = words["theme.label"].format(theme=words["theme.system"], next=words["theme.light"])
        expect(page.locator("#theme")).to_have_attribute("aria-label", theme)
        assert english_in(page, words) == [], language

    choose(page, no_face)
    for language in OTHERS:
        page.locator("#language").select_option(language)
        expect(page.locator("#verdict")).to_have_text(read(language)["faults.no_face.name"])
    page.locator("#home").click()
    for language in OTHERS:
        page.locator("#language").select_option(language)
        expect(page.locator("html")).to_have_attribute("lang", language)
        page.reload()
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.locator("h1").first).to_have_text(read(language)["hero.heading"])


def english_in(page: Page, words: dict[str, Any]) -> list[str]:
    """English phrases on the page, but for those that are marked as English."""
    shown = page.evaluate(
        """() => {
            const copy = document.body.cloneNode(true);
            copy.querySelectorAll("[lang=en], option").forEach((node) => node.remove());
            return copy.textContent;
        }"""
    )
    english = {path: form for path, message in read("en").items() for form in forms(message)}
    return [
        text for path, text in english.items() if text != words[path] and len(text) > 12 and text in shown
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_unit_is_repeated(language: str) -> None:
    """What is put into a sentence comes with its unit: "192 px px" stood in four languages."""
    units = r"\{(size|percent|share|allowed|fake|real|low|high|reals|fakes)\}\s*(px|%|MB|像素|بكسل)"
    assert [
        text for words in read(language).values() for text in forms(words) if re.search(units, text)
    ] == []


def test_every_view_speaks_every_language(open_page: OpenPage) -> None:
    """And has room for it on the narrowest phone."""
    page = open_page(locale=OTHERS[0], viewport={"width": 320, "height": 640})
    for view in ("dashboard", "about", "history"):
        page.locator(f'#pages [data-view="{view}"]').click()
        expect(page.locator("h1")).to_have_text(read(OTHERS[0])[f"{view}.heading"])
        page.wait_for_load_state("networkidle")
        for language in OTHERS:
            words = read(language)
            page.locator("#language").select_option(language)
            expect(page.locator("h1")).to_have_text(words[f"{view}.heading"])
            expect(page).to_have_title(f"{words[f'{view}.title']} · Veraface")
            assert english_in(page, words) == [], (view, language)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (view, language)
        page.locator("#language").select_option(OTHERS[0])
    for language in OTHERS:
        words = read(language)
        page.locator("#language").select_option(language)
        expect(page.locator("html")).to_have_attribute("lang", language)
        page.locator("h1").click()
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_contain_text(words["keys.heading"])
        assert english_in(page, words) == [], language
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_language_of_the_browser_is_taken_where_there_is_one(open_page: OpenPage) -> None:
    page = open_page(locale="de-AT")
    expect(page.locator("h1").first).to_have_text(read("de")["hero.heading"])
    expect(page.locator("#language")).to_have_value("de")
    page = open_page(locale="fi-FI")
    expect(page.locator("h1").first).to_have_text(read("en")["hero.heading"])


def test_what_is_written_from_right_to_left_fits_a_phone(open_page: OpenPage, two_faces: bytes) -> None:
    """And the scale of the probability still runs from left to right, as its marker does."""
    page = open_page(locale="ar", viewport={"width": 320, "height": 844}, has_touch=True, is_mobile=True)
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    choose(page, two_faces)
    expect(page.locator("body")).to_have_attribute("data-state", "analyzed")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    real, fake = (bounds(page, f".answer .zone >> nth={index}") for index in (0, -1))
    assert real["x"] < fake["x"]


def test_without_its_words_the_page_speaks_english(open_page: OpenPage) -> None:
    """And the menu goes back to the language that is in use where another cannot be had."""
    page = open_page(fresh=True)
    page.context.route("**/languages/fr.json", lambda route: route.fulfill(status=503))  # the worker asks too
    page.locator("#language").select_option("fr")
    expect(page.locator("#language")).to_have_value("en")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.evaluate("localStorage.setItem('veraface-language', 'fr')")
    page.reload()
    expect(page.locator("h1").first).to_have_text(read("en")["hero.heading"])
    page.evaluate("localStorage.setItem('veraface-language', 'constructor')")
    page.reload()
    expect(page.locator("h1").first).to_have_text(read("en")["hero.heading"])
