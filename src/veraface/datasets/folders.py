"""Folders of a data set: sub-folders, and videos stored as files or as images of their frames."""

import logging
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from veraface.datasets.samples import Sample
from veraface.errors import DataError
from veraface.imaging.extensions import IMAGE_EXTENSIONS, VIDEO_EXTENSIONS

_log = logging.getLogger(__name__)


class Labels(NamedTuple):
    """The labels that all frames of a video share, as in `Sample`."""

    fake: bool
    source: str
    group: str
    split: str
    generator: str = ""


class VideoFiles(NamedTuple):
    """A video on disk."""

    name: str  # of the file or folder, without suffix
    files: tuple[Path, ...]  # the video file, or images of its frames in order


def warn(message: str) -> None:
    """Log that a data set is incomplete."""
    _log.warning("%s", message)


def shorten(names: Collection[str]) -> str:
    """Return the first five names."""
    return ", ".join(sorted(names)[:5]) + (" ..." if len(names) > 5 else "")


def visible(folder: Path) -> list[Path]:
    """Return the entries of a folder by name, without hidden files and what macOS adds to archives."""
    return [path for path in sorted(folder.iterdir()) if not path.name.startswith((".", "__MACOSX"))]


def subfolders(folder: Path) -> dict[str, Path]:
    """Return the folders in a folder by their names in lower case.

    Raises `DataError` if two names differ in case only.
    """
    found: dict[str, Path] = {}
    for path in visible(folder):
        if path.is_dir():
            if other := found.get(path.name.lower()):
                raise DataError(f"{folder}: {other.name}/ and {path.name}/ differ in case only; rename one")
            found[path.name.lower()] = path
    return found


def media(folder: Path) -> Iterator[Path]:
    """Yield all images and videos below a folder, by name."""
    for path in sorted(folder.rglob("*")):
        suffix = path.suffix.lower()
        if suffix not in IMAGE_EXTENSIONS and suffix not in VIDEO_EXTENSIONS:
            continue
        if not path.name.startswith(".") and "__MACOSX" not in path.parts and path.is_file():
            yield path


def find_videos(folder: Path, names: Collection[str] = ()) -> list[VideoFiles]:
    """Find the videos in a folder: in its videos/, else its frames/, else its images/, else in itself.

    Args:
        folder: such as `Celeb-real` or `manipulated_sequences/Deepfakes/c23`.
        names: of videos whose frames may also be files of the folder itself, as `name_12.jpg`.

    Raises `DataError` if two videos have the same name.
    """
    children = subfolders(folder)
    for place in (*(children[name] for name in ("videos", "frames", "images") if name in children), folder):
        if found := _videos_in(place, names):
            return found
    return []


def samples_of(files: Sequence[Path], frames: int, labels: Labels) -> list[Sample]:
    """Return samples of at most `frames` evenly spaced frames of a video; see `VideoFiles`.

    The ends of a video are avoided, as they often fade or are still.
    """
    places = [(index + 0.5) / frames for index in range(frames)]
    if is_video(files[0]):
        return [Sample(files[0], **labels._asdict(), frame=place) for place in places]
    return [Sample(files[i], **labels._asdict()) for i in sorted({int(p * len(files)) for p in places})]


def is_video(path: Path) -> bool:
    """Return whether the name is that of a video."""
    return path.suffix.lower() in VIDEO_EXTENSIONS


def _videos_in(folder: Path, names: Collection[str]) -> list[VideoFiles]:
    """Prefer a video file to a folder of the same name, and that to frames in the folder itself."""
    entries = visible(folder)
    found: dict[str, VideoFiles] = {}
    for path in entries:
        if is_video(path) and path.is_file():
            if path.stem in found:
                raise DataError(f"{folder}: two videos have the name {path.stem}; remove one")
            found[path.stem] = VideoFiles(path.stem, (path,))
    for path in entries:
        if path.is_dir() and path.name not in found and (files := _sorted_images([*path.iterdir()])):
            found[path.name] = VideoFiles(path.name, files)
    beside: dict[str, list[Path]] = {}
    for path in entries if names else ():
        if name := _video_of(path.stem, names):
            beside.setdefault(name, []).append(path)
    for name, paths in beside.items():
        if name not in found and (files := _sorted_images(paths)):
            found[name] = VideoFiles(name, files)
    return [found[name] for name in sorted(found)]


def _sorted_images(paths: list[Path]) -> tuple[Path, ...]:
    """Select images and sort them by the numbers in their names: 2.png before 10.png."""
    found = [p for p in paths if p.suffix.lower() in IMAGE_EXTENSIONS and not p.name.startswith(".")]
    return tuple(sorted(found, key=lambda p: ([*map(int, re.findall(r"[0-9]{1,18}", p.name))], p.name)))


def _video_of(stem: str, names: Collection[str]) -> str:
    """Return the video that `name_12` or `name_12_0` is a frame of; "" if none."""
    while "_" in stem:
        stem = stem.rpartition("_")[0]
        if stem in names:
            return stem
    return ""
