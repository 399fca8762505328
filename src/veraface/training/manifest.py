"""What to train and judge on: labelled pictures from a manifest or from folders named by class."""

import csv
import hashlib
import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veraface.errors import DataError
from veraface.verdict import Box

SPLITS = ("train", "val", "test")
_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
_PICTURE_SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".png",
        ".webp",
        ".avif",
        ".heic",
        ".heif",
        ".gif",
        ".bmp",
        ".tif",
        ".tiff",
        ".apng",
    ]
)


@dataclass(frozen=True)
class Sample:
    """One labelled picture."""

    path: Path
    fake: bool
    source: str  # the data set it came from
    group: str  # person, clip or base photo; never in two splits
    split: str  # train, val or test
    box: Box | None = None  # of the face, px of the upright picture; None: let the face detector find it
    generator: str = ""  # what made or changed the face; empty for reals and where it is unknown


def read_samples(data: Path) -> list[Sample]:
    """Read a manifest file, a folder with `manifest.csv`, or one of the two folder layouts.

    Manifests (.csv or .parquet) need the columns `path` (relative to the manifest) and `label` (real or
    fake); `source`, `group`, `split`, `generator` and `box` ("x y width height") are optional. Folders are
    `{Train,Validation,Test}/{Real,Fake}/` or `{real,fake}/`, names in any case. Where no split is given,
    one tenth of the groups each goes to val and test, chosen by a hash of the group's name.

    Raises:
        DataError: the data cannot be read, or a row or folder makes no sense; nothing is guessed.
    """
    try:
        data.stat()
        if data.is_dir():
            manifest = data / "manifest.csv"
            samples = _from_manifest(manifest) if manifest.is_file() else _from_folders(data)
        else:
            samples = _from_manifest(data)
    except FileNotFoundError as error:
        raise DataError(f"{data}: no such file or folder") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{data}: cannot be read: {reason}") from error
    if not samples:
        raise DataError(f"{data}: holds no pictures")
    return samples


def check_samples(samples: Iterable[Sample], needed: Iterable[str] = ("train", "val")) -> None:
    """Make sure that a set of samples can be trained on.

    Raises:
        DataError: a group stands in two splits, a needed split is empty, or a split lacks a class.
    """
    splits_of_group: dict[str, set[str]] = {}
    counts: Counter[tuple[str, bool]] = Counter()
    for sample in samples:
        splits_of_group.setdefault(sample.group, set()).add(sample.split)
        counts[sample.split, sample.fake] += 1
    if leaks := sorted(group for group, splits in splits_of_group.items() if len(splits) > 1):
        raise DataError(
            f"{len(leaks)} groups stand in more than one split, so the figures would flatter: "
            f"{', '.join(leaks[:5])}{' ...' if len(leaks) > 5 else ''}; put each group into one split"
        )
    for split in needed:
        real, fake = counts[split, False], counts[split, True]
        if not real + fake:
            raise DataError(
                f"the {split} split is empty; give it pictures, or more groups if the split is drawn"
            )
        if not real or not fake:
            raise DataError(
                f"the {split} split has {real} real and {fake} fake pictures; both classes are needed"
            )


def _from_manifest(manifest: Path) -> list[Sample]:
    rows = _read_rows(manifest)
    return [_sample(row, manifest, number) for number, row in rows]


def _read_rows(manifest: Path) -> list[tuple[int, Mapping[str, Any]]]:
    """Rows with their numbers: in a CSV file the line on which a row ends, else counted, the header first."""
    suffix = manifest.suffix.lower()
    if suffix == ".csv":
        try:
            with manifest.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file)
                rows: list[tuple[int, Mapping[str, Any]]] = [(reader.line_num, row) for row in reader]
                columns = set(reader.fieldnames or ())
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{manifest}: cannot be read as CSV in UTF-8: {error}") from error
    elif suffix == ".parquet":
        import pyarrow.parquet

        try:
            table = pyarrow.parquet.read_table(manifest)
            rows = list(enumerate(table.to_pylist(), start=2))
            columns = set(table.column_names)
        except (OSError, ValueError, OverflowError, pyarrow.ArrowException) as error:
            raise DataError(f"{manifest}: cannot be read as Parquet: {error}") from error
    else:
        raise DataError(f"{manifest}: a manifest is a .csv or .parquet file")
    if missing := {"path", "label"} - columns:
        raise DataError(f"{manifest}: lacks the column {' and '.join(sorted(missing))}")
    return rows


def _sample(row: Mapping[str, Any], manifest: Path, number: int) -> Sample:
    def text(column: str) -> str:
        value = row.get(column)
        return "" if value is None else str(value).strip()

    where = f"{manifest}, row {number}"
    if not text("path"):
        raise DataError(f"{where}: the path is empty")
    label = text("label").lower()
    if label not in ("real", "fake"):
        raise DataError(f"{where}: label is {text('label')!r}; it must be real or fake")
    group = text("group") or text("path")
    if split := text("split").lower():
        if split not in _SPLIT_NAMES:
            raise DataError(f"{where}: split is {text('split')!r}; it must be train, val or test")
        split = _SPLIT_NAMES[split]
    return Sample(
        path=manifest.parent / text("path"),
        fake=label == "fake",
        source=text("source") or manifest.parent.name,
        group=group,
        split=split or _split_by_hash(group),
        box=_box(text("box"), where),
        generator=text("generator"),
    )


def _box(text: str, where: str) -> Box | None:
    if not text:
        return None
    try:
        numbers = [float(number) for number in text.replace(",", " ").split()]
    except ValueError:
        numbers = []
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        raise DataError(f"{where}: box is {text!r}; it must be four numbers: x y width height")
    box = Box(*numbers)
    if not (box.width > 0 and box.height > 0):
        raise DataError(f"{where}: box is {text!r}; width and height must be above 0")
    return box


def _from_folders(data: Path) -> list[Sample]:
    folders = {path.name.lower(): path for path in sorted(data.iterdir()) if path.is_dir()}
    if {"real", "fake"} <= set(folders):
        return _from_class_folders(data, folders, split="")
    splits = {name: path for name, path in folders.items() if name in _SPLIT_NAMES}
    if not splits:
        raise DataError(
            f"{data}: needs manifest.csv, or the folders real/ and fake/, or Train/, Validation/ and "
            "Test/ with Real/ and Fake/ in each"
        )
    samples = []
    for name, path in splits.items():
        classes = {child.name.lower(): child for child in sorted(path.iterdir()) if child.is_dir()}
        if missing := {"real", "fake"} - set(classes):
            raise DataError(f"{path}: lacks the folder {' and '.join(sorted(missing))}/")
        samples += _from_class_folders(data, classes, split=_SPLIT_NAMES[name])
    return samples


def _from_class_folders(data: Path, folders: Mapping[str, Path], split: str) -> list[Sample]:
    samples = []
    for label in ("real", "fake"):
        for path in sorted(folders[label].rglob("*")):
            if path.suffix.lower() in _PICTURE_SUFFIXES and path.is_file():
                group = path.relative_to(data).as_posix()
                samples.append(
                    Sample(path, label == "fake", data.name, group, split or _split_by_hash(group))
                )
    return samples


def _split_by_hash(group: str) -> str:
    tenth = hashlib.sha256(os.fsencode(group)).digest()[0] * 10 // 256
    return {0: "val", 1: "test"}.get(tenth, "train")
