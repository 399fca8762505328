"""Standard streams that are closed, or that cannot be written."""

import errno
import os
import sys
from contextlib import suppress

_STREAMS = (("stdin", "r", os.O_WRONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY))


def replace_closed_streams() -> None:
    """Open the null device in place of standard streams that are closed.

    Otherwise the next file that is opened would get the number of the stream, and its output. Using a closed
    input or output stays an error, since the null device is opened for the opposite.
    """
    for number, (name, mode, flag) in enumerate(_STREAMS):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, flag)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def flush_output() -> None:
    """Write what has been printed; raise OSError if it cannot be written."""
    sys.stdout.flush()


def output_error() -> str | None:
    """Return why standard output cannot be written, None if it can; an empty string if its reader left.

    What cannot be written is discarded.
    """
    try:
        flush_output()
        os.write(sys.stdout.fileno(), b"")
    except ValueError:  # not a file, in a test
        return None
    except BrokenPipeError:  # as `head` does
        discard_output()
        return ""
    except OSError as error:
        discard_output()
        if error.errno == errno.EBADF:
            return "standard output is closed; files that were asked for are written"
        return f"standard output cannot be written: {error.strerror}; files that were asked for are written"
    return None


def discard_output() -> None:
    """Discard what is printed from now on, and what is printed but not written."""
    with suppress(OSError, ValueError):
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.stdout.fileno())
        os.close(descriptor)


def read_input(count: int) -> bytes:
    """Read up to `count` bytes from standard input; raise UnreadableImageError if it cannot be read."""
    from veraface.errors import UnreadableImageError

    try:
        return sys.stdin.buffer.read(count)
    except OSError as error:
        if error.errno == errno.EBADF:
            raise UnreadableImageError("standard input is closed; pipe an image into it") from error
        raise UnreadableImageError(f"standard input cannot be read: {error.strerror}") from error
