"""Coverage-guided fuzzing of the image loader in every check.

It starts from the inputs that earlier runs found (`found.zip`), so it covers more code before its first new
input (1,675 edges) than a minute from the tiny files alone reached (1,551 edges, 55,861 inputs).
"""

import importlib.util
import os
import platform
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.examples import PROFILE
from tests.fuzz.make_corpus import CORPUS, FOUND
from veraface.imaging.decode import ImageFile

HERE = Path(__file__).parent
INPUTS = 1_000_000 if PROFILE == "deep" else 15_000
HAS_WHEELS = sys.platform == "linux" and platform.machine() == "x86_64"


def test_the_corpus_is_small_and_of_readable_images() -> None:
    files = list(CORPUS.iterdir())
    assert len(files) >= 20
    assert sum(file.stat().st_size for file in files) < 60_000
    for file in files:
        assert ImageFile(file).decode().mode == "RGB", file.name


def fuzz(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    if importlib.util.find_spec("atheris") is None and not HAS_WHEELS:
        pytest.skip("atheris has no wheel for this system")
    new, found = folder / "new", folder / "found"
    new.mkdir()
    with zipfile.ZipFile(FOUND) as archive:
        archive.extractall(found)
    # A shell between, as a process begins with the peak memory of the one that started it: that is pytest's.
    command = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-m", "tests.fuzz.fuzz_image"]
    options = [
        f"-artifact_prefix={folder}/",
        "-timeout=20",
        "-rss_limit_mb=1200",
        f"-dict={HERE / 'tokens.dict'}",
        "-max_len=20000",
        "-print_final_stats=1",
    ]
    paths = [os.environ.get("PYTHONPATH", ""), str(HERE.parents[1])]
    return subprocess.run(
        [*command, *options, *arguments, str(new), str(CORPUS), str(found)],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=3600 if PROFILE == "deep" else 600,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )


@pytest.mark.generative
def test_thousands_of_inputs_find_nothing(tmp_path: Path) -> None:
    finished = fuzz(tmp_path, f"-runs={INPUTS}")
    findings = [path.name for path in tmp_path.iterdir() if path.is_file()]
    assert (finished.returncode, findings) == (0, []), finished.stderr[-4000:]
    tries = re.search(r"stat::number_of_executed_units: (\d+)", finished.stderr)
    assert tries is not None, finished.stderr[-4000:]
    assert int(tries[1]) >= INPUTS
    covered = re.search(r"INITED cov: (\d+)", finished.stderr)
    assert covered is not None
    assert int(covered[1]) > 1000  # edges: it sees what the loader does with its tries


def test_it_would_find_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a loader that lets one other error out, on purpose."""
    (tmp_path / "sitecustomize.py").write_text(
        "import veraface.imaging.decode as image\n"
        "old = image._open\n"
        "def broken(data):\n"
        "    if len(data) % 7 == 3: raise KeyError('let out')\n"
        "    return old(data)\n"
        "image._open = broken\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    folder = tmp_path / "out"
    folder.mkdir()
    finished = fuzz(folder, "-runs=100000")
    assert finished.returncode != 0
    assert "KeyError" in finished.stderr + finished.stdout
    assert [path for path in folder.iterdir() if path.name.startswith("crash-")]
