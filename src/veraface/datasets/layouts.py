"""Folder layouts without a manifest: folders named by class, and public benchmarks as published."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from veraface.datasets.benchmarks import (
    CELEB_FOLDERS,
    DFDC_PART,
    MANIPULATED,
    ORIGINAL,
    read_celeb_df,
    read_dfdc,
    read_faceforensics,
)
from veraface.datasets.folders import Labels, is_video, media, samples_of, shorten, subfolders
from veraface.datasets.samples import SPLIT_NAMES, Sample, split_by_hash
from veraface.errors import DataError

MANIFEST = "manifest.csv"
_CLASSES = {"real", "fake"}
_MAX_DEPTH = 4  # nested folders with a single entry, such as archive/real_vs_fake/real-vs-fake

# Whether a folder, given with its sub-folders by lower-case name, has a layout.
Fits = Callable[[Path, Mapping[str, Path]], bool]


@dataclass(frozen=True)
class Layout:
    """A folder layout."""

    name: str  # as in error messages
    fits: Fits
    read: Callable[[Path, int], list[Sample]]  # with a maximum number of frames per video


def data_folder(data: Path) -> Path:
    """Find the folder with a manifest or a known layout: the given one, or the only one in it, recursively.

    Raises `DataError` if none was found, or one fits two layouts.
    """
    folder = data
    for _ in range(_MAX_DEPTH):
        if (folder / MANIFEST).is_file() or _fitting(folder):
            return folder
        children = [*subfolders(folder).values()]
        if len(children) != 1:
            break
        folder = children[0]
    near = {f"{child.name}/" for child in subfolders(folder).values() if _fitting(child)}
    hint = f"; or give one folder in it that is a data set: {shorten(near)}" if near else ""
    raise DataError(f"{data}: needs {MANIFEST}, or {', or '.join(kind.name for kind in LAYOUTS)}{hint}")


def read_folder(folder: Path, frames: int) -> list[Sample]:
    """Read a folder that `data_folder` returned, with at most `frames` frames per video.

    Raises `DataError` if it does not follow its layout.
    """
    (layout,) = _fitting(folder)
    return layout.read(folder, frames)


def _fitting(folder: Path) -> list[Layout]:
    """Return the layout of a folder, if any."""
    children = subfolders(folder)
    found = [layout for layout in LAYOUTS if layout.fits(folder, children)]
    if len(found) > 1:
        raise DataError(
            f"{folder}: could be {' or '.join(kind.name for kind in found)}; move one of them away"
        )
    return found


def _read_splits(data: Path, frames: int) -> list[Sample]:
    samples = []
    seen: dict[str, Path] = {}
    for name, path in subfolders(data).items():
        if (split := SPLIT_NAMES.get(name)) is None:
            continue
        if split in seen:
            raise DataError(f"{data}: {seen[split].name}/ and {path.name}/ name the same split; join them")
        seen[split] = path
        if missing := _CLASSES - subfolders(path).keys():
            raise DataError(f"{path}: lacks the folder {' and '.join(sorted(missing))}/")
        samples += _read_classes(data, frames, path, split)
    return samples


def _read_classes(data: Path, frames: int, folder: Path | None = None, split: str = "") -> list[Sample]:
    """Read class folders: each file is its own group; without a split one is assigned by hash."""
    samples, folders = [], subfolders(folder or data)
    for label in ("real", "fake"):
        for path in media(folders[label]):
            group = path.relative_to(data).as_posix()
            labels = Labels(label == "fake", data.resolve().name, group, split or split_by_hash(group))
            samples += samples_of((path,), frames if is_video(path) else 1, labels)
    return samples


def _holds_dfdc(folder: Path, children: Mapping[str, Path]) -> bool:
    if any(DFDC_PART.fullmatch(name) for name in children):
        return True
    # Other data sets have a metadata.json too; that of DFDC is in the folder of the videos.
    others = _CLASSES | SPLIT_NAMES.keys() | CELEB_FOLDERS.keys() | {ORIGINAL, MANIPULATED}
    return (folder / "metadata.json").is_file() and not others & children.keys()


def _contains(names: Iterable[str]) -> Fits:
    """Return whether a folder has one of some sub-folders."""
    return lambda _, children: not children.keys().isdisjoint(names)


LAYOUTS = (
    Layout("the folders real/ and fake/", lambda _, children: children.keys() >= _CLASSES, _read_classes),
    Layout(
        "Train/, Validation/ and Test/ with Real/ and Fake/ in each", _contains(SPLIT_NAMES), _read_splits
    ),
    Layout(
        f"FaceForensics++ ({ORIGINAL}/, {MANIPULATED}/)",
        _contains((ORIGINAL, MANIPULATED)),
        read_faceforensics,
    ),
    Layout(
        "Celeb-DF (Celeb-real/, YouTube-real/, Celeb-synthesis/)", _contains(CELEB_FOLDERS), read_celeb_df
    ),
    Layout("DFDC (dfdc_train_part_0/ and so on, or metadata.json)", _holds_dfdc, read_dfdc),
)
