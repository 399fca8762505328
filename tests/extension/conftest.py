"""Chromium with the extension, a website to test it on, and the real server."""

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, ViewportSize, Worker, expect
from playwright.sync_api import Error as BrowserError

from tests.conftest import chromium_path
from tests.programs import load_program
from tests.server.conftest import RunningServer, running_server

ROOT = Path(__file__).parents[2]
VIEWPORT: ViewportSize = {"width": 1000, "height": 700}
EMPTY = "data:text/html,"  # of an origin of its own: the tab loses the access that a click had granted


def require(tool: Path, name: str) -> None:
    """Skip the test if an npm package is missing; fail it in CI."""
    if not tool.is_file():
        reason = f"needs {name}: make tools"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


@pytest.fixture(scope="session")
def builder() -> ModuleType:
    return load_program("scripts/build_extension.py")


@pytest.fixture(scope="session")
def unpacked(builder: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    require(builder.ESBUILD, "esbuild")
    folder = tmp_path_factory.mktemp("extension") / "unpacked"
    builder.build(folder)
    return folder


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    with running_server() as server:
        yield server


class Site:
    """A web server on this machine; every host name that ends in .test resolves to it.

    `answers` maps a path to (status, headers, body), several of them in turn; `asked` lists the requests as
    (host, path, cookies).
    """

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, dict[str, str], bytes]]] = {}
        self.asked: list[tuple[str, str, str]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path = urlsplit(self.path).path
                if path != "/favicon.ico":
                    host = self.headers["Host"].split(":")[0]
                    site.asked.append((host, path, self.headers.get("Cookie", "")))
                answers = site.answers.get(path, [(404, {}, b"")])
                status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path: str, host: str = "page.test") -> str:
        return f"http://{host}:{self.port}{path}"

    def put(
        self, path: str, body: bytes | str, kind: str = "image/jpeg", status: int = 200, **headers: str
    ) -> None:
        content = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.setdefault(path, []).append((status, {"Content-Type": kind, **named}, content))

    def page(self, markup: str, path: str = "/", **headers: str) -> str:
        """Serve a page and return its address."""
        self.put(path, f"<!doctype html><body>{markup}", "text/html; charset=utf-8", **headers)
        return self.url(path)

    def be_busy(self) -> None:
        """Answer checks as a busy server, again and again, until `be_free`; what it answers then comes after.

        The extension asks six times. A single such answer would be shown for a second only, which a test on a
        slow machine misses.
        """
        for _ in range(5):
            self.put("/api/predict", "slow down", "text/plain", 503, Retry_After="1")

    def be_free(self) -> None:
        """Give the last of the answers to the next check."""
        del self.answers["/api/predict"][:-1]

    def as_server(self, **answer: Any) -> str:
        """Answer like a Veraface server with this verdict; return its address."""
        self.put(
            "/api/model-status", json.dumps({"loaded": True, "name": "m", "version": "1"}), "application/json"
        )
        whole = {
            "success": True,
            "verdict": "fake",
            "p_fake": 0.9,
            "faces": [],
            "reasons": [],
            "thresholds": {"real": 0.2, "fake": 0.8},
        }
        self.put("/api/predict", json.dumps({**whole, **answer}), "application/json")
        return self.url("", "127.0.0.1")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


DEBUGGERS: WeakKeyDictionary[Page, CDPSession] = WeakKeyDictionary()


