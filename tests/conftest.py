"""What tests share."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.sample_data import make_dataset
from tests.sample_images import encode, portrait

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

# An example may take longer on a busy machine than Hypothesis allows by itself.
hypothesis.settings.register_profile("veraface", deadline=None)
hypothesis.settings.load_profile("veraface")

# Torch waits for its own threads on a busy machine, and one thread adds in one order; set before its import.
os.environ["OMP_NUM_THREADS"] = "1"

_DATA = Path(os.environ.get("VERAFACE_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))


# What goes by a clock: a browser, or a server of the test's own. On a machine whose cores others use, such a
# test may fail once without a fault in what it tests: it has a second try, which pytest's summary tells of.
_BY_THE_CLOCK = {"browser", "playwright_driver", "own_server", "start_server"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives those tests their second try."""
    for item in items:
        if _BY_THE_CLOCK.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of labeled faces and photos, which is not part of the repository."""
    if not _DATA.is_dir():
        pytest.skip("needs the data set; set VERAFACE_DATA to its folder")
    return _DATA


@pytest.fixture(scope="session")
def photos(data: Path) -> list[Path]:
    """Whole images as users upload them."""
    return sorted(
        path for path in (data / "photos").rglob("*") if path.suffix.lower() != ".csv" and path.is_file()
    )


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a manifest of a few dozen faces, marked where fake."""
    return make_dataset(tmp_path_factory.mktemp("tiny") / "faces")


@pytest.fixture(scope="session")
def tiny_run(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished training run on them."""
    from tests.training.runs import settings
    from veraface.training.trainer import train

    run = tmp_path_factory.mktemp("runs") / "tiny"
    train(settings(tiny_data, epochs=5), run)
    return run


@pytest.fixture(scope="session")
def tiny_model(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That run's ONNX file, with its card beside it."""
    from veraface.training.export import export

    out = tmp_path_factory.mktemp("model")
    export(tiny_run, out, name="tiny", licence="for tests")
    return out / "tiny.onnx"


def chromium_path() -> str | None:
    """The browser to use; None leaves it to Playwright."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = (shutil.which(name) for name in names)
    return os.environ.get("VERAFACE_CHROMIUM") or next((path for path in found if path), None)


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """What has Chromium see the portrait through its camera."""
    film = tmp_path_factory.mktemp("camera") / "portrait.mjpeg"
    film.write_bytes(encode(portrait(), "JPEG") * 2)  # two frames of motion JPEG, played over and over
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )


@pytest.fixture(scope="session")
def playwright_driver() -> Iterator["Playwright"]:
    """Playwright, of which there can be one at a time only."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright_driver: "Playwright", camera: tuple[str, ...]) -> Iterator["Browser"]:
    """Chromium, started once for all tests that look at a page."""
    from playwright.sync_api import Error as BrowserError

    try:
        # Chromium's own sandbox does not start for root, as which containers run.
        args = ["--no-sandbox", *camera]
        browser = playwright_driver.chromium.launch(executable_path=chromium_path(), args=args)
    except BrowserError as error:
        reason = f"no Chromium: install it or set VERAFACE_CHROMIUM ({error.message.splitlines()[0]})"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    yield browser
    browser.close()
