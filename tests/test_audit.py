"""`make audit` passes only where every package was looked up and has no known weakness."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "audit.py"
FOUND = {"name": "pillow", "version": "1", "vulns": []}
WEAK = {"name": "h11", "version": "0.1", "vulns": [{"id": "CVE-1", "fix_versions": ["0.2"]}]}
SKIPPED = {"name": "numpy", "skip_reason": "Dependency not found on PyPI"}


def audit(folder: Path, said: str) -> subprocess.CompletedProcess[str]:
    """Runs the script with a pip-audit that says what it is told to, and ends well as the real one does."""
    (folder / "pip_audit.py").write_text(f"print({said!r})")
    return subprocess.run(
        [sys.executable, str(SCRIPT)],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_passes_where_all_is_well(tmp_path: Path) -> None:
    done = audit(tmp_path, json.dumps({"dependencies": [FOUND]}))
    assert done.returncode == 0, done.stderr
    assert "1 packages were looked up" in done.stdout


@pytest.mark.parametrize(
    ("packages", "why"),
    [
        ([FOUND, WEAK], "1 of 2 packages have known weaknesses"),
        ([FOUND, SKIPPED], "1 of 2 packages could not be looked up, numpy among them"),
        ([], "0 of 0 packages could not be looked up"),
    ],
)
def test_it_fails_and_says_why(tmp_path: Path, packages: list[Any], why: str) -> None:
    done = audit(tmp_path, json.dumps({"dependencies": packages}))
    assert done.returncode == 1
    assert why in done.stderr
    assert ("CVE-1, fixed in 0.2" in done.stdout) == (WEAK in packages)


@pytest.mark.parametrize("said", ["", "no JSON"])
def test_it_fails_without_an_answer(tmp_path: Path, said: str) -> None:
    done = audit(tmp_path, said)
    assert done.returncode == 1
    assert "nothing was audited" in done.stderr
    assert "Traceback" not in done.stderr
