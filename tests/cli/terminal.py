"""Run the `veraface` command as a user does."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

from click.testing import CliRunner

from veraface.cli import main

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
) -> subprocess.CompletedProcess[str]:
    """Run the command in this process; output is decoded, colors are off, the terminal is wide.

    The command sees the same environment, folder, input and arguments as in `veraface_process`.
    """
    command = ["veraface", *map(str, arguments)]
    with (
        mock.patch.dict(os.environ, ENVIRONMENT | (environment or {}), clear=True),
        mock.patch.object(sys, "argv", command),
        contextlib.chdir(cwd or Path.cwd()),
        CliRunner().isolation(data) as (stdout, stderr, _),
    ):
        try:
            main()
            code: object = 0
        except SystemExit as end:
            code = end.code
        sys.stdout.flush()
        sys.stderr.flush()
    status = code if isinstance(code, int) else int(code is not None)
    return subprocess.CompletedProcess(
        command, status, stdout.getvalue().decode(), stderr.getvalue().decode()
    )


def veraface_process(
    *arguments: object,
    cwd: Path | None = None,
    data: bytes | None = None,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, for what only a process shows."""
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
