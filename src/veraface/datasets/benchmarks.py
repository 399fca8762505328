"""FaceForensics++, Celeb-DF and DFDC as published; docs/data-sets.md shows the folder trees."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from veraface.datasets.folders import (
    Labels,
    VideoFiles,
    find_videos,
    samples_of,
    shorten,
    subfolders,
    visible,
    warn,
)
from veraface.datasets.samples import SPLITS, Sample, split_by_hash, train_or_val_by_hash
from veraface.errors import DataError

ORIGINAL, MANIPULATED = "original_sequences", "manipulated_sequences"
CELEB_FOLDERS = {name.lower(): name for name in ("Celeb-real", "YouTube-real", "Celeb-synthesis")}
DFDC_PART = re.compile(r"dfdc_train_part_[0-9]+")

_QUALITIES = ("raw", "c0", "c23", "c40")  # c0 is an older name of raw
_YOUTUBE = re.compile(r"([0-9]+)(?:_([0-9]+))?")  # 000 and 000_003: target and source
_ACTORS = re.compile(r"([0-9]+)(?:_[0-9]+)?__.+")  # 01__kiss and 01_02__kiss__ABCDEFGH
_CELEB = re.compile(r"(id[0-9]+)_(?:id[0-9]+_)?[0-9]+")  # id0_0000 and id0_id1_0000
_CELEB_LIST = "List_of_testing_videos.txt"


def read_faceforensics(data: Path, frames: int) -> list[Sample]:
    """Read FaceForensics++, split by the official lists if they are present.

    A real video and all fakes made from it or with its face are one group. The videos of actors
    (DeepFakeDetection) are in no list, and nearly all of its actors are swapped with one another, so all of
    them go to the test split.

    Raises `DataError` if a list or the name of a video is invalid, or the lists split a group.
    """
    videos = _faceforensics_videos(data)
    lists, pairs = _faceforensics_lists(data)
    numbers = {}
    for video, _, _, _ in videos:
        if match := _YOUTUBE.fullmatch(video.name):
            numbers[video.name] = [number for number in match.groups() if number]
        elif not _ACTORS.fullmatch(video.name):
            raise DataError(
                f"{video.files[0]}: a video of FaceForensics++ must have a name like 000, 000_003 or "
                "01_02__exit_phone_room__YVGY8LOK"
            )
    component = _components([*pairs, *numbers.values()])
    split_of_group = _component_splits(data, component, lists)
    samples = []
    for video, fake, source, generator in videos:
        if video.name in numbers:
            number = component[numbers[video.name][0]]
            group = f"youtube {number}"
            drawn = train_or_val_by_hash(group) if lists else split_by_hash(group)
            split = split_of_group.get(number, drawn)
        else:
            group, split = f"actor {video.name.partition('_')[0]}", "test"
        samples += samples_of(video.files, frames, Labels(fake, source, group, split, generator))
    if not lists and numbers:
        warn(
            f"{data}: lacks train.json, val.json and test.json (dataset/splits in the FaceForensics "
            "repository), so splits are assigned by hash; the metrics are not comparable with published ones"
        )
    return samples


def read_celeb_df(data: Path, frames: int) -> list[Sample]:
    """Read Celeb-DF; the official list names the test split.

    The other videos go to train and val by the person in the video. The listed videos show persons who are
    also in the others, so a person's listed videos are a separate group.

    Raises `DataError` if the list or the name of a video is invalid.
    """
    children = subfolders(data)
    listed = _celeb_list(data)
    found: set[str] = set()
    samples = []
    for folder, source in CELEB_FOLDERS.items():
        if folder not in children:
            warn(f"{data}: lacks {source}/; its videos are not among the samples")
            continue
        for video in find_videos(children[folder]):
            match = _CELEB.fullmatch(video.name)
            if match is None and folder != "youtube-real":
                raise DataError(
                    f"{video.files[0]}: a video of {source} must have a name like id0_0000 or id0_id1_0000"
                )
            group = match[1] if match else f"YouTube {video.name}"
            name = f"{folder}/{video.name}"
            found.add(name)
            if listed is None:
                split = split_by_hash(group)
            elif name in listed:
                group, split = f"{group} (test)", "test"
            else:
                split = train_or_val_by_hash(group)
            fake = folder == "celeb-synthesis"
            samples += samples_of(
                video.files, frames, Labels(fake, source, group, split, source if fake else "")
            )
    if listed is None:
        warn(
            f"{data}: lacks {_CELEB_LIST}, so splits are assigned by hash; the metrics are not comparable "
            "with published ones"
        )
    else:
        _warn_missing(data, listed - found, len(listed), _CELEB_LIST)
    return samples


def read_dfdc(data: Path, frames: int) -> list[Sample]:
    """Read the parts of DFDC with a `metadata.json` each; a group is an original and the fakes made from it.

    The published parts assign every video to "train"; if no video has another split, splits are assigned by
    hash.

    Raises `DataError` if a part lacks its metadata, or they are invalid.
    """
    parts = [path for name, path in subfolders(data).items() if DFDC_PART.fullmatch(name)] or [data]
    rows = []
    for part in parts:
        inside = visible(part)  # archives are often extracted into a folder of their name
        folder = inside[0] if len(inside) == 1 and inside[0].is_dir() else part
        metadata = _dfdc_metadata(folder / "metadata.json")
        names = {Path(name).stem: name for name in metadata}
        videos = find_videos(folder, names)
        rows += [(video, metadata[names[video.name]], folder) for video in videos if video.name in names]
        present = {video.name for video in videos}
        _warn_missing(folder, names.keys() - present, len(names), "metadata.json")
        if unknown := present - names.keys():
            count = f"{len(unknown)} videos are not in metadata.json and are skipped"
            warn(f"{folder}: {count}: {shorten(unknown)}")
    drawn = {entry["split"] for _, entry, _ in rows} <= {"", "train"}
    samples = []
    for video, entry, folder in rows:
        group, fake = entry["original"] or video.name, entry["fake"]
        split = split_by_hash(group) if drawn else entry["split"]
        if split not in SPLITS:
            raise DataError(
                f"{folder / 'metadata.json'}: the split of {video.name} is {split!r}; it must be train, val "
                "or test"
            )
        samples += samples_of(video.files, frames, Labels(fake, "DFDC", group, split, "DFDC" if fake else ""))
    return samples


def _warn_missing(folder: Path, missing: set[str], of: int, index: str) -> None:
    if missing:
        warn(f"{folder}: {len(missing)} of {of} videos in {index} are missing: {shorten(missing)}")


def _faceforensics_videos(data: Path) -> list[tuple[VideoFiles, bool, str, str]]:
    """Return videos with label, source and manipulation; sources include the quality if there are several."""
    children = subfolders(data)
    found = []
    for name, lacking in ((ORIGINAL, "reals"), (MANIPULATED, "fakes")):
        if name not in children:
            warn(f"{data}: lacks {name}/, so there are no {lacking}")
            continue
        for origin in subfolders(children[name]).values():
            for quality, folder in subfolders(origin).items():
                if quality in _QUALITIES:
                    found += [
                        (video, name == MANIPULATED, origin.name, quality) for video in find_videos(folder)
                    ]
    several = len({quality for _, _, _, quality in found}) > 1
    return [
        (video, fake, f"{origin} {quality}" if several else origin, origin if fake else "")
        for video, fake, origin, quality in found
    ]


def _faceforensics_lists(data: Path) -> tuple[dict[str, str], list[list[str]]]:
    """Return the split of every listed video number, and the pairs; both empty without the lists."""
    folder = next((place for place in (data, data / "splits") if (place / "test.json").is_file()), None)
    if folder is None:
        if any((data / f"{split}.json").is_file() for split in SPLITS):
            raise DataError(f"{data}: lacks test.json beside the other lists of the official splits")
        return {}, []
    splits: dict[str, str] = {}
    pairs: list[list[str]] = []
    for split in SPLITS:
        path = folder / f"{split}.json"
        rows = _json(path) if path.is_file() else []
        if not isinstance(rows, list):
            raise DataError(f"{path}: must be a list of pairs of videos, like [['000', '003']]")
        for pair in rows:
            if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(n, str) for n in pair)):
                raise DataError(
                    f"{path}: {str(pair)[:40]} is not a pair of videos; a list has the form [['000', '003']]"
                )
            pairs.append(pair)
            for number in pair:
                if splits.setdefault(number, split) != split:
                    raise DataError(f"{path}: {number} is also in {splits[number]}.json")
    return splits, pairs


def _components(links: Iterable[list[str]]) -> dict[str, str]:
    """Map every name to the first name of its connected component (union-find)."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for names in links:
        first = min(root(name) for name in names)
        for name in names:
            parent[root(name)] = first
    return {name: root(name) for name in list(parent)}


