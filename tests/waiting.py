"""Wait for a condition that no event reports, such as one of another process."""

import time
from collections.abc import Callable
from typing import Any


def wait_until(condition: Callable[[], Any], seconds: float = 60, pause_s: float = 0.02) -> Any:
    """Check a condition at intervals until it holds, and return what it returned.

    Raises:
        AssertionError: it does not hold in time.
    """
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"the condition does not hold after {seconds:g} s"
        time.sleep(pause_s)
    return value
