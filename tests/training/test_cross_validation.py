"""Leave-one-source-out cross-validation: what is left out, what is kept, and the report."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.sample_data import make_sources
from tests.training.runs import break_down, logged, recipe, same, tensors
from veraface.errors import DataError
from veraface.evaluation.score_table import ScoreTable
from veraface.training.calibration import ErrorTargets
from veraface.training.config import TrainConfig
from veraface.training.cross_validation import cross_validate
from veraface.training.group_thresholds import BoundSettings

SETTINGS = BoundSettings(ErrorTargets(0.3, 0.3), mean_fpr=0.3, mean_fnr=0.3)


class Done(NamedTuple):
    """A whole cross-validation."""

    data: Path
    recipe: Path
    out: Path
    markdown: str

    def again(self, out: Path | None = None, **changes: Any) -> str:
        arguments: dict[str, Any] = {"recipe": self.recipe, "images": 20, "settings": SETTINGS} | changes
        return cross_validate(self.data, out or self.out, **arguments)

    @property
    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads((self.out / "crossval.json").read_text())
        return report


@pytest.fixture(scope="module")
def done(made_once: Callable[..., Path]) -> Done:
    """Made once for all workers; `copy` is for tests that change it."""

    def fill(folder: Path) -> None:
        Done(make_sources(folder / "faces"), recipe(folder / "recipe"), folder / "out", "").again()

    folder = made_once("cross-validation", fill)
    markdown = (folder / "out" / "crossval.md").read_text()
    return Done(folder / "faces", folder / "recipe", folder / "out", markdown)


@pytest.fixture
def copy(done: Done, tmp_path: Path) -> Done:
    """A copy that a test may change."""
    shutil.copytree(done.out, tmp_path / "out")
    return done._replace(out=tmp_path / "out")


def times(out: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in out.glob("fold-*/**/*") if path.is_file()}


def test_every_source_is_evaluated_once_by_class(done: Done) -> None:
    """Of the images of train and val at most the number asked for, and every one could be read."""
    report = done.report
    assert [(row["source"], row["images"]) for row in report["reals"]] == [
        ("lab", 20),
        ("street", 20),
        ("web", 20),
    ]
    assert [(row["source"], row.get("images")) for row in report["fakes"]] == [
        ("mean", None),
        ("lab", 20),
        ("web", 20),
    ]
    assert report["images"] == {"real": 60, "fake": 40, "sources": 3, "not_left_out": 0}


def test_what_is_left_out_is_in_no_training(done: Done) -> None:
    table = ScoreTable.load(done.out / "scores.npz")
    for fold, left_out in ((1, ("lab", "street")), (2, ("web",))):
        assert TrainConfig.load(done.out / f"fold-{fold}" / "config.yaml").leave_out == left_out
        assert set(table.source[table.fold == fold]) == set(left_out)


def test_the_recipe_decides_how_it_is_trained(done: Done) -> None:
    wanted = TrainConfig.load(done.recipe / "config.yaml")
    used = TrainConfig.load(done.out / "fold-1" / "config.yaml")
    assert used.differences(wanted) == ["data", "leave_out"]
    assert used.data == str(done.data.resolve())


def test_marks_shared_by_all_sources_are_detected_in_the_one_left_out(done: Done) -> None:
    for row in done.report["fakes"][1:]:
        low, high = row["intervals"]["auc"]
        assert 0.9 < row["auc"] <= 1
        assert low <= row["auc"] <= high
        assert row["called_real"] <= row["called_fake"]
    for row in done.report["reals"]:
        assert row["called_fake"] <= row["called_real"]


def test_the_report_is_written_and_returned(done: Done) -> None:
    assert (done.out / "crossval.md").read_text() == done.markdown
    assert done.markdown.startswith("# Left-out sources\n\n60 real and 40 fake images of 3 sources")
    for name in ("crossval.json", "scores.npz"):
        content = (done.out / name).read_bytes()
        assert str(done.data).encode() not in content, "it names no folders of the machine"


def test_finished_folds_are_kept(copy: Done) -> None:
    before = times(copy.out)
    assert copy.again() == copy.markdown
    assert times(copy.out) == before
    assert len(before) >= 2 * 5


def test_one_fold_can_be_asked_for(copy: Done) -> None:
    """Other folds are not run; the report needs all."""
    assert copy.again(only=[2]) == copy.markdown
    (copy.out / "fold-1.npz").unlink()
    assert copy.again(only=[2]) == "folds 1 of 2 are missing; the report needs all of them"


def test_a_damaged_fold_is_named(copy: Done) -> None:
    (copy.out / "fold-1.npz").write_bytes(b"cut off")
    with pytest.raises(DataError, match=r"fold-1\.npz: cannot be read as a score table"):
        copy.again()


@pytest.mark.parametrize(
    "change",
    [{"changes": {"epochs": 6}}, {"changes": {"seed": 2}}, {"images": 30}],
    ids=str,
)
def test_other_settings_are_refused(copy: Done, change: dict[str, Any]) -> None:
    before = (copy.out / "crossval.json").read_bytes(), times(copy.out)
    with pytest.raises(
        DataError, match=r"fold-1.npz: was written with other settings or data \((epochs|seed|images)\); pass"
    ):
        copy.again(**change)
    assert ((copy.out / "crossval.json").read_bytes(), times(copy.out)) == before


@pytest.mark.parametrize("number", [0, 3, -1])
def test_unknown_folds(done: Done, tmp_path: Path, number: int) -> None:
    with pytest.raises(DataError, match=f"^there is no fold {number}; folds are numbered from 1 to 2$"):
        done.again(tmp_path / "out", only=[1, number])
    assert not (tmp_path / "out").exists()


def test_an_interrupted_fold_is_resumed(done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From its last epoch, and to the same result as in one go."""
    break_down(monkeypatch, 3)
    with pytest.raises(RuntimeError, match="power failure"):
        done.again(tmp_path / "out", only=[2])
    assert not (tmp_path / "out" / "fold-2.npz").exists()
    break_down(monkeypatch, -1)
    done.again(tmp_path / "out", only=[2])
    stopped, whole = tmp_path / "out" / "fold-2", done.out / "fold-2"
    assert same(tensors(stopped), tensors(whole))
    assert logged(stopped, "val_auc") == logged(whole, "val_auc"), "no epoch was run twice"
    tables = [ScoreTable.load(out / "fold-2.npz") for out in (tmp_path / "out", done.out)]
    (network,) = tables[0].logits
    assert (tables[0].logits[network] == tables[1].logits[network]).all()


def test_a_missing_recipe(done: Done, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"config.yaml: no such file; give the folder of a training run"):
        done.again(tmp_path / "out", recipe=tmp_path)
    assert not (tmp_path / "out").exists()
