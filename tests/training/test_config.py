"""The settings of a run and their file."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from veraface.errors import DataError
from veraface.training.config import TrainConfig

NAMES = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=4)


@given(
    leave_out=NAMES,
    pairs=NAMES,
    shares=st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)),
    seed=st.integers(0, 2**32 - 1),
    lr=st.floats(1e-9, 9),
)
@settings(max_examples=examples(60), deadline=None)
def test_configs_are_loaded_as_saved(
    tmp_path_factory: pytest.TempPathFactory,
    leave_out: list[str],
    pairs: list[str],
    shares: tuple[float, float],
    seed: int,
    lr: float,
) -> None:
    path = tmp_path_factory.getbasetemp() / "config.yaml"
    config = TrainConfig(
        "data",
        leave_out=tuple(leave_out),
        pairs=tuple(pairs),
        self_blend=shares[0],
        face_swap=shares[1],
        seed=seed,
        lr=lr,
    )
    config.save(path)
    loaded = TrainConfig.load(path)
    assert loaded == config
    assert loaded.differences(config) == []
    assert isinstance(loaded.leave_out, tuple)


def test_settings_of_older_runs_leave_nothing_out(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("data: faces\nself_blend: 0.3\n")
    assert TrainConfig.load(tmp_path / "config.yaml").leave_out == ()


def test_former_names_of_settings_are_accepted(tmp_path: Path) -> None:
    text = "data: faces\nrate: 0.01\nhead_rate: 0.02\nexchange: 0.3\nemphasis: [lab=2]\n"
    (tmp_path / "config.yaml").write_text(text)
    expected = TrainConfig("faces", lr=0.01, head_lr=0.02, face_swap=0.3, source_weights=("lab=2",))
    assert TrainConfig.load(tmp_path / "config.yaml") == expected


def test_differences_are_named() -> None:
    one = TrainConfig("data", leave_out=("lab",))
    assert one.differences(TrainConfig("data", face_swap=0.5)) == ["face_swap", "leave_out"]


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"self_blend": 1.1}, "self-blend is 1.1; it is a share"),
        ({"face_swap": -0.1}, "face-swap is -0.1; it is a share"),
        ({"face_swap": float("nan")}, "face-swap is nan; it is a share"),
        ({"reconstruct": 0.2}, "reconstruct needs the folder of reconstructions; pass --reconstructions"),
        ({"self_blend": 0.6, "face_swap": 0.5}, "are shares of the fakes; their sum is 1.1, above 1"),
    ],
)
def test_invalid_shares(shares: dict[str, float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        TrainConfig("data", **shares)


@pytest.mark.parametrize("name", ["leave_out", "pairs", "source_weights"])
@pytest.mark.parametrize("value", ["a:b", "[3]", "[12:30]", "[{a: b}]", "3", "null"])
def test_lists_in_an_edited_config_must_contain_strings(tmp_path: Path, name: str, value: str) -> None:
    """YAML reads 12:30 as a number of seconds."""
    (tmp_path / "config.yaml").write_text(f"data: faces\n{name}: {value}\n")
    with pytest.raises(DataError, match="config.yaml: is not the config of a training run"):
        TrainConfig.load(tmp_path / "config.yaml")


@pytest.mark.parametrize("face_swap", [0.0, 0.1, 0.3, 0.9, 1.0])
def test_all_fakes_may_be_synthesized(face_swap: float) -> None:
    assert TrainConfig("data", self_blend=1 - face_swap, face_swap=face_swap).face_swap == face_swap
