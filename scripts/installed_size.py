"""Print the size on disk of each installed package, largest first, and the sum.

    .venv/bin/python scripts/installed_size.py

Packages that only building and installing need are omitted.
"""

from importlib.metadata import Distribution, distributions
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "src" / "veraface"
BUILD_TOOLS = {
    *("pip", "setuptools"),
    *("editables", "hatchling", "pathspec", "pluggy", "tomlkit", "trove-classifiers"),
}


def size_of(distribution: Distribution) -> int:
    """Return the bytes of a distribution's files; of the checkout if it is installed in editable mode."""
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
    print(f"{sum(sizes.values()) / 1e6:8.1f} MB  total")


if __name__ == "__main__":
    main()
