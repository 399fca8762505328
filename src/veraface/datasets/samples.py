"""A labeled image, and the splits it may belong to."""

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
    """A labeled image, or a frame of a labeled video.

    Attributes:
        path: of the image or video.
        fake: the label.
        source: data set the image came from.
        group: person, video or base photo; a group is never in two splits.
        split: train, val or test.
        box: of the face, px of the upright image; None to detect it.
        generator: what made or changed the face; "" for reals and if unknown.
        frame: position in the video, 0 to 1; None if the path is an image.
    """

    path: Path
    fake: bool
    source: str
    group: str
    split: str
    box: Box | None = None
    generator: str = ""
    frame: float | None = None


def split_by_hash(group: str) -> str:
    """Assign a split by a hash of the group's name: a tenth each to val and test, the others to train."""
    return {0: "val", 1: "test"}.get(_tenth(group), "train")


def train_or_val_by_hash(group: str) -> str:
    """Assign val to a tenth of the groups and train to the others, for data with a given test split."""
    return "val" if _tenth(group) == 0 else "train"


def positions(frames: int) -> list[float]:
    """Return evenly spaced positions in a video, away from its ends, which often fade or are still."""
    return [(index + 0.5) / frames for index in range(frames)]


def _tenth(group: str) -> int:
    return hashlib.sha256(os.fsencode(group)).digest()[0] * 10 // 256
