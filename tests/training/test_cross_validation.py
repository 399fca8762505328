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
from veraface.models.card import ModelCard
from veraface.training.calibration import ErrorTargets
from veraface.training.config import TrainConfig
from veraface.training.cross_validation import cross_validate

TARGETS = ErrorTargets(0.2, 0.2)


class Done(NamedTuple):
    """A whole cross-validation."""

    data: Path
    recipe: Path
    out: Path
    markdown: str

    def again(self, out: Path | None = None, **changes: Any) -> str:
        arguments: dict[str, Any] = {"recipe": self.recipe, "images": 20, "targets": TARGETS} | changes
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
    rows = done.report["rows"]
    assert [(row["source"], row["label"]) for row in rows] == [
        ("lab", "real"),
        ("lab", "fake"),
        ("street", "real"),
        ("web", "real"),
        ("web", "fake"),
    ]
    assert [row["pictures"] for row in rows] == [20] * 5
    assert sum(row["not_judged"] for row in rows) == 0


def test_what_is_left_out_is_in_no_training(done: Done) -> None:
    for fold, left_out, kept in ((1, ("lab", "street"), "web"), (2, ("web",), "lab, street")):
        run = done.out / f"fold-{fold}"
        assert TrainConfig.load(run / "config.yaml").leave_out == left_out
        data = ModelCard.load(run / "model.json").data
        assert data.endswith(f"faces; sources: {kept}")


def test_the_recipe_decides_how_it_is_trained(done: Done) -> None:
    wanted = TrainConfig.load(done.recipe / "config.yaml")
    used = TrainConfig.load(done.out / "fold-1" / "config.yaml")
    assert used.differences(wanted) == ["data", "leave_out"]
    assert used.data == str(done.data.resolve())


def test_marks_shared_by_all_sources_are_detected_in_the_one_left_out(done: Done) -> None:
    for row in done.report["rows"]:
        low, high = row["intervals"]["auc"]
        assert 0.9 < row["auc"] <= 1
        assert low <= row["auc"] <= high
        verdicts = row["called_fake"] + row["called_real"] + row["uncertain"]
        assert verdicts == pytest.approx(1, abs=1e-3)
        wrong, right = (
            ("called_real", "called_fake") if row["label"] == "fake" else ("called_fake", "called_real")
        )
        assert row[wrong] <= row[right]
        assert ("recall_at_5_percent" in row) == (row["label"] == "fake")


def test_the_summary_sums_up_the_rows(done: Done) -> None:
    report = done.report
    rows, summary = report["rows"], report["summary"]
    recalls = [row["recall_at_5_percent"] for row in rows if row["label"] == "fake"]
    alarms = {row["source"]: row["called_fake"] for row in rows if row["label"] == "real"}
    assert summary["mean_recall_at_5_percent"] == pytest.approx(sum(recalls) / 2, abs=1e-4)
    assert summary["mean_false_alarms"] == pytest.approx(sum(alarms.values()) / 3, abs=1e-4)
    assert (
        summary["worst_false_alarms"] == max(alarms.values()) == alarms[summary["worst_false_alarms_source"]]
    )
    assert (summary["sources_with_fakes"], summary["sources_with_reals"]) == (2, 3)


def test_the_report_is_written_and_returned(done: Done) -> None:
    assert (done.out / "crossval.md").read_text() == done.markdown
    lines = done.markdown.splitlines()
    assert lines[0] == "# Leave-one-source-out cross-validation"
    assert "at 5% false positive rate, mean over 2 sources" in done.markdown
    table = [line for line in lines if line.startswith("| ")]
    assert len(table) == 1 + 5
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1
    assert str(done.data) not in (done.out / "crossval.json").read_text(), (
        "it names no folders of the machine"
    )


def test_finished_folds_are_kept(copy: Done) -> None:
    before = times(copy.out)
    assert copy.again() == copy.markdown
    assert times(copy.out) == before
    assert len(before) >= 2 * 5


def test_one_fold_can_be_asked_for(copy: Done) -> None:
    """Other folds are not run; finished ones are in the report."""
    assert copy.again(only=[2]) == copy.markdown
    (copy.out / "fold-1.json").unlink()
    markdown = copy.again(only=[2])
    assert "| web | fake |" in markdown
    assert "| lab |" not in markdown
    assert "Only 1 of 2 folds so far." in markdown
    assert [row["source"] for row in copy.report["rows"]] == ["web", "web"]


def test_a_damaged_fold_is_named(copy: Done) -> None:
    for content in ("", "[]", "{}", '{"settings": {'):
        (copy.out / "fold-1.json").write_text(content)
        with pytest.raises(DataError, match=r"fold-1\.json: is damaged; delete it"):
            copy.again()


@pytest.mark.parametrize(
    "change",
    [
        {"changes": {"epochs": 6}},
        {"changes": {"seed": 2}},
        {"images": 30},
        {"targets": ErrorTargets(0.2, 0.1)},
        {"targets": None},
    ],
    ids=str,
)
def test_other_settings_are_refused(copy: Done, change: dict[str, Any]) -> None:
    before = (copy.out / "crossval.json").read_bytes(), times(copy.out)
    with pytest.raises(DataError, match="fold-1.json: was written with other settings or data; pass"):
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
    assert not (tmp_path / "out" / "fold-2.json").exists()
    break_down(monkeypatch, -1)
    done.again(tmp_path / "out", only=[2])
    stopped, whole = tmp_path / "out" / "fold-2", done.out / "fold-2"
    assert same(tensors(stopped), tensors(whole))
    assert logged(stopped, "val_auc") == logged(whole, "val_auc"), "no epoch was run twice"
    assert (tmp_path / "out" / "fold-2.json").read_text() == (done.out / "fold-2.json").read_text()


def test_a_missing_recipe(done: Done, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"config.yaml: no such file; give the folder of a training run"):
        done.again(tmp_path / "out", recipe=tmp_path)
    assert not (tmp_path / "out").exists()
