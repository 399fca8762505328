"""Weak slices: sources, generators and face sizes on which a model is worse than on the whole set."""

from collections.abc import Mapping
from typing import Any

from veraface.evaluation.arrays import Needs
from veraface.evaluation.metrics import METRICS

_SLICES = (("rows", "source"), ("by_generator", "generator"), ("by_face_size", "face_size"))


def find_weak_slices(report: Mapping[str, Any]) -> list[str]:
    """Describe each source, pair, generator and face size of a report that is significantly worse.

    Significantly: the slice's 95% interval is entirely on the worse side of the whole's value. Slices too
    small for an interval are ignored; of two dozen slices one or two may be false positives. The sentences
    are sorted by metric, error rates first, and the worst slice first.
    """
    whole = report["rows"][0]
    slices = [(str(row[key]), row) for block, key in _SLICES for row in report[block] if row is not whole]
    sentences: list[str] = []
    for metric in sorted(METRICS.values(), key=lambda metric: metric.needs is Needs.RANKED):
        usual = whole.get(metric.name)
        if not metric.weak or usual is None:
            continue
        worse = -1 if metric.higher_is_better else 1
        # A pair has the FPR of its source of reals, a source with one generator that of the generator.
        names: dict[tuple[float, float, float], list[str]] = {}
        for name, row in slices:
            interval = row["intervals"].get(metric.name)
            if interval and all(worse * end > worse * usual for end in interval):
                names.setdefault((row[metric.name], *interval), []).append(name)
        for value, low, high in sorted(names, key=lambda key: -worse * key[0]):
            together = ", ".join(dict.fromkeys(names[value, low, high]))
            phrase = metric.weak.format(value=metric.format(value))
            band = f"({metric.format(low)} to {metric.format(high)})"
            sentences.append(f"{together}: {phrase} {band}; {metric.format(usual)} in all")
    return sentences
