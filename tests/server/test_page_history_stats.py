"""Counts of the results in this browser, folded below the history."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.same_page

OpenPage = Callable[..., Page]
REMEMBER = """async (entries) => {
  const history = await import("/static/js/history.js");
  const nothing = { hash: null, p_fake: null, answer: null, failure: null, picture: null };
  for (const [i, [verdict, days]] of entries.entries()) {
    const time = Date.now() - days * 86400e3;
    await history.remember({ ...nothing, id: `entry-${i}`, name: "", size: 1, verdict, time });
  }
}"""


def open_stats(open_page: OpenPage) -> Page:
    page = open_page(path="/history")
    page.locator(".history-stats summary").click()
    expect(page.locator("#own > *").first).to_be_visible()
    return page


def test_an_empty_history_links_to_the_start(open_page: OpenPage) -> None:
    page = open_stats(open_page)
    expect(page.locator("#own")).to_contain_text("Nothing yet")
    expect(page.locator("#own a")).to_have_attribute("href", "/")


def test_own_results_are_counted_by_verdict_and_by_day(open_page: OpenPage) -> None:
    page = open_stats(open_page)
    page.evaluate(REMEMBER, [["fake", 0], ["fake", 2], ["real", 2], ["no_face", 45]])
    rows = page.locator("#own table").first.locator("tbody tr")
    expect(rows.nth(0)).to_have_text("Likely fake250%")
    expect(rows.nth(2)).to_have_text("Likely real125%")
    expect(rows.nth(3)).to_have_text("No face found125%")
    plot = page.locator("#own [role=slider]")
    expect(plot).to_have_attribute("aria-valuemax", "30")
    plot.focus()
    page.keyboard.press("End")
    expect(page.locator("#own .reading")).to_contain_text("1 image · Likely fake 1")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#own .reading")).to_contain_text("2 images · Likely fake 1 · Likely real 1")


def test_a_switched_off_history_is_reported(open_page: OpenPage) -> None:
    page = open_stats(open_page)
    page.evaluate("import('/static/js/history.js').then((history) => history.setOn(false))")
    expect(page.locator("#own")).to_contain_text("switched off")
    expect(page.locator("#own a")).to_have_attribute("href", "/history")
