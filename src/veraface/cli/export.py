"""`veraface export`: turn a finished run into an ONNX file and its card."""

from pathlib import Path
from typing import Annotated

import typer

from veraface.utils import needs_extra


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a training run.")],
    out: Annotated[Path, typer.Option(help="Folder to write NAME.onnx and NAME.json to.")],
    name: Annotated[str, typer.Option(help="Name of the model.")] = "veraface-lite0",
    data: Annotated[Path | None, typer.Option(help="Where the run's data lie now, if they moved.")] = None,
    licence: Annotated[str, typer.Option(help="Terms of the weights, for the card.")] = "not stated",
    average: Annotated[
        list[Path] | None, typer.Option(help="Another run whose weights are averaged with these; repeatable.")
    ] = None,
    terms: Annotated[
        Path | None, typer.Option(help="YAML of SOURCE: TERMS of the training images, for the card.")
    ] = None,
    false_alarms: Annotated[float, typer.Option(help="Share of reals that may be called fake.")] = 0.05,
    misses: Annotated[float, typer.Option(help="Share of fakes that may be called real.")] = 0.05,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave unreadable images out.")] = False,
) -> None:
    """Write the best epoch as ONNX, calibrate it on the validation split, and write its card."""
    with needs_extra("train"):
        from veraface.training.calibration import ErrorLevels
        from veraface.training.export import export as write

    levels = ErrorLevels(reals_called_fake=false_alarms, fakes_called_real=misses)
    card = write(
        run,
        out,
        name=name,
        data=data,
        licence=licence,
        levels=levels,
        average=average or (),
        terms=terms,
        skip_bad=skip_bad,
    )
    thresholds, rates = card.thresholds, card.error_rates
    print(f"{out / name}.onnx and its card {name}.json")
    print(f"real at or below {thresholds.real:.3f}, fake from {thresholds.fake:.3f}; on validation:")
    for called, open_, wrong in (
        ("reals", "reals_uncertain", "reals_called_fake"),
        ("fakes", "fakes_uncertain", "fakes_called_real"),
    ):
        print(f"  {rates[wrong]:.1%} of {called} are judged wrongly, {rates[open_]:.0%} left open")
    for never, verdict, option in (
        (thresholds.fake >= 1, "fake", "--false-alarms"),
        (thresholds.real <= 0, "real", "--misses"),
    ):
        if never:
            print(
                f"warning: this model calls nothing {verdict}: its validation split is too small for so few "
                f"errors; raise {option} or give more images"
            )
