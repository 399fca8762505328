"""The command line: one file a command, each loading what it needs only when it runs."""

import sys


def main() -> None:
    """Entry point of the `veraface` command."""
    from veraface.cli import streams

    streams.replace_closed_streams()

    from veraface.cli.app import app
    from veraface.cli.terminal import fail
    from veraface.errors import VerafaceError

    try:
        try:
            app()
        finally:
            streams.flush_output()  # an error here would otherwise be a traceback at the exit
    except VerafaceError as error:
        sys.exit(fail(str(error)))
    except KeyboardInterrupt:
        sys.exit(fail("stopped"))
    except OSError:
        reason = streams.output_error()
        if reason is None:
            raise
        sys.exit(fail(reason) if reason else 1)
