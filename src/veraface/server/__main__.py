"""`python -m veraface.server`: runs the server with the settings from the environment."""

import sys

from veraface.server.app import serve
from veraface.server.settings import SettingsError, load_settings


def main() -> int:
    """Runs the server; returns the exit status."""
    try:
        return serve(load_settings())
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
