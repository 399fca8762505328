"""Weak slices: sources, generators and face sizes on which a model is worse than on the whole set."""

from collections.abc import Mapping
from typing import Any

from veraface.evaluation.arrays import Needs
from veraface.evaluation.metrics import METRICS

_SLICES = (("rows", "source"), ("by_generator", "generator"), ("by_face_size", "face_size"))


def find_weak_slices(report: Mapping[str, Any]) -> list[str]:
    """Describe each source, pair, generator and face size that is significantly worse than the whole.

    Significantly: the slice's 95% interval is entirely on the worse side of the whole's value. Slices too
    small for an interval are ignored; of two dozen slices one or two may be false positives.

    Args:
        report: with "rows", "by_generator" and "by_face_size", as in `report.json`.

    Returns:
        Sentences by metric, error rates first, the worst slice first.
    """
    whole = report["rows"][0]
    slices = [(str(row[key]), row) for block, key in _SLICES for row in report[block] if row is not whole]
    sentences: list[str] = []
    for metric in sorted(METRICS.values(), key=lambda metric: metric.needs is Needs.RANKED):
        usual = whole.get(metric.name)
        if not metric.weak or usual is None:
            continue
        worse = -1 if metric.higher_is_better else 1
        found = [
            (name, row[metric.name], interval)
            for name, row in slices
            if (interval := row["intervals"].get(metric.name))
            and all(worse * end > worse * usual for end in interval)
        ]
        # A pair has the FPR of its source of reals, a source with one generator that of the generator.
        names: dict[tuple[float, float, float], list[str]] = {}
        for name, value, (low, high) in found:
            names.setdefault((value, low, high), []).append(name)
        for value, low, high in sorted(names, key=lambda key: -worse * key[0]):
            together = ", ".join(dict.fromkeys(names[value, low, high]))
            phrase = metric.weak.format(value=metric.format(value))
            interval = f"({metric.format(low)} to {metric.format(high)})"
            sentences.append(f"{together}: {phrase} {interval}; {metric.format(usual)} in all")
    return sentences
