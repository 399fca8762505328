"""Start a server for a benchmark, and measure its memory."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import psutil


@contextlib.contextmanager
def serving(**settings: str) -> Iterator[tuple[str, psutil.Process]]:
    """Yield the address of a ready server and its process; `settings` become VERAFACE_ variables."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    named = {f"VERAFACE_{name.upper()}": value for name, value in {"port": str(port), **settings}.items()}
    command = [sys.executable, "-c", "from veraface.cli import main; main()", "serve"]
    environment = {**os.environ, "VERAFACE_LOG_LEVEL": "error", **named}
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_until_ready(url, process)
            yield url, psutil.Process(process.pid)
        finally:
            process.terminate()


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 300
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(f"{url}/readyz"):
            return
        time.sleep(0.05)
    raise RuntimeError("the server does not start")


def memory_mb(server: psutil.Process) -> float:
    """Return the memory of a server and its workers in MB; shared pages are counted once (PSS)."""
    total = 0
    for process in [server, *server.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss
    return total / 1e6
