"""Compare every view and state with reference screenshots, and check WCAG 2.2 AA with axe-core.

The references are in references/, beside this file. After an intended change, take them again with
`make references` and look at each.
"""

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Playwright

from tests.conftest import headless_path
from tests.server.page_pool import PooledPage
from tests.server.scenes import AFTER_RESIZE, NOW, SCENES, STATUS
from tests.waiting import wait_until

HERE = Path(__file__).parent
REFERENCES = HERE / "references"
AXE = HERE.parent / "tools/node_modules/axe-core/axe.min.js"
NEW = HERE.parents[1] / "build/references"  # what a failed comparison leaves to be looked at

# Each scene is brought about once, as the first form; the page then turns into the second.
DESKTOP, PHONE = "desktop-dark", "phone-light"
FORMS = (DESKTOP, PHONE)
OPTIONS: dict[str, Any] = {
    "viewport": {"width": 1280, "height": 800},
    "locale": "en-GB",
    "timezone_id": "UTC",
    "reduced_motion": "reduce",
    "color_scheme": "dark",
    "permissions": ["camera"],
    "service_workers": "block",
}
PHONE_VIEWPORT = {"width": 390, "height": 844}
# What the references are compared in: blocks of 8 px of an image of half the size.
BLOCK = 8
# A block is another where its brightness differs by more than this; smoothing of edges stays below.
OTHER = 12
MAX_OTHER = 0.01  # of all blocks

# The fonts of one dependency, on every machine: the references would differ by the fonts alone.
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{folder}</dir><cachedir>{cache}</cachedir></fontconfig>
"""


@pytest.fixture(scope="module")
def plain_browser(
    browser: Browser,
    playwright_driver: Playwright,
    camera: tuple[str, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Browser]:
    """Chromium with fonts and drawing that are the same everywhere."""
    folder = tmp_path_factory.mktemp("fonts")
    configuration = folder / "fonts.conf"
    fonts = Path(matplotlib.get_data_path()) / "fonts/ttf"
    configuration.write_text(FONTS.format(folder=fonts, cache=folder / "cache"))
    plain = playwright_driver.chromium.launch(
        executable_path=headless_path(),
        args=[
            "--no-sandbox",
            "--font-render-hinting=none",
            "--disable-lcd-text",
            "--force-color-profile=srgb",
            *camera,
        ],
        env={**os.environ, "FONTCONFIG_FILE": str(configuration)},
    )
    yield plain
    plain.close()


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core."""
    if not AXE.is_file():
        reason = "no axe-core: `make test` installs it with npm"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return AXE.read_text("utf-8")


@pytest.fixture(scope="module")
def scene_page(plain_browser: Browser) -> Iterator[PooledPage]:
    """One page for all scenes."""
    pooled = PooledPage(plain_browser, OPTIONS)
    pooled.page.clock.set_fixed_time(NOW)
    yield pooled
    pooled.close()


@pytest.fixture
def open_scene(scene_page: PooledPage, server: Any) -> Iterator[Callable[[str], Page]]:
    """Opens a scene on a desktop, in dark colors."""

    def open_(scene: str) -> Page:
        path, bring_about = SCENES[scene]
        page = scene_page.page
        page.route("**/api/model-status", lambda route: route.fulfill(json=STATUS))
        scene_page.open(server.url, path, lambda _: None)
        page.locator("#main > *").first.wait_for(state="attached")
        bring_about(page)
        return page

    yield open_
    emulate_touch(scene_page, False)
    scene_page.reset()


def emulate_touch(pooled: PooledPage, enabled: bool) -> None:
    pooled.debugger.send("Emulation.setTouchEmulationEnabled", {"enabled": enabled})
    if enabled:
        metrics = {**PHONE_VIEWPORT, "deviceScaleFactor": 1, "mobile": True}
        pooled.debugger.send("Emulation.setDeviceMetricsOverride", metrics)
    else:
        pooled.debugger.send("Emulation.clearDeviceMetricsOverride")


