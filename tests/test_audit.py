"""`make audit` passes only if every package was checked and has no known vulnerability."""

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


def audit(folder: Path, output: str) -> subprocess.CompletedProcess[str]:
    """Run the script with a fake pip-audit that prints `output` and succeeds, as the real one does."""
    (folder / "pip_audit.py").write_text(f"print({output!r})")
    return subprocess.run(
        [sys.executable, str(SCRIPT)],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_passes_without_vulnerabilities(tmp_path: Path) -> None:
    done = audit(tmp_path, json.dumps({"dependencies": [FOUND]}))
    assert done.returncode == 0, done.stderr
    assert "1 packages were checked" in done.stdout


@pytest.mark.parametrize(
    ("packages", "why"),
    [
        ([FOUND, WEAK], "1 of 2 packages have known vulnerabilities"),
        ([FOUND, SKIPPED], "1 of 2 packages could not be checked, such as numpy"),
        ([], "0 of 0 packages could not be checked"),
    ],
)
def test_fails_with_the_reason(tmp_path: Path, packages: list[Any], why: str) -> None:
    done = audit(tmp_path, json.dumps({"dependencies": packages}))
    assert done.returncode == 1
    assert why in done.stderr
    assert ("CVE-1, fixed in 0.2" in done.stdout) == (WEAK in packages)


@pytest.mark.parametrize("output", ["", "no JSON"])
def test_fails_without_a_report(tmp_path: Path, output: str) -> None:
    done = audit(tmp_path, output)
    assert done.returncode == 1
    assert "nothing was audited" in done.stderr
    assert "Traceback" not in done.stderr
