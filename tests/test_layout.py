"""The architecture table of DESIGN.md: which package may import which."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "veraface"

# Lowest first. A package or root module imports only from the lines above its own, and from itself.
LAYERS = (
    {"errors", "geometry", "text", "wording"},
    {"files", "results", "utils"},
    {"decision", "imaging"},
    {"forensics", "models"},
    {"detector", "provenance"},
    {"findings"},
    {"analysis"},
    {"video"},
    {"audit", "datasets", "workers"},
    {"evaluation", "report", "scan"},
    {"mcp", "training", "server"},
    {"cli"},
)
# The public API may load anything but these, lazily.
NEVER_AT_ROOT = {"cli", "server", "training", "evaluation", "datasets", "scan", "workers", "report"}

FORBIDDEN = {
    "geometry": {"onnxruntime", "fastapi"},
    "results": {"onnxruntime", "fastapi"},
    "decision": {"onnxruntime", "fastapi"},
    "analysis": {"fastapi", "rich", "typer"},
    "imaging": {"onnxruntime", "fastapi"},
    "models": {"fastapi", "httpx"},
    "forensics": {"onnxruntime"},
    "provenance": {"onnxruntime"},
    "datasets": {"torch", "lightning", "timm"},
    "evaluation": {"torch", "lightning", "timm", "fastapi"},
    "video": {"fastapi", "torch"},
    "scan": {"fastapi", "torch"},
    "workers": {"fastapi", "torch"},
    "server": {"torch"},
    "cli": {"torch"},
}


def modules() -> Iterator[tuple[str, Path]]:
    """Yield the package (or root module) that each file belongs to, and its path."""
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE).parts[0].removesuffix(".py"), path


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{path}: relative import"
            yield node.module
            if node.module == "veraface":
                yield from (f"veraface.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def own(name: str) -> str | None:
    """Return the Veraface package of a dotted name; None for other packages and the root."""
    parts = name.split(".")
    if parts[0] != "veraface" or len(parts) == 1:
        return None
    return parts[1] if (SOURCE / parts[1]).exists() or (SOURCE / f"{parts[1]}.py").exists() else None


def level(package: str) -> int:
    return next(index for index, layer in enumerate(LAYERS) if package in layer)


def test_every_package_is_in_the_table() -> None:
    assert {package for package, _ in modules()} - {"__init__"} == set().union(*LAYERS)


@pytest.mark.parametrize("package", sorted(set().union(*LAYERS)))
def test_imports_follow_the_table(package: str) -> None:
    upward = [
        f"{path.relative_to(SOURCE)} imports {name}"
        for home, path in modules()
        if home == package
        for name in imports(path)
        if (target := own(name)) and target != package and level(target) >= level(package)
    ]
    assert not upward


@pytest.mark.parametrize("package", sorted(FORBIDDEN))
def test_packages_do_not_import_forbidden_libraries(package: str) -> None:
    used = {
        f"{path.relative_to(SOURCE)} imports {name}"
        for home, path in modules()
        if home == package
        for name in imports(path)
        if name.split(".")[0] in FORBIDDEN[package]
    }
    assert not used


def test_only_training_imports_torch() -> None:
    users = {home for home, path in modules() for name in imports(path) if name.split(".")[0] == "torch"}
    assert users == {"training"}


def test_the_root_imports_no_application_package() -> None:
    targets = {own(name) for name in imports(SOURCE / "__init__.py")}
    assert not targets & NEVER_AT_ROOT


def test_the_root_is_small() -> None:
    assert len([path for path in SOURCE.glob("*.py") if path.name != "__init__.py"]) <= 10


def test_no_two_modules_import_each_other() -> None:
    graph = {
        ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__"): {
            name for name in imports(path) if name.startswith("veraface.")
        }
        for _, path in modules()
    }
    pairs = {
        tuple(sorted((one, other)))
        for one, targets in graph.items()
        for other in targets
        if one != other and one in graph.get(other, set())
    }
    assert not pairs
