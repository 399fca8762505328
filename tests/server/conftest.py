"""The real server as a process of its own, images to send to it, and a real browser."""

import contextlib
import csv
import os
import resource
import socket
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.cli.terminal import COMMAND
from tests.examples import PROFILE
from tests.server import sites
from tests.server.page_pool import PagePool, PooledPage
from tests.server.remembered import SEED
from tests.server.shared_page import SharedPage
from tests.waiting import LIMIT_S, wait_until

ROOT = Path(__file__).parents[2]
DEFAULT_MODEL = {"VERAFACE_MODEL": ""}


class RunningServer:
    """A server process, its address and all it has logged so far."""

    def __init__(self, url: str, process: subprocess.Popen[bytes]) -> None:
        self.url = url
        self.process = process
        self._lines: list[str] = []
        self._logged = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            with self._logged:
                self._lines.append(line.decode(errors="replace"))
                self._logged.notify_all()

    def log(self) -> str:
        return "".join(self._lines)

    def memory_mb(self) -> float:
        """Of the server and all of its workers; what they share is counted once."""
        root = psutil.Process(self.process.pid)
        total = 0
        for process in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):  # a worker that is replaced just now
                total += process.memory_full_info().pss
        return total / 1e6

    def wait_for_log(self, text: str, seconds: float = LIMIT_S) -> str:
        with self._logged:
            self._logged.wait_for(lambda: text in self.log(), seconds)
        return self.log()


def forbid_writing_files() -> None:
    """From here on, every write of even one byte to any file fails in this process (pipes do not)."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@contextlib.contextmanager
def running_server(**settings: str) -> Iterator[RunningServer]:
    """Start a server with the fast model, unless the settings name another one; `DEFAULT_MODEL` sets none.

    Most tests need no particular verdict, and the fast model takes a fifth of the processor time.
    """
    settings = {"VERAFACE_MODEL": "fast", **settings}
    if not settings["VERAFACE_MODEL"]:
        del settings["VERAFACE_MODEL"]
    port = settings.get("VERAFACE_PORT") or free_port()
    # Coverage is not measured in a process that may not write files: saving its data would fail.
    ignored = ("VERAFACE_", "COVERAGE_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ignored)}
    process = subprocess.Popen(
        [*COMMAND, "serve"],
        env={**clean, "PYTHONUNBUFFERED": "1", "VERAFACE_PORT": port, **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=forbid_writing_files,
    )
    server = RunningServer(f"http://127.0.0.1:{port}", process)
    try:
        wait_until_ready(server)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=LIMIT_S)


def is_ready(url: str) -> bool:
    """Return whether a server answers and has loaded its model.

    Not with httpx, which loads certificates for every request: 23 ms of processor time instead of 0.1 ms.
    """
    connection = HTTPConnection(urlsplit(url).netloc, timeout=LIMIT_S)
    with contextlib.suppress(OSError, HTTPException), contextlib.closing(connection):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False


def wait_until_ready(server: RunningServer) -> None:
    try:
        wait_until(lambda: server.process.poll() is not None or is_ready(server.url), pause_s=0.05)
        assert server.process.poll() is None
    except AssertionError as error:
        raise RuntimeError(f"the server did not become ready:\n{server.log()}") from error


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    """A server with the default settings but for the model, in a process that cannot write to any file."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="module")
def server_with_default_model() -> Iterator[RunningServer]:
    with running_server(**DEFAULT_MODEL) as server:
        yield server


@pytest.fixture
def own_server(start_server: Callable[..., Any]) -> Iterator[RunningServer]:
    """One for a single test, which may measure it; with the default model in the profile `deep`."""
    with start_server(**DEFAULT_MODEL if PROFILE == "deep" else {}) as server:
        yield server


@pytest.fixture(scope="session")
def small_server() -> Iterator[RunningServer]:
    """A server that takes 200 kB and a quarter of a megapixel at most."""
    with running_server(VERAFACE_MAX_UPLOAD_BYTES="200000", VERAFACE_MAX_PIXELS="250000") as server:
        yield server


@pytest.fixture(scope="session")
def start_server() -> Callable[..., contextlib.AbstractContextManager[RunningServer]]:
    return running_server


@pytest.fixture(scope="session")
def no_writes() -> Callable[[], None]:
    return forbid_writing_files


