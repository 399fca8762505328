"""`veraface train`: train a model on labeled images."""

from pathlib import Path
from typing import Annotated

import typer

from veraface.errors import DataError
from veraface.utils import needs_extra


def train(
    data: Annotated[Path, typer.Option(help="Manifest (.csv, .parquet), or a folder with real/ and fake/.")],
    out: Annotated[Path, typer.Option(help="Folder of the run, such as runs/first.")],
    backbone: Annotated[str, typer.Option(help="Any timm model name.")] = "tf_efficientnet_lite0",
    pretrained: Annotated[
        str,
        typer.Option(help="auto (packaged ImageNet weights), timm (download), none, or a file of weights."),
    ] = "auto",
    start_from: Annotated[
        Path | None, typer.Option(help="Run, or its .ckpt, whose backbone and head to start from.")
    ] = None,
    size: Annotated[int, typer.Option(min=32, max=1024, help="Side of the model input, px.")] = 160,
    margin: Annotated[
        float, typer.Option(min=1, max=4, help="Side of the crop divided by that of the face box.")
    ] = 1.3,
    epochs: Annotated[int, typer.Option(min=1, help="Number of epochs, the frozen ones included.")] = 12,
    frozen_epochs: Annotated[int, typer.Option(min=0, help="First phase: only the head is trained.")] = 1,
    batch_size: Annotated[int, typer.Option(min=2)] = 48,
    lr: Annotated[float, typer.Option(help="Peak learning rate of the second phase.")] = 6e-4,
    head_lr: Annotated[float, typer.Option(help="Learning rate of the first phase.")] = 2e-3,
    weight_decay: Annotated[float, typer.Option(min=0)] = 0.02,
    batch_norm: Annotated[str, typer.Option(help="update or keep the BatchNorm statistics.")] = "update",
    self_blend: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the fakes that are self-blended reals.")
    ] = 0.2,
    face_swap: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the fakes that are face swaps between two reals.")
    ] = 0.15,
    leave_out: Annotated[
        list[str] | None, typer.Option(help="Source to exclude from training and calibration; repeatable.")
    ] = None,
    pair: Annotated[
        list[str] | None,
        typer.Option(help="REAL:FAKE, two sources whose images are paired in a batch; repeatable."),
    ] = None,
    source_weight: Annotated[
        list[str] | None, typer.Option(help="SOURCE=FACTOR on the sampling probability; repeatable.")
    ] = None,
    drop_path: Annotated[
        float, typer.Option(min=0, max=0.9, help="Stochastic depth rate of the last block.")
    ] = 0.0,
    label_smoothing: Annotated[float, typer.Option(min=0, max=0.5)] = 0.05,
    patience: Annotated[
        int, typer.Option(min=1, help="Epochs without a better validation AUC before stopping.")
    ] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same weights.")] = 1,
    accelerator: Annotated[str, typer.Option(help="cpu, gpu or auto.")] = "cpu",
    precision: Annotated[str, typer.Option(help="32-true, bf16-mixed or 16-mixed.")] = "32-true",
    workers: Annotated[int, typer.Option(min=0, help="Number of processes that load images.")] = 2,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Skip unreadable images.")] = False,
) -> None:
    """Train a model: first the head alone, then all weights; the best epoch is kept."""
    with needs_extra("train"):
        from veraface.training.config import TrainConfig
        from veraface.training.trainer import BEST
        from veraface.training.trainer import train as fit

    if start_from is not None:
        if pretrained != "auto":
            raise DataError("--pretrained and --start-from exclude each other; pass one of them")
        pretrained = str(start_from / BEST if start_from.is_dir() else start_from)
    config = TrainConfig(
        data=str(data.resolve()),
        backbone=backbone,
        pretrained=pretrained,
        size=size,
        margin=margin,
        epochs=epochs,
        frozen_epochs=frozen_epochs,
        batch_size=batch_size,
        head_lr=head_lr,
        lr=lr,
        weight_decay=weight_decay,
        batch_norm=batch_norm,
        self_blend=self_blend,
        face_swap=face_swap,
        leave_out=tuple(leave_out or ()),
        pairs=tuple(pair or ()),
        source_weights=tuple(source_weight or ()),
        drop_path=drop_path,
        label_smoothing=label_smoothing,
        patience=patience,
        seed=seed,
        precision=precision,
        accelerator=accelerator,
        workers=workers,
    )
    result = fit(config, out, resume=resume, skip_bad=skip_bad)
    for skipped in result.skipped:
        print(f"skipped: {skipped}")
    print(
        f"validation AUC {result.val_auc:.4f} after {result.epochs} epochs; "
        f"next: veraface export {out} --out DIR"
    )
