"""Style, types and insecure constructs: the checks of `make lint`, run beside the other tests."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RUFF = Path(sysconfig.get_path("scripts")) / "ruff"


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-m", "mypy", "--strict"],
        [sys.executable, "-m", "bandit", "--quiet", "--configfile", "pyproject.toml", "--recursive", "src"],
        [RUFF, "check", "."],
        [RUFF, "format", "--check", "."],
    ],
    ids=["mypy", "bandit", "ruff-check", "ruff-format"],
)
def test_linter_reports_nothing(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
