"""Build the browser extension: extension/ and what it shares with the page, unpacked and as a zip.

    python scripts/build_extension.py

Needs the standard library alone. With one Python the same sources give the same zip, byte for byte.
"""

import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "extension"
STATIC = ROOT / "src" / "veraface" / "server" / "static"
UNPACKED = ROOT / "build" / "extension"
DIST = ROOT / "dist"

FOLDERS = ("core", "icons", "pages")
SHARED = ("dom.js", "format.js", "language.js")  # of the page, with what they import
PAGE_WORDS = ("verdicts", "reasons", "faults")  # sections of the page's words
RESULT_WORDS = (  # and single ones, of the section "result"
    *("bandFake", "bandReal", "bandText", "bandUncertain"),
    *("found", "label", "probability", "probabilityLabel", "reasons"),
)
# Scripts on pages cannot be modules, so each is joined with the modules that it imports.
CONTENT_SCRIPTS = ("card.js", "automatic.js")
STYLES = {"cardStyle": ("result.css", "card.css"), "badgeStyle": ("result.css", "badge.css")}
LOCALES = {"zh": ("zh_CN", "zh_TW")}  # where the browsers' names differ
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the time of every file in the zip

_IMPORT = re.compile(r'^import [^;]*? from "([^"]+)";\n', re.M)
_COLOURS = re.compile(r"^:root \{\n(.*?)^\}", re.M | re.S)


def main() -> None:
    """Build and say where it is."""
    build(UNPACKED)
    print(UNPACKED.relative_to(ROOT))
    print(pack(UNPACKED, DIST / f"veraface-extension-{version()}.zip").relative_to(ROOT))


def build(out: Path) -> None:
    """Makes the unpacked extension in a folder, in place of what is there."""
    shutil.rmtree(out, ignore_errors=True)
    for folder in FOLDERS:
        shutil.copytree(SOURCE / folder, out / folder, ignore=shutil.ignore_patterns(".*"))
    write(out / "background.js", (SOURCE / "background.js").read_text("utf-8"))
    write(out / "manifest.json", dump(manifest()))
    write(out / "content/result.css", (SOURCE / "content/result.css").read_text("utf-8"))
    write(out / "shared/tokens.css", tokens())
    for name in shared_files():
        write(out / "shared" / name, (STATIC / "js" / name).read_text("utf-8"))
    for name in CONTENT_SCRIPTS:
        write(out / "content" / name, joined(SOURCE / "content" / name))
    for path in sorted((SOURCE / "languages").glob("*.json")):
        own = json.loads(path.read_text("utf-8"))
        write(out / "languages" / path.name, dump(words(path.stem, own)))
        for locale in LOCALES.get(path.stem, (path.stem,)):
            messages = {name: {"message": own[name]} for name in ("name", "description")}
            write(out / "_locales" / locale / "messages.json", dump(messages))


def pack(folder: Path, target: Path) -> Path:
    """Zips a folder so that equal files give an equal zip."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), LONG_AGO)
                entry.external_attr = 0o644 << 16
                entry.create_system = 3
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    return target


def version() -> str:
    """The package's version."""
    text = (ROOT / "src/veraface/__init__.py").read_text("utf-8")
    found = re.search(r'^__version__ = "([^"]+)"', text, re.M)
    if not found:
        raise SystemExit("src/veraface/__init__.py names no version")
    return found[1]


def manifest() -> dict[str, Any]:
    """The manifest with the version; browsers take numbers and dots alone."""
    made: dict[str, Any] = json.loads((SOURCE / "manifest.json").read_text("utf-8"))
    numbers = re.match(r"\d+(\.\d+)*", version())
    return {**made, "version": numbers[0] if numbers else "0"}


def words(language: str, own: dict[str, Any]) -> dict[str, Any]:
    """The words of one language: the page's where it has them, and the extension's own."""
    page = json.loads((STATIC / "languages" / f"{language}.json").read_text("utf-8"))
    shared = {section: page[section] for section in PAGE_WORDS}
    shared["result"] = {name: page["result"][name] for name in RESULT_WORDS}
    faults = shared["faults"] | own["faults"]
    return {**shared, "faults": faults, "extension": {k: v for k, v in own.items() if k != "faults"}}


def tokens() -> str:
    """The page's colours and measures, for the extension's pages and inside the card."""
    found = _COLOURS.search((STATIC / "css/base.css").read_text("utf-8"))
    if not found:
        raise SystemExit("css/base.css has no :root block")
    lines = [line for line in found[1].splitlines() if line.strip().startswith("--")]
    return "\n".join([":root,", ":host {", "  color-scheme: light dark;", *lines, "}", ""])


def shared_files() -> list[str]:
    """The page's modules that the extension uses, and those that these import."""
    names = list(SHARED)
    for name in names:
        for target in _IMPORT.findall((STATIC / "js" / name).read_text("utf-8")):
            if (imported := target.removeprefix("./")) not in names:
                names.append(imported)
    return names


def joined(script: Path) -> str:
    """A script and all modules it imports as one script that leaves no names behind on the page."""
    parts: dict[Path, str] = {}
    collect(script, parts)
    body = "\n".join(parts.values())
    names = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", body, re.M)
    if twice := {name for name in names if names.count(name) > 1}:
        raise SystemExit(f"{script.name}: two of its modules both use {', '.join(sorted(twice))}")
    return f"// Joined from {script.name} and its modules.\n(() => {{\n{body}}})();\n"


def collect(module: Path, parts: dict[Path, str]) -> None:
    """Adds a module to `parts`, after those that it imports."""
    if module in parts:
        return
    if module.name == "styles.js":
        parts[module] = styles()
        return
    text = module.read_text("utf-8")
    for target in _IMPORT.findall(text):
        shared = target.startswith("../shared/")
        collect(STATIC / "js" / Path(target).name if shared else (module.parent / target).resolve(), parts)
    parts[module] = re.sub(r"^export ", "", _IMPORT.sub("", text), flags=re.M)


def styles() -> str:
    """The style sheets as constants: a script on a page cannot read the extension's files."""
    sheets = {
        name: tokens() + "".join((SOURCE / "content" / file).read_text("utf-8") for file in files)
        for name, files in STYLES.items()
    }
    return "".join(
        f"const {name} = {json.dumps(sheet, ensure_ascii=False)};\n" for name, sheet in sheets.items()
    )


def dump(value: Any) -> str:
    """JSON as people read it."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def write(path: Path, text: str) -> None:
    """Writes a text file, and the folders it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    main()
