"""Profiles, markers, the order and distribution of tests, and expensive shared fixtures."""

import gc
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import hypothesis
import pytest

from tests.examples import PROFILE
from tests.sample_data import make_dataset
from tests.sample_images import encode, portrait
from tests.waiting import LIMIT_S
from veraface.utils import available_cores

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

pytest_plugins = ["tests.fixtures.ray_cluster", "tests.fixtures.uploads"]

# Two budgets for generated examples (tests/examples.py); `make test-deep` (HYPOTHESIS_PROFILE=deep) takes the
# large one. No deadline: on a busy machine an example may exceed the default of Hypothesis.
hypothesis.settings.register_profile("quick", deadline=None, derandomize=True, max_examples=30)
hypothesis.settings.register_profile("deep", deadline=None, max_examples=1000)
hypothesis.settings.load_profile(PROFILE)

# A shell that starts a job in the background lets it ignore interrupts, and every process that it starts too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# One thread avoids contention on a busy machine and sums in a fixed order; set before torch is imported.
os.environ["OMP_NUM_THREADS"] = "1"

_DATA = Path(os.environ.get("VERAFACE_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))

# Slowest files first: started last, they would leave the other workers idle at the end.
_LONGEST = (
    "tests/scan/test_ray_engine.py",
    "tests/deploy/test_ray_serve.py",
    "tests/server/test_page_scenes.py",
    "tests/server/test_server_soak.py",
    "tests/server/test_server_video.py",
    "tests/training/",
    "tests/fuzz/test_fuzz.py",
    "tests/test_style.py",
    "tests/server/test_server_hostile.py",
    "tests/server/test_server_load.py",
    "tests/cli/test_scan.py",
    "tests/cli/test_train.py",
    "tests/cli/test_export.py",
    "tests/cli/test_cross_validate.py",
    "tests/evaluation/test_report.py",
    "tests/evaluation/test_run.py",
    "tests/server/",
    "tests/scan/",
    "tests/extension/",
    "tests/models/test_face_search.py",
    "tests/cli/",
    "tests/docs/",
    "tests/deploy/",
    "tests/workers/",
    "tests/hostile/",
    "tests/page/",
    "tests/video/",
    "tests/test_examples.py",
    "tests/test_packaging.py",
)
# Files whose tests run on one worker, because they share a fixture of one process.
_TOGETHER = {"tests/scan/test_ray_engine.py": "ray", "tests/deploy/test_ray_serve.py": "ray"}

# Fixtures of tests that need more than this process: a browser, or a server that listens.
_BROWSER = {"browser", "playwright_driver"}
_SERVER = {"server", "small_server", "own_server", "start_server", "site", "serving"}
# Further paths that `make unit` excludes.
_SLOW = (
    "tests/cli/",
    "tests/deploy/",
    "tests/docs/",
    "tests/evaluation/test_report.py",
    "tests/evaluation/test_run.py",
    "tests/extension/",
    "tests/fuzz/",
    "tests/hostile/",
    "tests/scan/",
    "tests/server/test_server_contract.py",
    "tests/server/test_server_start.py",
    "tests/test_examples.py",
    "tests/test_packaging.py",
    "tests/test_style.py",
    "tests/training/",
    "tests/workers/",
)


def pytest_xdist_auto_num_workers() -> int:
    """Start two workers per core, because tests wait for servers, browsers and clusters.

    With three workers on two cores, the cores were busy for 72% of the time. A worker needs up to 1.4 GB of
    memory with all that tests import, and 1 GB for its servers and its browser.
    """
    return 2 * available_cores()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files without unit tests if only those are asked for: importing them takes seconds."""
    if config.option.markexpr != "unit":
        return None
    path = collection_path.relative_to(config.rootpath).as_posix()
    return True if f"{path}/".startswith(_SLOW) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, and mark tests by what they need."""
    items.sort(key=_rank)
    for item in items:
        path, fixtures = _path(item.nodeid), set(getattr(item, "fixturenames", ()))
        if fixtures & _BROWSER:
            item.add_marker("browser")
        marked = any(item.get_closest_marker(name) for name in ("browser", "install", "slow"))
        if not marked and not fixtures & _SERVER and not path.startswith(_SLOW):
            item.add_marker("unit")
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("generative")


def _path(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def _rank(item: pytest.Item) -> int:
    ranks = (rank for rank, path in enumerate(_LONGEST) if _path(item.nodeid).startswith(path))
    return next(ranks, len(_LONGEST))


def pytest_collection_finish() -> None:
    """Spare the garbage collector the million objects of imports and tests, which stay until the end."""
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Run the tests of one file on one worker, so that its fixtures are made once; slowest files first."""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _TOGETHER.get(_path(nodeid), _path(nodeid))

    config.option.loadscopereorder = False  # keep the order of pytest_collection_modifyitems
    return ByFile(config, log)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Return a function that makes a folder once per run; other workers wait for the first that needs it.

    The function takes a name and a callable that fills the folder. Tests must not change its content.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # the folder shared by all workers

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        target, complete = folder / name, folder / f"{name}.complete"
        with filelock.FileLock(folder / f"{name}.lock"):
            if not complete.exists():
                shutil.rmtree(target, ignore_errors=True)
                target.mkdir()
                fill(target)
                complete.touch()
        return target

    return make


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of labeled faces and photos, which is not part of the repository."""
    if not _DATA.is_dir():
        pytest.skip("needs the data set; set VERAFACE_DATA to its folder")
    return _DATA


@pytest.fixture(scope="session")
def photos(data: Path) -> list[Path]:
    """Return whole images as users upload them."""
    return sorted(
        path for path in (data / "photos").rglob("*") if path.suffix.lower() != ".csv" and path.is_file()
    )


@pytest.fixture(scope="session")
def tiny_data(made_once: Callable[..., Path]) -> Path:
    """Return a folder with a manifest of a few dozen faces; fakes have a visible mark."""
    return made_once("tiny-data", lambda folder: make_dataset(folder / "faces")) / "faces"


@pytest.fixture(scope="session")
def tiny_run(tiny_data: Path, made_once: Callable[..., Path]) -> Path:
    """Return the folder of a finished training run on `tiny_data`."""

    def fill(folder: Path) -> None:
        from tests.training.runs import settings
        from veraface.training.trainer import train

        train(settings(tiny_data, epochs=5), folder / "tiny")

    return made_once("tiny-run", fill) / "tiny"


@pytest.fixture(scope="session")
def tiny_model(tiny_run: Path, made_once: Callable[..., Path]) -> Path:
    """Return the ONNX file of `tiny_run`, with its model card beside it."""

    def fill(folder: Path) -> None:
        from veraface.training.export import export

        export(tiny_run, folder, name="tiny", license="for tests")

    return made_once("tiny-model", fill) / "tiny.onnx"


def chromium_path() -> str | None:
    """Return the path of the browser; None selects Playwright's own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = (shutil.which(name) for name in names)
    return os.environ.get("VERAFACE_CHROMIUM") or next((path for path in found if path), None)


def headless_path() -> str | None:
    """Return the path of the browser for pages: Chromium's headless shell, or else the whole browser.

    Measured on two cores: a new context with a page takes 0.08 s of processor time in the shell and 0.58 s in
    the browser, which loads its own tool bar for each. Extensions need the whole browser.
    """
    return shutil.which("chromium-headless-shell") or chromium_path()


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Return the arguments that make Chromium's camera show the portrait."""
    video = tmp_path_factory.mktemp("camera") / "portrait.mjpeg"
    video.write_bytes(encode(portrait(), "JPEG") * 2)  # two frames of motion JPEG, played in a loop
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
    )


@pytest.fixture(scope="session")
def playwright_driver() -> Iterator["Playwright"]:
    """Start Playwright, once: two instances cannot run at a time."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=1000 * LIMIT_S)  # instead of 5 s, which a busy machine may need
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright_driver: "Playwright", camera: tuple[str, ...]) -> Iterator["Browser"]:
    """Start Chromium, once for all tests of pages."""
    from playwright.sync_api import Error as BrowserError

    try:
        # Chromium's own sandbox does not start for root, the user of containers.
        args = ["--no-sandbox", *camera]
        browser = playwright_driver.chromium.launch(executable_path=headless_path(), args=args)
    except BrowserError as error:
        reason = f"no Chromium: install it or set VERAFACE_CHROMIUM ({error.message.splitlines()[0]})"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    yield browser
    browser.close()
