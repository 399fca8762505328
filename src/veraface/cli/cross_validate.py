"""`veraface cross-validate`: measure a training recipe on sources that it has not seen."""

from pathlib import Path
from typing import Annotated

from typer import Option

from veraface.cli.options import MaxFnr, MaxFpr
from veraface.utils import needs_extra


def cross_validate(
    data: Annotated[Path, Option(help="Manifest (.csv, .parquet), or a folder with manifest.csv.")],
    out: Annotated[Path, Option(help="Folder for one training run per fold, and the report.")],
    recipe: Annotated[Path | None, Option(help="Folder of a training run whose settings to use.")] = None,
    epochs: Annotated[int | None, Option(min=1, help="Overrides the recipe's.")] = None,
    size: Annotated[int | None, Option(min=32, max=1024, help="Overrides the recipe's.")] = None,
    precision: Annotated[str | None, Option(help="Overrides the recipe's.")] = None,
    images: Annotated[int, Option(min=20, help="Maximum number of images per class and source.")] = 300,
    max_fpr: MaxFpr = 0.05,
    max_fnr: MaxFnr = 0.05,
    only: Annotated[list[int] | None, Option(help="Number of a fold to run, from 1; repeatable.")] = None,
) -> None:
    """Leave each source out of training once and evaluate on it; the test split is never used.

    Run it again to continue after an interruption: finished folds are kept.
    """
    with needs_extra("train"):
        from veraface.training.calibration import ErrorTargets
        from veraface.training.cross_validation import cross_validate as run

    settings = {"epochs": epochs, "size": size, "precision": precision}
    changes = {name: value for name, value in settings.items() if value is not None}
    targets = ErrorTargets(max_fpr, max_fnr)
    print(run(data, out, recipe=recipe, changes=changes, images=images, targets=targets, only=only))
    print(f"written to {out}/crossval.json and {out}/crossval.md")
