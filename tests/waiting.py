"""Wait for a condition that no event reports, such as one of another process."""

import time
from collections.abc import Callable
from typing import Any

# Ends only what hangs: a machine several times slower, or one that does other work too, must not reach it.
LIMIT_S = 300


def wait_until(condition: Callable[[], Any], seconds: float = LIMIT_S, pause_s: float = 0.02) -> Any:
    """Check a condition at intervals until it holds, and return what it returned.

    Raises:
        AssertionError: it does not hold in time.
    """
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"the condition does not hold after {seconds:g} s"
        time.sleep(pause_s)
    return value
