"""`veraface serve`: the page and the API on this machine."""

from pathlib import Path
from typing import Annotated

import typer


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; VERAFACE_HOST, else 127.0.0.1 (this machine).")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; VERAFACE_PORT, else 7860.")] = None,
    model: Annotated[Path | None, typer.Option(help="Another .onnx model, with its card beside it.")] = None,
) -> None:
    """Serve the page and the API; every setting can also be given as VERAFACE_... in the environment."""
    from veraface.server.app import serve as run
    from veraface.server.settings import load_settings

    raise typer.Exit(run(load_settings(host=host, port=port, model=model)))
