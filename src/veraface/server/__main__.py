"""`python -m veraface.server`: run the server with the settings from the environment."""

import sys

from veraface.server.app import serve
from veraface.server.settings import SettingsError, load_settings


def main() -> int:
    """Run the server and return the exit status."""
    try:
        return serve(load_settings())
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
