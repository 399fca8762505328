"""Print the size on disk of each package beside the running Python, largest first, and the sum.

    .venv/bin/python scripts/installed_size.py

Left out is what only building and installing need.
"""

from importlib.metadata import Distribution, distributions
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "src" / "veraface"
BUILD_TOOLS = {
    *("pip", "setuptools"),
    *("editables", "hatchling", "pathspec", "pluggy", "tomlkit", "trove-classifiers"),
}


def size_of(distribution: Distribution) -> int:
    """Bytes of the files that `distribution` recorded; of the checkout where it is installed editable."""
    paths = [Path(str(distribution.locate_file(file))) for file in distribution.files or []]
    if distribution.name == "veraface" and not any(path.suffix == ".onnx" for path in paths):
        paths += [path for path in PACKAGE.rglob("*") if "__pycache__" not in path.parts]
    return sum(path.stat().st_size for path in paths if path.is_file())


def main() -> None:
    """Print one line per package."""
    sizes = {
        distribution.name: size_of(distribution)
        for distribution in distributions()
        if distribution.name.lower() not in BUILD_TOOLS
    }
    for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
        print(f"{size / 1e6:8.1f} MB  {name}")
    print(f"{sum(sizes.values()) / 1e6:8.1f} MB  in all")


if __name__ == "__main__":
    main()
