"""`python -m veraface.server`: run the server with the settings from the environment."""

import sys

from veraface.server import SettingsError, serve


def main() -> int:
    """Run the server and return the exit status."""
    try:
        return serve()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
