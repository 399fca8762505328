"""The command line: one file a command, each loading what it needs only when it runs."""

import sys


def main() -> None:
    """Entry point of the `veraface` command."""
    from veraface.cli.app import app
    from veraface.cli.terminal import fail
    from veraface.errors import VerafaceError

    try:
        app()
    except VerafaceError as error:
        sys.exit(fail(str(error)))
    except KeyboardInterrupt:
        sys.exit(fail("stopped"))
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        sys.stderr.close()
        sys.exit(1)
