"""The summary of a finished scan."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Summary:
    """Counts of a finished scan."""

    table: str  # display path of the table
    verdicts: dict[str, int]  # images per verdict
    errors: dict[str, int]  # images per error code
    duplicates: int  # images that look like an earlier one
    histogram: list[int]  # images per bin of p_fake; equal bins from 0 to 1
    analyzed: int  # images that this run analyzed
    skipped: int  # images that an earlier run had analyzed
    seconds: float  # duration of this run
    model: dict[str, str] = field(default_factory=dict)  # name, version and sha256

    @property
    def images(self) -> int:
        """Number of images in the table, including those with an error."""
        return sum(self.verdicts.values()) + sum(self.errors.values())
