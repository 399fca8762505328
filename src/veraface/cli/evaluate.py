"""`veraface evaluate`: measure a model on labeled images with the full detection pipeline."""

from pathlib import Path
from typing import Annotated

from typer import Option

from veraface.cli.options import LabeledData, Model
from veraface.utils import needs_extra


def evaluate(
    data: LabeledData,
    out: Annotated[Path, Option(help="Folder for report.html, .md and .json, and images.jsonl.")],
    model: Model = None,
    split: Annotated[str, Option(help="train, val, test or all.")] = "test",
    pair: Annotated[list[str] | None, Option(help="Two sources to compare, REAL:FAKE; repeatable.")] = None,
    frames: Annotated[int, Option(min=1, help="Maximum number of frames per video.")] = 8,
    tiers: Annotated[
        bool, Option("--tiers/--no-tiers", help="Repeat with images degraded as on the web.")
    ] = True,
    curves: Annotated[int, Option(help="Images per robustness curve of a degradation; 0 for none.")] = 400,
    self_blend: Annotated[
        bool, Option("--self-blend/--no-self-blend", help="Also evaluate a self-blended fake of each real.")
    ] = True,
    attributes: Annotated[
        Path | None,
        Option(help="CSV file with attributes of the images: path, and a column each, such as age_group."),
    ] = None,
    write_card: Annotated[bool, Option(help="Also store the metrics in the model card.")] = False,
) -> None:
    """Evaluate on every image of a data set: accuracy, calibration, robustness, with intervals.

    Also error rates by kind of attack as in ISO/IEC 30107-3, and by attributes of the people.
    """
    with needs_extra("evaluate"):
        from veraface.evaluation.run import EvaluationConfig
        from veraface.evaluation.run import evaluate as run

    pairs = tuple(pair or ())
    config = EvaluationConfig(split, frames, pairs, tiers, curves, self_blend, attributes)
    print(run(data, out, config, model=model, write_card=write_card))
    print(f"written to {out}/report.html, report.md, report.json and images.jsonl")
