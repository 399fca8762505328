"""All commands of `veraface`."""

from collections.abc import Callable
from inspect import signature
from typing import Annotated, Any

from typer import Exit, Option, Typer

from veraface import __version__
from veraface.cli.audit import audit
from veraface.cli.create_api_key import create_api_key
from veraface.cli.cross_validate import cross_validate
from veraface.cli.dataset import build
from veraface.cli.detect import detect
from veraface.cli.evaluate import evaluate
from veraface.cli.export import calibrate, export
from veraface.cli.feedback import feedback
from veraface.cli.info import info
from veraface.cli.mcp import mcp
from veraface.cli.report import report
from veraface.cli.scan import scan
from veraface.cli.serve import serve
from veraface.cli.train import train
from veraface.cli.trust import list_lists, update
from veraface.cli.video import video

# Former names of options, still accepted but not shown in the help.
FORMER_NAMES = {
    "emphasis": "source-weight",
    "exchange": "face-swap",
    "false-alarms": "max-fpr",
    "head-rate": "head-lr",
    "licence": "license",
    "misses": "max-fnr",
    "picture": "plot",
    "pictures": "images",
    "rate": "lr",
    "terms": "data-licenses",
}

app = Typer(
    help="Detect forged faces in images and video: calibrated probability, verdict and heatmap.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _add(command: Callable[..., None], name: str | None = None, **settings: Any) -> None:
    """Add a command that accepts the former names of its own options."""
    current = {parameter.replace("_", "-") for parameter in signature(command).parameters}
    former = {old: new for old, new in FORMER_NAMES.items() if new in current}
    context = {"token_normalize_func": lambda token: former.get(token, token)}
    app.command(name, context_settings=context, **settings)(command)


def _print_version(requested: bool) -> None:
    if requested:
        print(f"veraface {__version__}")
        raise Exit


@app.callback()
def _root(
    version: Annotated[
        bool, Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


for panel, commands in {
    "Detect": (detect, video, scan, report, info),
    "Keep records": (feedback,),
    "Serve": (serve, mcp, create_api_key),
    "Train and measure": (train, export, calibrate, evaluate, cross_validate),
}.items():
    for command in commands:
        _add(command, rich_help_panel=panel)

dataset = Typer(help="Build data sets.", no_args_is_help=True)
dataset.command()(build)
app.add_typer(dataset, name="dataset", rich_help_panel="Train and measure")
app.add_typer(audit, name="audit", rich_help_panel="Keep records")

trust = Typer(help="Show and update the trust lists for Content Credentials.", no_args_is_help=True)
trust.command("list")(list_lists)
trust.command()(update)
app.add_typer(trust, name="trust", rich_help_panel="Detect")

# Former names of commands.
_add(cross_validate, "crossval", hidden=True)
_add(create_api_key, "key", hidden=True)
