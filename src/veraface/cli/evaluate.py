"""`veraface evaluate`: measure a model on labelled pictures, through the pipeline that users get."""

from pathlib import Path
from typing import Annotated

import typer

from veraface.cli.extras import needs_extra


def evaluate(
    data: Annotated[Path, typer.Option(help="Manifest (.csv, .parquet), or a folder with real/ and fake/.")],
    out: Annotated[Path, typer.Option(help="Folder for report.json and report.md.")],
    model: Annotated[Path | None, typer.Option(help="The .onnx model; the shipped one if left out.")] = None,
    split: Annotated[str, typer.Option(help="train, val, test or all.")] = "test",
    pair: Annotated[
        list[str] | None, typer.Option(help="Two sources to judge against each other, as REAL:FAKE.")
    ] = None,
    write_card: Annotated[bool, typer.Option(help="Also put the figures into the model's card.")] = False,
) -> None:
    """Judge every picture of a data set and report how often that was right, overall and by source."""
    with needs_extra("evaluate"):
        from veraface.evaluation.protocol import evaluate as run

    report = run(data, out, model=model, split=split, pairs=pair or [], write_card=write_card)
    print(report)
    print(f"written to {out}/report.json and {out}/report.md")
