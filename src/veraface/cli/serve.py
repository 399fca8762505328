"""`veraface serve`: serve the page and the API."""

from typing import Annotated

from typer import Exit, Option

from veraface.cli.options import Model
from veraface.cli.streams import discard_output, output_error


def serve(
    host: Annotated[str | None, Option(help="Address; default VERAFACE_HOST, else 127.0.0.1.")] = None,
    port: Annotated[int | None, Option(help="Port to listen on; default VERAFACE_PORT, else 7860.")] = None,
    allowed_host: Annotated[
        list[str] | None,
        Option(help="Name by which clients may address the server, such as example.org; repeatable."),
    ] = None,
    root_path: Annotated[
        str | None, Option(help="Path under which a proxy serves the page, such as /veraface.")
    ] = None,
    model: Model = None,
) -> None:
    """Serve the page and the API. Further settings are VERAFACE_... variables; see docs/api.md."""
    if output_error() is not None:
        discard_output()  # a server without an output runs without its log

    from veraface.server.app import serve as run
    from veraface.server.settings import load_settings

    # Typer gives an empty list for an option that is not given; the environment then counts.
    settings = load_settings(
        host=host, port=port, allowed_hosts=allowed_host or None, root_path=root_path, model=model
    )
    raise Exit(run(settings))
