"""`veraface cross-validate`: measure a training recipe, or networks, on sources that they have not seen."""

from collections.abc import Sequence
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
        Path | None, Option(help="Score table (.npz): evaluate its networks instead of training some.")
    ] = None,
    recipe: Annotated[Path | None, Option(help="Folder of a training run whose settings to use.")] = None,
    epochs: Annotated[int | None, Option(min=1, help="Overrides the recipe's.")] = None,
    size: Annotated[int | None, Option(min=32, max=1024, help="Overrides the recipe's.")] = None,
    precision: Annotated[str | None, Option(help="Overrides the recipe's.")] = None,
    images: Annotated[int, Option(min=20, help="Maximum number of images per class and source.")] = 300,
    max_fpr: Annotated[
        float | None,
        Option(
            help="Target false positive rate (reals with the verdict fake): 0.05; with --scores 0.06 in each "
            "group of sources.",
            show_default=False,
        ),
    ] = None,
    max_fnr: Annotated[
        float | None,
        Option(help="Target false negative rate (fakes with the verdict real): 0.05.", show_default=False),
    ] = None,
    only: Annotated[list[int] | None, Option(help="Number of a fold to run, from 1; repeatable.")] = None,
    mean_fpr: Annotated[
        float, Option(help="Limit of the mean false positive rate of the sources.", rich_help_panel=_SCORES)
    ] = 0.02,
    mean_fnr: Annotated[
        float, Option(help="Limit of the mean false negative rate of the sources.", rich_help_panel=_SCORES)
    ] = 0.1,
    max_uncertain: Annotated[
        float,
        Option(
            help="Share of uncertain images above which bounds of the false negative rate are given up.",
            rich_help_panel=_SCORES,
        ),
    ] = 0.25,
    confidence: Annotated[
        float, Option(help="Confidence of the bound in each group of sources.", rich_help_panel=_SCORES)
    ] = 0.95,
    min_groups: Annotated[
        int,
        Option(
            min=1,
            help="People or videos of a source with a bound of its own; others are pooled.",
            rich_help_panel=_SCORES,
        ),
    ] = 100,
    network: Annotated[
        list[str] | None,
        Option(help="Architecture to choose from, all by default; repeatable.", rich_help_panel=_SCORES),
    ] = None,
    one_view: Annotated[
        list[str] | None,
        Option(
            help="Architecture that sees a face neither mirrored nor recompressed; repeatable.",
            rich_help_panel=_SCORES,
        ),
    ] = None,
    card: Annotated[
        list[str] | None,
        Option(
            help="Architecture and model card of its final network, as NAME=FILE: write it with the decision "
            "to --out, and the card of the ensemble; repeatable.",
            rich_help_panel=_SCORES,
        ),
    ] = None,
    name: Annotated[str, Option(help="Name of the ensemble.", rich_help_panel=_SCORES)] = "veraface",
    pair: Annotated[
        list[str] | None,
        Option(
            help='Sources to compare, as REAL:FAKE; "ffhq:stylegan140k" if none.', rich_help_panel=_SCORES
        ),
    ] = None,
    swap: Annotated[
        list[str] | None,
        Option(
            help="Word in the source or generator of face swaps; dfdc, deepfacelive and swap if none.",
            rich_help_panel=_SCORES,
        ),
    ] = None,
    attributes: Annotated[
        Path | None,
        Option(
            help="CSV of further slices: path, and a column per attribute, such as an age group.",
            rich_help_panel=_SCORES,
        ),
    ] = None,
) -> None:
    """Leave each source out of training once and evaluate on it; the test split is never used.

    Run it again to continue after an interruption: finished folds are kept. With --scores nothing is trained:
    weights, calibration and thresholds are fitted to the logits of networks that have not seen the source,
    and the networks trained on all sources are evaluated on the test split.
    """
    if (data is None) == (scores is None):
        raise BadParameter("give either --data or --scores")
    with needs_extra("train"):
        from veraface.training.calibration import DEFAULT_ERROR_RATE, ErrorTargets

        max_fnr = DEFAULT_ERROR_RATE if max_fnr is None else max_fnr
        if scores is not None:
            from veraface.training.group_thresholds import DEFAULT_GROUP_FPR, BoundSettings
            from veraface.training.score_evaluation import PAIRS, SWAPS, evaluate_scores

            targets = ErrorTargets(DEFAULT_GROUP_FPR if max_fpr is None else max_fpr, max_fnr)
            settings = BoundSettings(targets, mean_fpr, mean_fnr, confidence, min_groups, max_uncertain)
            print(
                evaluate_scores(
                    scores,
                    out,
                    settings,
                    architectures=network,
                    one_view=one_view or (),
                    attributes=attributes,
                    pairs=pair or PAIRS,
                    swaps=swap or SWAPS,
                    cards=_cards(card or ()),
                    name=name,
                )
            )
            print(f"written to {out}/crossval.json, {out}/crossval.md and {out}/decision.json")
            return
        from veraface.training.cross_validation import cross_validate as run

    assert data is not None
    overrides = {"epochs": epochs, "size": size, "precision": precision}
    changes = {name: value for name, value in overrides.items() if value is not None}
    targets = ErrorTargets(DEFAULT_ERROR_RATE if max_fpr is None else max_fpr, max_fnr)
    print(run(data, out, recipe=recipe, changes=changes, images=images, targets=targets, only=only))
    print(f"written to {out}/crossval.json and {out}/crossval.md")


def _cards(options: Sequence[str]) -> dict[str, Path]:
    """Parse "NAME=FILE" options."""
    found = {}
    for option in options:
        architecture, _, file = option.partition("=")
        if not (architecture and file):
            raise BadParameter(f"card is {option!r}; it must be NAME=FILE")
        found[architecture] = Path(file)
    return found
