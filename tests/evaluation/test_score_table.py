"""Score tables: round trip, what is refused, which network scores which image."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.evaluation.sample_tables import SOURCES, Source, make_table
from veraface.errors import DataError
from veraface.evaluation.predict import SELF_BLENDED
from veraface.evaluation.score_table import CLEAN, MIRRORED, RECOMPRESSED, NetworkScores, ScoreTable

TABLE = make_table()


def test_a_table_survives_a_round_trip(tmp_path: Path) -> None:
    TABLE.save(tmp_path / "scores.npz")
    read = ScoreTable.load(tmp_path / "scores.npz")
    for name in ("path", "fake", "source", "generator", "group", "split", "face_size", "fold", "views"):
        assert np.array_equal(getattr(read, name), getattr(TABLE, name)), name
    assert set(read.logits) == set(TABLE.logits)
    assert all(np.array_equal(read.logits[name], TABLE.logits[name]) for name in read.logits)
    with np.load(tmp_path / "scores.npz", allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)


def test_a_file_that_is_no_score_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such score table"):
        ScoreTable.load(tmp_path / "missing.npz")
    for content in (b"", b"not a table", b"PK\x03\x04 cut off"):
        (tmp_path / "file.npz").write_bytes(content)
        with pytest.raises(DataError, match="cannot be read as a score table"):
            ScoreTable.load(tmp_path / "file.npz")
    np.savez(tmp_path / "other.npz", fake=np.zeros(3))
    with pytest.raises(DataError, match="is not a score table of this version"):
        ScoreTable.load(tmp_path / "other.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(DataError, match="is not a score table|cannot be read"):
        ScoreTable.load(tmp_path / "array.npy")


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "pickled.npz", path=np.array([{}], object))
    with pytest.raises(DataError, match="cannot be read as a score table"):
        ScoreTable.load(tmp_path / "pickled.npz")


@pytest.mark.parametrize("name", ["path", "fold", "views"])
def test_a_missing_array_is_named(tmp_path: Path, name: str) -> None:
    TABLE.save(tmp_path / "scores.npz")
    with np.load(tmp_path / "scores.npz") as file:
        arrays = {key: file[key] for key in file.files if key != name}
    np.savez(tmp_path / "scores.npz", **arrays)
    with pytest.raises(DataError, match=f"an array is missing or unknown: .*'{name}'"):
        ScoreTable.load(tmp_path / "scores.npz")


def changed(name: str, value: Any) -> Any:
    """Return a column whose first entry is another."""
    values = getattr(TABLE, name).copy().astype(object)
    values[0] = value
    return values.astype(np.array(value).dtype if isinstance(value, str) else getattr(TABLE, name).dtype)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split": changed("split", "holdout")}, "split is .*holdout.*; it must be train, val or test"),
        ({"fold": changed("fold", 2)}, "alps: is in folds 1, 2; must be in one"),
        ({"group": TABLE.group[1:]}, r"group has shape \(1119,\), not \(1120,\)"),
        ({"views": ("mirrored",)}, "there is no view 'clean', only mirrored"),
        ({"views": (CLEAN, CLEAN)}, "a view is listed twice"),
        (
            {"logits": {"vit": TABLE.logits["vit/final"]}},
            "network is 'vit'; it must be ARCHITECTURE/final or",
        ),
        ({"logits": {"vit/fold-x": TABLE.logits["vit/final"]}}, "network is 'vit/fold-x'"),
        ({"logits": {"vit/final": TABLE.logits["vit/final"][1:]}}, "logits of vit/final have shape"),
        ({"logits": {"vit/final": TABLE.logits["vit/final"] + np.inf}}, "a logit of vit/final is infinite"),
    ],
)
def test_inconsistent_tables_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=f"^score table: {message}"):
        replace(TABLE, **changes)


def test_each_image_is_scored_by_the_network_that_has_not_seen_its_source() -> None:
    scores = TABLE.out_of_fold("vit")
    for number in (1, 2, 3):
        own = TABLE.fold == number
        assert np.array_equal(scores[own], TABLE.of_network(f"vit/fold-{number}")[own])
    assert np.isnan(TABLE.of_network("unknown/final")).all()
    assert np.isnan(TABLE.out_of_fold("vit", "dark")).all()


def test_scores_are_those_of_detection() -> None:
    """The mean of clean and mirrored; a view that was not measured is replaced by those that were."""
    images = NetworkScores.of(TABLE, "vit", final=True)
    clean, mirrored, jpeg = (TABLE.of_network("vit/final", view) for view in (CLEAN, MIRRORED, RECOMPRESSED))
    assert np.allclose(images.logit, (clean + mirrored) / 2)
    assert np.allclose(images.recompressed, jpeg)
    alone = NetworkScores.of(make_table(views=(CLEAN,)), "vit", final=True)
    assert np.array_equal(alone.logit, alone.recompressed)


def test_images_that_a_network_was_not_run_on_are_left_out() -> None:
    logits = {name: values.copy() for name, values in TABLE.logits.items()}
    logits["vit/fold-1"][TABLE.fold == 1] = np.nan
    images = NetworkScores.of(replace(TABLE, logits=logits), "vit", final=False)
    assert set(TABLE.fold[images.rows]) == {2, 3}
    assert len(NetworkScores.of(replace(TABLE, logits={}), "vit", final=False)) == 0


def test_architectures_are_those_with_folds() -> None:
    logits = {**TABLE.logits, "student/final": TABLE.logits["vit/final"]}
    assert replace(TABLE, logits=logits).architectures() == ("vit", "lite")


def test_self_blended_fakes_are_left_out() -> None:
    sources = (Source("alps", False, 20), Source(SELF_BLENDED, True, 20))
    table = make_table(sources)
    table = replace(table, generator=np.where(table.fake, SELF_BLENDED, ""))
    assert not NetworkScores.of(table, "vit", final=False).fake.any()


def test_tables_are_joined() -> None:
    """A network keeps its logits, and was not run on the images of the other tables."""
    one, other = make_table(SOURCES[:2]), make_table(SOURCES[5:6], architectures=("vit",))
    both = ScoreTable.joined([one, other])
    assert both.path.tolist() == [*one.path, *other.path]
    assert np.array_equal(both.logits["vit/final"][len(one) :], other.logits["vit/final"])
    assert np.isnan(both.logits["lite/final"][len(one) :]).all()
