"""What lies in the folders of a data set: sub-folders, and videos as videos or as images of their frames."""

import logging
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from veraface.datasets.samples import Sample, places
from veraface.errors import DataError
from veraface.imaging.extensions import IMAGE_EXTENSIONS, VIDEO_EXTENSIONS

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Clip:
    """One video on disk."""

    name: str  # of the video or folder, without suffix
    files: tuple[Path, ...]  # the video alone, or images of its frames in order


def warn(message: str) -> None:
    """Tell people, without stopping, that a data set is not whole; they may know."""
    _log.warning("%s", message)


def shorten(names: Collection[str]) -> str:
    """The first five names."""
    return ", ".join(sorted(names)[:5]) + (" ..." if len(names) > 5 else "")


def visible(folder: Path) -> list[Path]:
    """What a folder holds, by name, without hidden files and what macOS puts into archives."""
    return [path for path in sorted(folder.iterdir()) if not path.name.startswith((".", "__MACOSX"))]


def subfolders(folder: Path) -> dict[str, Path]:
    """The folders in a folder by their names in lower case.

    Raises:
        DataError: two names differ in case alone.
    """
    found: dict[str, Path] = {}
    for path in visible(folder):
        if path.is_dir():
            if other := found.get(path.name.lower()):
                raise DataError(f"{folder}: {other.name}/ and {path.name}/ differ in case alone; rename one")
            found[path.name.lower()] = path
    return found


def media(folder: Path) -> Iterator[Path]:
    """All images and videos below a folder, by name."""
    for path in sorted(folder.rglob("*")):
        suffix = path.suffix.lower()
        if suffix not in IMAGE_EXTENSIONS and suffix not in VIDEO_EXTENSIONS:
            continue
        if not path.name.startswith(".") and "__MACOSX" not in path.parts and path.is_file():
            yield path


def find_clips(folder: Path, names: Collection[str] = ()) -> list[Clip]:
    """The videos in a folder: in its videos/, else its frames/, else its images/, else in itself.

    Args:
        folder: such as `Celeb-real` or `manipulated_sequences/Deepfakes/c23`.
        names: of videos whose frames may also lie side by side, as `name_12.jpg`.

    Raises:
        DataError: two videos have one name.
    """
    children = subfolders(folder)
    for place in (children.get("videos"), children.get("frames"), children.get("images"), folder):
        if place is not None and (found := _clips_in(place, names)):
            return found
    return []


def samples_of(
    clip: Clip, frames: int, *, fake: bool, source: str, group: str, split: str, generator: str = ""
) -> list[Sample]:
    """At most `frames` evenly spaced images of a video."""
    where: list[tuple[Path, float | None]]
    if is_video(clip.files[0]):
        where = [(clip.files[0], place) for place in places(frames)]
    else:
        chosen = sorted({int(place * len(clip.files)) for place in places(frames)})
        where = [(clip.files[index], None) for index in chosen]
    return [Sample(path, fake, source, group, split, None, generator, frame) for path, frame in where]


def is_video(path: Path) -> bool:
    """Whether the name is that of a video."""
    return path.suffix.lower() in VIDEO_EXTENSIONS


def _clips_in(folder: Path, names: Collection[str]) -> list[Clip]:
    """A video goes before a folder of the same name, and that before images side by side."""
    entries = visible(folder)
    found: dict[str, Clip] = {}
    for path in entries:
        if is_video(path) and path.is_file():
            if path.stem in found:
                raise DataError(f"{folder}: two videos are named {path.stem}; remove one")
            found[path.stem] = Clip(path.stem, (path,))
    for path in entries:
        if path.is_dir() and path.name not in found and (files := _pictures([*path.iterdir()])):
            found[path.name] = Clip(path.name, files)
    beside: dict[str, list[Path]] = {}
    for path in entries if names else ():
        if name := _clip_of(path.stem, names):
            beside.setdefault(name, []).append(path)
    for name, paths in beside.items():
        if name not in found and (files := _pictures(paths)):
            found[name] = Clip(name, files)
    return [found[name] for name in sorted(found)]


def _pictures(paths: list[Path]) -> tuple[Path, ...]:
    """Those that are images, in the order of the numbers in their names: 2.png before 10.png."""
    found = [p for p in paths if p.suffix.lower() in IMAGE_EXTENSIONS and not p.name.startswith(".")]
    return tuple(sorted(found, key=lambda path: (_numbers(path.name), path.name)))


def _numbers(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"[0-9]{1,18}", name)]


def _clip_of(stem: str, names: Collection[str]) -> str:
    """The video that `name_12` or `name_12_0` is a frame of; empty if it is of none."""
    while "_" in stem:
        stem = stem.rpartition("_")[0]
        if stem in names:
            return stem
    return ""
