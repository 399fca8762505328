"""Verdicts as shown in a terminal."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from veraface.cli.terminal import printable
from veraface.text import VERDICT_LABELS

if TYPE_CHECKING:
    from veraface.results import Reason

_COLORS = {"fake": "red", "real": "green", "uncertain": "yellow", "no_face": "dim"}


def verdict_label(verdict: str) -> str:
    """Return the label of a verdict in lower case."""
    return VERDICT_LABELS[verdict].lower()


def why(reasons: "Iterable[Reason]") -> str:
    """Return the messages of reasons in one line."""
    return "; ".join(reason.message for reason in reasons)


class VerdictTable:
    """A table with a name, a verdict, its p_fake and its reasons in each row.

    Args:
        what: The heading of the first column.
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
        """Add a row; control characters of the name and the reasons are replaced."""
        from rich.text import Text

        self.table.add_row(
            Text(printable(name)),
            f"[{_COLORS[verdict]}]{verdict_label(verdict)}[/]",
            "" if p_fake is None else f"{p_fake:.3f}",
            Text(printable(why)),
        )


def legend(thresholds: Mapping[str, float]) -> str:
    """Return the explanation below a table of verdicts."""
    real, fake = thresholds["real"], thresholds["fake"]
    return (
        f"real up to {real:.2f}, fake from {fake:.2f}, uncertain between; a statistical estimate, not proof"
    )
