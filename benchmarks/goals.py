"""The figures that a change must not spoil, read from the tables of a results page, beside must and aim."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tables import table

Row = dict[str, str]
Tables = dict[str, list[Row]]  # rows of the first table of each section, by the section's title


@dataclass(frozen=True)
class Goal:
    """A figure, and the bounds that it must and should keep."""

    name: str
    figure: Callable[[Tables], float]
    must: float
    aim: float
    higher_is_better: bool = False

    def row(self, tables: Tables) -> list[object] | None:
        """Return a row of the summary; None if the figure was not measured."""
        try:
            figure = self.figure(tables)
        except (KeyError, StopIteration, ValueError, ZeroDivisionError):
            return None
        kept = [
            figure >= bound if self.higher_is_better else figure <= bound for bound in (self.must, self.aim)
        ]
        return [
            self.name,
            float(figure),
            self.must,
            self.aim,
            "aim" if all(kept) else "must" if kept[0] else "missed",
        ]


def _cell(rows: Iterable[Row], column: str, **where: str) -> float:
    """Return a number of the first row whose cells begin as `where` says; "_" stands for blanks in names."""
    return next(
        float(row[column])
        for row in rows
        if all(row[name.replace("_", " ")].startswith(start) for name, start in where.items())
    )


def _total(tables: Tables, faces: int) -> float:
    rows = tables["One image, warm, all cores, ms"]
    return _cell(rows, "p50", size="2 MP", format="JPEG", faces_found=f"{faces} of")


def _floor(tables: Tables) -> float:
    rows = tables["Total over the floor, ms"]
    return _cell(rows, "ratio", threads="one thread", **{"image, one face": "2 MP"})


def _memory(tables: Tables) -> float:
    rows = tables["Memory of the server"]
    return _cell(reversed(rows), "mean", **{"server and its processes, PSS in MB": "requests"})


GOALS = (
    Goal("2 MP without a face / with one", lambda t: _total(t, 0) / _total(t, 1), 1.0, 0.7),
    Goal("2 MP with ten faces / with one", lambda t: _total(t, 10) / _total(t, 1), 4, 3),
    Goal("total / bare decode and networks, 2 MP", _floor, 1.2, 1.1),
    Goal(
        "16 clients, times Flask + Keras",
        lambda t: float(t["Against Flask + Keras"][0]["ratio to Flask + Keras"]),
        4,
        10,
        higher_is_better=True,
    ),
    Goal("server with two workers, PSS in MB", _memory, 300, 220),
)


def summary(sections: dict[str, str]) -> str:
    """Return the table of all goals whose figures were measured.

    Args:
        sections: the Markdown of each section of a results page, by title.
    """
    tables = {title: _rows(text.splitlines()) for title, text in sections.items()}
    rows = [row for goal in GOALS if (row := goal.row(tables)) is not None]
    return table(["figure", "here", "must", "aim", "kept"], rows)


def _rows(lines: Iterable[str]) -> list[Row]:
    """Return the rows of the first Markdown table by the names of their columns."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    if not cells:
        return []
    heading, body = cells[0], [row for row in cells[1:] if not re.fullmatch(r"-+", row[0])]
    return [dict(zip(heading, row, strict=False)) for row in body]
