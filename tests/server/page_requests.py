"""Requests of the page: hold them, wait for them, count them."""

import time
from collections.abc import Callable

from playwright.sync_api import Page, Route

from tests.waiting import LIMIT_S


def hold(page: Page, pattern: str = "**/api/predict*") -> list[Route]:
    """Leave such requests without an answer; returns those that have come so far."""
    held: list[Route] = []
    page.route(pattern, lambda route: held.append(route))
    return held


def wait_for(page: Page, condition: Callable[[], bool]) -> None:
    """Let the browser's events come in until a condition in the test itself holds."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, f"the condition does not hold after {LIMIT_S} s"
        page.wait_for_timeout(10)


def count_uploads(page: Page) -> Callable[[], int]:
    """Count the page's uploads from now on, in the page itself, where none can be on its way still."""
    page.evaluate(
        """() => {
            const { fetch } = window;
            window.uploads = 0;
            window.fetch = (address, options) => {
                if (options?.method === "POST") window.uploads += 1;
                return fetch(address, options);
            };
        }"""
    )
    return lambda: int(page.evaluate("uploads"))
