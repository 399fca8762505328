"""One labeled image, and the words in which data sets say where it belongs."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from veraface.geometry import Box

SPLITS = ("train", "val", "test")
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class Sample:
    """One labeled image, or one frame of a labeled video."""

    path: Path
    fake: bool
    source: str  # the data set it came from
    group: str  # person, video or base photo; never in two splits
    split: str  # train, val or test
    box: Box | None = None  # of the face, px of the upright image; None: let the face detector find it
    generator: str = ""  # what made or changed the face; empty for reals and where it is unknown
    frame: float | None = None  # place in the video, 0 its begin to 1 its end; None: the path is an image


def split_by_hash(group: str) -> str:
    """A tenth of the groups each to val and test, the others to train; the name decides, so it stays."""
    return {0: "val", 1: "test"}.get(_tenth(group), "train")


def train_or_val_by_hash(group: str) -> str:
    """As `split_by_hash`, where the test split is given: a tenth of the groups to val."""
    return "val" if _tenth(group) == 0 else "train"


def places(frames: int) -> list[float]:
    """So many places in a video, evenly spaced and away from its ends, which fade and stand still."""
    return [(index + 0.5) / frames for index in range(frames)]


def _tenth(group: str) -> int:
    return hashlib.sha256(os.fsencode(group)).digest()[0] * 10 // 256