class Card:
    """The next card on a page. Its shadow root is closed, so it is read through the debugger."""

    def __init__(self, page: Page) -> None:
        self._page = page
        if page not in DEBUGGERS:
            DEBUGGERS[page] = page.context.new_cdp_session(page)
        self._debugger = DEBUGGERS[page]
        self._before = {root["backendNodeId"] for root in self._roots()}

    def _roots(self) -> list[dict[str, Any]]:
        document = self._debugger.send("DOM.getDocument", {"depth": -1, "pierce": True})
        return list(closed_roots(document["root"]))

    def call(self, function: str, *arguments: Any) -> Any:
        """Call a function with the card's root as `this`; return None without a card."""
        root = next((root for root in self._roots() if root["backendNodeId"] not in self._before), None)
        if root is None:
            return None
        node = self._debugger.send("DOM.resolveNode", {"backendNodeId": root["backendNodeId"]})
        answer = self._debugger.send(
            "Runtime.callFunctionOn",
            {
                "objectId": node["object"]["objectId"],
                "functionDeclaration": function,
                "arguments": [{"value": argument} for argument in arguments],
                "returnByValue": True,
            },
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def text(self, selector: str = "[role=dialog], .pill") -> str | None:
        read = "function(selector) { return this.querySelector(selector)?.textContent ?? null }"
        return self.call(read, selector)

    def attribute(self, selector: str, name: str) -> str | None:
        read = "function(s, name) { return this.querySelector(s)?.getAttribute(name) ?? null }"
        return self.call(read, selector, name)

    def box(self, selector: str = "[role=dialog], .pill") -> dict[str, float]:
        read = "function(s) { return this.querySelector(s).getBoundingClientRect().toJSON() }"
        return self.call(read, selector)

    def click(self, selector: str) -> None:
        box = self.box(selector)
        self._page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def wait(self, condition: str, seconds: float = 300) -> None:
        """Wait until a JavaScript expression is true, with the card's root as `this`."""
        for _ in range(int(seconds * 20)):
            if self.call(f"function() {{ return Boolean({condition}) }}"):
                return
            self._page.wait_for_timeout(50)
        raise AssertionError(f"never true: {condition}; the card shows: {self.text()}")

    def verdict(self) -> str | None:
        self.wait("this.querySelector('[data-verdict] h2, .pill')")
        return self.attribute(".answer, .pill", "data-verdict")

    def fault(self) -> str | None:
        self.wait("this.querySelector('[data-fault]')")
        return self.attribute(".headline", "data-fault")


def wait_until(page: Page, holds: Callable[[], Any], seconds: float = 300) -> None:
    """Wait until `holds()` is true while the browser keeps running."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not true within {seconds} s"
        page.wait_for_timeout(20)


def closed_roots(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for root in node.get("shadowRoots", []):
        if root["shadowRootType"] == "closed":
            yield root
        yield from closed_roots(root)
    inside = node.get("contentDocument")
    for child in [*node.get("children", []), *([inside] if inside else [])]:
        yield from closed_roots(child)


class Chromium:
    """A browser with the extension."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.id = self.worker.url.split("/")[2]
        self._tabs: list[Page] = []
        self._idle: list[Page] = []

    @property
    def worker(self) -> Worker:
        """The extension's service worker; Chromium stops it when idle and restarts it."""
        workers = self.context.service_workers
        return workers[0] if workers else self.context.wait_for_event("serviceworker", timeout=300_000)

    def wait_until_ready(self) -> None:
        """Wait until the worker has registered its listeners."""
        listens = "() => chrome.contextMenus.onClicked.hasListeners()"
        wait_until(self.context.pages[0], lambda: self.worker.evaluate(listens))

    def _tab(self) -> Page:
        """Return an idle tab or a new one, which costs half a second of processor time."""
        if self._idle:
            return self._idle.pop()
        tab = self.context.new_page()
        tab.set_default_timeout(300_000)
        self._tabs.append(tab)
        return tab

    def tidy(self) -> None:
        """Close windows, empty the tabs and keep them for the next test."""
        self._tabs = [tab for tab in self._tabs if not tab.is_closed()]
        for page in self.context.pages[1:]:
            if page not in self._tabs:
                page.close()
        for tab in self._tabs:
            if tab not in self._idle:
                tab.goto(EMPTY)
                tab.set_viewport_size(VIEWPORT)
                tab.emulate_media(color_scheme="null")
        self._idle = list(self._tabs)
        self.context.clear_cookies()

    def open(self, page: str) -> Page:
        """Open a page of the extension."""
        opened = self._tab()
        opened.goto(f"chrome-extension://{self.id}/pages/{page}")
        expect(opened.locator("main[inert]")).to_have_count(0)  # as long as the options read the settings
        return opened

    def visit(self, url: str) -> Page:
        page = self._tab()
        page.goto(url)
        return page

    def settings(self, **settings: Any) -> None:
        self.worker.evaluate("async settings => chrome.storage.local.set({ settings })", settings)

    def history(self) -> list[dict[str, Any]]:
        return self.worker.evaluate("async () => (await chrome.storage.local.get('history')).history ?? []")

    def let_see(self, page: Page) -> None:
        """Grant access to the tab until it navigates, as a click on the menu entry does.

        The browser grants it at once, the page's process learns of it later; `let_in` waits for that as well.
        """
        page.bring_to_front()
        debugger: CDPSession = self.context.browser.new_browser_cdp_session()
        tabs = debugger.send("Target.getTargets", {"filter": [{"type": "tab"}]})["targetInfos"]
        tab = next(tab for tab in tabs if tab["url"] == page.url)
        self.worker.evaluate("async () => chrome.action.setPopup({ popup: '' })")
        try:
            # The menu cannot be clicked from outside, the extension's button can.
            debugger.send("Extensions.triggerAction", {"id": self.id, "targetId": tab["targetId"]})
        except BrowserError as error:
            pytest.skip(f"this Chromium cannot press the extension's button: {error.message}")

    def let_in(self, page: Page) -> None:
        """Grant access to the tab and wait until the page accepts scripts."""
        self.let_see(page)
        try_script = """async address => {
            const tab = (await chrome.tabs.query({})).find(tab => tab.url === address);
            const target = { tabId: tab.id };
            return chrome.scripting.executeScript({ target, func: () => 1 }).then(() => true, () => false);
        }"""
        wait_until(page, lambda: self.worker.evaluate(try_script, page.url))

    def right_click_window(self, page: Page, address: str) -> Page:
        """Right-click on an image of a page that shows no card; return the window with the result."""
        with self.context.expect_page() as opened:
            self.right_click(page, address)
        window = opened.value
        window.wait_for_selector("#view .answer")
        return window

    def right_click(self, page: Page, address: str, frame: int = 0, allow: bool | None = None) -> Card:
        """Choose "Check with Veraface" for the image at an address.

        `allow` is the user's answer to a permission prompt.
        """
        self.let_see(page)
        card = Card(page)
        self.worker.evaluate(
            """allow => {
                globalThis.asked = [];
                chrome.permissions.request = async ({ origins }) => {
                    asked.push(...origins);
                    return allow;
                };
            }""",
            allow,
        )
        info = {
            "menuItemId": "check",
            "mediaType": "image",
            "srcUrl": address,
            "pageUrl": page.url,
            "frameId": frame,
        }
        self.worker.evaluate(
            """async info => {
                const tab = (await chrome.tabs.query({})).find(tab => tab.url === info.pageUrl);
                chrome.contextMenus.onClicked.dispatch(info, tab);
            }""",
            info,
        )
        return card


@contextlib.contextmanager
def chromium_with(browser: Browser, extension: Path, profile: Path, **options: Any) -> Iterator[Chromium]:
    context = browser.browser_type.launch_persistent_context(
        str(profile),
        executable_path=chromium_path(),
        headless=False,  # Playwright's own headless mode knows no extensions
        args=[
            "--headless=new",
            "--no-sandbox",
            f"--disable-extensions-except={extension}",
            f"--load-extension={extension}",
            "--enable-unsafe-extension-debugging",
            "--host-resolver-rules=MAP *.test 127.0.0.1",
        ],
        **{"viewport": VIEWPORT, "locale": "en-GB", **options},
    )
    try:
        yield Chromium(context)
    finally:
        context.close()


@pytest.fixture(scope="session")
def _chromium_for_all(
    browser: Browser, unpacked: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chromium]:
    with chromium_with(browser, unpacked, tmp_path_factory.mktemp("profile")) as chromium:
        yield chromium


@pytest.fixture
def chromium(_chromium_for_all: Chromium, server: RunningServer) -> Iterator[Chromium]:
    """The shared browser with empty storage and the server's address set."""
    chromium = _chromium_for_all
    chromium.worker.evaluate(
        "async () => { await chrome.storage.local.clear(); await chrome.storage.session.clear() }"
    )
    chromium.settings(server=server.url)
    chromium.wait_until_ready()
    yield chromium
    chromium.tidy()


def leaves(words: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in words.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{name}.")
        else:
            yield path + name, value


@pytest.fixture(scope="session")
def read_words(unpacked: Path) -> Callable[[str], dict[str, str]]:
    """All messages of a language by their paths, as the build composes them."""
    return lambda language: dict(
        leaves(json.loads((unpacked / f"languages/{language}.json").read_text("utf-8")))
    )


@pytest.fixture(scope="session")
def read_own_words() -> Callable[[str], dict[str, str]]:
    """The extension's own messages by their paths."""
    folder = ROOT / "extension" / "languages"
    return lambda language: dict(leaves(json.loads((folder / f"{language}.json").read_text("utf-8"))))


AXE = ROOT / "tests" / "tools" / "node_modules" / "axe-core" / "axe.min.js"


def violations(page: Page) -> list[str]:
    """Return the accessibility violations that axe-core finds."""
    require(AXE, "axe-core")
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("async () => (await axe.run({ resultTypes: ['violations'] })).violations")
    return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]
