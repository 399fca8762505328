"""`scripts/setup_node.sh` installs packages from npm once per lock file, for all checkouts."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "setup_node.sh"
# Stands for npm: notes where it ran, and fails where the lock file says so.
NPM = '#!/bin/sh\ngrep -q broken package-lock.json && exit 1\nmkdir node_modules\npwd >>"$NOTES"\n'


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(NPM)
    npm.chmod(0o755)
    (tmp_path / "notes").touch()
    monkeypatch.setenv("PATH", f"{npm.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    monkeypatch.setenv("VERAFACE_VENVS", str(tmp_path / "cache"))
    return tmp_path / "cache"


def set_up(tools: Path, lock: str) -> int:
    tools.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        (tools / name).write_text(lock)
    return subprocess.run(["sh", SCRIPT, tools], capture_output=True, check=False).returncode


def installations(cache: Path) -> int:
    return len((cache.parent / "notes").read_text().splitlines())


def test_one_installation_per_lock_file(cache: Path, tmp_path: Path) -> None:
    for folder, lock, count in (("a", "1", 1), ("b", "1", 1), ("a", "1", 1), ("a", "2", 2), ("b", "2", 2)):
        assert set_up(tmp_path / folder, lock) == 0
        assert (tmp_path / folder / "node_modules" / ".ready").is_file()
        assert installations(cache) == count
    shutil.rmtree(cache)  # `make clean-cache`
    assert set_up(tmp_path / "a", "2") == 0
    assert installations(cache) == 3


def test_a_failed_installation_is_repeated(cache: Path, tmp_path: Path) -> None:
    assert set_up(tmp_path / "a", "broken") != 0
    assert not (tmp_path / "a" / "node_modules").exists()
    assert list(cache.iterdir()) == []


def test_without_a_cache_they_lie_in_the_checkout(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("VERAFACE_VENVS", str(tmp_path / "file" / "cache"))
    assert set_up(tmp_path / "a", "1") == 0
    assert (tmp_path / "a" / "node_modules" / ".ready").is_file()
    assert not (tmp_path / "a" / "node_modules").is_symlink()
