"""A temporary memory limit of this process, for commands that decode videos in it.

A video of a few kilobytes can request frames of gigabytes, and FFmpeg does not limit their sum. Workers have
a permanent limit (`veraface.workers.sandbox`); this one ends with the video.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from veraface.errors import VerafaceError
from veraface.video.limits import memory_error

MAX_MEMORY = 2 * 2**30  # bytes; 16 frames of 50 megapixels in 4:2:0, and the analysis of one

_DATA = 5  # field of /proc/self/statm with the pages of data and stack; see proc_pid_statm(5)


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Let this process take at most `MAX_MEMORY` more memory within the block; no limit outside of Linux.

    Raises:
        VideoTooLargeError: an allocation failed.
    """
    # Limits data, not address space, of which glibc reserves 64 MiB for each thread that allocates.
    if sys.platform != "linux":  # macOS does not enforce it
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = _data_bytes() + MAX_MEMORY
    limits = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([wanted, *limits]), hard))
    try:
        yield
    except Exception as error:
        if not _is_memory_error(error):
            raise
        raise memory_error() from error
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _is_memory_error(error: Exception) -> bool:
    """Return whether an allocation failed; ONNX Runtime raises no MemoryError."""
    if isinstance(error, MemoryError):
        return True
    return not isinstance(error, VerafaceError | OSError) and "alloc" in str(error).lower()


def _data_bytes() -> int:
    import resource

    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[_DATA]) * resource.getpagesize()
