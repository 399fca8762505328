"""Every page and state looks as it did when somebody last looked at it, and everybody can use it.

The pictures are in references/, beside this file. Where a change is meant, take them anew with
`make references`, and look at each.
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

from tests.conftest import chromium_path
from tests.server.scenes import NOW, SCENES, STATUS

HERE = Path(__file__).parent
REFERENCES = HERE / "references"
AXE = HERE.parent / "tools/node_modules/axe-core/axe.min.js"
NEW = HERE.parents[1] / "build/references"  # what a failed comparison leaves to be looked at

FORMS: dict[str, dict[str, Any]] = {
    "desktop-dark": {"viewport": {"width": 1280, "height": 800}},
    "phone-light": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
# What the references are compared in: blocks of 8 px of a picture of half the size.
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
        executable_path=chromium_path(),
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


@pytest.fixture
def open_scene(plain_browser: Browser, server: Any) -> Iterator[Callable[[str, str], Page]]:
    contexts = []

    def open_(scene: str, form: str) -> Page:
        path, bring_about = SCENES[scene]
        context = plain_browser.new_context(
            **FORMS[form],
            locale="en-GB",
            timezone_id="UTC",
            reduced_motion="reduce",
            permissions=["camera"],
            service_workers="block",
        )
        contexts.append(context)
        theme = form.split("-")[1]
        context.add_init_script(f"localStorage.setItem('veraface-theme', '{theme}')")
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.clock.set_fixed_time(NOW)
        page.route("**/api/model-status", lambda route: route.fulfill(json=STATUS))
        page.goto(server.url + path)
        page.locator("#main > *").first.wait_for(state="attached")
        bring_about(page)
        return page

    yield open_
    for context in contexts:
        context.close()


def violations(page: Page, axe: str) -> list[str]:
    """What breaks WCAG 2.2 AA, one line each."""
    page.evaluate(axe)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("tags => axe.run(document, { runOnly: tags })", tags)
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def blocks(picture: Image.Image) -> Any:
    """Mean brightness of each block, of whole blocks only."""
    grey = np.asarray(picture.convert("L"), np.float64)
    rows, columns = grey.shape[0] // BLOCK, grey.shape[1] // BLOCK
    return grey[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK).mean((1, 3))


def share_of_others(one: Image.Image, other: Image.Image) -> float:
    """How much of two pictures looks different, 0 to 1; 1 where their sizes differ."""
    if one.size != other.size:
        return 1.0
    return float((np.abs(blocks(one) - blocks(other)) > OTHER).mean())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("scene", SCENES)
def test_looks_as_it_did_and_everybody_can_use_it(
    open_scene: Callable[[str, str], Page], axe: str, scene: str, form: str
) -> None:
    page = open_scene(scene, form)
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(100)
    shot = page.screenshot(animations="disabled", caret="hide")
    picture = Image.open(io.BytesIO(shot)).convert("RGB").reduce(2)
    name = f"{scene}-{form}.webp"
    if os.environ.get("VERAFACE_UPDATE_REFERENCES"):
        REFERENCES.mkdir(exist_ok=True)
        picture.save(REFERENCES / name, quality=60, method=6)
    broken = violations(page, axe)
    assert not broken, "\n".join(broken)
    with Image.open(REFERENCES / name) as reference:
        share = share_of_others(picture, reference.convert("RGB"))
    if share > MAX_OTHER:
        NEW.mkdir(parents=True, exist_ok=True)
        picture.save(NEW / name)
    assert share <= MAX_OTHER, f"{share:.1%} of {name} looks different; the new one is {NEW / name}"


def test_the_comparison_sees_a_button_that_moved() -> None:
    picture = Image.open(REFERENCES / "empty-desktop-dark.webp").convert("RGB")
    button = picture.crop((150, 135, 490, 275))
    moved = picture.copy()
    moved.paste(picture.getpixel((5, 100)), (150, 135, 490, 275))
    moved.paste(button, (160, 150))
    assert share_of_others(picture, picture) == 0
    assert share_of_others(picture, moved) > MAX_OTHER


def test_every_reference_is_compared() -> None:
    there = {path.name for path in REFERENCES.glob("*.webp")}
    assert there == {f"{scene}-{form}.webp" for scene in SCENES for form in FORMS}
