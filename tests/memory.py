"""How much memory this process took at its peak.

`getrusage` will not do: a process begins with the peak of the one that started it, pytest's own for example,
and growth below that stays unseen.
"""

import re
import resource
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


def forget_peak() -> None:
    """Starts anew from what is taken now, where the system can do that."""
    if _RESET.exists():
        _RESET.write_text("5")


def peak_mib() -> float:
    """The most that was resident since the start, or since `forget_peak`."""
    if _STATUS.exists():
        told = re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text())
        assert told is not None
        return int(told[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** (20 if sys.platform == "darwin" else 10)
