"""`veraface evaluate` as a user meets it."""

import json
from pathlib import Path

from tests.cli.terminal import veraface
from tests.sample_data import make_dataset
from veraface.evaluation.card import short_form
from veraface.models.card import ModelCard


def test_reports_and_writes_the_card(tiny_model: Path, tmp_path: Path) -> None:
    """The model learned in seconds tells marked faces of other numbers from unmarked ones."""
    data = make_dataset(tmp_path / "faces", {"train": 40, "test": 12})
    (data / "041.png").write_bytes(b"")
    model = tmp_path / "tiny.onnx"
    for suffix in (".onnx", ".json"):
        model.with_suffix(suffix).write_bytes(tiny_model.with_suffix(suffix).read_bytes())
    report = tmp_path / "report"
    done = veraface(
        "evaluate",
        "--data",
        data,
        "--model",
        model,
        "--out",
        report,
        "--pair",
        "left:right",
        "--write-card",
        "--curves",
        "2",
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told = f"written to {report}/report.html, report.md, report.json and pictures.jsonl\n"
    assert done.stdout.endswith(told)
    printed = done.stdout.removesuffix("\n" + told)
    assert (report / "report.md").read_text().startswith(printed)
    assert "## Robustness" in printed
    written = json.loads((report / "report.json").read_text())
    everything = written["rows"][0]
    assert (everything["real"], everything["fake"], everything["not_judged"]) == (6, 6, 1)
    assert everything["auc"] > 0.9
    assert ModelCard.load(model.with_suffix(".json")).measured == short_form(written)
    shown = veraface("info", "--model", model).stdout
    for row in written["tiers"]:
        (line,) = [line for line in shown.splitlines() if line.split()[:1] == [row["tier"]]]
        assert f"{row['auc']:.3f}" in line


def test_mistakes_are_said_in_one_line(tiny_data: Path, tiny_model: Path, tmp_path: Path) -> None:
    for arguments, complaint in (
        (("--data", tmp_path / "nowhere"), f"veraface: {tmp_path}/nowhere: no such file or folder\n"),
        (
            ("--data", tiny_data, "--split", "x"),
            "veraface: split is 'x'; it must be train, val, test or all\n",
        ),
        (
            ("--data", tiny_data, "--pair", "x"),
            "veraface: pair is 'x'; it must be two sources as REAL:FAKE\n",
        ),
    ):
        done = veraface("evaluate", *arguments, "--model", tiny_model, "--out", tmp_path / "report")
        assert (done.returncode, done.stdout, done.stderr) == (1, "", complaint)
