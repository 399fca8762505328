import json
import resource
import subprocess
import sys

import pytest

import veraface as package
from tests.cli.terminal import veraface

HEAVY = ("numpy", "PIL", "onnxruntime", "fastapi", "pydantic", "torch", "rich.table")


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_answer_at_once(flag: str) -> None:
    """Under .3 s: of the processor's time, since tests share their machine, and the best of several runs."""
    seconds = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert veraface(flag).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(seconds) < 0.3


def test_starting_loads_nothing_heavy() -> None:
    program = (
        "import sys, json\nfrom veraface.cli import main\nsys.argv = ['veraface', '--version']\n"
        "try: main()\nexcept SystemExit: pass\nprint(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    version, modules = done.stdout.splitlines()
    assert version == f"veraface {package.__version__}"
    assert not set(HEAVY) & set(json.loads(modules))


def test_help_names_every_command() -> None:
    for command in ("detect", "info", "serve", "evaluate", "train", "export"):
        assert command in veraface("--help").stdout
        own = veraface(command, "--help")
        assert own.returncode == 0
        assert "Usage:" in own.stdout


def test_info_shows_the_card() -> None:
    done = veraface("info")
    card = json.loads(veraface("info", "--json").stdout)
    assert done.returncode == 0
    assert card["name"] in done.stdout
    assert card["limits"][0][:40] in done.stdout
    assert {"sha256", "crop", "calibration", "thresholds", "error_rates", "licence", "data"} <= set(card)


@pytest.mark.parametrize("columns", ["80", ""], ids=["80 columns", "piped"])
def test_info_cuts_no_cell(columns: str) -> None:
    lines = veraface("info", environment={"COLUMNS": columns}).stdout.splitlines()
    assert not [line for line in lines if "…" in line]
    assert max(map(len, lines)) <= int(columns or 100)
    assert len([line for line in lines if line.strip().startswith("dfdc  ")]) == 1


def test_info_lists_models_also_as_json() -> None:
    names = veraface("info", "--list").stdout.split()
    assert json.loads(veraface("info", "--list", "--json").stdout) == names


@pytest.mark.parametrize("name", ["--rate", "--misses", "--terms"])
def test_an_unknown_option_is_named_as_typed(name: str) -> None:
    """Former names are translated only in the commands that have the option."""
    done = veraface("detect", "a.jpg", name, "x")
    assert done.returncode == 2
    assert f"No such option: {name}" in done.stderr


def test_info_on_a_missing_model_is_an_error() -> None:
    done = veraface("info", "--model", "nowhere.onnx")
    assert done.returncode == 1
    assert "nowhere.json: no such model card" in done.stderr


def test_serve_refuses_nonsense() -> None:
    done = veraface("serve", "--port", "99999")
    assert done.returncode == 1
    assert "port" in done.stderr
    assert "Traceback" not in done.stderr
