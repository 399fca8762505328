"""`veraface export` as a user meets it."""

from pathlib import Path

from tests.cli.terminal import veraface
from veraface.models.classifier import OnnxClassifier


def test_writes_a_model_and_says_how_it_errs(tiny_run: Path, tmp_path: Path) -> None:
    done = veraface(
        "export", tiny_run, "--out", tmp_path / "models", "--name", "mine", "--licence", "CC0-1.0"
    )
    assert done.returncode == 0, done.stderr
    card = OnnxClassifier(tmp_path / "models" / "mine.onnx").card
    assert card.license == "CC0-1.0"
    lines = done.stdout.splitlines()
    assert lines[0] == f"{tmp_path / 'models' / 'mine'}.onnx and its card mine.json"
    assert f"real at or below {card.thresholds.real:.3f}, fake from {card.thresholds.fake:.3f}" in lines[1]
    assert [line.split(";")[0] for line in lines[4:]] == [
        f"warning: this model calls nothing {verdict}: its validation split is too small for so few errors"
        for verdict in ("fake", "real")
    ], "a few dozen images prove no 5 %"
    assert done.stderr == "", "no noise"


def test_levels_of_error_can_be_chosen(tiny_run: Path, tmp_path: Path) -> None:
    """They stand on the card, and the verdicts on validation keep them."""
    levels = ("--false-alarms", 0.2, "--misses", 0.3)
    done = veraface("export", tiny_run, "--out", tmp_path, "--name", "mine", *levels)
    assert done.returncode == 0, done.stderr
    rates = OnnxClassifier(tmp_path / "mine.onnx").card.error_rates
    assert rates["allowed_reals_called_fake"] == 0.2 >= rates["reals_called_fake"]
    assert rates["allowed_fakes_called_real"] == 0.3 >= rates["fakes_called_real"]
    reals, fakes = done.stdout.splitlines()[2:]  # and no warning
    assert f"{rates['reals_called_fake']:.1%} of reals are judged wrongly" in reals
    assert f"{rates['fakes_called_real']:.1%} of fakes are judged wrongly" in fakes


def test_levels_that_make_no_sense_are_refused(tiny_run: Path, tmp_path: Path) -> None:
    done = veraface("export", tiny_run, "--out", tmp_path / "models", "--false-alarms", 0.5)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "veraface: reals called fake is 0.5; it must lie between 0 and .5\n"
    assert not (tmp_path / "models").exists()


def test_no_run_is_said_in_one_line(tmp_path: Path) -> None:
    done = veraface("export", tmp_path / "nowhere", "--out", tmp_path / "models")
    assert (done.returncode, done.stdout) == (1, "")
    complaint = f"veraface: {tmp_path}/nowhere/config.yaml: no such file; give the folder of a training run\n"
    assert done.stderr == complaint
    assert not (tmp_path / "models").exists()
