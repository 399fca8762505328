"""Which sources a run sees: some left out, some side by side, some more often; and the folds of crossval."""

from collections.abc import Sequence
from math import isfinite

from veraface.datasets.samples import Sample
from veraface.errors import DataError


def leave_out(samples: Sequence[Sample], sources: Sequence[str]) -> list[Sample]:
    """The samples of all other sources.

    Raises:
        DataError: there is no such source.
    """
    _check_names(samples, sources)
    return [sample for sample in samples if sample.source not in sources]


def leave_out_folds(samples: Sequence[Sample]) -> list[tuple[str, ...]]:
    """Sources in groups of which each is left out together: every source once, one with fakes a fold.

    Sources of reals alone are dealt out over the folds, so that a fold says something of both errors and
    the number of runs is that of the sources with fakes.

    Raises:
        DataError: fewer than two sources hold fakes, so that none could be left out.
    """
    with_fakes = sorted({sample.source for sample in samples if sample.fake})
    if len(with_fakes) < 2:
        raise DataError(
            f"{len(with_fakes)} source holds fakes; leaving one out needs at least two, named in the "
            "column source of the manifest"
        )
    reals = sorted({sample.source for sample in samples} - set(with_fakes))
    return [(name, *reals[number :: len(with_fakes)]) for number, name in enumerate(with_fakes)]


def matched_sources(samples: Sequence[Sample], pairs: Sequence[str]) -> dict[str, list[str]]:
    """The sources of reals that belong beside the fakes of a source.

    Args:
        samples: of all sources.
        pairs: "REAL:FAKE" each; a name may come several times.

    Raises:
        DataError: a pair is no such pair, or a source does not exist or lacks that class.
    """
    matched: dict[str, list[str]] = {}
    for pair in pairs:
        if pair.count(":") != 1:
            raise DataError(f"pair is {pair!r}; it must be two sources as REAL:FAKE")
        real, fake = pair.split(":")
        _check_names([s for s in samples if not s.fake], [real], "source with reals")
        _check_names([s for s in samples if s.fake], [fake], "source with fakes")
        matched.setdefault(fake, []).append(real)
    return matched


def emphasised_sources(samples: Sequence[Sample], emphasis: Sequence[str]) -> dict[str, float]:
    """How much more often than others sources are drawn.

    Args:
        samples: of all sources.
        emphasis: "SOURCE=FACTOR" each, the factor above 0.

    Raises:
        DataError: one is no such thing, or there is no such source.
    """
    factors: dict[str, float] = {}
    for entry in emphasis:
        name, _, number = entry.rpartition("=")
        try:
            factor = float(number)
        except ValueError:
            factor = 0.0
        if not (name and isfinite(factor) and factor > 0):
            raise DataError(f"emphasis is {entry!r}; it must be SOURCE=FACTOR with a factor above 0")
        _check_names(samples, [name])
        factors[name] = factor
    return factors


def _check_names(samples: Sequence[Sample], sources: Sequence[str], what: str = "source") -> None:
    known = {sample.source for sample in samples}
    if unknown := sorted(set(sources) - known):
        raise DataError(f"no {what} is called {', '.join(unknown)}; there are: {', '.join(sorted(known))}")
