"""Sessions of ONNX Runtime: no telemetry, and released memory."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil

from veraface.models.registry import load_model

PROGRAM = """
import os
import skimage.data
from veraface import Detector
assert Detector(threads=1).detect(skimage.data.astronaut()).faces
print(len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1, "thread")
"""


def test_telemetry_is_disabled(tmp_path: Path) -> None:
    """By default the runtime starts a telemetry thread and stores its data in the home folder."""
    kept = {
        name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ
    }  # without "CI", which disables it
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**kept, **one_thread, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob("*")) == []
    assert done.stdout == "1 thread\n"


def test_release_memory_frees_the_memory_of_earlier_runs() -> None:
    model, process = load_model("fast", threads=1), psutil.Process()
    side = model.card.crop.size
    model.predict(np.zeros((24, side, side, 3), np.uint8))
    before = process.memory_info().rss
    model.release_memory()
    assert before - process.memory_info().rss > 50e6
