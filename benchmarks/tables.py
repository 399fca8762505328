"""Markdown tables, reports and quantiles."""

from collections.abc import Iterable, Sequence
from pathlib import Path


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; floats have two decimals below 10, one below 100, none above."""
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"
    return str(value)


def publish(text: str, out: Path | None) -> None:
    """Print a report, and write it to a file if one is given."""
    print(text)
    if out:
        out.write_text(text, encoding="utf-8")


def quantile(values: Sequence[float], share: float) -> float:
    """Return the quantile `share` of the values; nan without values."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def p50(values: Sequence[float]) -> float:
    """Return the median."""
    return quantile(values, 0.5)
