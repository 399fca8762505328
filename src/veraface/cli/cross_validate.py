"""`veraface crossval`: how a recipe does on sources that it has not seen."""

from pathlib import Path
from typing import Annotated

import typer

from veraface.utils import needs_extra


def crossval(
    data: Annotated[Path, typer.Option(help="Manifest (.csv, .parquet), or a folder with manifest.csv.")],
    out: Annotated[Path, typer.Option(help="Folder for one training run a fold, and the report.")],
    recipe: Annotated[
        Path | None,
        typer.Option(help="Folder of a training run whose settings to use; the defaults if left out."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    size: Annotated[int | None, typer.Option(min=32, max=1024, help="Instead of the recipe's.")] = None,
    precision: Annotated[str | None, typer.Option(help="Instead of the recipe's.")] = None,
    images: Annotated[int, typer.Option(min=20, help="The most images judged of a source.")] = 300,
    false_alarms: Annotated[float, typer.Option(help="Share of reals that may be called fake.")] = 0.05,
    misses: Annotated[float, typer.Option(help="Share of fakes that may be called real.")] = 0.05,
    only: Annotated[
        list[int] | None, typer.Option(help="Number of a fold to run, from 1; repeatable.")
    ] = None,
) -> None:
    """Leave every source out of training once and judge it; never looks at the test split.

    Start it again to go on after it was stopped: finished folds are kept.
    """
    with needs_extra("train"):
        from veraface.training.calibration import ErrorLevels
        from veraface.training.cross_validation import cross_validate

    changes = {"epochs": epochs, "size": size, "precision": precision}
    report = cross_validate(
        data,
        out,
        recipe=recipe,
        changes={name: value for name, value in changes.items() if value is not None},
        images=images,
        levels=ErrorLevels(reals_called_fake=false_alarms, fakes_called_real=misses),
        only=only,
    )
    print(report)
    print(f"written to {out}/crossval.json and {out}/crossval.md")
