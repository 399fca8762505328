"""Training runs that take a second, and a look into what they leave."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor

from veraface.training.config import TrainConfig
from veraface.training.trainer import CONFIG, FaceClassifier

_ON_EPOCH = FaceClassifier.on_train_epoch_start


def settings(data: Path, **changes: Any) -> TrainConfig:
    """A run of 3 epochs of 3 steps with a backbone of 100,000 parameters."""
    values: dict[str, Any] = {
        "backbone": "test_efficientnet",
        "pretrained": "none",
        "size": 64,
        "epochs": 3,
        "batch_size": 8,
        "lr": 3e-3,
        "self_blend": 0.0,
        "face_swap": 0.0,
        "workers": 0,
    }
    return TrainConfig(data=str(data), **(values | changes))


def recipe(folder: Path, **changes: Any) -> Path:
    """A folder with the settings of a tiny run, as `cross_validate` takes it; returns the folder."""
    folder.mkdir()
    settings(Path("elsewhere"), **({"epochs": 5, "patience": 5} | changes)).save(folder / CONFIG)
    return folder


def break_down(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    """Let training break down at the start of an epoch; at none if it is below 0."""

    def broken(self: FaceClassifier) -> None:
        _ON_EPOCH(self)
        if self.current_epoch == epoch:
            raise RuntimeError("power failure")

    monkeypatch.setattr(FaceClassifier, "on_train_epoch_start", broken)


def tensors(run: Path, name: str = "best.ckpt", key: str = "state_dict") -> dict[str, Tensor]:
    """The network's tensors in a checkpoint: `state_dict` the averaged, `current_model_state` the others."""
    state = torch.load(run / name, weights_only=True)[key]
    return {k.removeprefix("network."): v for k, v in state.items() if k.startswith("network.")}


def same(one: dict[str, Tensor], other: dict[str, Tensor], part: str = "") -> bool:
    """Whether all tensors whose name holds `part` are equal to the last bit."""
    names = [name for name in one if part in name]
    assert names
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in names)


def logged(run: Path, tag: str) -> list[tuple[int, float]]:
    """Steps and values of a curve in a run's TensorBoard logs."""
    events = EventAccumulator(str(run / "tensorboard")).Reload()
    return [(event.step, event.value) for event in events.Scalars(tag)]
