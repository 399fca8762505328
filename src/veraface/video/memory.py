"""A bound on the memory of this process, for commands that decode videos in it.

A video of some kilobytes can ask for frames of gigabytes, and FFmpeg has no bound on all of them.
The server's workers have one for good (`veraface.workers.sandbox`); this one ends with the video.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from veraface.errors import VerafaceError
from veraface.video.limits import too_much_memory

MAX_BYTES = 2 * 2**30  # for one video: 16 frames of 50 megapixels in 4:2:0, and what one takes to be judged

_DATA = 5  # place in /proc/self/statm (proc_pid_statm(5)) of the pages of data and stack


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Lets this process take `MAX_BYTES` more of memory; Linux only, elsewhere there is no bound.

    Raises:
        VideoTooLargeError: it would have taken more.
    """
    # Of data, not of address space, most of which is only set aside: 64 MiB for each thread that allocates.
    if sys.platform != "linux":  # macOS does not enforce it
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = _taken() + MAX_BYTES
    bounds = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([wanted, *bounds]), hard))
    try:
        yield
    except Exception as error:
        if not _says_memory(error):
            raise
        raise too_much_memory() from error
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _says_memory(error: Exception) -> bool:
    """ONNX Runtime's failed allocations are no MemoryErrors."""
    if isinstance(error, MemoryError):
        return True
    return not isinstance(error, VerafaceError | OSError) and "alloc" in str(error).lower()


def _taken() -> int:
    import resource

    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[_DATA]) * resource.getpagesize()
