"""How verdicts look in a terminal."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from veraface.cli.terminal import printable

if TYPE_CHECKING:
    from veraface.results import Reason

WORDS = {
    "fake": "likely fake",
    "real": "likely real",
    "uncertain": "cannot tell",
    "no_face": "no face found",
}
_COLOURS = {"fake": "red", "real": "green", "uncertain": "yellow", "no_face": "dim"}


def in_colour(verdict: str) -> str:
    """The verdict in words, with Rich's markup for its color."""
    return f"[{_COLOURS[verdict]}]{WORDS[verdict]}[/]"


def share(p_fake: float | None) -> str:
    """p_fake with three decimals; nothing where there is none."""
    return "" if p_fake is None else f"{p_fake:.3f}"


def why(reasons: "Iterable[Reason]") -> str:
    """Reasons as one line."""
    return "; ".join(reason.message for reason in reasons)


class VerdictTable:
    """Rows of a name, a verdict, its p_fake and why.

    Args:
        what: What is judged, the heading of the first column.
    """

    def __init__(self, what: str) -> None:
        from rich import box
        from rich.table import Table

        self.table: Table = Table(box=box.SIMPLE_HEAD, expand=False)
        self.table.add_column(what, overflow="fold")
        self.table.add_column("verdict", no_wrap=True)
        self.table.add_column("p(fake)", justify="right")
        self.table.add_column("why")

    def add(self, name: str, verdict: str, p_fake: float | None, why: str = "") -> None:
        """A row; the name is shown as it is, but for what would steer the terminal."""
        from rich.text import Text

        self.table.add_row(Text(printable(name)), in_colour(verdict), share(p_fake), Text(printable(why)))


def legend(thresholds: Mapping[str, float]) -> str:
    """What the numbers mean, below a table."""
    real, fake = thresholds["real"], thresholds["fake"]
    return f"real up to {real:.2f}, fake from {fake:.2f}, open between; a statistical judgement, not proof"
