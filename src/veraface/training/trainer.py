"""Fitting a network: two phases, a moving average of the weights, early stopping, resuming."""

import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, cast

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import LearningRateMonitor, RichProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from rich.console import Console
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchmetrics.classification import BinaryAUROC

from veraface.datasets.degradations import Degradations
from veraface.datasets.landmarks import find_landmarks
from veraface.datasets.manifest import Sample, check_samples, read_samples
from veraface.datasets.sources import emphasised_sources, leave_out, matched_sources
from veraface.datasets.synthesis.face_swap import Points
from veraface.datasets.validation import check_prepared, prepare
from veraface.errors import DataError
from veraface.files import ensure_writable_dir
from veraface.models.crop import CropSettings
from veraface.training.callbacks import BestEpoch, LastEpoch, MovingAverage, Stopping, WholeFiles
from veraface.training.config import TrainConfig
from veraface.training.dataset import FaceDataset
from veraface.training.depthwise import speed_up_depthwise
from veraface.training.network import Network
from veraface.training.pretrained import load_pretrained
from veraface.training.sampling import EXCHANGE, SELF_BLEND, FixedSampler, PairSampler
from veraface.training.warm_start import estimate_statistics

_STATISTICS = 768  # images from which BatchNorm statistics are estimated after a start from an ONNX file
CONFIG, LAST, BEST = "config.yaml", "last.ckpt", "best.ckpt"


class FaceClassifier(lightning.LightningModule):
    """The network with its loss and schedule.

    First phase: only the head learns; the backbone runs in evaluation mode, so that its BatchNorm
    statistics stay those of the pretraining. Second phase: everything learns; the statistics follow the
    new data (`batch_norm: update`) or stay (`keep`).
    """

    def __init__(self, config: TrainConfig, pretrained: str) -> None:
        """Build the network and load the weights it starts from ("none" when a checkpoint follows)."""
        super().__init__()
        self.config = config
        self.network = Network(config.backbone, config.size, config.dropout, config.drop_path)
        self.start = load_pretrained(self.network, config.backbone, pretrained)
        if config.precision.startswith("bf16") and config.accelerator == "cpu":
            speed_up_depthwise(self.network)
        self.network.to(memory_format=torch.channels_last)  # faster convolutions
        self.area = BinaryAUROC()

    @property
    def frozen(self) -> bool:
        """Whether this epoch belongs to the first phase."""
        return self.current_epoch < self.config.frozen_epochs

    def on_train_epoch_start(self) -> None:
        backbone = self.network.backbone
        backbone.train(not self.frozen)
        if self.config.batch_norm == "keep":
            for module in backbone.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()

    def on_train_batch_start(self, batch: object, batch_idx: int) -> None:
        # Dropout draws from torch's generator, and loaders do. Seeded by step, a resumed run drops what it
        # would have dropped, and the number of loading processes changes nothing.
        torch.manual_seed(self.config.seed * 1_000_003 + self.global_step)

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        pixels, labels = batch
        with torch.set_grad_enabled(not self.frozen):
            features = self.network.features(pixels)
        logits = self.network.judge(features)[0]
        smooth = labels * (1 - self.config.label_smoothing) + self.config.label_smoothing / 2
        loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), smooth)
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        pixels, labels = batch
        logits = self.network(pixels)[0]
        loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), labels)
        self.area.update(logits.float(), labels.int())
        self.log("val_loss", loss, prog_bar=True, batch_size=len(labels))
        self.log("val_auc", self.area, prog_bar=True, on_epoch=True, batch_size=len(labels))

    def configure_optimizers(self) -> Any:
        config = self.config
        groups = [
            {"params": self.network.head.parameters(), "lr": config.head_rate},
            {"params": self.network.backbone.parameters(), "lr": config.rate},
        ]
        steps = int(self.trainer.estimated_stepping_batches)
        frozen = round(steps * config.frozen_epochs / config.epochs)
        warmup = max(1, round((steps - frozen) * config.warmup))

        def second_phase(step: int) -> float:
            done = step - frozen
            if done < warmup:
                return (done + 1) / warmup
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (done - warmup) / max(1, steps - frozen - warmup))))

        def head(step: int) -> float:
            return 1.0 if step < frozen else second_phase(step) * config.rate / config.head_rate

        def backbone(step: int) -> float:
            return 0.0 if step < frozen else second_phase(step)

        optimizer = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, [head, backbone])
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


@dataclass(frozen=True)
class TrainResult:
    """What a run came to."""

    run: Path
    val_auc: float  # of the best epoch, on degraded validation images
    epochs: int  # that were run
    skipped: tuple[str, ...]  # "path: reason" of images that were left out


