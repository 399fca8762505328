"""The vendored libraries are those of the table in vendor/README.md."""

import hashlib
import re
from pathlib import Path

import veraface.server

VENDOR = Path(veraface.server.__file__).parent / "static" / "vendor"
ADDED = {"uplot/uPlot.js": b"export default uPlot;\n"}


def rows() -> dict[str, list[str]]:
    lines = (VENDOR / "README.md").read_text("utf-8").splitlines()
    table = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")
    ]
    return {cells[0].strip("`"): cells for cells in table}


def test_the_table_lists_every_file() -> None:
    files = {str(path.relative_to(VENDOR)) for path in VENDOR.glob("*/*") if path.name != "LICENSE"}
    assert set(rows()) == files


def test_files_are_the_originals_except_for_listed_additions() -> None:
    for name, cells in rows().items():
        content = (VENDOR / name).read_bytes()
        added = ADDED.get(name, b"")
        assert content.endswith(added), name
        original = content[: len(content) - len(added)]
        assert hashlib.sha256(original).hexdigest() == cells[5], name
        assert (cells[6] == "nothing") == (added == b""), name
        assert added.decode().strip() in cells[6], name


def test_each_names_its_version_and_carries_its_licence() -> None:
    for name, cells in rows().items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", cells[2]), name
        licence = (VENDOR / name).parent / "LICENSE"
        assert f"({licence.parent.name}/LICENSE)" in cells[3], name
        assert "opyright" in licence.read_text("utf-8"), name


def test_none_makes_markup_from_text() -> None:
    """The page requires trusted types: such a line would fail in front of a user."""
    forbidden = r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function)\b"
    for path in VENDOR.glob("*/*.js"):
        assert not re.search(forbidden, path.read_text("utf-8")), path
