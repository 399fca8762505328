"""`veraface cross-validate` as a user meets it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.cli.terminal import veraface
from tests.evaluation.sample_tables import make_table
from tests.sample_data import make_dataset
from veraface.cli.app import app


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("cross-validate", ("--max-fpr", "0.2", "--max-fnr", "0.3", "--images", "20")),
        ("crossval", ("--false-alarms", "0.2", "--misses", "0.3", "--pictures", "20")),
    ],
    ids=["current names", "former names"],
)
def test_options_are_passed_on(
    monkeypatch: pytest.MonkeyPatch, command: str, options: tuple[str, ...]
) -> None:
    calls: list[dict[str, Any]] = []

    def run(data: Path, out: Path, **arguments: Any) -> str:
        calls.append({"data": data, "out": out, **arguments})
        return "# The report\n"

    monkeypatch.setattr("veraface.training.cross_validation.cross_validate", run)
    paths = ("--data", "faces", "--out", "out", "--recipe", "recipe", "--epochs", "5", "--only", "2")
    result = CliRunner().invoke(app, [command, *paths, *options])
    assert result.exit_code == 0, result.output
    assert result.output == "# The report\n\nwritten to out\n"
    (call,) = calls
    assert (call["data"], call["out"], call["recipe"]) == (Path("faces"), Path("out"), Path("recipe"))
    targets = call["settings"].targets
    assert (targets.max_fpr, targets.max_fnr, call["images"]) == (0.2, 0.3, 20)
    assert (call["changes"], call["only"]) == ({"epochs": 5}, [2])


def test_scores_are_evaluated_without_training(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []

    def run(*arguments: Any, **options: Any) -> str:
        calls.append((*arguments, options))
        return "# The report\n"

    monkeypatch.setattr("veraface.training.score_report.evaluate_scores", run)
    options = ("--max-uncertain", "0.3", "--confidence", "0.9", "--min-groups", "50", "--network", "vit")
    options += ("--one-view", "--card", "vit.json")
    result = CliRunner().invoke(app, ["crossval", "--scores", "s.npz", "--out", "out", *options])
    assert result.exit_code == 0, result.output
    assert result.output == "# The report\n\nwritten to out\n"
    ((scores, out, settings, keywords),) = calls
    assert (scores, out) == (Path("s.npz"), Path("out"))
    assert keywords == {"architecture": "vit", "one_view": True, "card": Path("vit.json")}
    assert (settings.targets.max_fpr, settings.targets.max_fnr) == (0.06, 0.05)
    assert (settings.max_uncertain, settings.confidence, settings.min_groups) == (0.3, 0.9, 50)


@pytest.mark.parametrize("inputs", [(), ("--data", "faces", "--scores", "s.npz")], ids=["neither", "both"])
def test_data_or_scores(inputs: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, ["cross-validate", "--out", "out", *inputs])
    assert result.exit_code == 2
    assert "give either --data or --scores" in result.output


def test_scores_are_evaluated_without_torch(tmp_path: Path) -> None:
    make_table(architectures=("vit",)).save(tmp_path / "scores.npz")
    code = (
        "import sys; from pathlib import Path\n"
        "from veraface.training.score_report import evaluate_scores\n"
        "print(evaluate_scores(Path(sys.argv[1]), Path(sys.argv[2])))\n"
        "assert 'torch' not in sys.modules"
    )
    command = [sys.executable, "-c", code, tmp_path / "scores.npz", tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# Left-out sources")


def test_former_names_are_not_in_the_help() -> None:
    assert "crossval" not in CliRunner().invoke(app, ["--help"]).output
    shown = CliRunner().invoke(app, ["cross-validate", "--help"]).output
    assert "--images" in shown
    for name in ("--false-alarms", "--misses", "--pictures"):
        assert name not in shown


def test_one_source_with_fakes_is_too_few(tmp_path: Path) -> None:
    make_dataset(tmp_path / "faces", {"train": 4, "val": 4}, ["alone"])
    done = veraface("cross-validate", "--data", tmp_path / "faces", "--out", tmp_path / "out")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("veraface: 1 source has fakes; leaving one out needs at least two")
    assert not (tmp_path / "out").exists()


def test_invalid_error_rates_are_refused(tmp_path: Path) -> None:
    arguments = ["--data", str(tmp_path), "--out", str(tmp_path / "out"), "--max-fnr", "0.7"]
    result = CliRunner().invoke(app, ["cross-validate", *arguments])
    assert str(result.exception) == "max-fnr is 0.7; it must lie between 0 and 0.5"
