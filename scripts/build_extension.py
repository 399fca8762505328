"""Build the browser extension: bundle extension/ with esbuild, unpacked and as a zip.

    python scripts/build_extension.py

Needs esbuild from tests/tools (`make tools`). The zip is reproducible for one version of Python.
"""

import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "extension"
STATIC = ROOT / "src" / "veraface" / "server" / "static"
ESBUILD = ROOT / "tests" / "tools" / "node_modules" / ".bin" / "esbuild"
UNPACKED = ROOT / "build" / "extension"
DIST = ROOT / "dist"

MODULES = ("background.js", "pages/options.js", "pages/popup.js")
CONTENT_SCRIPTS = ("content/card.js", "content/automatic.js")  # cannot be modules
COPIED = ("icons", "pages/options.html", "pages/popup.html", "content/result.css")
COPIED += ("pages/page.css", "pages/options.css", "pages/popup.css")
SHARED_STYLES = ("tokens.css", "verdict.css")
PAGE_TEXTS = ("answer", "verdicts", "reasons", "faults")  # sections of the page's message catalog
RESULT_TEXTS = (  # and single messages of its section "result"
    "announce",
    "bandFake",
    "bandReal",
    "bandText",
    "bandUncertain",
    "faceLabel",
    "faceLabelPercent",
    "faces",
    "label",
    "probability",
    "probabilityLabel",
    "reasons",
)
LOCALES = {"zh": ("zh_CN", "zh_TW")}  # where the browsers' names differ
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that zip files can express


def main() -> None:
    """Build the extension and print where it is."""
    build(UNPACKED)
    print(UNPACKED.relative_to(ROOT))
    print(pack(UNPACKED, DIST / f"veraface-extension-{version()}.zip").relative_to(ROOT))


def build(out: Path) -> None:
    """Write the unpacked extension into a folder and replace what it contained."""
    shutil.rmtree(out, ignore_errors=True)
    bundle(out, "esm", MODULES)
    bundle(out, "iife", CONTENT_SCRIPTS)
    for name in COPIED:
        copy(SOURCE / name, out / name)
    for name in SHARED_STYLES:
        copy(STATIC / "css" / name, out / "shared" / name)
    write(out / "manifest.json", dump(manifest()))
    for path in sorted((SOURCE / "languages").glob("*.json")):
        own = json.loads(path.read_text("utf-8"))
        write(out / "languages" / path.name, dump(messages(path.stem, own)))
        for locale in LOCALES.get(path.stem, (path.stem,)):
            entries = {name: {"message": own[name]} for name in ("name", "description")}
            write(out / "_locales" / locale / "messages.json", dump(entries))


def bundle(out: Path, form: str, scripts: tuple[str, ...]) -> None:
    """Bundle scripts with everything they import.

    Raises:
        SystemExit: esbuild is not installed, or refuses a script; its errors are printed.
    """
    if not ESBUILD.exists():
        raise SystemExit("esbuild is missing; run `make tools`")
    options = ("--bundle", "--charset=utf8", "--loader:.css=text", "--log-level=warning")
    targets = f"--format={form}", "--target=chrome123,firefox142"
    place = f"--outdir={out}", f"--outbase={SOURCE}"
    command = [str(ESBUILD), *(str(SOURCE / script) for script in scripts), *options, *targets, *place]
    if subprocess.run(command, cwd=SOURCE, check=False).returncode:
        raise SystemExit("esbuild failed")


def pack(folder: Path, target: Path) -> Path:
    """Zip a folder so that equal files give an equal zip."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), ZIP_TIME)
                entry.external_attr = 0o644 << 16
                entry.create_system = 3
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    return target


def version() -> str:
    """Return the package's version."""
    text = (ROOT / "src/veraface/__init__.py").read_text("utf-8")
    found = re.search(r'^__version__ = "([^"]+)"', text, re.M)
    if not found:
        raise SystemExit("src/veraface/__init__.py has no __version__")
    return found[1]


def manifest() -> dict[str, Any]:
    """Return the manifest with the version; browsers accept only numbers and dots in it.

    extension/manifest.json is for those who load that folder itself: it only says that it must be built.
    """
    content: dict[str, Any] = json.loads((SOURCE / "manifest.built.json").read_text("utf-8"))
    numbers = re.match(r"\d+(\.\d+)*", version())
    return {**content, "version": numbers[0] if numbers else "0"}


def messages(language: str, own: dict[str, Any]) -> dict[str, Any]:
    """Return the message catalog of one language: the parts shared with the page, and the extension's own."""
    page = json.loads((STATIC / "languages" / f"{language}.json").read_text("utf-8"))
    shared, mode = used(page), {"neverSayReal": used(page["neverSayReal"])}
    faults = shared["faults"] | own["faults"]
    return {**shared, **mode, "faults": faults, "extension": {k: v for k, v in own.items() if k != "faults"}}


def used(page: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of the page's catalog that the extension shows."""
    result = {name: page["result"][name] for name in RESULT_TEXTS if name in page["result"]}
    return {**{section: page[section] for section in PAGE_TEXTS if section in page}, "result": result}


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder without hidden files."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(".*"))
    else:
        shutil.copyfile(source, target)


def dump(value: Any) -> str:
    """Return readable JSON."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def write(path: Path, text: str) -> None:
    """Write a text file and create the folders it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    main()
