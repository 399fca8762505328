"""Browser pages that tests of one module use one after another.

A new browser context with a new page costs about one second of processor time; navigating an existing page
costs a third of that. Tests that ask for the same context options share a page. Between two tests its routes,
storage, size and other tabs are reset, and it leaves the page, so that no timer of the last test runs on.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, CDPSession, ConsoleMessage, Page
from playwright.sync_api import Error as BrowserError

from tests.waiting import LIMIT_S

VIEWPORT = {"width": 1200, "height": 800}


class PooledPage:
    """A page in a context of its own, with checks for what no page of this project may do."""

    def __init__(self, browser: Browser, options: dict[str, Any]) -> None:
        self.options = options
        self.context: BrowserContext = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(1000 * LIMIT_S)
        self.debugger: CDPSession = self.context.new_cdp_session(self.page)
        self._origins: set[str] = set()
        self._url = ""
        self._report: Callable[[str], None] = lambda _: None
        self.page.on("pageerror", lambda error: self._report(f"script error: {error}"))
        self.page.on("console", self._on_console)
        self.page.on("request", lambda request: self._on_request(request.url))

    def open(self, url: str, path: str, report: Callable[[str], None]) -> None:
        """Go to an address; from now on, report script errors, console errors and foreign requests."""
        self._url, self._report = url, report
        self.page.goto(url + path)

    def reset(self) -> None:
        """Leave the page and forget all that the test did, but for scripts that it added to every page.

        Raise playwright's `Error` if the server has stopped.
        """
        self._report = lambda _: None
        self.page.unroute_all(behavior="ignoreErrors")
        self.context.unroute_all(behavior="ignoreErrors")
        for other in self.context.pages:
            if other != self.page:
                other.close()
        # An answer of the server without scripts: as the site stays the same, the browser keeps the process
        # that draws it. With the next test's page 0.43 s of processor time; with an empty page 0.56 s.
        self.page.goto(f"{self._url}/healthz")
        for origin in self._origins:
            self.debugger.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        self._origins.clear()
        self.page.set_viewport_size(self.options["viewport"])
        self.page.mouse.move(-1, -1)

    def close(self) -> None:
        self.context.close()

    def _on_console(self, message: ConsoleMessage) -> None:
        # The browser logs every unsuccessful response; tests provoke those.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self._report(message.text)

    def _on_request(self, requested: str) -> None:
        if requested.startswith(("blob:", "data:")):
            return
        address = urlsplit(requested)
        self._origins.add(f"{address.scheme}://{address.netloc}")
        if not requested.startswith(self._url):
            self._report(f"request to another host: {requested}")


class PagePool:
    """Hands out pages, reused where that is safe."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._idle: dict[str, PooledPage] = {}

    def take(self, options: dict[str, Any], *, fresh: bool) -> PooledPage:
        """Return an idle page with these context options, or a new one.

        Args:
            options: Options of `Browser.new_context`.
            fresh: Take a new context and let it use service workers; for tests of the cache and the service
                worker, and for tests that add init scripts, install a clock or emulate media.
        """
        options = {"viewport": VIEWPORT, **options}
        if fresh:
            return PooledPage(self._browser, options)
        options = {"service_workers": "block", **options}
        return self._idle.pop(repr(sorted(options.items())), None) or PooledPage(self._browser, options)

    def give_back(self, page: PooledPage) -> None:
        """Reset a page and keep it for another test, or close it if its server has stopped."""
        try:
            page.reset()
        except BrowserError:
            page.close()
            return
        replaced = self._idle.get(key := repr(sorted(page.options.items())))
        if replaced:
            replaced.close()
        self._idle[key] = page

    def close(self) -> None:
        for page in self._idle.values():
            page.close()
