"""Labeled images and videos from a manifest or from folders."""

import csv
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from veraface.datasets.csv_files import column_names, read_csv
from veraface.datasets.feedback import read_reports
from veraface.datasets.folders import Labels, is_video, samples_of, shorten
from veraface.datasets.layouts import MANIFEST, data_folder, read_folder
from veraface.datasets.samples import SPLIT_NAMES, SPLITS, Sample, split_by_hash
from veraface.errors import DataError
from veraface.geometry import Box

FRAMES = 8  # default number of frames per video
_MAX_DISTANCE = 1e6  # px; largest number of a box

__all__ = ["FRAMES", "SPLITS", "Sample", "check_samples", "read_samples"]


def read_samples(data: Path, frames: int = FRAMES) -> list[Sample]:
    """Read a manifest file, a folder with `manifest.csv`, or a folder in one of the known layouts.

    Manifests (.csv or .parquet) need the columns `path` (relative to the manifest) and `label` (real or
    fake); `source`, `group`, `split`, `generator`, `attack` (kind of attack), `box` ("x y width height") and
    `frame` (place in a video, 0 to 1) are optional. Folders are `{Train,Validation,Test}/{Real,Fake}/` or
    `{real,fake}/`, names in any case, or FaceForensics++, Celeb-DF or DFDC as they are published
    (docs/data-sets.md), or a folder whose only entry is one of these. Without a split, a tenth of the groups
    each goes to val and test, by a hash of the group's name. `frames` is the maximum number of evenly spaced
    frames per video, of video files and folders of frames.

    Raises:
        DataError: the data cannot be read, or a row or folder is invalid or ambiguous.
    """
    if frames < 1:
        raise DataError(f"frames is {frames}; at least one image of a video is needed")
    try:
        data.stat()
        if data.is_dir():
            folder = data_folder(data)
            manifest = folder / MANIFEST
            samples = _from_manifest(manifest, frames) if manifest.is_file() else read_folder(folder, frames)
        else:
            samples = _from_manifest(data, frames)
    except FileNotFoundError as error:
        raise DataError(f"{data}: no such file or folder") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{data}: cannot be read: {reason}") from error
    if not samples:
        raise DataError(f"{data}: contains no images")
    _check_once(samples, data)
    return samples


def _check_once(samples: Iterable[Sample], data: Path) -> None:
    """Refuse images that are listed twice, possibly with both labels."""
    seen: dict[tuple[str, float | None, Box | None], bool] = {}
    for sample in samples:
        key = os.path.normpath(sample.path), sample.frame, sample.box
        if key in seen:
            how = "twice" if seen[key] == sample.fake else "as real and as fake"
            raise DataError(f"{data}: lists {sample.path} {how}; each image counts once, under one label")
        seen[key] = sample.fake


def check_samples(samples: Iterable[Sample], needed: Iterable[str] = ("train", "val")) -> None:
    """Check that a set of samples can be trained on.

    Raises:
        DataError: a group is in two splits, a needed split is empty, or a split lacks a class.
    """
    splits_of_group: dict[str, set[str]] = defaultdict(set)
    counts: Counter[tuple[str, bool]] = Counter()
    for sample in samples:
        splits_of_group[sample.group].add(sample.split)
        counts[sample.split, sample.fake] += 1
    if leaks := sorted(group for group, splits in splits_of_group.items() if len(splits) > 1):
        raise DataError(
            f"{len(leaks)} groups are in more than one split, which would inflate the metrics: "
            f"{shorten(leaks)}; put each group into one split"
        )
    for split in needed:
        real, fake = counts[split, False], counts[split, True]
        if not real + fake:
            raise DataError(
                f"the {split} split is empty; give it images, or more groups if the split is drawn"
            )
        if not real or not fake:
            raise DataError(
                f"the {split} split has {real} real and {fake} fake images; both classes are needed"
            )


def _from_manifest(manifest: Path, frames: int) -> list[Sample]:
    rows = _read_rows(manifest)
    return [sample for number, row in rows for sample in _samples(row, manifest, number, frames)]


