"""Track faces through successive frames.

A track continues with the face of the next frame that has the highest IoU with its last one: the IoU tracker
of Bochinski et al., "High-Speed Tracking-by-Detection Without Using Image Information", AVSS 2017.
Frames lie seconds apart here, so a face may have moved too far to overlap; a second round, in the manner of
ByteTrack's second association (Zhang et al., ECCV 2022), matches the rest by distance and size. A Kalman
filter, as in SORT, predicts nothing over such gaps. Faces are not recognized.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.geometry import Box
from veraface.results import FaceResult

_MIN_IOU = 0.3  # of the same face; as in SORT (Bewley et al., ICIP 2016)
_MAX_DISTANCE = 1.0  # between the centers in face sizes, below the minimum IoU
_MAX_SCALE = 1.7  # of the face size between two frames, below the minimum IoU
_MAX_GAP = 3  # frames from one face of a track to the next
# Mean difference of a cut, of 255. PySceneDetect's ContentDetector uses 27 for adjacent frames; frames
# seconds apart differ more within one take.
_CUT_DIFFERENCE = 40.0
_SIGNATURE_SIZE = (32, 18)  # px


@dataclass
class Track:
    """The faces that are tracked as one."""

    frames: list[int] = field(default_factory=list)  # numbers of the frames, in order
    faces: list[FaceResult] = field(default_factory=list)  # in those frames


def frame_signature(image: Image.Image) -> NDArray[np.int16]:
    """Return the reduced frame that `is_cut` compares."""
    return np.asarray(image.resize(_SIGNATURE_SIZE, Image.Resampling.BOX)).astype(np.int16)


def is_cut(before: NDArray[np.int16], after: NDArray[np.int16]) -> bool:
    """Return whether two frames differ so much that they show different scenes."""
    return float(np.abs(before - after).mean()) > _CUT_DIFFERENCE


def track_faces(frames: Sequence[Sequence[FaceResult]], cuts: Sequence[bool]) -> list[Track]:
    """Associate the faces of each frame to tracks, longest first; each face is in exactly one.

    `cuts` holds for each frame whether a new scene starts with it.
    """
    tracks: list[Track] = []
    live: list[Track] = []
    for number, faces in enumerate(frames):
        live = [] if cuts[number] else [track for track in live if number - track.frames[-1] <= _MAX_GAP]
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
    """Return matches of tracks and faces, by IoU first, then by distance and size."""
    pairs = [
        (-_similarity(track.faces[-1].box, face.box), t, f)
        for t, track in enumerate(tracks)
        for f, face in enumerate(faces)
    ]
    matches: dict[int, int] = {}  # numbers of faces by those of tracks
    for distance, t, f in sorted(pairs):
        if distance < 0 and t not in matches and f not in matches.values():
            matches[t] = f
    return [(tracks[t], faces[f]) for t, f in matches.items()]


def _similarity(one: Box, other: Box) -> float:
    """Return 1 to 2 for boxes that overlap, 0 to 1 for near ones, 0 for all others."""
    overlap = one.iou(other)
    if overlap >= _MIN_IOU:
        return 1 + overlap
    small, large = sorted((one.max_side, other.max_side))
    if not small or large / small > _MAX_SCALE:
        return 0.0
    across = one.x + one.width / 2 - other.x - other.width / 2
    down = one.y + one.height / 2 - other.y - other.height / 2
    return max(0.0, 1 - math.hypot(across, down) / (_MAX_DISTANCE * (small + large) / 2))
