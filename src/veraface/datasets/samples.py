"""A labeled image, its split, and the selection of samples by their source."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from veraface.errors import DataError
from veraface.geometry import Box

SPLITS = ("train", "val", "test")
_SPELLINGS = (("train", "training"), ("val", "valid", "validation"), ("test", "testing"))
SPLIT_NAMES = {name: names[0] for names in _SPELLINGS for name in names}


@dataclass(frozen=True)
class Sample:
    """A labeled image, or a frame of a labeled video."""

    path: Path  # of the image or video
    fake: bool  # the label
    source: str  # data set the image came from
    group: str  # person, video or base photo; a group is never in two splits
    split: str  # train, val or test
    box: Box | None = None  # of the face, px of the upright image; None to detect it
    generator: str = ""  # what made or changed the face; "" for reals and if unknown
    frame: float | None = None  # position in the video, 0 to 1; None if the path is an image
    landmarks: tuple[tuple[float, float], ...] = ()  # of the face, px; () until it is detected
    attack: str = ""  # kind of attack, of fakes; "" to derive it from the generator


def split_by_hash(group: str) -> str:
    """Assign a split by a hash of the group's name: a tenth each to val and test, the others to train."""
    return {0: "val", 1: "test"}.get(_tenth(group), "train")


def train_or_val_by_hash(group: str) -> str:
    """Assign val to a tenth of the groups and train to the others, for data with a given test split."""
    return "val" if _tenth(group) == 0 else "train"


def _tenth(group: str) -> int:
    return hashlib.sha256(os.fsencode(group)).digest()[0] * 10 // 256


def leave_out(samples: Sequence[Sample], sources: Sequence[str]) -> list[Sample]:
    """Return the samples of all other sources; raise `DataError` if a source does not exist."""
    _check_names(samples, sources)
    return [sample for sample in samples if sample.source not in sources]


def leave_out_folds(samples: Sequence[Sample]) -> list[tuple[str, ...]]:
    """Return the folds of leave-one-source-out cross-validation: each source once, one with fakes per fold.

    Sources with reals only are distributed over the folds, so that a fold measures both error rates and the
    number of runs is that of the sources with fakes.

    Raises `DataError` if fewer than two sources have fakes.
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
    """Parse pairs "REAL:FAKE" into the sources of reals to pair with each source of fakes.

    Raises `DataError` if a pair has another form, or a source does not exist or lacks that class.
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
    """Parse factors above 0 on the sampling probability of sources, "SOURCE=FACTOR" each.

    Raises `DataError` if an entry has another form, or a source does not exist.
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
