"""Training of a network: two phases, EMA of the weights, early stopping, resuming."""

import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from rich.console import Console
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchmetrics.classification import BinaryAUROC

from veraface.datasets.degradations import Degradations
from veraface.datasets.manifest import Sample, check_samples, read_samples
from veraface.datasets.samples import leave_out, matched_sources, parse_source_weights
from veraface.datasets.synthesis.reconstructions import Reconstructions
from veraface.datasets.validation import Known, prepare
from veraface.errors import DataError
from veraface.files import ensure_writable_dir
from veraface.models.crop import CropSettings
from veraface.training.callbacks import EMA, AtomicCheckpointIO, BestCheckpoint, EarlyStop
from veraface.training.config import TrainConfig
from veraface.training.dataset import FaceDataset
from veraface.training.network import Network, first_line, freeze_all_but_norms, load_pretrained
from veraface.training.sampling import FACE_SWAP, RECONSTRUCTION, SELF_BLEND, PairSampler, fixed_draws

CONFIG, LAST, BEST = "config.yaml", "last.ckpt", "best.ckpt"


class FaceClassifier(lightning.LightningModule):
    """The network with its loss and learning rate schedule.

    First phase: only the head is trained; the backbone runs in evaluation mode and keeps its BatchNorm
    statistics. Second phase: everything is trained; the statistics are updated (`batch_norm: update`) or
    kept (`keep`).
    """

    def __init__(self, config: TrainConfig, pretrained: str) -> None:
        """Build the network and load its initial weights ("none" if a checkpoint is loaded later)."""
        super().__init__()
        self.config = config
        self.network = Network(
            config.backbone, config.size, config.dropout, config.drop_path, inner_tokens=config.inner_tokens
        )
        self.initial_weights = load_pretrained(self.network, config.backbone, pretrained)
        if config.tune == "norms":
            freeze_all_but_norms(self.network)
        self.network.to(memory_format=torch.channels_last)  # faster convolutions
        self.auc = BinaryAUROC()

    @property
    def frozen(self) -> bool:
        """Return whether this epoch belongs to the first phase."""
        return self.current_epoch < self.config.frozen_epochs

    def on_train_epoch_start(self) -> None:
        backbone = self.network.backbone
        backbone.train(not self.frozen)
        if self.config.batch_norm == "keep":
            for module in backbone.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()

    def on_train_batch_start(self, batch: object, batch_idx: int) -> None:
        # Dropout and the loaders share torch's generator. Seeding it by step makes dropout independent of
        # interruptions and of the number of loading processes.
        torch.manual_seed(self.config.seed * 1_000_003 + self.global_step)

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        pixels, labels = batch
        with torch.set_grad_enabled(not self.frozen):
            features = self.network.features(pixels)
        logits = self.network.classify(features)[0]
        smooth = labels * (1 - self.config.label_smoothing) + self.config.label_smoothing / 2
        loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), smooth)
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        pixels, labels = batch
        logits = self.network(pixels)[0]
        loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), labels)
        self.auc.update(logits.float(), labels.int())
        self.log("val_loss", loss, prog_bar=True, batch_size=len(labels))
        self.log("val_auc", self.auc, prog_bar=True, on_epoch=True, batch_size=len(labels))

    def configure_optimizers(self) -> Any:
        config = self.config
        steps = int(self.trainer.estimated_stepping_batches)
        frozen = round(steps * config.frozen_epochs / config.epochs)
        warmup = max(1, round((steps - frozen) * config.warmup))

        def second_phase(step: int) -> float:
            done = step - frozen
            if done < warmup:
                return (done + 1) / warmup
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (done - warmup) / max(1, steps - frozen - warmup))))

        def head(step: int) -> float:
            return 1.0 if step < frozen else second_phase(step) * config.lr / config.head_lr

        def backbone(step: int) -> float:
            return 0.0 if step < frozen else second_phase(step)

        groups = [
            {"params": self.network.head_parameters(), "lr": config.head_lr},
            {"params": [p for p in self.network.backbone.parameters() if p.requires_grad], "lr": config.lr},
        ]
        optimizer = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, [head, backbone])
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


@dataclass(frozen=True)
class TrainResult:
    """The result of a run."""

    run: Path  # folder of the run
    val_auc: float  # AUC of the best epoch on degraded validation images
    epochs: int  # number of epochs that were run
    skipped: tuple[str, ...]  # "path: reason" of each image that was skipped


