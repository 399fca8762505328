"""`scripts/setup_venv.sh` shares packages between checkouts, but not the source of Veraface."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
UNREACHABLE = ("connection broken by", "NewConnectionError", "NameResolutionError", "ProxyError")
LOCK = "requirements/build.txt"  # a few small packages

pytestmark = pytest.mark.install


def checkout(folder: Path) -> Path:
    """Make a package named veraface whose version is the name of its folder."""
    (folder / "src/veraface").mkdir(parents=True)
    (folder / "src/veraface/__init__.py").write_text(f'__version__ = "{folder.name}"\n')
    for name in ("scripts/setup_venv.sh", LOCK):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "veraface"\ndynamic = ["version"]\n'
        '[project.scripts]\nveraface-version = "veraface:__version__.strip"\n'
        '[tool.hatch.version]\npath = "src/veraface/__init__.py"\n'
        '[tool.hatch.build.targets.wheel]\npackages = ["src/veraface"]\n'
    )
    return folder


def set_up(folder: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        ["sh", "scripts/setup_venv.sh", ".venv", LOCK],
        cwd=folder,
        env={**clean, "PYTHON": sys.executable, "VERAFACE_VENVS": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and any(sign in done.stderr for sign in UNREACHABLE) and not os.environ.get("CI"):
        pytest.skip("no package index can be reached, so nothing can be installed")
    return done


def version(folder: Path) -> str:
    """Return the version that `import veraface` finds, without environment variables."""
    command = [folder / ".venv/bin/python", "-c", "import hatchling, veraface; print(veraface.__version__)"]
    return subprocess.run(command, cwd="/", env={}, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the shared packages."""
    cache = tmp_path_factory.mktemp("cache")
    done = set_up(checkout(cache.parent / "1.0"), cache)
    assert done.returncode == 0, done.stderr
    assert f"Installing {LOCK}" in done.stdout
    return cache


def test_checkouts_share_packages_but_import_their_own_source(cache: Path) -> None:
    first, second = cache.parent / "1.0", checkout(cache.parent / "2.0")
    done = set_up(second, cache)
    assert done.returncode == 0, done.stderr
    assert "Installing" not in done.stdout
    assert (version(first), version(second)) == ("1.0", "2.0")
    assert (second / ".venv/shared").resolve() == (first / ".venv/shared").resolve()
    assert (second / ".venv/bin/hatchling").read_text().startswith(f"#!{second}/.venv/bin/python")
    assert (second / ".venv/bin/veraface-version").exists()


def test_an_incomplete_environment_is_rebuilt(cache: Path) -> None:
    """A killed build leaves no `.complete` file; a published environment without it is built again."""
    broken = checkout(cache.parent / "3.0")
    (published,) = (path for path in cache.iterdir() if path.is_symlink())
    (published / ".complete").unlink()
    done = set_up(broken, cache)
    assert done.returncode == 0, done.stderr
    assert f"Installing {LOCK}" in done.stdout
    assert version(broken) == "3.0"
    assert (published / ".complete").exists()


def test_a_failed_build_leaves_nothing(cache: Path, tmp_path: Path) -> None:
    folder = checkout(tmp_path / "4.0")
    (folder / LOCK).write_text("hatchling==0.0 --hash=sha256:" + "0" * 64 + "\n")
    before = sorted(cache.iterdir())
    done = set_up(folder, cache)
    assert done.returncode != 0
    assert not (folder / ".venv/.ready").exists()
    assert sorted(cache.iterdir()) == before
