"""How many examples a property test generates."""

import os

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "quick")


def examples(count: int) -> int:
    """Return the number of examples: a quarter of `count`, and ten times `count` in the profile `deep`."""
    return 10 * count if PROFILE == "deep" else max(10, count // 4)