def turn_into_phone(pooled: PooledPage) -> None:
    """Switch the open page to a phone with a touch screen, in light colors."""
    pooled.page.set_viewport_size(PHONE_VIEWPORT)
    emulate_touch(pooled, True)
    pooled.page.evaluate("document.getElementById('theme').click()")
    wait_until(lambda: pooled.page.evaluate("document.documentElement.dataset.theme === 'light'"))


def violations(page: Page, axe: str) -> list[str]:
    """What breaks WCAG 2.2 AA, one line each."""
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(axe)
        # Unseen by the list of what a test has left behind it (tests/server/page_pool.py).
        page.evaluate("Object.defineProperty(window, 'axe', { enumerable: false })")
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    # No rule of these needs the style sheets, which it would load again by itself.
    options = {"runOnly": tags, "resultTypes": ["violations"], "preload": {"assets": ["media"]}}
    found = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def blocks(image: Image.Image) -> Any:
    """Mean brightness of each block, of whole blocks only."""
    grey = np.asarray(image.convert("L"), np.float64)
    rows, columns = grey.shape[0] // BLOCK, grey.shape[1] // BLOCK
    return grey[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK).mean((1, 3))


def share_of_others(one: Image.Image, other: Image.Image) -> float:
    """Return the share of blocks that differ, 0 to 1; 1 if the sizes differ."""
    if one.size != other.size:
        return 1.0
    return float((np.abs(blocks(one) - blocks(other)) > OTHER).mean())


# Images that are in view, which load when they come into view, for 20 s at most.
SETTLED = """async () => {
    const frames = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const late = new Promise((done) => setTimeout(done, 20000));
    const inView = ({ width, top, bottom }) => width && top < innerHeight && bottom > 0;
    await document.fonts.ready;
    await frames();
    const images = [...document.images].filter((image) => inView(image.getBoundingClientRect()));
    await Promise.race([Promise.allSettled(images.map((image) => image.decode())), late]);
    await frames();
}"""


def screenshot(page: Page) -> Image.Image:
    """Half the size, once fonts and images are loaded and what changed is drawn."""
    page.evaluate(SETTLED)
    shot = page.screenshot(animations="disabled", caret="hide")
    return Image.open(io.BytesIO(shot)).convert("RGB").reduce(2)


def difference(image: Image.Image, name: str) -> str:
    """What differs from the reference, or nothing."""
    if os.environ.get("VERAFACE_UPDATE_REFERENCES"):
        REFERENCES.mkdir(exist_ok=True)
        image.save(REFERENCES / name, quality=60, method=6)
    with Image.open(REFERENCES / name) as reference:
        share = share_of_others(image, reference.convert("RGB"))
    if share <= MAX_OTHER:
        return ""
    NEW.mkdir(parents=True, exist_ok=True)
    image.save(NEW / name)
    return f"{share:.1%} of {name} looks different; the new one is {NEW / name}"


@pytest.mark.parametrize("scene", SCENES)
def test_a_scene_matches_its_references_and_is_accessible(
    open_scene: Callable[[str], Page], scene_page: PooledPage, axe: str, scene: str
) -> None:
    page = open_scene(scene)
    problems = [difference(screenshot(page), f"{scene}-{DESKTOP}.webp"), *violations(page, axe)]
    turn_into_phone(scene_page)
    AFTER_RESIZE.get(scene, lambda _: None)(page)
    problems += [difference(screenshot(page), f"{scene}-{PHONE}.webp"), *violations(page, axe)]
    assert not any(problems), "\n".join(filter(None, problems))


def test_the_comparison_sees_a_button_that_moved() -> None:
    image = Image.open(REFERENCES / "empty-desktop-dark.webp").convert("RGB")
    button = image.crop((150, 135, 490, 275))
    moved = image.copy()
    moved.paste(image.getpixel((5, 100)), (150, 135, 490, 275))
    moved.paste(button, (160, 150))
    assert share_of_others(image, image) == 0
    assert share_of_others(image, moved) > MAX_OTHER


def test_every_reference_is_compared() -> None:
    there = {path.name for path in REFERENCES.glob("*.webp")}
    assert there == {f"{scene}-{form}.webp" for scene in SCENES for form in FORMS}
