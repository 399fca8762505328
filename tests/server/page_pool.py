"""Browser pages that tests of one module use one after another.

A new browser context with a new page costs about one second of processor time; navigating an existing page
costs a third of that. Tests that ask for the same context options share a page. Between two tests its routes,
storage, size and other tabs are reset, and it leaves the page, so that no timer of the last test runs on.

Tests marked `same_page` stay on the page: its own modules bring it back to the state of a first visit, which
costs a sixteenth of loading it.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, CDPSession, ConsoleMessage, Page
from playwright.sync_api import Error as BrowserError

from tests.waiting import LIMIT_S

VIEWPORT = {"width": 1200, "height": 800}

# Notes what a page is like that has just been loaded: the names of its globals, and its settings.
NOTE = """() => {
    const globals = () => Object.keys(window).filter((name) => name !== "axe");
    const note = () => JSON.stringify([globals(), { ...localStorage }]);
    const { lang } = document.documentElement;
    Object.defineProperty(window, Symbol.for("first visit"), { value: { note, before: note(), lang } });
}"""
# Goes back to the language, removes results, messages and styles, and shows a view. Returns false where a
# test has left something else: loaded the page anew, added a global, changed a setting, searched the history.
START_OVER = """(path) => {
  const startOver = async () => {
    const { note, before, lang } = window[Symbol.for("first visit")] ?? {};
    if (!note) return false;
    const root = document.documentElement;
    const wait = (ms) => new Promise((done) => setTimeout(done, ms));
    if (root.lang !== lang) {
        const menu = document.getElementById("language");
        menu.value = lang;
        menu.dispatchEvent(new Event("change"));
        for (let waits = 0; root.lang !== lang && waits < 1000; waits += 1) await wait(5);
        if (root.lang !== lang) return false;
        localStorage.removeItem("veraface-language");
    }
    if (note() !== before) return false;
    const load = (name) => import(`/static/js/${name}.js`);
    const modules = ["queue", "history", "notice", "status", "router"];
    const [queue, history, notice, status, router] = await Promise.all(modules.map(load));
    for (const dialog of document.querySelectorAll("dialog")) dialog.close();
    // A result is stored a moment after it is shown: later, it would be in the history of the next test.
    const stored = async ({ id }) => {
        for (let waits = 0; waits < 40 && !(await history.recall(id)); waits += 1) await wait(25);
    };
    if (history.isOn()) await Promise.all(queue.checks().filter(queue.isResult).map(stored));
    queue.remove(queue.checks());
    await Promise.all([history.forgetAll(), status.readStatus()]);
    notice.showNotice("");
    delete root.dataset.theme;
    root.removeAttribute("style");
    document.getElementById("live").textContent = "";
    await router.go(path);
    document.activeElement?.blur();
    scrollTo(0, 0);
    const fields = [...document.querySelectorAll("#main :is(select, input[type=search])")];
    const chosen = fields.some((field) => (field.options ? field.selectedIndex : field.value));
    return note() === before && !chosen && !document.querySelector("#main .filter[aria-pressed=true]");
  };
  return Promise.race([startOver(), new Promise((late) => setTimeout(late, 20000, false))]);
}"""


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

    def start_over(self, url: str, path: str, report: Callable[[str], None]) -> None:
        """Show a view as at a first visit; load the page only if a test has left something behind it."""
        if self._url == url and self.page.url.startswith(url) and self.page.evaluate(START_OVER, path):
            self._report = report
            return
        if self._url:
            self.reset()
        self.open(url, path, report)
        self.page.locator("#main > *").first.wait_for(state="attached")
        self.page.evaluate(NOTE)

    def reset(self) -> None:
        """Leave the page and forget all that the test did, but for scripts that it added to every page.

        Raise playwright's `Error` if the server has stopped.
        """
        self.tidy()
        # An answer of the server without scripts: as the site stays the same, the browser keeps the process
        # that draws it. With the next test's page 0.43 s of processor time; with an empty page 0.56 s.
        self.page.goto(f"{self._url}/healthz")
        for origin in self._origins:
            self.debugger.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        self._origins.clear()

    def tidy(self) -> None:
        """Forget what a test did around the page: routes, other tabs, size, the place of the mouse."""
        self._report = lambda _: None
        self.page.unroute_all(behavior="ignoreErrors")
        self.context.unroute_all(behavior="ignoreErrors")
        for other in self.context.pages:
            if other != self.page:
                other.close()
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

    def take(self, options: dict[str, Any], *, fresh: bool = False, same: bool = False) -> PooledPage:
        """Return an idle page with these context options, or a new one.

        Args:
            options: Options of `Browser.new_context`.
            fresh: Take a new context and let it use service workers; for tests of the cache and the service
                worker, and for tests that add init scripts, install a clock or emulate media.
            same: Take one that stays on the page between two tests.
        """
        options = {"viewport": VIEWPORT, **options}
        if fresh:
            return PooledPage(self._browser, options)
        options = {"service_workers": "block", **options}
        return self._idle.pop(_key(options, same), None) or PooledPage(self._browser, options)

    def give_back(self, page: PooledPage, *, same: bool = False) -> None:
        """Reset a page and keep it for another test, or close it if its server has stopped."""
        try:
            page.tidy() if same else page.reset()
        except BrowserError:
            page.close()
            return
        replaced = self._idle.get(key := _key(page.options, same))
        if replaced:
            replaced.close()
        self._idle[key] = page

    def close(self) -> None:
        for page in self._idle.values():
            page.close()


def _key(options: dict[str, Any], same: bool) -> str:
    return f"{same} {sorted(options.items())!r}"
