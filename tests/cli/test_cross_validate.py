"""`veraface cross-validate` as a user meets it."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.cli.terminal import veraface
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
    assert result.output == "# The report\n\nwritten to out/crossval.json and out/crossval.md\n"
    (call,) = calls
    assert (call["data"], call["out"], call["recipe"]) == (Path("faces"), Path("out"), Path("recipe"))
    assert (call["targets"].max_fpr, call["targets"].max_fnr, call["images"]) == (0.2, 0.3, 20)
    assert (call["changes"], call["only"]) == ({"epochs": 5}, [2])


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
