"""`veraface export` and `veraface calibrate`: write the ONNX file and the model card of a classifier."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from veraface.cli.options import LabeledData, MaxFnr, MaxFpr, Model, SkipBad
from veraface.utils import needs_extra

if TYPE_CHECKING:
    from veraface.models.card import ModelCard

_UNREACHED = (
    "warning: the verdict {} is never reached: the validation split is too small for so low an error rate; "
    "raise {} or add images"
)


def export(
    run: Annotated[Path, Argument(help="Folder of a training run.")],
    out: Annotated[Path, Option(help="Folder to write NAME.onnx and NAME.json to.")],
    name: Annotated[str, Option(help="Name of the model.")] = "veraface-lite0",
    data: Annotated[Path | None, Option(help="Location of the run's data, if it was moved.")] = None,
    license: Annotated[str, Option(help="License of the weights, for the card.")] = "not stated",
    average: Annotated[list[Path] | None, Option(help="Run to average the weights with; repeatable.")] = None,
    data_licenses: Annotated[Path | None, Option(help="YAML of SOURCE: LICENSE of the images.")] = None,
    max_fpr: MaxFpr = 0.05,
    max_fnr: MaxFnr = 0.05,
    skip_bad: SkipBad = False,
    base: Annotated[
        Path | None, Option(help="INT8 base of a run with --tune norms: write tuned tensors only.")
    ] = None,
    one_view: Annotated[
        bool, Option("--one-view", help="Do not average the logits of a face and its mirror image.")
    ] = False,
) -> None:
    """Export the best epoch as ONNX, calibrate it on the validation split, and write its card."""
    with needs_extra("train"):
        from veraface.training.calibration import ErrorTargets
        from veraface.training.export import export as write

    card = write(
        run,
        out,
        name=name,
        data=data,
        license=license,
        targets=ErrorTargets(max_fpr, max_fnr),
        average=average or (),
        data_licenses=data_licenses,
        skip_bad=skip_bad,
        base=base,
        one_view=one_view,
    )
    _print(card, out)


def calibrate(
    out: Annotated[Path, Option(help="Folder to write the weights and the new card to.")],
    data: LabeledData,
    model: Model = None,
    max_fpr: MaxFpr = 0.05,
    max_fnr: MaxFnr = 0.05,
    skip_bad: SkipBad = False,
) -> None:
    """Fit a model's probabilities and thresholds to the validation split of your own images."""
    with needs_extra("train"):
        from veraface.training.calibration import ErrorTargets
        from veraface.training.export import calibrate as write

    targets = ErrorTargets(max_fpr, max_fnr)
    _print(write(model, out, data=data, targets=targets, skip_bad=skip_bad), out)


def _print(card: "ModelCard", out: Path) -> None:
    thresholds, rates = card.thresholds, card.error_rates
    weights = f"{card.name}.npz" if card.base else f"{card.name}.onnx"
    print(f"{out / weights} and its card {card.name}.json")
    print(f"real at or below {thresholds.real:.3f}, fake from {thresholds.fake:.3f}; on validation:")
    print("  reals: {reals_called_fake:.1%} false positives, {reals_uncertain:.0%} uncertain".format(**rates))
    print("  fakes: {fakes_called_real:.1%} false negatives, {fakes_uncertain:.0%} uncertain".format(**rates))
    if thresholds.fake >= 1:
        print(_UNREACHED.format("fake", "--max-fpr"))
    if thresholds.real <= 0:
        print(_UNREACHED.format("real", "--max-fnr"))
