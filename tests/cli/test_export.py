"""`veraface export` as a user meets it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.cli.terminal import veraface
from tests.sample_data import make_dataset
from veraface.cli.app import app
from veraface.decision import Thresholds
from veraface.models.card import ModelCard
from veraface.models.classifier import OnnxClassifier

RATES = {
    "allowed_reals_called_fake": 0.2,
    "allowed_fakes_called_real": 0.3,
    "reals_called_fake": 0.123,
    "fakes_called_real": 0.2,
    "reals_uncertain": 0.25,
    "fakes_uncertain": 0.5,
}


@pytest.fixture
def written(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The arguments of every call of the library's `export`, which writes nothing."""
    card = ModelCard.load(tiny_model.with_suffix(".json"))
    calls: list[dict[str, Any]] = []

    def export(run: Path, out: Path, **arguments: Any) -> ModelCard:
        calls.append({"run": run, "out": out, **arguments})
        return replace(card, thresholds=Thresholds(real=0.2, fake=0.8), error_rates=RATES)

    monkeypatch.setattr("veraface.training.export.export", export)
    return calls


def test_writes_a_model_and_reports_its_error_rates(tiny_run: Path, tmp_path: Path) -> None:
    done = veraface(
        "export", tiny_run, "--out", tmp_path / "models", "--name", "mine", "--license", "CC0-1.0"
    )
    assert done.returncode == 0, done.stderr
    card = OnnxClassifier(tmp_path / "models" / "mine.onnx").card
    assert card.license == "CC0-1.0"
    lines = done.stdout.splitlines()
    assert lines[0] == f"{tmp_path / 'models' / 'mine'}.onnx and its card mine.json"
    assert f"real at or below {card.thresholds.real:.3f}, fake from {card.thresholds.fake:.3f}" in lines[1]
    assert [line.split(":")[1].strip() for line in lines[4:]] == [
        f"the verdict {verdict} is never reached" for verdict in ("fake", "real")
    ], "a few dozen images are too few for an error rate of 5%"
    assert done.stderr == "", "no noise"


def test_error_rates_are_printed(written: list[dict[str, Any]], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["export", "run", "--out", str(tmp_path), "--name", "mine"])
    assert result.output.splitlines()[1:] == [
        "real at or below 0.200, fake from 0.800; on validation:",
        "  reals: 12.3% false positives, 25% uncertain",
        "  fakes: 20.0% false negatives, 50% uncertain",
    ]


@pytest.mark.parametrize(
    "options",
    [
        ("--max-fpr", "0.2", "--max-fnr", "0.3", "--license", "MIT", "--data-licenses", "l.yaml"),
        ("--false-alarms", "0.2", "--misses", "0.3", "--licence", "MIT", "--terms", "l.yaml"),
    ],
    ids=["current names", "former names"],
)
def test_options_are_passed_on(
    written: list[dict[str, Any]], tmp_path: Path, options: tuple[str, ...]
) -> None:
    result = CliRunner().invoke(app, ["export", "run", "--out", str(tmp_path), *options])
    assert result.exit_code == 0, result.output
    (call,) = written
    assert (call["targets"].max_fpr, call["targets"].max_fnr) == (0.2, 0.3)
    assert (call["license"], call["data_licenses"]) == ("MIT", Path("l.yaml"))


def test_calibrates_the_shipped_model_on_own_images(tmp_path: Path) -> None:
    data, out = make_dataset(tmp_path / "faces", {"val": 20}), tmp_path / "model"
    result = CliRunner().invoke(app, ["calibrate", "--data", str(data), "--out", str(out)])
    assert result.exit_code == 0, result.output
    second = ["veraface-lite0.json", "veraface-lite0.onnx"]
    files = ["clip-vit-b16-192.int8.onnx", *second, "veraface.json", "veraface.npz"]
    assert sorted(path.name for path in out.iterdir()) == files
    assert "on validation:" in result.output


def test_former_names_are_not_in_the_help() -> None:
    shown = CliRunner().invoke(app, ["export", "--help"], env={"COLUMNS": "200"}).output
    for name in ("--false-alarms", "--misses", "--licence", "--terms"):
        assert name not in shown
    for name in ("--max-fpr", "--max-fnr", "--license", "--data-licenses"):
        assert name in shown


def test_invalid_error_rates_are_refused(written: list[dict[str, Any]], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["export", "run", "--out", str(tmp_path), "--max-fpr", "0.5"])
    assert str(result.exception) == "max-fpr is 0.5; it must lie between 0 and 0.5"
    assert written == []
