"""Selection of sources: left out, paired, weighted; and the folds of cross-validation."""

from collections.abc import Sequence
from math import isfinite

from veraface.datasets.samples import Sample
from veraface.errors import DataError


def leave_out(samples: Sequence[Sample], sources: Sequence[str]) -> list[Sample]:
    """Return the samples of all other sources.

    Raises:
        DataError: a source does not exist.
    """
    _check_names(samples, sources)
    return [sample for sample in samples if sample.source not in sources]


def leave_out_folds(samples: Sequence[Sample]) -> list[tuple[str, ...]]:
    """Return the folds of leave-one-source-out cross-validation: each source once, one with fakes per fold.

    Sources with reals only are distributed over the folds, so that a fold measures both error rates and the
    number of runs is that of the sources with fakes.

    Raises:
        DataError: fewer than two sources have fakes.
    """
    with_fakes = sorted({sample.source for sample in samples if sample.fake})
    if len(with_fakes) < 2:
        raise DataError(
            f"{len(with_fakes)} source has fakes; leaving one out needs at least two, named in the "
            "column source of the manifest"
        )
    reals = sorted({sample.source for sample in samples} - set(with_fakes))
    return [(name, *reals[number :: len(with_fakes)]) for number, name in enumerate(with_fakes)]


def matched_sources(samples: Sequence[Sample], pairs: Sequence[str]) -> dict[str, list[str]]:
    """Parse pairs into the sources of reals to pair with each source of fakes.

    Args:
        samples: of all sources.
        pairs: "REAL:FAKE" each; a source may occur several times.

    Raises:
        DataError: a pair has another form, or a source does not exist or lacks that class.
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


def parse_source_weights(samples: Sequence[Sample], source_weights: Sequence[str]) -> dict[str, float]:
    """Parse factors on the sampling probability of sources.

    Args:
        samples: of all sources.
        source_weights: "SOURCE=FACTOR" each, the factor above 0.

    Raises:
        DataError: an entry has another form, or a source does not exist.
    """
    factors: dict[str, float] = {}
    for entry in source_weights:
        name, _, number = entry.rpartition("=")
        try:
            factor = float(number)
        except ValueError:
            factor = 0.0
        if not (name and isfinite(factor) and factor > 0):
            raise DataError(f"source weight is {entry!r}; it must be SOURCE=FACTOR with a factor above 0")
        _check_names(samples, [name])
        factors[name] = factor
    return factors


def _check_names(samples: Sequence[Sample], sources: Sequence[str], what: str = "source") -> None:
    known = {sample.source for sample in samples}
    if unknown := sorted(set(sources) - known):
        raise DataError(f"no {what} is called {', '.join(unknown)}; there are: {', '.join(sorted(known))}")
