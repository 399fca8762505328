"""`veraface evaluate`: measure a model on labeled images with the full detection pipeline."""

from pathlib import Path
from typing import Annotated

import typer

from veraface.utils import needs_extra


def evaluate(
    data: Annotated[Path, typer.Option(help="Manifest (.csv, .parquet), or a folder with real/ and fake/.")],
    out: Annotated[Path, typer.Option(help="Folder for report.html, .md and .json, and pictures.jsonl.")],
    model: Annotated[
        str | None, typer.Option(help="A model name (`veraface info --list`) or the path of an .onnx file.")
    ] = None,
    split: Annotated[str, typer.Option(help="train, val, test or all.")] = "test",
    pair: Annotated[
        list[str] | None, typer.Option(help="Two sources to compare, as REAL:FAKE; repeatable.")
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="Maximum number of frames per video.")] = 8,
    tiers: Annotated[
        bool,
        typer.Option("--tiers/--no-tiers", help="Repeat with images degraded as on the web."),
    ] = True,
    curves: Annotated[
        int, typer.Option(help="Number of images for the robustness curves of each degradation; 0 for none.")
    ] = 400,
    self_blend: Annotated[
        bool,
        typer.Option("--self-blend/--no-self-blend", help="Also evaluate a self-blended fake of each real."),
    ] = True,
    write_card: Annotated[bool, typer.Option(help="Also store the metrics in the model card.")] = False,
) -> None:
    """Evaluate on every image of a data set: accuracy, calibration, robustness, with intervals."""
    with needs_extra("evaluate"):
        from veraface.evaluation.run import EvaluationConfig
        from veraface.evaluation.run import evaluate as run

    config = EvaluationConfig(
        split, frames, tuple(pair or ()), tiers=tiers, curves=curves, self_blend=self_blend
    )
    print(run(data, out, config, model=model, write_card=write_card))
    print(f"written to {out}/report.html, report.md, report.json and pictures.jsonl")
