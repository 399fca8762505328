"""`veraface cross-validate`: measure a training recipe, or a network, on sources that it has not seen."""

from pathlib import Path
from typing import Annotated

from typer import BadParameter, Option

from veraface.utils import needs_extra

_SCORES = "With --scores"


def cross_validate(
    out: Annotated[Path, Option(help="Folder for one training run per fold, and the report.")],
    data: Annotated[
        Path | None, Option(help="Manifest (.csv, .parquet), or a folder with manifest.csv.")
    ] = None,
    scores: Annotated[
        Path | None, Option(help="Score table (.npz): evaluate its network instead of training some.")
    ] = None,
    recipe: Annotated[Path | None, Option(help="Folder of a training run whose settings to use.")] = None,
    epochs: Annotated[int | None, Option(min=1, help="Overrides the recipe's.")] = None,
    size: Annotated[int | None, Option(min=32, max=1024, help="Overrides the recipe's.")] = None,
    precision: Annotated[str | None, Option(help="Overrides the recipe's.")] = None,
    images: Annotated[int, Option(min=20, help="Maximum number of images per class and source.")] = 300,
    only: Annotated[list[int] | None, Option(help="Number of a fold to run, from 1; repeatable.")] = None,
    max_fpr: Annotated[
        float, Option(help="Target false positive rate (reals with the verdict fake) of each group.")
    ] = 0.06,
    max_fnr: Annotated[
        float, Option(help="Target false negative rate (fakes with the verdict real) of each group.")
    ] = 0.05,
    mean_fpr: Annotated[float, Option(help="Limit of the mean false positive rate of the sources.")] = 0.02,
    mean_fnr: Annotated[float, Option(help="Limit of the mean false negative rate of the sources.")] = 0.1,
    max_uncertain: Annotated[
        float,
        Option(help="Share of uncertain images above which bounds of the false negative rate are given up."),
    ] = 0.25,
    confidence: Annotated[float, Option(help="Confidence of the bound in each group of sources.")] = 0.95,
    min_groups: Annotated[
        int, Option(min=1, help="People or videos of a source with a bound of its own; others are pooled.")
    ] = 100,
    network: Annotated[
        str | None, Option(help="Architecture in the table, if it has several.", rich_help_panel=_SCORES)
    ] = None,
    one_view: Annotated[
        bool,
        Option(
            "--one-view",
            help="Do not average the logits of a face and its mirror image.",
            rich_help_panel=_SCORES,
        ),
    ] = False,
    card: Annotated[
        Path | None,
        Option(
            help="Model card of the final network: write it with the decision, and a copy of the weights, to "
            "--out.",
            rich_help_panel=_SCORES,
        ),
    ] = None,
) -> None:
    """Leave each source out of training once and evaluate on it; the test split is never used.

    Run it again to continue after an interruption: finished folds are kept. With --scores nothing is trained:
    calibration and thresholds are fitted to the logits of networks that have not seen the source.
    """
    if (data is None) == (scores is None):
        raise BadParameter("give either --data or --scores")
    with needs_extra("train"):
        from veraface.training.calibration import ErrorTargets
        from veraface.training.group_thresholds import BoundSettings
        from veraface.training.score_report import evaluate_scores

    targets = ErrorTargets(max_fpr, max_fnr)
    settings = BoundSettings(targets, mean_fpr, mean_fnr, confidence, min_groups, max_uncertain)
    if scores is not None:
        print(evaluate_scores(scores, out, settings, architecture=network, one_view=one_view, card=card))
    if data is not None:
        with needs_extra("train"):
            from veraface.training.cross_validation import cross_validate as run

        overrides = {"epochs": epochs, "size": size, "precision": precision}
        changes = {name: value for name, value in overrides.items() if value is not None}
        print(run(data, out, recipe=recipe, changes=changes, images=images, settings=settings, only=only))
    print(f"written to {out}")