def _read_rows(manifest: Path) -> Sequence[tuple[int, Mapping[str, Any]]]:
    """Read rows with their numbers: the line on which a CSV row ends, else counted with the header as 1."""
    suffix = manifest.suffix.lower()
    if suffix == ".csv":
        try:
            if (reports := read_reports(manifest)) is not None:
                return reports
            columns, rows = read_csv(manifest)
        except (OSError, UnicodeError, csv.Error) as error:
            raise DataError(f"{manifest}: cannot be read as CSV in UTF-8 or UTF-16: {error}") from error
    elif suffix == ".parquet":
        try:
            import pyarrow.parquet
        except ModuleNotFoundError as error:
            raise DataError(
                f"{manifest}: reading Parquet needs pyarrow: pip install 'veraface[evaluate]', or give a .csv"
            ) from error
        try:
            table = pyarrow.parquet.read_table(manifest)
            table = table.rename_columns(column_names(table.column_names))
            columns, rows = set(table.column_names), list(enumerate(table.to_pylist(), start=2))
        except (OSError, ValueError, OverflowError, pyarrow.ArrowException) as error:
            raise DataError(f"{manifest}: cannot be read as Parquet: {error}") from error
    else:
        raise DataError(f"{manifest}: a manifest is a .csv or .parquet file")
    if missing := {"path", "label"} - columns:
        raise DataError(f"{manifest}: lacks the column {' and '.join(sorted(missing))}")
    return rows


def _samples(row: Mapping[str, Any], manifest: Path, number: int, frames: int) -> list[Sample]:
    """Return the sample of a row; several for a video without `frame` and `box`."""

    def text(column: str) -> str:
        value = row.get(column)
        return "" if value is None else str(value).strip()

    where = f"{manifest}, row {number}"
    if not text("path"):
        raise DataError(f"{where}: the path is empty")
    if "\0" in text("path"):
        raise DataError(f"{where}: the path {text('path')!r} contains a NUL character")
    label = text("label").lower()
    if label not in ("real", "fake"):
        raise DataError(f"{where}: label is {text('label')!r}; it must be real or fake")
    group = text("group") or text("path")
    if split := text("split").lower():
        if split not in SPLIT_NAMES:
            raise DataError(f"{where}: split is {text('split')!r}; it must be train, val or test")
        split = SPLIT_NAMES[split]
    path = manifest.parent / text("path")
    source = text("source") or manifest.resolve().parent.name
    labels = Labels(label == "fake", source, group, split or split_by_hash(group), text("generator"))
    box, frame = _box(text("box"), where), _frame(text("frame"), where)
    if frame is not None and not is_video(path):
        raise DataError(f"{where}: frame is {text('frame')!r}, but {text('path')!r} is not a video")
    if frame is None and is_video(path):
        if box is not None:
            raise DataError(f"{where}: the box is of one image, so the video needs a frame, 0 to 1")
        return [replace(sample, attack=text("attack")) for sample in samples_of((path,), frames, labels)]
    return [Sample(path, **labels._asdict(), box=box, frame=frame, attack=text("attack"))]


def _frame(text: str, where: str) -> float | None:
    if not text:
        return None
    place = _numbers(text)
    if len(place) != 1 or not 0 <= place[0] <= 1:
        raise DataError(f"{where}: frame is {text!r}; it must be a position in the video, 0 to 1")
    return place[0]


def _box(text: str, where: str) -> Box | None:
    if not text:
        return None
    numbers = _numbers(text.replace(",", " "))
    if len(numbers) != 4 or not all(abs(number) <= _MAX_DISTANCE for number in numbers):  # False for NaN
        raise DataError(f"{where}: box is {text!r}; it must be four numbers: x y width height")
    if min(numbers[2:]) <= 0:
        raise DataError(f"{where}: box is {text!r}; width and height must be above 0")
    return Box(*numbers)


def _numbers(text: str) -> list[float]:
    """Return the numbers in a text, separated by spaces; none if one is invalid."""
    try:
        return [float(number) for number in text.split()]
    except ValueError:
        return []
