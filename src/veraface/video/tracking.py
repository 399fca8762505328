"""Which faces of successive frames are one.

A track goes on with the face of the next frame that overlaps its last one most: the "IoU tracker" of
Bochinski, Eiselein and Sikora, "High-Speed Tracking-by-Detection Without Using Image Information", AVSS 2017.
Frames lie seconds apart here, so a face may have moved too far to overlap; a second round, in the manner of
ByteTrack's second association (Zhang et al., ECCV 2022), joins what is left by distance and size. A Kalman
filter, as in SORT, predicts nothing over such gaps. Nothing here knows whose face it is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.geometry import Box
from veraface.results import FaceResult

_OVERLAP = 0.3  # least intersection over union to be one face; SORT's (Bewley et al., ICIP 2016)
_DISTANCE = 1.0  # most between two centers, in lengths of the face, where boxes do not overlap so much
_GROWTH = 1.7  # most that a face may grow or shrink by between two frames, where they do not
_GAP = 3  # frames without the face after which a track ends
# PySceneDetect's ContentDetector takes a mean difference of 27 of 255 between adjacent frames for a cut.
# Frames that lie seconds apart differ more within one take, so that much and half as much again.
_CUT = 40.0
_LOOK = (32, 18)  # px that a frame is reduced to for that


@dataclass
class Track:
    """The faces that are taken for one."""

    frames: list[int] = field(default_factory=list)  # numbers of the frames, in order
    faces: list[FaceResult] = field(default_factory=list)  # in those frames


def look(image: Image.Image) -> NDArray[np.int16]:
    """What `is_cut` compares."""
    return np.asarray(image.resize(_LOOK, Image.Resampling.BOX)).astype(np.int16)


def is_cut(before: NDArray[np.int16], after: NDArray[np.int16]) -> bool:
    """Whether two frames differ so much that they do not show the same scene."""
    return float(np.abs(before - after).mean()) > _CUT


def track_faces(frames: Sequence[Sequence[FaceResult]], cuts: Sequence[bool]) -> list[Track]:
    """Joins faces over the frames of a video.

    Args:
        frames: the faces of each frame, in order.
        cuts: for each frame whether a new scene begins with it.

    Returns:
        All tracks, the one that is seen longest first; each face is in exactly one.
    """
    tracks: list[Track] = []
    live: list[Track] = []
    for number, faces in enumerate(frames):
        live = [] if cuts[number] else [track for track in live if number - track.frames[-1] <= _GAP]
        left = list(faces)
        for track, face in _matches(live, left):
            track.frames.append(number)
            track.faces.append(face)
            left = [other for other in left if other is not face]
        new = [Track([number], [face]) for face in left]
        tracks += new
        live += new
    return sorted(tracks, key=lambda track: (-len(track.frames), track.frames[0]))


def _matches(tracks: Sequence[Track], faces: Sequence[FaceResult]) -> list[tuple[Track, FaceResult]]:
    """Pairs, the surest first: those that overlap, then those that are near."""
    pairs = [
        (_likeness(track.faces[-1].box, face.box), t, f)
        for t, track in enumerate(tracks)
        for f, face in enumerate(faces)
    ]
    matched: list[tuple[Track, FaceResult]] = []
    taken: set[int] = set()
    used: set[int] = set()
    for likeness, t, f in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if likeness > 0 and t not in taken and f not in used:
            taken.add(t)
            used.add(f)
            matched.append((tracks[t], faces[f]))
    return matched


def _likeness(one: Box, other: Box) -> float:
    """1 to 2 for boxes that overlap, 0 to 1 for those that are only near, 0 for those that are neither."""
    overlap = one.iou(other)
    if overlap >= _OVERLAP:
        return 1 + overlap
    small, large = sorted((one.max_side, other.max_side))
    if not small or large / small > _GROWTH:
        return 0.0
    across = one.x + one.width / 2 - other.x - other.width / 2
    down = one.y + one.height / 2 - other.y - other.height / 2
    return max(0.0, 1 - math.hypot(across, down) / (_DISTANCE * (small + large) / 2))
