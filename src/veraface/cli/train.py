"""`veraface train`: fit a model on labeled images."""

from pathlib import Path
from typing import Annotated

import typer

from veraface.utils import needs_extra


def train(
    data: Annotated[Path, typer.Option(help="Manifest (.csv, .parquet), or a folder with real/ and fake/.")],
    out: Annotated[Path, typer.Option(help="Folder of the run, such as runs/first.")],
    backbone: Annotated[str, typer.Option(help="Any timm model name.")] = "tf_efficientnet_lite0",
    pretrained: Annotated[
        str,
        typer.Option(help="auto (packaged ImageNet weights), timm (download), none, or a .onnx or .ckpt."),
    ] = "auto",
    size: Annotated[int, typer.Option(min=32, max=1024, help="Side of the model input, px.")] = 160,
    margin: Annotated[
        float, typer.Option(min=1, max=4, help="Side of the crop over that of the face.")
    ] = 1.3,
    epochs: Annotated[int, typer.Option(min=1, help="In all, the frozen ones included.")] = 12,
    frozen_epochs: Annotated[int, typer.Option(min=0, help="First phase: only the head learns.")] = 1,
    batch_size: Annotated[int, typer.Option(min=2)] = 48,
    rate: Annotated[float, typer.Option(help="Peak learning rate of fine-tuning.")] = 6e-4,
    head_rate: Annotated[float, typer.Option(help="Learning rate of the first phase.")] = 2e-3,
    weight_decay: Annotated[float, typer.Option(min=0)] = 0.02,
    batch_norm: Annotated[str, typer.Option(help="update or keep the BatchNorm statistics.")] = "update",
    self_blend: Annotated[
        float, typer.Option(min=0, max=1, help="Share of fakes made by blending a real with itself.")
    ] = 0.2,
    exchange: Annotated[
        float, typer.Option(min=0, max=1, help="Share of fakes made by exchanging the faces of two reals.")
    ] = 0.15,
    leave_out: Annotated[
        list[str] | None, typer.Option(help="Source that neither training nor calibration sees; repeatable.")
    ] = None,
    pair: Annotated[
        list[str] | None,
        typer.Option(help="REAL:FAKE, two sources whose images stand side by side; repeatable."),
    ] = None,
    emphasis: Annotated[
        list[str] | None, typer.Option(help="SOURCE=FACTOR, how much more often it is shown; repeatable.")
    ] = None,
    drop_path: Annotated[
        float, typer.Option(min=0, max=0.9, help="How often the last block is skipped.")
    ] = 0.0,
    label_smoothing: Annotated[float, typer.Option(min=0, max=0.5)] = 0.05,
    patience: Annotated[int, typer.Option(min=1, help="Epochs without gain before stopping.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same weights.")] = 1,
    accelerator: Annotated[str, typer.Option(help="cpu, gpu or auto.")] = "cpu",
    precision: Annotated[str, typer.Option(help="32-true, bf16-mixed or 16-mixed.")] = "32-true",
    workers: Annotated[int, typer.Option(min=0, help="Processes that load images.")] = 2,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave unreadable images out.")] = False,
) -> None:
    """Fit a model: first the head alone, then everything, with the best epoch kept."""
    with needs_extra("train"):
        from veraface.training.config import TrainConfig
        from veraface.training.trainer import train as fit

    config = TrainConfig(
        data=str(data.resolve()),
        backbone=backbone,
        pretrained=pretrained,
        size=size,
        margin=margin,
        epochs=epochs,
        frozen_epochs=frozen_epochs,
        batch_size=batch_size,
        head_rate=head_rate,
        rate=rate,
        weight_decay=weight_decay,
        batch_norm=batch_norm,
        self_blend=self_blend,
        exchange=exchange,
        leave_out=tuple(leave_out or ()),
        pairs=tuple(pair or ()),
        emphasis=tuple(emphasis or ()),
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
        print(f"left out: {skipped}")
    print(
        f"validation AUC {result.val_auc:.4f} after {result.epochs} epochs; "
        f"next: veraface export {out} --out DIR"
    )
