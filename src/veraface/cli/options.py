"""Options that several commands share."""

from typing import Annotated

import typer

MaxFpr = Annotated[float, typer.Option(help="Target false positive rate (reals with the verdict fake).")]
MaxFnr = Annotated[float, typer.Option(help="Target false negative rate (fakes with the verdict real).")]
