"""Runs the `veraface` command as a user does."""

import os
import subprocess
import sys
from pathlib import Path

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "COLUMNS": "160",
    "NO_COLOR": "1",
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",  # torch on a busy machine waits for its own threads otherwise
} | {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}  # of another checkout
COMMAND = [sys.executable, "-c", "from veraface.cli import main; main()"]


def veraface(
    *arguments: object,
    cwd: Path | None = None,
    data: bytes | None = None,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess:
    """Run and wait; output is decoded, colors are off, the terminal is wide."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        input=data,
        capture_output=True,
        timeout=300,
        env=ENVIRONMENT | (environment or {}),
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