def train(
    config: TrainConfig,
    run: Path,
    *,
    resume: bool = False,
    skip_bad: bool = False,
    known: Known | None = None,
) -> TrainResult:
    """Train a network; write `config.yaml`, `best.ckpt`, `last.ckpt` and TensorBoard logs to `run`.

    `resume` continues from `last.ckpt` if it exists, `skip_bad` skips unreadable images instead of raising.
    `known` is a cache of detected faces, shared between runs on the same images.

    Raises:
        DataError: the data cannot be trained on, the folder contains another run, or its settings differ.
    """
    if (run / CONFIG).is_file() and not resume:
        raise DataError(f"{run}: already contains a run; pass --resume to continue it, or another --out")
    if (run / CONFIG).is_file() and (differences := TrainConfig.load(run / CONFIG).differences(config)):
        raise DataError(
            f"{run}: was started with other settings ({', '.join(differences)}); "
            "pass the same settings, or another --out"
        )
    everything = read_samples(Path(config.data))
    samples = leave_out(everything, config.leave_out)
    check_samples(samples)
    # Checked against all sources, so that a recipe may name the source that cross-validation leaves out.
    matched = matched_sources(everything, config.pairs)
    source_weights = parse_source_weights(everything, config.source_weights)
    ensure_writable_dir(run)
    used = [s for s in samples if s.split != "test"]
    prepared = prepare(used, skip_bad=skip_bad, needed=("train", "val"), known=known)

    last = run / LAST
    resumed = resume and last.is_file()
    for part in run.glob(".*.part"):  # of a killed run
        part.unlink()
    with _quiet():
        lightning.seed_everything(config.seed, workers=True, verbose=False)
        classifier = FaceClassifier(config, "none" if resumed else config.pretrained)
        loaders = _loaders(prepared.samples, config, matched, source_weights)
        trainer, checkpoint = _trainer(config, run, len(loaders[0]))
        config.save(run / CONFIG)  # from here on the folder belongs to this run
        weights = f"resumed from {last}" if resumed else classifier.initial_weights
        Console(stderr=True, soft_wrap=True).print(
            f"{config.backbone}: {weights}", markup=False, highlight=False
        )
        trainer.fit(classifier, *loaders, ckpt_path=last if resumed else None, weights_only=False)
    if trainer.interrupted:
        raise KeyboardInterrupt
    skipped = (*prepared.unreadable, *(f"{path}: no face was found" for path in prepared.without_face))
    best = float(checkpoint.best_model_score or 0.0)
    return TrainResult(run, best, trainer.current_epoch, skipped)


def load_network(run: Path, config: TrainConfig) -> Network:
    """Load the network of a run's best epoch, in evaluation mode; raise `DataError` if it is unreadable."""
    path = run / BEST
    if not path.is_file():
        raise DataError(f"{path}: no checkpoint; train first, or give the folder of a finished run")
    network = Network(config.backbone, config.size, inner_tokens=config.inner_tokens)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        own = {key.removeprefix("network."): v for key, v in state.items() if key.startswith("network.")}
        network.load_state_dict(own)
    except Exception as error:  # torch raises many types for a file that is not a checkpoint
        raise DataError(
            f"{path}: is not a checkpoint of {config.backbone}, or is damaged: {first_line(error)}"
        ) from error
    return network.eval()


def _trainer(config: TrainConfig, run: Path, steps: int) -> tuple[lightning.Trainer, BestCheckpoint]:
    """Return Lightning's trainer for epochs of `steps` steps, and its best checkpoint."""
    checkpoint = BestCheckpoint(run, BEST.removesuffix(".ckpt"))
    try:
        trainer = lightning.Trainer(
            accelerator=config.accelerator,
            devices=1,
            precision=cast(Any, config.precision),
            max_epochs=config.epochs,
            callbacks=[
                checkpoint,
                # For resuming. It stores the state of `checkpoint`, whose own `save_last` would save only
                # when the AUC rises.
                ModelCheckpoint(run, LAST.removesuffix(".ckpt"), enable_version_counter=False),
                EarlyStop(config.patience),
                EMA(config.average_decay, steps * config.frozen_epochs),
                LearningRateMonitor("step"),
                RichProgressBar(console_kwargs={"stderr": True}),
            ],
            logger=TensorBoardLogger(run, name="tensorboard", version=""),
            plugins=[AtomicCheckpointIO()],
            default_root_dir=run,
            enable_model_summary=False,
            log_every_n_steps=max(1, min(10, steps // 10)),
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            gradient_clip_val=1.0,
        )
    except (ValueError, RuntimeError, MisconfigurationException) as error:
        raise DataError(
            f"cannot train on {config.accelerator!r} with precision {config.precision!r}: {error}"
        ) from error
    return trainer, checkpoint


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Lightning's tips, internal deprecations and hardware report."""
    log = logging.getLogger("lightning.pytorch")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\.")
            yield
    finally:
        log.setLevel(level)


def _loaders(
    samples: list[Sample],
    config: TrainConfig,
    matched: dict[str, list[str]],
    source_weights: dict[str, float],
) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """Return the loaders of the training and the validation split; see `PairSampler`."""
    train_samples = [s for s in samples if s.split == "train"]
    val_samples = [s for s in samples if s.split == "val"]
    given = Reconstructions(Path(config.reconstructions)) if config.reconstruct else None
    shares = (config.self_blend, config.face_swap, config.reconstruct)
    synthesized = dict(zip((SELF_BLEND, FACE_SWAP, RECONSTRUCTION), shares, strict=True))
    sampler = PairSampler(
        train_samples,
        config.seed,
        synthesized={kind: share for kind, share in synthesized.items() if share},
        matched=matched,
        source_weights=source_weights,
        reconstructed=[given is not None and sample.path in given for sample in train_samples],
    )
    crop = CropSettings(config.size, config.margin)
    dataset = partial(FaceDataset, settings=crop, degradations=Degradations(), seed=config.seed)
    loader = partial(
        DataLoader,
        batch_size=config.batch_size,
        num_workers=config.workers,
        persistent_workers=config.workers > 0,
        pin_memory=config.accelerator != "cpu",
    )
    train_set = dataset(train_samples, train=True, reconstructions=given)
    return (
        loader(train_set, sampler=sampler, drop_last=len(train_samples) > config.batch_size),
        loader(dataset(val_samples, train=False), sampler=fixed_draws(val_samples)),
    )