@pytest.fixture(scope="session")
def run_async() -> Callable[..., Any]:
    """Runs a coroutine function in a thread of its own: Playwright keeps a loop in the main one."""

    def run(function: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        with ThreadPoolExecutor(max_workers=1) as pool:
            return pool.submit(anyio.run, function).result()

    return run


@pytest.fixture(scope="session")
def client(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=LIMIT_S) as client:
        yield client


@pytest.fixture(scope="session")
def predict(client: httpx.Client) -> Callable[..., httpx.Response]:
    """Sends an image to /api/predict as any client would."""

    def send(content: bytes, filename: str = "image.jpg", **params: str) -> httpx.Response:
        return client.post("/api/predict", files={"image": (filename, content)}, params=params)

    return send


@pytest.fixture
def site(face: bytes) -> Iterator[Any]:
    """A server on the web with that image; see `tests.server.sites`."""
    sites.Site.pages = {"face": face}
    with sites.serving() as server:
        yield server


@pytest.fixture(scope="session")
def real_and_fake_photos() -> list[tuple[str, bytes]]:
    """Two real and two fake photos of the shared data, where there are any."""
    folder = Path(os.environ.get("VERAFACE_DATA", ROOT.parent / "shared/data")) / "photos"
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        pytest.skip(f"no photos at {folder}; set VERAFACE_DATA to the folder above them")
    with manifest.open(newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = []
    for label in ("real", "fake"):
        chosen += [row["path"] for row in rows if row["label"] == label][:40:20]
    return [(path, (folder / path).read_bytes()) for path in chosen]


@pytest.fixture
def complaints() -> list[str]:
    """What the browser had to say against a page that open_page opened, so far."""
    return []


@pytest.fixture(scope="module")
def page_pool(browser: Browser) -> Iterator[PagePool]:
    """Pages that tests of one module use one after another."""
    pool = PagePool(browser)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def shared_start(page_pool: PagePool, server: RunningServer) -> Iterator[SharedPage]:
    """The start page."""
    with contextlib.closing(SharedPage(page_pool, server.url)) as shared:
        yield shared


@pytest.fixture(scope="module")
def shared(shared_start: SharedPage) -> SharedPage:
    """What `page` lends: the start page; modules whose tests share another state replace this."""
    return shared_start


@pytest.fixture
def page(shared: SharedPage, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page that the tests of the module share, for one of them."""
    with shared.lend(request) as page:
        yield page


@pytest.fixture
def open_page(
    page_pool: PagePool, server: RunningServer, complaints: list[str], request: pytest.FixtureRequest
) -> Iterator[Callable[..., Page]]:
    """Opens the page; after the test, checks what no page may ever do.

    That is: a script error, an error in the console (a breach of the content policy is one), or a
    request to any other host. Pages are reused, without a service worker, unless `fresh=True`. A test marked
    `same_page` stays on the page of the one before, at the state of a first visit, unless `anew=True`: for
    tests of loading, and for those that replace functions of the browser.
    """
    used: list[tuple[PooledPage, bool, bool]] = []
    failed_before = request.session.testsfailed
    marked = request.node.get_closest_marker("same_page") is not None

    def open_(
        url: str = server.url, path: str = "/", *, fresh: bool = False, anew: bool = False, **options: object
    ) -> Page:
        same = marked and not fresh and not anew and url == server.url
        pooled = page_pool.take(options, fresh=fresh, same=same)
        used.append((pooled, fresh, same))
        if same:
            pooled.start_over(url, path, complaints.append)
            return pooled.page
        pooled.open(url, path, complaints.append)
        if not path.startswith("/api/"):
            pooled.page.locator("#main > *, #api > *").first.wait_for(state="attached")
        return pooled.page

    yield open_
    found = list(complaints)
    for pooled, fresh, same in used:
        if fresh or found or request.session.testsfailed > failed_before:
            pooled.close()
        else:
            page_pool.give_back(pooled, same=same)
    assert found == []


@pytest.fixture
def open_history(open_page: Callable[..., Page]) -> Callable[..., Page]:
    """Opens the history, with these entries in it."""

    def open_(entries: list[dict[str, Any]] | None = None, **options: object) -> Page:
        page = open_page(path="/history", **options)
        page.locator('.history:not([data-state="reading"])').wait_for()
        if entries:
            page.evaluate(SEED, entries)
            expect(page.locator(".past")).to_have_count(len(entries))
        return page

    return open_
