"""Score table: the logits of several networks on the same labeled images, in one `.npz` file.

It separates running networks, which needs a GPU or hours, from fitting and reporting, which needs seconds.
"""

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from veraface.datasets.samples import SPLITS
from veraface.errors import DataError
from veraface.evaluation.bootstrap import Values
from veraface.evaluation.predict import CLEAN, SELF_BLENDED
from veraface.evaluation.roc import Flags
from veraface.files import atomic_write

FORMAT = "veraface-score-table-1"
FINAL = "final"  # name of the network of an architecture that is trained on all sources
MIRRORED, RECOMPRESSED, WEB, HARD = "mirrored", "recompressed", "web", "hard"
VIEWS = (CLEAN, MIRRORED, RECOMPRESSED, WEB, HARD)
_LOGIT, _ATTRIBUTE = "logit/", "attribute/"  # prefixes of the arrays of networks and attributes in the file
_TEXTS = ("path", "source", "generator", "group", "split")


@dataclass(frozen=True)
class ScoreTable:
    """Logits by network, view and image; each image is described by one entry of the other arrays.

    Attributes:
        path: of the image, relative to the folder of the data; unique.
        fake: the label.
        source: data set that the image came from.
        generator: what made or changed the face; "" for reals and if unknown. Fakes of the generator
            "self-blended" are reported for themselves, and nothing is fitted to them.
        group: person, video or base photo; images of one group are not independent.
        split: train, val or test. It concerns the networks `ARCHITECTURE/final` only: a fold's network has
            seen no image of the sources that it leaves out, in any split.
        face_size: longer side of the face box, px of the full-size image; NaN if unknown.
        fold: number N of the networks `ARCHITECTURE/fold-N` that have not seen the image's source, from 1;
            0 if there is none.
        views: names of the views: clean; mirrored; recompressed (JPEG quality 60, of the crop); web and hard
            (degraded as strongly as the tiers of `veraface.evaluation.robustness`).
        logits: by network, "ARCHITECTURE/final" or "ARCHITECTURE/fold-N", shape (images, views), rising with
            the probability of fake; NaN where a network was not run.
        attributes: further names of slices by attribute, such as {"age": ["20-39", ""]}; "" if unknown.
    """

    path: NDArray[np.str_]
    fake: Flags
    source: NDArray[np.str_]
    generator: NDArray[np.str_]
    group: NDArray[np.str_]
    split: NDArray[np.str_]
    face_size: Values
    fold: NDArray[np.int64]
    views: tuple[str, ...]
    logits: Mapping[str, NDArray[np.float32]]
    attributes: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise `DataError` if the arrays do not agree; see the attributes for what is required."""
        count = len(self.path)
        columns = {name: getattr(self, name) for name in (*_TEXTS, "fake", "face_size", "fold")}
        columns |= {f"{_ATTRIBUTE}{name}": values for name, values in self.attributes.items()}
        for name, values in columns.items():
            _require(values.shape == (count,), f"{name} has shape {values.shape}, not ({count},)")
        _require(len(np.unique(self.path)) == count, "a path is listed twice")
        unknown = sorted({*map(str, self.split)} - {*SPLITS})
        _require(not unknown, f"split is {unknown[:1]}; it must be train, val or test")
        for source in np.unique(self.source):
            folds = np.unique(self.fold[self.source == source])
            _require(len(folds) == 1, f"{source}: is in folds {', '.join(map(str, folds))}; must be in one")
        unknown = [view for view in self.views if view not in VIEWS]
        _require(not unknown, f"unknown view {unknown[:1]}; views are {', '.join(VIEWS)}")
        _require(CLEAN in self.views, f"there is no view {CLEAN!r}, only {', '.join(self.views)}")
        _require(len({*self.views}) == len(self.views), f"a view is listed twice: {', '.join(self.views)}")
        self._check_logits()

    def _check_logits(self) -> None:
        shape = (len(self), len(self.views))
        for name, logits in self.logits.items():
            architecture, _, part = name.rpartition("/")
            number = part.removeprefix("fold-")
            valid = bool(architecture) and (part == FINAL or (part != number and number.isdecimal()))
            _require(valid, f"network is {name!r}; it must be ARCHITECTURE/final or ARCHITECTURE/fold-N")
            _require(logits.shape == shape, f"logits of {name} have shape {logits.shape}, not {shape}")
            _require(not np.isinf(logits).any(), f"a logit of {name} is infinite")

    def __len__(self) -> int:
        return len(self.path)

    def architectures(self, *, final: bool) -> tuple[str, ...]:
        """Return the architectures that have a final network, or networks of folds, in their order."""
        names = (name.rpartition("/") for name in self.logits)
        return tuple(dict.fromkeys(name for name, _, part in names if (part == FINAL) == final))

    def out_of_fold(self, architecture: str, view: str = CLEAN) -> Values:
        """Return the logit of each image by the network that has not seen its source; NaN for none."""
        found = np.full(len(self), np.nan)
        for number in np.unique(self.fold[self.fold > 0]):
            own = self.fold == number
            found[own] = self.of_network(f"{architecture}/fold-{number}", view)[own]
        return found

    def final(self, architecture: str, view: str = CLEAN) -> Values:
        """Return the logits of the network trained on all sources; NaN if there is none."""
        return self.of_network(f"{architecture}/{FINAL}", view)

    def of_network(self, network: str, view: str = CLEAN) -> Values:
        """Return the logits of a network in one view; NaN where it was not run."""
        if network not in self.logits or view not in self.views:
            return np.full(len(self), np.nan)
        return np.asarray(self.logits[network][:, self.views.index(view)], np.float64)

    def with_attributes(self, path: Path) -> "ScoreTable":
        """Add the attributes of a CSV file with the column `path` and one column per attribute.

        Images that it does not list get "". Raises `DataError` if it cannot be read or lists no image of the
        table.
        """
        try:
            with path.open(newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file, strict=True)
                rows = {row["path"]: row for row in reader}
                names = [name for name in reader.fieldnames or () if name != "path"]
        except (OSError, ValueError, KeyError, csv.Error) as error:
            raise DataError(f"{path}: cannot be read as a CSV file with the column path: {error}") from error
        if not rows.keys() & {*self.path.tolist()}:
            raise DataError(f"{path}: lists no image of the score table, such as {self.path[:1]}")
        own = {
            name: np.array([rows.get(image, {}).get(name) or "" for image in self.path.tolist()], np.str_)
            for name in names
        }
        return replace(self, attributes={**self.attributes, **own})

    def save(self, path: Path) -> None:
        """Write the table as a compressed `.npz` file without pickles, atomically."""
        arrays: dict[str, Any] = {name: getattr(self, name).astype(np.str_) for name in _TEXTS}
        arrays |= {f"{_ATTRIBUTE}{name}": v.astype(np.str_) for name, v in self.attributes.items()}
        arrays |= {
            "format": np.array(FORMAT),
            "fake": self.fake.astype(np.bool_),
            "face_size": self.face_size.astype(np.float64),
            "fold": self.fold.astype(np.int64),
            "views": np.array(self.views, np.str_),
            **{f"{_LOGIT}{name}": values.astype(np.float32) for name, values in self.logits.items()},
        }
        with atomic_write(path) as partial, partial.open("wb") as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: Path) -> "ScoreTable":
        """Read a table; raise `DataError` if the file is missing, not a score table, or inconsistent."""
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except FileNotFoundError as error:
            raise DataError(f"{path}: no such score table") from error
        except (OSError, ValueError, TypeError, EOFError, BadZipFile) as error:  # TypeError: an array alone
            raise DataError(f"{path}: cannot be read as a score table: {error}") from error
        if str(arrays.pop("format", "")) != FORMAT:
            raise DataError(f"{path}: is not a score table of this version ({FORMAT!r})")
        columns: dict[str, Any] = {name: v for name, v in arrays.items() if "/" not in name}
        logits, attributes = (
            {name.removeprefix(prefix): v for name, v in arrays.items() if name.startswith(prefix)}
            for prefix in (_LOGIT, _ATTRIBUTE)
        )
        try:
            columns["views"] = tuple(map(str, columns["views"]))
            return cls(**columns, logits=logits, attributes=attributes)
        except (KeyError, TypeError) as error:
            raise DataError(f"{path}: an array is missing or unknown: {error}") from error
        except DataError as error:
            raise DataError(f"{path}: {error}") from error


@dataclass(frozen=True)
class NetworkScores:
    """Logits of each architecture as detection uses them, of some images of a table.

    Attributes:
        rows: which images of the table these are.
        scores: logit by architecture, averaged over the clean and the mirrored view.
        recompressed: logit by architecture of the recompressed view; the scores where it was not measured.
        fake: the label.
        source: data set that the image came from.
        group: number of the person, video or base photo.
    """

    rows: NDArray[np.intp]
    scores: Mapping[str, Values]
    recompressed: Mapping[str, Values]
    fake: Flags
    source: NDArray[np.str_]
    group: NDArray[np.intp]

    @classmethod
    def of(
        cls,
        table: ScoreTable,
        *,
        final: bool,
        view: str = CLEAN,
        architectures: Sequence[str] | None = None,
        where: Flags | None = None,
        self_blended: bool = False,
        one_view: Collection[str] = (),
    ) -> "NetworkScores":
        """Read the images that every architecture has scored.

        Args:
            table: the table.
            architectures: names; all that have such networks if None.
            final: read the networks trained on all sources, not those that have not seen the image's source.
            view: clean, or a tier, which has no mirrored and recompressed view.
            where: limits the images.
            self_blended: read the images of the generator "self-blended" and not the others.
            one_view: architectures that see a face in one view: neither mirrored nor recompressed (model
                cards with `tta` false).
        """
        read = table.final if final else table.out_of_fold
        scores, recompressed = {}, {}
        for name in table.architectures(final=final) if architectures is None else architectures:
            own = read(name, view)
            alone = view != CLEAN or name in one_view
            mirrored, jpeg = (own if alone else read(name, other) for other in (MIRRORED, RECOMPRESSED))
            scores[name] = np.where(np.isnan(mirrored), own, (own + mirrored) / 2)
            recompressed[name] = np.where(np.isnan(jpeg), scores[name], jpeg)
        chosen = np.isfinite([*scores.values()]).all(axis=0) & bool(scores)
        chosen &= (table.generator == SELF_BLENDED) == self_blended
        group = np.unique(table.group, return_inverse=True)[1]
        found = cls(np.arange(len(table)), scores, recompressed, table.fake, table.source, group)
        return found.where(chosen if where is None else chosen & where)

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, flags: Flags) -> "NetworkScores":
        """Select images."""
        scores, recompressed = (
            {name: values[flags] for name, values in by_name.items()}
            for by_name in (self.scores, self.recompressed)
        )
        fake, source, group = self.fake[flags], self.source[flags], self.group[flags]
        return NetworkScores(self.rows[flags], scores, recompressed, fake, source, group)


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise DataError(f"score table: {problem}")
