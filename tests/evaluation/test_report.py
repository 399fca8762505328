"""The report as Markdown, and as a page in a real browser."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests.evaluation.sample_predictions import many
from tests.evaluation.sample_reports import hostile_report, small_report
from veraface.evaluation.report import full_markdown, page, short_form, summary
from veraface.evaluation.run import AllPredictions, EvaluationConfig, compute_report

PLOTS = ["confusion", "roc", "reliability", "forest", "risk", "histograms", "curves"]


class Tags(HTMLParser):
    """Counts the tags of a page and keeps their addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def tags(html: str) -> Tags:
    parser = Tags()
    parser.feed(html)
    return parser


def test_the_report_starts_with_the_summary() -> None:
    report = small_report()
    short, full = summary(report), full_markdown(report)
    assert full.startswith(short)
    assert "**This data set can be told apart by file size alone" in short
    for heading in ("## By source", "## Robustness"):
        assert heading in short
    for heading in ("## Self-blended fakes", "## By generator", "## By face size", "## Curves"):
        assert heading not in short
        assert heading in full
    everything = report["rows"][0]
    low, high = everything["intervals"]["auc"]
    assert f"| {everything['auc']:.3f} ({low:.3f} to {high:.3f}) |" in short


def test_markdown_tables_have_equal_columns() -> None:
    for report in (small_report(), hostile_report()):
        lines = full_markdown(report).splitlines()
        for line, rule in zip(lines, lines[1:], strict=False):
            if rule.startswith("|---"):
                width = len(re.findall(r"(?<!\\)\|", line))
                for row in lines[lines.index(line) :]:
                    if not row.startswith("|"):
                        break
                    assert len(re.findall(r"(?<!\\)\|", row)) == width, row


def test_only_what_was_measured_is_reported() -> None:
    report = {k: v for k, v in small_report().items() if k not in ("tiers", "curves", "self_blended")}
    for text in (full_markdown(report), page(report)):
        assert "Robustness" not in text
        assert "Self-blended" not in text
        assert "strength" not in text


def test_several_formats_have_a_table() -> None:
    images = [replace(p, format=("JPEG", "PNG")[at % 2]) for at, p in enumerate(many(120))]
    evidence = AllPredictions(images, {}, {}, [], [], np.ones((len(images), 5)))
    head = {key: small_report()[key] for key in ("data", "command", "model", "thresholds")}
    report = head | compute_report(evidence, EvaluationConfig())
    markdown = full_markdown(report)
    assert "## By file format and face size" in markdown
    assert "| PNG, from 256 px |" in markdown
    sizes = [row["format"] for row in report["by_format"]]
    assert sizes == sorted(sizes)
    classified = sum(p.face_size is not None for p in images)
    assert sum(row["real"] + row["fake"] for row in report["by_format"]) == classified
    kept = short_form(report)["by_format"]
    assert [(row["format"], row["face_size"]) for row in kept] == [
        (row["format"], row["face_size"]) for row in report["by_format"]
    ]
    assert "By file format" not in full_markdown(small_report())


def test_a_set_of_one_class_can_be_reported() -> None:
    reals = [p for p in many(60) if not p.fake]
    evidence = AllPredictions(reals, {}, {}, [], [], np.ones((len(reals), 5)))
    head = {key: small_report()[key] for key in ("data", "command", "model", "thresholds")}
    html = page(head | compute_report(evidence, EvaluationConfig()))
    assert html.count("<figure") == 3


def test_the_page_is_self_contained() -> None:
    found = tags(page(small_report()))
    assert not {"script", "link", "img", "iframe", "image", "base", "form"} & set(found.names)
    for name, value in found.attributes:
        if name in ("href", "xlink:href", "src"):
            assert value.startswith("#"), value
    ids = [value for name, value in found.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_the_page_is_reproducible_without_a_date() -> None:
    report = small_report()
    html = page(report)
    assert html == page(report)
    assert not re.search(r"20\d\d-\d\d|<metadata>|/home/|/work/|/tmp/", html)


def test_hostile_names_stay_text() -> None:
    """The page has the same tags as with harmless names, and as many."""
    harmless, hostile = tags(page(small_report())), tags(page(hostile_report()))
    assert sorted(set(hostile.names)) == sorted(set(harmless.names))
    assert {name for name, _ in hostile.attributes} == {name for name, _ in harmless.attributes}
    assert "\x1b" not in full_markdown(hostile_report())


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The page with hostile names, with what it asked for and complained of."""
    (tmp_path / "report.html").write_text(page(hostile_report()), encoding="utf-8")
    context = browser.new_context(viewport={"width": 1150, "height": 900})
    shown = context.new_page()
    asked: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.on("console", lambda message: asked.append(message.text))
    shown.on("dialog", lambda dialog: asked.append(dialog.message))
    shown.goto((tmp_path / "report.html").as_uri())
    yield shown
    assert asked == [(tmp_path / "report.html").as_uri()]
    context.close()


@pytest.mark.browser
def test_every_plot_has_a_text_alternative_and_numbers(opened: Page) -> None:
    assert opened.title() == "Veraface on faces, test split"
    assert opened.locator("figure").evaluate_all("all => all.map((f) => f.id)") == PLOTS
    for name in PLOTS:
        figure = opened.locator(f"figure#{name}")
        drawing = figure.locator("svg").bounding_box()
        assert drawing is not None
        assert drawing["width"] > 300, name
        assert drawing["height"] > 100, name
        assert len(figure.locator("[role=img]").get_attribute("aria-label") or "") > 40
        assert len(figure.locator("figcaption").inner_text()) > 40
        figure.locator("summary").click()
        assert figure.locator("table").is_visible()
        assert figure.locator("tbody tr").count() >= 1
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(opened: Page, scheme: str) -> None:
    """Contrast of at least 4.5 to 1 of the plots' text, as WCAG 2.2 asks for text."""
    opened.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    ink = opened.locator("#roc svg text").first.evaluate("t => getComputedStyle(t).fill")
    card = opened.locator("figure#roc").evaluate("f => getComputedStyle(f).backgroundColor")
    light, dark = sorted(map(luminance, (ink, card)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5
    assert (luminance(card) < 0.1) == (scheme == "dark")


@pytest.mark.browser
def test_it_fits_a_phone(opened: Page) -> None:
    opened.set_viewport_size({"width": 390, "height": 800})
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")


def luminance(color: str) -> float:
    """Relative luminance as WCAG 2.2 defines it, of "rgb(r, g, b)"."""
    channels = [int(number) / 255 for number in re.findall(r"\d+", color)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
