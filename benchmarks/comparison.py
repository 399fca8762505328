"""Veraface beside its peers, in turn in the same run: time of one image, cold start, throughput."""

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
from server_figures import answered
from serving import memory_mb, serving
from tables import p50, table

_ALONE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # for peers
_CLI = Path(sys.executable).with_name("veraface")
_LIBRARY = "import sys; from veraface import Detector; print(Detector().detect(sys.argv[1]).verdict)"


def _seconds(command: Sequence[object]) -> float:
    started = perf_counter()
    # sahu65 ends with status 2 where it cannot tell, which is an answer too.
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        env=_ALONE if "peers" in str(command[0]) else None,
    )
    if done.returncode not in (0, 2) or not done.stdout:
        raise SystemExit(f"{command[0]} failed: {done.stderr.decode()}")
    return perf_counter() - started


def cold_start(data: bytes, runs: int) -> str:
    """Seconds from process start to the first verdict; a run of each in turn, the first not counted."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "picture.jpg"
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
    return table(["first verdict of a new process", "p50 s", "least s", "times quicker than sahu65"], rows)


def one_picture(data: bytes, runs: int) -> str:
    """Milliseconds for the same file in a warm process; a process of each in turn, three times."""
    times: dict[str, list[float]] = {"sahu65": [], "veraface": []}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "picture.jpg"
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
    return table(["2 MP JPEG, one face, warm", "p50 ms", "least ms", "times quicker than sahu65"], rows)


def throughput(data: bytes, seconds: float) -> str:
    """Pictures a second at 16 clients, of servers with their own defaults, in turn, twice; the better run."""
    servers = {"veraface": (serving, "/api/predict"), "Flask + Keras": (_flask, "/predict")}
    rates: dict[str, list[list[float]]] = {name: [] for name in servers}
    for _ in range(2):
        for name, (start, path) in servers.items():
            with start() as (url, process):
                answered(url + path, data, 2, 3)
                rates[name].append([*answered(url + path, data, 16, seconds), memory_mb(process)])
    best = {name: max(measured) for name, measured in rates.items()}
    rows = [[name, *values, values[0] / best["Flask + Keras"][0]] for name, values in best.items()]
    headings = ["16 clients", "pictures a second", "p50 ms", "p99 ms", "turned away", "PSS MB"]
    note = "\nVeraface finds faces and judges each in two or three views; the peer calls one network once.\n"
    return table([*headings, "times Flask + Keras"], rows) + note


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
