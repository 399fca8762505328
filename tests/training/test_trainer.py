"""What a training run does to the weights, and what it leaves."""

import csv
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import lightning
import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch.utils.data import DataLoader, TensorDataset

from tests.sample_data import write_csv
from tests.training.runs import break_down, logged, same, settings, tensors
from veraface.datasets.degradations import Degradations
from veraface.datasets.manifest import read_samples
from veraface.datasets.validation import prepare
from veraface.errors import DataError
from veraface.models.crop import CropSettings
from veraface.training.callbacks import EMA
from veraface.training.config import TrainConfig
from veraface.training.dataset import FaceDataset
from veraface.training.network import Network
from veraface.training.sampling import fixed_draws
from veraface.training.trainer import FaceClassifier, TrainResult, load_network, train

BACKBONE, HEAD = "backbone.", "head."


@pytest.fixture(scope="module")
def short_run(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs."""
    return train(settings(tiny_data, epochs=2), tmp_path_factory.mktemp("short") / "run").run


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a backbone, whose statistics are not what a new network has."""
    torch.manual_seed(0)
    network = Network("test_efficientnet", 64)
    network.train()(torch.randint(0, 256, (8, 64, 64, 3), dtype=torch.uint8))
    path = tmp_path_factory.mktemp("start") / "backbone.pt"
    torch.save(network.backbone.state_dict(), path)
    return path


def started(path: Path) -> dict[str, torch.Tensor]:
    return {BACKBONE + name: value for name, value in torch.load(path, weights_only=True).items()}


def of_backbone(state: dict[str, torch.Tensor], *, statistics: bool) -> dict[str, torch.Tensor]:
    kinds = ("running_mean", "running_var", "num_batches_tracked")
    return {k: v for k, v in state.items() if k.startswith(BACKBONE) and k.endswith(kinds) == statistics}


def test_first_phase_leaves_the_backbone_alone(tiny_data: Path, tmp_path: Path, start: Path) -> None:
    train(settings(tiny_data, epochs=2, frozen_epochs=2, pretrained=str(start)), tmp_path / "run")
    for name, key in (
        ("best.ckpt", "state_dict"),
        ("last.ckpt", "state_dict"),
        ("last.ckpt", "current_model_state"),
    ):
        after = tensors(tmp_path / "run", name, key)
        for statistics in (False, True):
            assert same(
                of_backbone(started(start), statistics=statistics), of_backbone(after, statistics=statistics)
            )
        assert after["head.weight"].abs().min() > 0


@pytest.mark.parametrize("batch_norm", ["update", "keep"])
def test_second_phase_changes_the_backbone(
    tiny_data: Path, tmp_path: Path, start: Path, batch_norm: str
) -> None:
    config = settings(tiny_data, epochs=2, frozen_epochs=1, pretrained=str(start), batch_norm=batch_norm)
    train(config, tmp_path / "run")
    before, after = started(start), tensors(tmp_path / "run", "last.ckpt")
    for name in of_backbone(before, statistics=False):
        assert not torch.equal(before[name], after[name]), name
    kept = same(of_backbone(before, statistics=True), of_backbone(after, statistics=True))
    assert kept == (batch_norm == "keep")


def test_learning_rates_follow_the_schedule(tiny_data: Path, tmp_path: Path) -> None:
    """Head alone at its rate; then both rise over the warm-up to the peak, and fall along half a cosine."""
    config = settings(tiny_data, epochs=7, frozen_epochs=1, warmup=0.2, patience=99, lr=1e-3)
    train(config, tmp_path / "run")
    head = dict(logged(tmp_path / "run", "lr-AdamW/pg1"))
    backbone = dict(logged(tmp_path / "run", "lr-AdamW/pg2"))
    steps = 3  # of an epoch: 24 images in batches of 8
    assert sorted(head) == sorted(backbone) == list(range(7 * steps))
    for step in range(steps):
        assert head[step] == pytest.approx(config.head_lr)
        assert backbone[step] == 0
    second = [backbone[step] for step in range(steps, 7 * steps)]
    assert [head[step] for step in range(steps, 7 * steps)] == pytest.approx(second)
    warmup = round(0.2 * len(second))
    assert second[:warmup] == pytest.approx([1e-3 * (i + 1) / warmup for i in range(warmup)])
    fall = np.arange(len(second) - warmup) / (len(second) - warmup)
    assert second[warmup:] == pytest.approx(list(1e-3 * (1 + np.cos(np.pi * fall)) / 2), rel=1e-4)
    assert all(later < earlier for earlier, later in pairwise(second[warmup + 1 :]))


def test_the_optimizer_is_adamw_with_weight_decay(tiny_data: Path, tiny_run: Path) -> None:
    state = torch.load(tiny_run / "last.ckpt", weights_only=True)["optimizer_states"][0]
    assert {group["weight_decay"] for group in state["param_groups"]} == {0.02}
    assert state["param_groups"][0]["decoupled_weight_decay"] is True


class _Recorder(lightning.Callback):
    def __init__(self) -> None:
        self.heads: list[torch.Tensor] = []

    def on_train_batch_end(self, trainer: lightning.Trainer, module: FaceClassifier, *_: object) -> None:
        self.heads.append(module.network.head.weight.detach().clone())


@pytest.mark.filterwarnings("ignore:You defined a:UserWarning", "ignore:`isinstance:Warning")
def test_ema_follows_its_formula(tmp_path: Path) -> None:
    """The head itself in the first phase; then decay min(.6, (1 + n) / (10 + n)) per step."""
    torch.manual_seed(0)
    batches = DataLoader(
        TensorDataset(torch.randint(0, 256, (8, 32, 32, 3), dtype=torch.uint8), torch.tensor([0.0, 1.0] * 4)),
        2,
    )
    config = TrainConfig(data="", backbone="test_resnet", size=32, epochs=5, frozen_epochs=2)
    recorder, average = _Recorder(), EMA(0.6, frozen_steps=8)
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_epochs=5,
        callbacks=[recorder, average],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    classifier = FaceClassifier(config, "none")
    trainer.fit(classifier, batches)
    expected = recorder.heads[7]
    for n, head in enumerate(recorder.heads[8:]):
        decay = min(0.6, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * head
    assert len(recorder.heads) == 20
    assert torch.allclose(classifier.network.head.weight, expected, atol=1e-6)
    assert not torch.allclose(recorder.heads[-1], expected, atol=1e-6)


def test_best_checkpoint_is_what_was_validated(tiny_data: Path, tmp_path: Path) -> None:
    """The averaged weights of the best epoch give the AUC that the run reports."""
    config = settings(tiny_data, epochs=3, lr=5e-4)
    result = train(config, tmp_path / "run")
    curve = [value for _, value in logged(tmp_path / "run", "val_auc")]
    assert result.val_auc == pytest.approx(max(curve))
    assert result.epochs == len(curve) == 3
    assert not same(
        tensors(tmp_path / "run", "last.ckpt"), tensors(tmp_path / "run", "last.ckpt", "current_model_state")
    )

    samples = prepare([s for s in read_samples(tiny_data) if s.split == "val"], skip_bad=False).samples
    dataset = FaceDataset(samples, CropSettings(64, 1.3), Degradations(), config.seed, train=False)
    pixels, labels = next(iter(DataLoader(dataset, 24, sampler=fixed_draws(samples))))
    with torch.inference_mode():
        logits = load_network(tmp_path / "run", config)(pixels)[0]
    assert roc_auc_score(labels, logits) == pytest.approx(result.val_auc)


def test_it_learns(tiny_run: Path) -> None:
    assert max(value for _, value in logged(tiny_run, "val_auc")) > 0.9


def test_stops_early_and_stays_stopped(tiny_data: Path, tmp_path: Path) -> None:
    """An AUC of 1 cannot get better, so `patience` epochs later the run ends; resuming adds nothing."""
    config = settings(tiny_data, epochs=40, patience=2)
    result = train(config, tmp_path / "run")
    curve = [value for _, value in logged(tmp_path / "run", "val_auc")]
    assert len(curve) == curve.index(max(curve)) + 1 + 2 < 40
    assert result.epochs == len(curve)
    before = tensors(tmp_path / "run")
    again = train(config, tmp_path / "run", resume=True)
    assert again.val_auc == result.val_auc
    assert same(before, tensors(tmp_path / "run"))
    assert len(logged(tmp_path / "run", "val_auc")) == len(curve)


def test_seed_decides_the_weights(tiny_data: Path, short_run: Path, tmp_path: Path) -> None:
    seed = settings(tiny_data).seed
    for name, other in (("again", seed), ("other", seed + 1)):
        train(settings(tiny_data, epochs=2, seed=other), tmp_path / name)
    assert same(tensors(short_run), tensors(tmp_path / "again"))
    for part in (HEAD, BACKBONE):
        assert not same(tensors(short_run), tensors(tmp_path / "other"), part)


def test_number_of_workers_does_not_change_the_weights(tiny_data: Path, tmp_path: Path) -> None:
    for workers in (0, 2):
        config = settings(tiny_data, epochs=2, workers=workers, self_blend=0.4, face_swap=0.4)
        train(config, tmp_path / str(workers))
    assert same(tensors(tmp_path / "0", "last.ckpt"), tensors(tmp_path / "2", "last.ckpt"))


def test_config_is_next_to_the_checkpoint(tiny_data: Path, tiny_run: Path) -> None:
    assert TrainConfig.load(tiny_run / "config.yaml") == settings(tiny_data, epochs=5)
    assert {path.name for path in tiny_run.iterdir()} == {
        "config.yaml",
        "best.ckpt",
        "last.ckpt",
        "tensorboard",
    }


def test_face_swaps_change_the_weights(tiny_data: Path, short_run: Path, tmp_path: Path) -> None:
    """A run on synthesized face swaps only, whose cheeks are not marked, learns something else."""
    train(settings(tiny_data, epochs=2, face_swap=1.0), tmp_path / "run")
    assert not same(tensors(short_run), tensors(tmp_path / "run"), HEAD)


def test_a_left_out_source_has_no_effect(tiny_data: Path, tmp_path: Path) -> None:
    """The same weights, to the last bit, as from a manifest without its rows."""
    with (tiny_data / "manifest.csv").open(newline="") as file:
        rows = [row | {"path": str(tiny_data / row["path"])} for row in csv.DictReader(file)]
    fewer = write_csv(tmp_path / "fewer.csv", [row for row in rows if row["source"] != "left"])
    left_out = train(settings(tiny_data, epochs=2, leave_out=("left",)), tmp_path / "left out")
    missing = train(settings(fewer, epochs=2), tmp_path / "missing")
    assert left_out.val_auc == missing.val_auc
    assert same(tensors(left_out.run), tensors(missing.run))
    assert TrainConfig.load(left_out.run / "config.yaml").leave_out == ("left",)


def test_unknown_sources_cannot_be_left_out(tiny_data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no source is called rihgt; there are: left, right"):
        train(settings(tiny_data, leave_out=("left", "rihgt")), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_starts_from_the_checkpoint_of_another_run(tiny_data: Path, tiny_run: Path, tmp_path: Path) -> None:
    """Backbone and head are taken along: the second run begins as good as the first one ended."""
    checkpoint = tiny_run / "best.ckpt"
    config = settings(tiny_data, epochs=1, frozen_epochs=1, head_lr=1e-7, pretrained=str(checkpoint))
    result = train(config, tmp_path / "run")
    before, after = tensors(tiny_run), tensors(tmp_path / "run")
    assert same(before, after, BACKBONE)
    assert after["head.weight"] == pytest.approx(before["head.weight"], abs=1e-5)
    assert result.val_auc == pytest.approx(max(v for _, v in logged(tiny_run, "val_auc")), abs=0.01)


@pytest.mark.parametrize("backbone", ["test_vit", "test_resnet", "test_convnext"])
def test_other_backbones_train(tiny_data: Path, tmp_path: Path, backbone: str) -> None:
    config = settings(tiny_data, epochs=2, frozen_epochs=1, backbone=backbone)
    train(config, tmp_path / "run")
    torch.manual_seed(0)
    new = Network(backbone, 64).state_dict()
    after = tensors(tmp_path / "run", "last.ckpt")
    assert new.keys() == after.keys()
    assert after["head.weight"].abs().max() > 0


def test_tuned_norms_leave_all_other_weights_as_they_were(tiny_data: Path, tmp_path: Path) -> None:
    config = settings(tiny_data, epochs=2, frozen_epochs=0, backbone="test_vit", tune="norms", lr=1e-2)
    train(config, tmp_path / "run")
    train(replace(config, epochs=1, lr=1e-9, head_lr=1e-9), tmp_path / "start")
    before, after = tensors(tmp_path / "start", "last.ckpt"), tensors(tmp_path / "run", "last.ckpt")
    changed = {name for name in after if abs(before[name] - after[name]).max() > 1e-6}
    assert any(name.startswith("head") for name in changed)
    assert any("norm" in name for name in changed)
    assert all("norm" in name or name.startswith("head") for name in changed)


@pytest.fixture(scope="module")
def whole(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainConfig, TrainResult]:
    """Settings and result of a run that nothing interrupts."""
    config = settings(tiny_data, epochs=4, frozen_epochs=2, self_blend=0.3, face_swap=0.3)
    return config, train(config, tmp_path_factory.mktemp("whole") / "run")


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_resumed_run_equals_an_uninterrupted_one(
    whole: tuple[TrainConfig, TrainResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epoch: int
) -> None:
    """Also where the folder of the run was moved meanwhile; dropout, average and best epoch included."""
    config, expected = whole
    break_down(monkeypatch, epoch)
    with pytest.raises(RuntimeError, match="power failure"):
        train(config, tmp_path / "broken")
    break_down(monkeypatch, -1)
    (tmp_path / "broken").rename(tmp_path / "moved")
    resumed = train(config, tmp_path / "moved", resume=True)
    assert (resumed.val_auc, resumed.epochs) == (expected.val_auc, expected.epochs)
    for name, key in (
        ("best.ckpt", "state_dict"),
        ("last.ckpt", "state_dict"),
        ("last.ckpt", "current_model_state"),
    ):
        assert same(tensors(expected.run, name, key), tensors(tmp_path / "moved", name, key))
