"""Print findings with their grades, for `veraface detect` and `veraface video`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from veraface.cli.terminal import PIPED_TEXT_WIDTH, printable

if TYPE_CHECKING:
    from rich.console import Console

    from veraface.findings import GradedFinding


def print_findings(console: "Console", findings: "Iterable[GradedFinding]") -> None:
    """Print what was found about one file, with how each finding is known and what limits it."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from veraface.findings import describe_rates

    console.print(
        "Findings (observed: read from the file; derived: computed from it; inferred: can be wrong)"
    )
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        words = Text(printable(finding.message))
        limits = [finding.limitation]
        if finding.error_rates is not None:
            limits.insert(0, describe_rates(vars(finding.error_rates)))
        words.append(f"\n{'; '.join(limits)}", style="dim")
        table.add_row(finding.grade.value, finding.origin, words)
    console.print(Padding(table, (0, 0, 0, 2)), width=min(console.width, PIPED_TEXT_WIDTH))
    console.print()
