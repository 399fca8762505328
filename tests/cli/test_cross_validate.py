"""`veraface crossval` as a user meets it."""

from pathlib import Path

from tests.cli.terminal import veraface
from tests.sample_data import make_dataset, make_sources
from tests.training.runs import recipe
from veraface.models.card import ModelCard
from veraface.training.config import TrainConfig


def test_leaves_a_source_out_and_prints_what_it_wrote(tmp_path: Path) -> None:
    make_sources(tmp_path / "faces")
    recipe(tmp_path / "recipe", epochs=9)
    arguments = ("--data", "faces", "--out", "out", "--recipe", "recipe", "--epochs", 5, "--pictures", 20)
    done = veraface("crossval", *arguments, "--only", 2, "--false-alarms", 0.2, "--misses", 0.3, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "out" / "crossval.md").read_text()
    assert done.stdout == f"{report}\nwritten to out/crossval.json and out/crossval.md\n"
    assert "| web | fake | 20 |" in report
    config = TrainConfig.load(tmp_path / "out" / "fold-2" / "config.yaml")
    assert (config.epochs, config.leave_out) == (5, ("web",))
    rates = ModelCard.load(tmp_path / "out" / "fold-2" / "model.json").error_rates
    assert (rates["allowed_reals_called_fake"], rates["allowed_fakes_called_real"]) == (0.2, 0.3)


def test_one_source_with_fakes_is_too_few(tmp_path: Path) -> None:
    make_dataset(tmp_path / "faces", {"train": 4, "val": 4}, ["alone"])
    done = veraface("crossval", "--data", tmp_path / "faces", "--out", tmp_path / "out")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("veraface: 1 source holds fakes; leaving one out needs at least two")
    assert not (tmp_path / "out").exists()


def test_levels_that_make_no_sense_are_told_in_one_line(tmp_path: Path) -> None:
    done = veraface("crossval", "--data", tmp_path, "--out", tmp_path / "out", "--misses", 0.7)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "veraface: fakes called real is 0.7; it must lie between 0 and .5\n"
