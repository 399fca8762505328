"""Which sources a run sees: some left out, and the folds that leave each out once."""

from collections.abc import Sequence

from veraface.errors import DataError
from veraface.training.samples import Sample


def leave_out(samples: Sequence[Sample], sources: Sequence[str]) -> list[Sample]:
    """The samples of all other sources.

    Raises:
        DataError: there is no such source.
    """
    known = {sample.source for sample in samples}
    if unknown := sorted(set(sources) - known):
        raise DataError(f"no source is called {', '.join(unknown)}; there are: {', '.join(sorted(known))}")
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