def train(
    config: TrainConfig,
    run: Path,
    *,
    resume: bool = False,
    skip_bad: bool = False,
    landmarks: dict[Sample, Points | None] | None = None,
) -> TrainResult:
    """Train a network and leave `config.yaml`, `best.ckpt`, `last.ckpt` and TensorBoard logs in `run`.

    Args:
        config: the settings.
        run: the folder of the run; made if need be.
        resume: go on from `last.ckpt` where there is one.
        skip_bad: leave unreadable images out instead of refusing.
        landmarks: those that earlier runs found in the same images; this one adds to them.

    Raises:
        DataError: the data are unfit, the folder holds another run, or its settings differ.
    """
    _claim(run, config, resume)
    everything = read_samples(Path(config.data))
    samples = leave_out(everything, config.leave_out)
    check_samples(samples)
    # Of all sources, so that a recipe that names one holds when crossval leaves that one out.
    shares = _Shares(
        matched_sources(everything, config.pairs), emphasised_sources(everything, config.emphasis)
    )
    ensure_writable_dir(run)
    prepared = prepare([s for s in samples if s.split != "test"], skip_bad=skip_bad)
    check_prepared(prepared)

    last = run / LAST
    going_on = resume and last.is_file()
    with _quiet():
        lightning.seed_everything(config.seed, workers=True, verbose=False)
        classifier = FaceClassifier(config, "none" if going_on else config.pretrained)
        loaders = _loaders(prepared.samples, config, shares, landmarks)
        if classifier.start.lacks_statistics:
            some = islice(loaders[0], -(-_STATISTICS // config.batch_size))
            estimate_statistics(classifier.network, (pixels for pixels, _ in some))
        trainer, checkpoint = _trainer(config, run, len(loaders[0]))
        config.save(run / CONFIG)  # from here on the folder belongs to this run
        started = f"going on from {last}" if going_on else classifier.start.words
        Console(stderr=True).print(
            f"{config.backbone}: {started}", markup=False, highlight=False, soft_wrap=True
        )
        trainer.fit(classifier, *loaders, ckpt_path=last if going_on else None, weights_only=False)
    if trainer.interrupted:
        raise KeyboardInterrupt
    skipped = (*prepared.unreadable, *(f"{path}: no face was found" for path in prepared.without_face))
    best = float(checkpoint.best_model_score or 0.0)
    return TrainResult(run, best, trainer.current_epoch, skipped)


def _trainer(config: TrainConfig, run: Path, steps: int) -> tuple[lightning.Trainer, BestEpoch]:
    """Lightning's trainer for epochs of so many steps, and its memory of the best epoch."""
    checkpoint = BestEpoch(run, BEST.removesuffix(".ckpt"))
    try:
        trainer = lightning.Trainer(
            accelerator=config.accelerator,
            devices=1,
            precision=cast(Any, config.precision),
            max_epochs=config.epochs,
            callbacks=[
                checkpoint,
                LastEpoch(run, LAST.removesuffix(".ckpt")),  # after the above, whose memory it holds
                Stopping(config.patience),
                MovingAverage(config.average_decay, steps * config.frozen_epochs),
                LearningRateMonitor("step"),
                RichProgressBar(console_kwargs={"stderr": True}),
            ],
            logger=TensorBoardLogger(run, name="tensorboard", version=""),
            plugins=[WholeFiles()],
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
    """Without what Lightning says of itself: tips, deprecations inside it, what it found on this machine."""
    log = logging.getLogger("lightning.pytorch")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\.")
            yield
    finally:
        log.setLevel(level)


def _claim(run: Path, config: TrainConfig, resume: bool) -> None:
    """Refuse to overwrite another run or to go on with other settings."""
    if not (run / CONFIG).is_file():
        return
    if not resume:
        raise DataError(f"{run}: holds a run already; pass --resume to go on with it, or another --out")
    if differences := TrainConfig.load(run / CONFIG).differences(config):
        raise DataError(
            f"{run}: was started with other settings ({', '.join(differences)}); "
            "give the same, or another --out"
        )


class _Shares(NamedTuple):
    """What decides how often, and beside what, a source is shown; see `PairSampler`."""

    matched: dict[str, list[str]]
    emphasis: dict[str, float]


def _loaders(
    samples: list[Sample],
    config: TrainConfig,
    shares: _Shares,
    known: dict[Sample, Points | None] | None,
) -> tuple[DataLoader[Any], DataLoader[Any]]:
    crop = CropSettings(config.size, config.margin)
    train_samples = [s for s in samples if s.split == "train"]
    val_samples = [s for s in samples if s.split == "val"]
    landmarks = find_landmarks(train_samples, known) if config.exchange else []
    made = {SELF_BLEND: config.self_blend, EXCHANGE: config.exchange}
    shared: dict[str, Any] = {
        "batch_size": config.batch_size,
        "num_workers": config.workers,
        "persistent_workers": config.workers > 0,
        "pin_memory": config.accelerator != "cpu",
    }
    return (
        DataLoader(
            FaceDataset(train_samples, crop, Degradations(), config.seed, train=True, landmarks=landmarks),
            sampler=PairSampler(
                train_samples,
                config.seed,
                made={way: share for way, share in made.items() if share},
                exchangeable=[points is not None for points in landmarks],
                **shares._asdict(),
            ),
            drop_last=len(train_samples) > config.batch_size,
            **shared,
        ),
        DataLoader(
            FaceDataset(val_samples, crop, Degradations(), config.seed, train=False),
            sampler=FixedSampler(val_samples),
            **shared,
        ),
    )
