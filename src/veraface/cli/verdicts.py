"""How verdicts look in a terminal."""

from collections.abc import Mapping

WORDS = {
    "fake": "likely fake",
    "real": "likely real",
    "uncertain": "cannot tell",
    "no_face": "no face found",
}
_COLOURS = {"fake": "red", "real": "green", "uncertain": "yellow", "no_face": "dim"}


def in_colour(verdict: str) -> str:
    """The verdict in words, with Rich's markup for its colour."""
    return f"[{_COLOURS[verdict]}]{WORDS[verdict]}[/]"


def share(p_fake: float | None) -> str:
    """p_fake with three decimals; nothing where there is none."""
    return "" if p_fake is None else f"{p_fake:.3f}"


def legend(thresholds: Mapping[str, float]) -> str:
    """What the numbers mean, below a table."""
    real, fake = thresholds["real"], thresholds["fake"]
    return f"real up to {real:.2f}, fake from {fake:.2f}, open between; a statistical judgement, not proof"
