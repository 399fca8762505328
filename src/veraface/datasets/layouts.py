"""Folder layouts without a manifest: folders named by class, and public benchmarks as published."""

from collections.abc import Callable, Mapping
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
from veraface.datasets.folders import VideoFiles, is_video, media, samples_of, shorten, subfolders
from veraface.datasets.samples import SPLIT_NAMES, Sample, split_by_hash
from veraface.errors import DataError

MANIFEST = "manifest.csv"
_CLASSES = {"real", "fake"}
_MAX_DEPTH = 4  # nested folders with a single entry, such as archive/real_vs_fake/real-vs-fake


@dataclass(frozen=True)
class Layout:
    """A folder layout.

    Attributes:
        name: as in error messages.
        fits: whether a folder has this layout; also takes its sub-folders by lower-case name.
        read: reads the folder with a maximum number of frames per video.
    """

    name: str
    fits: Callable[[Path, Mapping[str, Path]], bool]
    read: Callable[[Path, int], list[Sample]]


def data_folder(data: Path) -> Path:
    """Find the folder with a manifest or a known layout: the given one, or the only one in it, recursively.

    Raises:
        DataError: none was found, or one fits two layouts.
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
    """Read a folder without a manifest.

    Args:
        folder: as returned by `data_folder`.
        frames: maximum number of frames per video.

    Raises:
        DataError: it does not follow its layout.
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
        if name not in SPLIT_NAMES:
            continue
        split = SPLIT_NAMES[name]
        if split in seen:
            raise DataError(f"{data}: {seen[split].name}/ and {path.name}/ name the same split; join them")
        seen[split] = path
        classes = subfolders(path)
        if missing := _CLASSES - classes.keys():
            raise DataError(f"{path}: lacks the folder {' and '.join(sorted(missing))}/")
        samples += _of_classes(data, classes, frames, split)
    return samples


def _read_classes(data: Path, frames: int) -> list[Sample]:
    return _of_classes(data, subfolders(data), frames, split="")


def _of_classes(data: Path, folders: Mapping[str, Path], frames: int, split: str) -> list[Sample]:
    """Read class folders: each file is its own group; without a split one is assigned by hash."""
    samples = []
    source = data.resolve().name
    for label in ("real", "fake"):
        for path in media(folders[label]):
            group = path.relative_to(data).as_posix()
            where = split or split_by_hash(group)
            count = frames if is_video(path) else 1
            video = VideoFiles(path.stem, (path,))
            samples += samples_of(video, count, fake=label == "fake", source=source, group=group, split=where)
    return samples


def _holds_dfdc(folder: Path, children: Mapping[str, Path]) -> bool:
    if any(DFDC_PART.fullmatch(name) for name in children):
        return True
    # Other data sets have a metadata.json too; that of DFDC is in the folder of the videos.
    others = _CLASSES | SPLIT_NAMES.keys() | CELEB_FOLDERS.keys() | {ORIGINAL, MANIPULATED}
    return (folder / "metadata.json").is_file() and not others & children.keys()


LAYOUTS = (
    Layout("the folders real/ and fake/", lambda _, children: children.keys() >= _CLASSES, _read_classes),
    Layout(
        "Train/, Validation/ and Test/ with Real/ and Fake/ in each",
        lambda _, children: bool(children.keys() & SPLIT_NAMES.keys()),
        _read_splits,
    ),
    Layout(
        f"FaceForensics++ ({ORIGINAL}/, {MANIPULATED}/)",
        lambda _, children: bool(children.keys() & {ORIGINAL, MANIPULATED}),
        read_faceforensics,
    ),
    Layout(
        "Celeb-DF (Celeb-real/, YouTube-real/, Celeb-synthesis/)",
        lambda _, children: bool(children.keys() & CELEB_FOLDERS.keys()),
        read_celeb_df,
    ),
    Layout("DFDC (dfdc_train_part_0/ and so on, or metadata.json)", _holds_dfdc, read_dfdc),
)
