"""Print findings with their grades, for `veraface detect` and `veraface video`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from veraface.cli.terminal import printable

if TYPE_CHECKING:
    from rich.console import Console

    from veraface.findings import GradedFinding


def print_findings(console: "Console", findings: "Iterable[GradedFinding]") -> None:
    """Print what was found about one file, with how each finding is known and what limits it."""
    from rich.padding import Padding
    from rich.text import Text

    console.print(
        "Findings (observed: read from the file; derived: computed from it; inferred: can be wrong)"
    )
    for finding in findings:
        line = Text(f"{finding.grade.value:<9}{finding.origin:<11} {printable(finding.message)}")
        limits = [finding.limitation]
        if finding.error_rates is not None:
            limits.insert(
                0, f"of 100 test faces with this verdict, {finding.error_rates.fake_of_100} were fake"
            )
        line.append(f"\n{'':20} {'; '.join(limits)}", style="dim")
        console.print(Padding(line, (0, 0, 0, 2), expand=False))
    console.print()
