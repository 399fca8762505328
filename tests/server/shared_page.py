"""One page that tests of a module use one after another without loading it again.

Loading the page takes 0.8 s of processor time, and as much again to analyze an image. Tests that look at the
same state get the page as it is; each leaves it as it found it. After a failed test the next gets a new page.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.server.page import expect_state, read_status
from tests.server.page_pool import PagePool, PooledPage


def loaded(page: Page) -> None:
    """The state of a page that was only opened."""


class SharedPage:
    """A page in a state that `bring_about` makes of the opened start page, once.

    Args:
        pool: Where the page comes from.
        url: Address of the server.
        bring_about: Takes the opened page to the state that the tests share.
        fresh: As of `PagePool.take`.
        options: Options of `Browser.new_context`.
    """

    def __init__(
        self,
        pool: PagePool,
        url: str,
        bring_about: Callable[[Page], None] = loaded,
        *,
        fresh: bool = False,
        **options: Any,
    ) -> None:
        self._pool, self._url, self._bring_about = pool, url, bring_about
        self._fresh, self._options = fresh, options
        self._pooled: PooledPage | None = None
        self._complaints: list[str] = []

    @contextlib.contextmanager
    def lend(self, request: pytest.FixtureRequest) -> Iterator[Page]:
        """Hand the page to one test; then end its routes and check what no page may ever do (`open_page`)."""
        failed_before = request.session.testsfailed
        page = self._take()
        yield page
        found, self._complaints[:] = list(self._complaints), []
        if found or request.session.testsfailed > failed_before:
            self.close()
        elif self._pooled:
            page.unroute_all(behavior="ignoreErrors")
        assert found == []

    def close(self) -> None:
        """Close the page; the next test gets a new one."""
        if self._pooled:
            self._pooled.close()
            self._pooled = None

    def _take(self) -> Page:
        if self._pooled is None:
            self._pooled = self._pool.take(self._options, fresh=self._fresh)
            self._pooled.open(self._url, "/", self._complaints.append)
            self._pooled.page.locator("#main > *").first.wait_for(state="attached")
            self._bring_about(self._pooled.page)
        return self._pooled.page


def at_home(page: Page) -> Page:
    """Lead the page to its start, where the files of tests before are still listed."""
    page.locator("#home").click()
    expect(page.locator("#filename")).to_have_count(0)
    return page


def start_over(page: Page) -> None:
    """Lead the page to its start, with an empty list."""
    page.locator("#home").click()
    expect(page.locator("#choose")).to_be_visible()
    if page.locator("#stop").is_visible():
        page.locator("#stop").click()
    if page.locator("#clear").is_visible():
        page.locator("#clear").click()
    expect_state(page, "empty")


def with_status(page: Page, change: Callable[[dict[str, Any]], None]) -> None:
    """Have the open page read another status of the server, until its routes end."""

    def respond(route: Route) -> None:
        status = route.fetch().json()
        change(status)
        route.fulfill(json=status)

    page.route("**/api/model-status", respond)
    read_status(page)
