"""`veraface evaluate`: measure a model on labeled images, through the pipeline that users get."""

from pathlib import Path
from typing import Annotated

import typer

from veraface.utils import needs_extra


def evaluate(
    data: Annotated[Path, typer.Option(help="Manifest (.csv, .parquet), or a folder with real/ and fake/.")],
    out: Annotated[Path, typer.Option(help="Folder for report.html, .md and .json, and pictures.jsonl.")],
    model: Annotated[Path | None, typer.Option(help="The .onnx model; the shipped one if left out.")] = None,
    split: Annotated[str, typer.Option(help="train, val, test or all.")] = "test",
    pair: Annotated[
        list[str] | None, typer.Option(help="Two sources to judge against each other, as REAL:FAKE.")
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="The most images of one video, evenly spaced.")] = 8,
    tiers: Annotated[
        bool,
        typer.Option("--tiers/--no-tiers", help="Judge all again, shrunk and recompressed as on the web."),
    ] = True,
    curves: Annotated[
        int, typer.Option(help="Pictures on which each degradation is tried in each strength; 0 for none.")
    ] = 400,
    self_blend: Annotated[
        bool,
        typer.Option("--self-blend/--no-self-blend", help="Make a fake of each real image and judge it."),
    ] = True,
    write_card: Annotated[bool, typer.Option(help="Also put the figures into the model's card.")] = False,
) -> None:
    """Judge every image of a data set and report how often that was right, and whether it stays so."""
    with needs_extra("evaluate"):
        from veraface.evaluation.run import EvaluationConfig
        from veraface.evaluation.run import evaluate as run

    plan = EvaluationConfig(
        split, frames, tuple(pair or ()), tiers=tiers, curves=curves, self_blend=self_blend
    )
    print(run(data, out, plan, model=model, write_card=write_card))
    print(f"written to {out}/report.html, report.md, report.json and pictures.jsonl")
