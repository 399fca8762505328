"""`veraface train`: train a model on labeled images."""

from pathlib import Path
from typing import Annotated

from typer import Context, Option

from veraface.cli.options import LabeledData, SkipBad
from veraface.errors import DataError
from veraface.utils import needs_extra

_NOT_SETTINGS = {"out", "start_from", "pair", "source_weight", "resume", "skip_bad"}


def train(
    context: Context,
    data: LabeledData,
    out: Annotated[Path, Option(help="Folder of the run, such as runs/first.")],
    backbone: Annotated[str, Option(help="Any timm model name.")] = "tf_efficientnet_lite0",
    pretrained: Annotated[
        str, Option(help="auto (packaged ImageNet), timm (download), none, or a file.")
    ] = "auto",
    start_from: Annotated[Path | None, Option(help="Run or .ckpt whose weights to start from.")] = None,
    size: Annotated[int, Option(min=32, max=1024, help="Side of the model input, px.")] = 160,
    margin: Annotated[float, Option(min=1, max=4, help="Side of the crop over that of the face box.")] = 1.3,
    epochs: Annotated[int, Option(min=1, help="Number of epochs, the frozen ones included.")] = 12,
    frozen_epochs: Annotated[int, Option(min=0, help="First phase: only the head is trained.")] = 1,
    batch_size: Annotated[int, Option(min=2)] = 48,
    lr: Annotated[float, Option(help="Peak learning rate of the second phase.")] = 6e-4,
    head_lr: Annotated[float, Option(help="Learning rate of the first phase.")] = 2e-3,
    weight_decay: Annotated[float, Option(min=0)] = 0.02,
    tune: Annotated[str, Option(help="Train all weights, or the norms of a transformer.")] = "all",
    inner_tokens: Annotated[bool, Option(help="Use the class tokens between blocks too.")] = False,
    batch_norm: Annotated[str, Option(help="update or keep the BatchNorm statistics.")] = "update",
    self_blend: Annotated[float, Option(min=0, max=1, help="Share of self-blended reals in fakes.")] = 0.2,
    face_swap: Annotated[float, Option(min=0, max=1, help="Share of face swaps in fakes.")] = 0.15,
    reconstruct: Annotated[float, Option(min=0, max=1, help="Share of reconstructions in fakes.")] = 0.0,
    reconstructions: Annotated[str, Option(help="Folder of scripts/reconstruct_faces.py.")] = "",
    leave_out: Annotated[list[str] | None, Option(help="Source to exclude; repeatable.")] = None,
    pair: Annotated[list[str] | None, Option(help="Sources to pair, REAL:FAKE; repeatable.")] = None,
    source_weight: Annotated[
        list[str] | None, Option(help="Sampling weight, SOURCE=FACTOR; repeatable.")
    ] = None,
    drop_path: Annotated[float, Option(min=0, max=0.9, help="Stochastic depth of the last block.")] = 0.0,
    label_smoothing: Annotated[float, Option(min=0, max=0.5)] = 0.05,
    patience: Annotated[int, Option(min=1, help="Epochs without a better AUC before stopping.")] = 4,
    seed: Annotated[int, Option(min=0, help="Same seed, same weights.")] = 1,
    accelerator: Annotated[str, Option(help="cpu, gpu or auto.")] = "cpu",
    precision: Annotated[str, Option(help="32-true, bf16-mixed or 16-mixed.")] = "32-true",
    workers: Annotated[int, Option(min=0, help="Number of processes that load images.")] = 2,
    resume: Annotated[bool, Option("--resume", help="Continue the run in --out.")] = False,
    skip_bad: SkipBad = False,
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
    # The other options have the names of the settings.
    settings = {name: value for name, value in context.params.items() if name not in _NOT_SETTINGS}
    settings |= {"data": str(data.resolve()), "pretrained": pretrained, "leave_out": tuple(leave_out or ())}
    config = TrainConfig(**settings, pairs=tuple(pair or ()), source_weights=tuple(source_weight or ()))
    result = fit(config, out, resume=resume, skip_bad=skip_bad)
    for skipped in result.skipped:
        print(f"skipped: {skipped}")
    print(
        f"validation AUC {result.val_auc:.4f} after {result.epochs} epochs; "
        f"next: veraface export {out} --out DIR"
    )
