"""Where a model does worse than on the whole, by name: what a reader of one figure would not learn."""

from collections.abc import Mapping
from typing import Any, NamedTuple

_PARTS = (("rows", "source"), ("by_generator", "generator"), ("by_face_size", "face_size"))


class _Figure(NamedTuple):
    name: str
    sentence: str
    unit: str  # format of the figure
    worse: int  # 1 where more is worse, else -1


_FIGURES = (
    _Figure(
        "reals_called_fake", "{part}: {own} of reals called fake ({low} to {high}); {usual} in all", ".1%", 1
    ),
    _Figure(
        "fakes_called_real", "{part}: {own} of fakes called real ({low} to {high}); {usual} in all", ".1%", 1
    ),
    _Figure("auc", "{part}: AUC {own} ({low} to {high}); {usual} in all", ".3f", -1),
)


def weak_spots(report: Mapping[str, Any]) -> list[str]:
    """A sentence for each source, pair, generator and face size that is worse than the whole beyond chance.

    Beyond chance: the part's 95 % interval lies wholly on the worse side of the whole's figure. Parts too
    small for an interval are not named; of two dozen parts one or two may be named by accident.

    Args:
        report: with "rows", "by_generator" and "by_face_size", as `report.json` holds them.

    Returns:
        Sentences, figure by figure, the worst first.
    """
    whole = report["rows"][0]
    parts = [(str(row[key]), row) for block, key in _PARTS for row in report[block] if row is not whole]
    sentences: list[str] = []
    for name, sentence, unit, worse in _FIGURES:
        usual = whole[name]
        found = [
            (part, row[name], interval)
            for part, row in parts
            if usual is not None
            and (interval := row["intervals"].get(name))
            and all(worse * end > worse * usual for end in interval)
        ]
        # A pair has the false alarms of its reals, a source of one generator those of both: said together.
        names: dict[tuple[float, float, float], list[str]] = {}
        for part, own, (low, high) in found:
            names.setdefault((own, low, high), []).append(part)
        for own, low, high in sorted(names, key=lambda figure: -worse * figure[0]):
            shown = {"own": own, "low": low, "high": high, "usual": usual}
            numbers = {key: format(number, unit) for key, number in shown.items()}
            together = ", ".join(dict.fromkeys(names[own, low, high]))
            sentences.append(sentence.format(part=together, **numbers))
    return sentences