def _component_splits(data: Path, component: Mapping[str, str], lists: Mapping[str, str]) -> dict[str, str]:
    splits: dict[str, set[str]] = defaultdict(set)
    for number, split in lists.items():
        splits[component[number]].add(split)
    if torn := {number for number, found in splits.items() if len(found) > 1}:
        names = shorten(torn)
        raise DataError(
            f"{data}: a fake links videos of different splits, which would inflate the metrics: {names}"
        )
    return {number: min(found) for number, found in splits.items()}


def _celeb_list(data: Path) -> set[str] | None:
    """Read the listed videos as folder/name, the folder in lower case; None without the list."""
    path = data / _CELEB_LIST
    if not path.is_file():
        return None
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 text") from error
    listed = set()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        label, _, name = line.strip().partition(" ")
        folder, _, video = name.strip().lower().partition("/")
        if folder not in CELEB_FOLDERS or label != ("0" if folder == "celeb-synthesis" else "1"):
            raise DataError(
                f"{path}, line {number}: {line[:60]!r} is not like '1 Celeb-real/id0_0000.mp4' (1 real, "
                "0 fake)"
            )
        listed.add(f"{folder}/{Path(video).stem}")
    return listed


def _dfdc_metadata(path: Path) -> dict[str, dict[str, Any]]:
    """Read every video's label, split ("" if not given) and the name of its original ("" for reals)."""
    if not path.is_file():
        raise DataError(f"{path.parent}: lacks metadata.json with the labels")
    rows = _json(path)
    if not isinstance(rows, dict):
        raise DataError(f"{path}: must be an object of videos")
    found = {}
    for name, row in rows.items():
        label = row.get("label") if isinstance(row, dict) else None
        if label not in ("REAL", "FAKE"):
            raise DataError(f"{path}: the label of {name} is {label!r}; it must be REAL or FAKE")
        original = Path(str(row.get("original") or "")).stem
        found[name] = {"fake": label == "FAKE", "split": str(row.get("split") or ""), "original": original}
    return found


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read as JSON: {error}") from error
