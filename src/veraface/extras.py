"""Optional parts of the install."""

from collections.abc import Iterator
from contextlib import contextmanager

from veraface.errors import VerafaceError


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Turn a missing optional package into a sentence that says how to get it.

    Raises:
        VerafaceError: a package that belongs to the extra is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("veraface"):
            raise
        raise VerafaceError(
            f"this command needs {error.name}, which is not installed: pip install 'veraface[{extra}]'"
        ) from error
