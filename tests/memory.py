"""Measure the peak memory of this process.

`getrusage` does not suffice: a process starts with the peak of its parent, for example pytest's, which hides
growth below it.
"""

import re
import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


def reset_peak() -> None:
    """Reset the peak to the current memory, if the system supports it."""
    if _RESET.exists():
        _RESET.write_text("5")


def peak_mib() -> float:
    """Return the peak resident memory in MiB since the start, or since `reset_peak`."""
    if _STATUS.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text())
        assert found is not None
        return int(found[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** (20 if sys.platform == "darwin" else 10)
