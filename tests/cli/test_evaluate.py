"""`veraface evaluate` as a user meets it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.sample_data import make_dataset
from veraface.cli.app import app
from veraface.evaluation.report import short_form
from veraface.models.card import ModelCard


def test_reports_and_writes_the_card(tiny_model: Path, tmp_path: Path) -> None:
    """The model trained in seconds separates marked from unmarked faces of unseen numbers."""
    data = make_dataset(tmp_path / "faces", {"train": 40, "test": 12})
    (data / "041.png").write_bytes(b"")
    model = tmp_path / "tiny.onnx"
    for suffix in (".onnx", ".json"):
        model.with_suffix(suffix).write_bytes(tiny_model.with_suffix(suffix).read_bytes())
    report = tmp_path / "report"
    arguments = ("--data", data, "--model", model, "--out", report, "--pair", "left:right", "--curves", "2")
    done = CliRunner().invoke(app, ["evaluate", *map(str, arguments), "--write-card"])
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    last = f"written to {report}/report.html, report.md, report.json and images.jsonl\n"
    assert done.stdout.endswith(last)
    printed = done.stdout.removesuffix("\n" + last)
    assert (report / "report.md").read_text().startswith(printed)
    assert "## Robustness" in printed
    written = json.loads((report / "report.json").read_text())
    everything = written["rows"][0]
    assert (everything["real"], everything["fake"], everything["not_judged"]) == (6, 6, 1)
    assert everything["auc"] > 0.9
    assert ModelCard.load(model.with_suffix(".json")).measured == short_form(written)
    shown = CliRunner().invoke(app, ["info", "--model", str(model)], env={"COLUMNS": "160"}).stdout
    for row in written["tiers"]:
        (line,) = [line for line in shown.splitlines() if line.split()[:1] == [row["tier"]]]
        assert f"{row['auc']:.3f}" in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--data", "nowhere"), "nowhere: no such file or folder"),
        (("--split", "x"), "split is 'x'; it must be train, val, test or all"),
        (("--pair", "x"), "pair is 'x'; it must be two sources as REAL:FAKE"),
    ],
    ids=str,
)
def test_invalid_options_are_refused(
    tiny_data: Path, tiny_model: Path, tmp_path: Path, options: tuple[str, str], message: str
) -> None:
    arguments = ["--data", str(tiny_data), "--model", str(tiny_model), "--out", str(tmp_path / "report")]
    result = CliRunner().invoke(app, ["evaluate", *arguments, *options])
    assert str(result.exception) == message
    assert result.output == ""
