"""Score table: the logits of several networks on the same labeled images, in one `.npz` file.

It separates running networks, which needs a GPU or hours, from fitting and reporting, which needs seconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
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
MIRRORED, RECOMPRESSED = "mirrored", "recompressed"
VIEWS = (CLEAN, MIRRORED, RECOMPRESSED)
_LOGIT = "logit/"  # prefix of the arrays of networks in the file
_TEXTS = ("path", "source", "generator", "group", "split")


@dataclass(frozen=True)
class ScoreTable:
    """Logits by network, view and image; each image is described by one entry of the other arrays.

    Attributes:
        path: of the image, relative to the folder of the data.
        fake: the label.
        source: data set that the image came from.
        generator: what made or changed the face; "" for reals and if unknown. Fakes of the generator
            "self-blended" are left out, as nothing is fitted to them.
        group: person, video or base photo; images of one group are not independent.
        split: train, val or test. It concerns the networks `ARCHITECTURE/final` only: a fold's network has
            seen no image of the sources that it leaves out, in any split.
        face_size: longer side of the face box, px of the full-size image; NaN if unknown.
        fold: number N of the networks `ARCHITECTURE/fold-N` that have not seen the image's source, from 1;
            0 if there is none.
        views: names of the views: clean, mirrored, recompressed (JPEG quality 60, of the crop); others are
            ignored.
        logits: by network, "ARCHITECTURE/final" or "ARCHITECTURE/fold-N", shape (images, views), rising with
            the probability of fake; NaN where a network was not run.
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

    def __post_init__(self) -> None:
        """Raise `DataError` if the arrays do not agree; see the attributes for what is required."""
        count = len(self.path)
        columns = {name: getattr(self, name) for name in (*_TEXTS, "fake", "face_size", "fold")}
        for name, values in columns.items():
            _require(values.shape == (count,), f"{name} has shape {values.shape}, not ({count},)")
        unknown = sorted({*map(str, self.split)} - {*SPLITS})
        _require(not unknown, f"split is {unknown[:1]}; it must be train, val or test")
        for source in np.unique(self.source):
            folds = np.unique(self.fold[self.source == source])
            _require(len(folds) == 1, f"{source}: is in folds {', '.join(map(str, folds))}; must be in one")
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

    def architectures(self) -> tuple[str, ...]:
        """Return the architectures that have networks of folds, in their order."""
        names = (name.rpartition("/") for name in self.logits)
        return tuple(dict.fromkeys(name for name, _, part in names if part != FINAL))

    def out_of_fold(self, architecture: str, view: str = CLEAN) -> Values:
        """Return the logit of each image by the network that has not seen its source; NaN for none."""
        found = np.full(len(self), np.nan)
        for number in np.unique(self.fold[self.fold > 0]):
            own = self.fold == number
            found[own] = self.of_network(f"{architecture}/fold-{number}", view)[own]
        return found

    def of_network(self, network: str, view: str = CLEAN) -> Values:
        """Return the logits of a network in one view; NaN where it was not run."""
        if network not in self.logits or view not in self.views:
            return np.full(len(self), np.nan)
        return np.asarray(self.logits[network][:, self.views.index(view)], np.float64)

    @classmethod
    def joined(cls, tables: Sequence["ScoreTable"]) -> "ScoreTable":
        """Return the images of tables with the same views; a network was not run on those of other tables."""
        columns = {
            name: np.concatenate([getattr(t, name) for t in tables])
            for name in (*_TEXTS, "fake", "face_size", "fold")
        }
        names = dict.fromkeys(name for table in tables for name in table.logits)
        unmeasured = [np.full((len(t), len(t.views)), np.nan, np.float32) for t in tables]
        logits = {
            name: np.concatenate([t.logits.get(name, nan) for t, nan in zip(tables, unmeasured, strict=True)])
            for name in names
        }
        return cls(**columns, views=tables[0].views, logits=logits)

    def save(self, path: Path) -> None:
        """Write the table as a compressed `.npz` file without pickles, atomically."""
        arrays: dict[str, Any] = {name: getattr(self, name).astype(np.str_) for name in _TEXTS}
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
        logits = {n.removeprefix(_LOGIT): v for n, v in arrays.items() if n.startswith(_LOGIT)}
        try:
            columns["views"] = tuple(map(str, columns["views"]))
            return cls(**columns, logits=logits)
        except (KeyError, TypeError) as error:
            raise DataError(f"{path}: an array is missing or unknown: {error}") from error
        except DataError as error:
            raise DataError(f"{path}: {error}") from error


@dataclass(frozen=True)
class NetworkScores:
    """Logits of an architecture as detection uses them, of some images of a table.

    Attributes:
        rows: which images of the table these are.
        logit: averaged over the clean and the mirrored view.
        recompressed: logit of the recompressed view; the other one where it was not measured.
        fake: the label.
        source: data set that the image came from.
        group: number of the person, video or base photo.
    """

    rows: NDArray[np.intp]
    logit: Values
    recompressed: Values
    fake: Flags
    source: NDArray[np.str_]
    group: NDArray[np.intp]

    @classmethod
    def of(
        cls, table: ScoreTable, architecture: str, *, final: bool, one_view: bool = False
    ) -> "NetworkScores":
        """Read the images that an architecture has scored.

        Args:
            table: the table.
            architecture: name in the table.
            final: read the network trained on all sources, not those that have not seen the image's source.
            one_view: it does not see the mirror image of a face too (model cards with `tta` false).
        """

        def read(view: str) -> Values:
            return (
                table.of_network(f"{architecture}/{FINAL}", view)
                if final
                else table.out_of_fold(architecture, view)
            )

        own = read(CLEAN)
        mirrored, jpeg = own if one_view else read(MIRRORED), read(RECOMPRESSED)
        logit = np.where(np.isnan(mirrored), own, (own + mirrored) / 2)
        group = np.unique(table.group, return_inverse=True)[1]
        found = cls(
            rows=np.arange(len(table)),
            logit=logit,
            recompressed=np.where(np.isnan(jpeg), logit, jpeg),
            fake=table.fake,
            source=table.source,
            group=group,
        )
        return found.where(np.isfinite(logit) & (table.generator != SELF_BLENDED))

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, flags: Flags) -> "NetworkScores":
        """Select images."""
        return NetworkScores(*(getattr(self, column.name)[flags] for column in fields(self)))


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise DataError(f"score table: {problem}")
