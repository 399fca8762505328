"""The built extension: reproducible, complete, and accepted by browsers."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

import veraface
from tests.extension.conftest import ROOT, chromium_with, require, wait_until
from tests.programs import load_program

SOURCE = ROOT / "extension"
WEB_EXT = ROOT / "tests" / "tools" / "node_modules" / ".bin" / "web-ext"
LANGUAGES = ["ar", "de", "en", "es", "fr", "hi", "zh"]


def scripts(folder: Path) -> str:
    return "\n".join(path.read_text("utf-8") for path in sorted(folder.rglob("*.js")))


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text("utf-8"))


def test_the_same_sources_give_the_same_zip(builder: ModuleType, unpacked: Path, tmp_path: Path) -> None:
    first = builder.pack(unpacked, tmp_path / "first.zip")
    builder.build(tmp_path / "again")
    for path in sorted((tmp_path / "again").rglob("*"), reverse=True):
        os.utime(path, (1e9, 1e9))
    second = builder.pack(tmp_path / "again", tmp_path / "second.zip")
    assert first.read_bytes() == second.read_bytes()
    names = zipfile.ZipFile(first).namelist()
    assert names == sorted(names)
    assert "manifest.json" in names


def test_the_script_prints_what_it_built(unpacked: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", ROOT / "scripts/build_extension.py"],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    zip_name = f"dist/veraface-extension-{veraface.__version__}.zip"
    assert done.stdout.split() == ["build/extension", zip_name]
    assert (ROOT / zip_name).is_file()


def test_requests_minimal_permissions(unpacked: Path) -> None:
    made = manifest(unpacked)
    assert made["permissions"] == ["activeTab", "contextMenus", "scripting", "storage"]
    assert made["host_permissions"] == ["http://127.0.0.1/*", "http://localhost/*"]
    assert made["optional_host_permissions"] == ["http://*/*", "https://*/*"]
    assert not {"content_scripts", "web_accessible_resources", "externally_connectable"} & set(made)
    assert made["version"] == veraface.__version__
    policy = made["content_security_policy"]["extension_pages"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy


def test_every_referenced_file_exists(unpacked: Path) -> None:
    text = json.dumps(manifest(unpacked))
    named = set(re.findall(r'"([\w/]+\.(?:js|html|png))"', text))
    for page in unpacked.glob("pages/*.html"):
        found = re.findall(r'(?:src|href)="([^"]+)"', page.read_text("utf-8"))
        named |= {os.path.normpath(page.parent.relative_to(unpacked) / path) for path in found}
    for module in unpacked.rglob("*.js"):
        found = re.findall(r'^import [^;]*?from "([^"]+)"', module.read_text("utf-8"), re.M)
        named |= {os.path.normpath(module.parent.relative_to(unpacked) / path) for path in found}
    assert [path for path in sorted(named) if not (unpacked / path).is_file()] == []


def test_scripts_create_neither_markup_nor_code(unpacked: Path) -> None:
    banned = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser"
    assert re.findall(banned, scripts(unpacked)) == []
    assert not any(
        re.search(r"<script(?! type=\"module\" src)|\son\w+=|style=", page.read_text("utf-8"))
        for page in unpacked.glob("pages/*.html")
    )


def test_the_folder_with_the_source_code_says_how_to_build_it(browser: Browser, tmp_path: Path) -> None:
    """Loading it is what people try first: its first words, and what the browser shows, are the command."""
    readme = (SOURCE / "README.md").read_text("utf-8").splitlines()
    assert "make extension" in readme[2]
    folder = shutil.copytree(SOURCE, tmp_path / "extension")
    with chromium_with(browser, folder, tmp_path / "profile") as chromium:
        page = chromium.context.pages[-1]
        wait_until(page, lambda: any("unbuilt" in one.url for one in chromium.context.pages))
        shown = next(one for one in chromium.context.pages if "unbuilt" in one.url)
        expect(shown.locator("h1")).to_have_text("The extension is not built yet")
        expect(shown.locator("pre")).to_have_text(["make extension", "build/extension"])


def test_icons_have_their_size(unpacked: Path) -> None:
    """They equal those that scripts/draw_icons.py draws."""
    drawing = load_program("scripts/draw_icons.py")
    for size in drawing.EXTENSION_SIZES:
        icon = Image.open(unpacked / f"icons/{size}.png")
        assert icon.size == (size, size)
        assert icon.tobytes() == drawing.mark(size).tobytes()


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogs_are_complete(read_own_words: Callable[[str], dict[str, str]], language: str) -> None:
    """The extension's own messages; tests of the page check the shared ones."""
    own, english = read_own_words(language), read_own_words("en")
    assert list(own) == list(english)
    for path, message in own.items():
        assert message.strip(), path
        assert "<" not in message, path
        assert set(re.findall(r"\{\w+\}", message)) == set(re.findall(r"\{\w+\}", english[path])), path
    if language != "en":
        assert [path for path, message in own.items() if message == english[path] and len(message) > 12] == []


def test_seven_languages_are_listed_for_browsers(unpacked: Path) -> None:
    assert sorted(path.stem for path in unpacked.glob("languages/*.json")) == LANGUAGES
    locales = {path.parent.name: path for path in unpacked.glob("_locales/*/messages.json")}
    assert sorted(locales) == ["ar", "de", "en", "es", "fr", "hi", "zh_CN", "zh_TW"]
    for path in locales.values():
        messages = json.loads(path.read_text("utf-8"))
        assert 0 < len(messages["description"]["message"]) <= 132, "what the browsers' shops take"


def test_every_used_message_exists_and_every_message_is_used(
    read_words: Callable[[str], dict[str, str]],
) -> None:
    code = "".join(path.read_text("utf-8") for path in [*SOURCE.rglob("*.js"), *SOURCE.rglob("*.html")])
    asked = set(re.findall(r'"((?:extension|result|verdicts|faults)\.[\w.]+)"', code))
    known = read_words("en")
    assert {path for path in asked if path not in known and f"{path}.other" not in known} == set()
    composed = ("extension.stages.", "extension.name", "extension.description")
    own = {path for path in known if path.startswith("extension.") and not path.startswith(composed)}
    assert own - asked == set()
    codes = set(re.findall(r'Fault\((?:[^"()]|\([^()]*\))*"(\w+)"', code)) | set(
        re.findall(r'code: "(\w+)"', code)
    )
    assert {code for code in codes if f"faults.{code}.name" not in known} == set()


def test_the_linter_of_add_ons_finds_no_errors(unpacked: Path) -> None:
    require(WEB_EXT, "web-ext")
    if not shutil.which("node"):
        pytest.skip("needs node")
    done = subprocess.run(
        [WEB_EXT, "lint", "--source-dir", unpacked, "--output", "json", "--no-config-discovery"],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_UPDATE_NOTIFIER": "1"},
    )
    report = json.loads(done.stdout)
    assert report["errors"] == []
    # One zip serves both browsers: Firefox takes the scripts, Chromium the worker.
    assert {warning["code"] for warning in report["warnings"]} <= {"BACKGROUND_SERVICE_WORKER_IGNORED"}
    assert done.returncode == 0
