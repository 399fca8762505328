"""A minute of coverage-guided fuzzing of the image loader in every check."""

import importlib.util
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.make_corpus import CORPUS
from veraface.imaging.decode import ImageFile

HERE = Path(__file__).parent
SECONDS = 60
HAS_WHEELS = sys.platform == "linux" and platform.machine() == "x86_64"


def test_the_corpus_is_small_and_of_readable_pictures() -> None:
    files = list(CORPUS.iterdir())
    assert len(files) >= 20
    assert sum(file.stat().st_size for file in files) < 60_000
    for file in files:
        assert ImageFile(file).decode().mode == "RGB", file.name


def fuzz(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    if importlib.util.find_spec("atheris") is None and not HAS_WHEELS:
        pytest.skip("atheris has no wheel for this system")
    found = folder / "found"
    found.mkdir()
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
        [*command, *options, *arguments, str(found), str(CORPUS)],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=SECONDS + 120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )


def test_a_minute_finds_nothing(tmp_path: Path) -> None:
    finished = fuzz(tmp_path, f"-max_total_time={SECONDS}")
    findings = [path.name for path in tmp_path.iterdir() if path.is_file()]
    assert (finished.returncode, findings) == (0, []), finished.stderr[-4000:]
    tries = re.search(r"stat::number_of_executed_units: (\d+)", finished.stderr)
    assert tries is not None, finished.stderr[-4000:]
    assert int(tries[1]) > 1000
    assert re.search(r"cov: [1-9]\d\d", finished.stderr)  # it sees what the loader does with its tries


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
    finished = fuzz(folder, "-max_total_time=20")
    assert finished.returncode != 0
    assert "KeyError" in finished.stderr + finished.stdout
    assert [path for path in folder.iterdir() if path.name.startswith("crash-")]
