"""`veraface export` as a user meets it."""

from pathlib import Path

from tests.cli.terminal import veraface
from veraface.model import Model


def test_writes_a_model_and_says_how_it_errs(tiny_run: Path, tmp_path: Path) -> None:
    done = veraface(
        "export", tiny_run, "--out", tmp_path / "models", "--name", "mine", "--licence", "CC0-1.0"
    )
    assert done.returncode == 0, done.stderr
    card = Model(tmp_path / "models" / "mine.onnx").card
    assert card.licence == "CC0-1.0"
    lines = done.stdout.splitlines()
    assert lines[0] == f"{tmp_path / 'models' / 'mine'}.onnx and its card mine.json"
    assert f"real at or below {card.thresholds.real:.3f}, fake from {card.thresholds.fake:.3f}" in lines[1]
    assert len(lines) == 4
    assert done.stderr == "", "no noise"


def test_no_run_is_said_in_one_line(tmp_path: Path) -> None:
    done = veraface("export", tmp_path / "nowhere", "--out", tmp_path / "models")
    assert (done.returncode, done.stdout) == (1, "")
    complaint = f"veraface: {tmp_path}/nowhere/config.yaml: no such file; give the folder of a training run\n"
    assert done.stderr == complaint
    assert not (tmp_path / "models").exists()
