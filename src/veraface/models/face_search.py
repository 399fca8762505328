"""Finds faces of any size and in any position: where and how YuNet looks.

1. The whole image at a small scale; unless all faces there are confirmed upright, also turned by 90, 180 and
   270 degrees, since the network scores a face highest the right way up.
2. Where no face was found, small ones suggest more, or the image is very long or wide, the whole image at the
   scale at which the smallest faces that are classified are noticed. What was noticed is enlarged and looked
   at again. A search that skipped this is quick; it is repeated in full before an image is called real.
3. Faces that lean are looked at again upright: the network draws tilted landmarks too straight.

All of it happens in the image or its mirror image, whichever is brighter in its right half, so that both
give exactly the same faces.

The constants are measured: benchmarks/results/face_detectors.md.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import ceil, cos, floor, radians, sin, sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from veraface.decision import MIN_FACE
from veraface.geometry import SAME_FACE, Box, roll
from veraface.imaging.lazy import LazyImage, is_heavier_left
from veraface.models.crop import MIN_LEAN, level_angle, turn_upright
from veraface.models.protocols import FaceDetection, FoundFaces
from veraface.models.yunet import NO_FACES, WEIGHTS, Faces, YuNet, iou, nms

_CERTAIN = 0.8  # 0..1; a large detection at or above is a face, others are looked at again
MIN_SCORE = 0.8  # of a face that is looked at again
_MIN_TURNED = 0.88  # the same if it is turned otherwise than the largest face

# The coarse search
_COARSE_PIXELS = 288 * 216  # area to which an image is scaled
_MAX_ENLARGED = 2.0  # how far a small image is enlarged
_BORDER = 16  # px, padding on all sides; without it, boxes of faces that fill the frame are too small
_SMALL = 40  # px at the scale of a search; smaller faces suggest that there are more, and are looked at again

# The fine search, for faces of MIN_FACE px at full size
_LONG = 2.0  # ratio of the sides above which an image is always searched; photos have at most 16:9
_NOTICED_SIDE = 16  # px at that scale; nearly all faces of this size score at least _NOTICED
_FINE = _NOTICED_SIDE / MIN_FACE  # that scale, of the full size
_NOTICED = 0.1  # a detection from here on is looked at again
_TILE = 1024  # px at that scale; larger images are searched in tiles, to save memory
_TILE_MARGIN = 64  # px around a tile, more than the largest face that only the fine search finds

# Looking again
_REGION = 2.0  # side of the square region around a face over the longer side of its box
_FACE = 48  # px, to which a face is scaled to confirm it
_PARTS = 64  # of a pixel, to which boxes and landmarks are rounded
_UPRIGHT = 0.9  # nine of ten upright faces of that size score more, turned ones do not
_UPRIGHT_TWICE = 0.88  # the same for the mean of two scores
_UNSURE = 0.4  # from here up to _UPRIGHT, a face may lean by half a quarter
_MAX_MISSES = 256  # looks in a row without a face, after which detections of lower score are taken for none
_MAX_LOOKS = 1024  # after which the search ends, incomplete; about 1.5 ms each
_MAX_FOUND = 320  # faces after which it ends, too
_LEVELED_FACE = 96  # px, to which a leaning face is scaled
_EXACT = 72  # px; landmarks of smaller faces hardly lean, even if the face does
_OTHER_SIZE = 64  # px, to which faces of doubtful score are scaled in the end
_MIN_OTHER = 0.74  # score that faces reach there, and heads of animals seldom do
_MIN_TINY = 0.87  # score of faces below MIN_FACE, which are only counted
_FILLS = 0.6  # of the shorter side of the image
_STRAIGHTENED = 1.45  # true over measured lean
# Columns of a face in the mirror image: left and right are exchanged.
_MIRRORED = [2, 1, 0, 3, 6, 7, 4, 5, 8, 9, 12, 13, 10, 11, 14]


class _Found(NamedTuple):
    faces: Faces
    complete: bool  # no limit ended the search
    shows_more: Callable[[], bool] | None = None  # searches for small faces, if a quick search did not


class YuNetDetector:
    """Finds faces with YuNet; safe to share between threads."""

    def __init__(
        self, weights: Path = WEIGHTS, *, threads: int = 0, providers: Sequence[str] | None = None
    ) -> None:
        """Load the network; arguments as in `veraface.models.load_face_detector`."""
        self._network = YuNet(weights, threads=threads, providers=providers)

    def detect(self, image: LazyImage | Image.Image, *, quick: bool = True) -> FoundFaces:
        """Return the faces of an RGB image, in full-size pixels, largest first.

        Args:
            image: to search.
            quick: skip the search for small faces where the image shows a large face and none seem likely.

        Raises:
            ImageError: the image cannot be decoded.
        """
        lazy = image if isinstance(image, LazyImage) else LazyImage(image)
        found = self._detect_mirrored(lazy, quick)
        if turns := _main_turn(found.faces):
            # Searched again upright, so that an image and its turned copy give exactly the same faces.
            upright = self._detect_mirrored(lazy.turned(turns), quick)
            if len(upright.faces) and not _main_turn(upright.faces):
                middle = lazy.width / 2, lazy.height / 2
                origin = middle if turns == 2 else middle[::-1]
                found = upright._replace(faces=_mapped(upright.faces, origin, middle, 1.0, 90.0 * turns))
        detections = sorted(map(_detection, found.faces), key=lambda face: face.box.area, reverse=True)
        fully = partial(self._search_fully, lazy, detections, found.shows_more) if found.shows_more else None
        return FoundFaces(detections, complete=found.complete, search_fully=fully)

    def _search_fully(
        self, image: LazyImage, found: list[FaceDetection], shows_more: Callable[[], bool]
    ) -> FoundFaces:
        """Return all faces: `found`, unless the search for small ones shows others."""
        return self.detect(image, quick=False) if shows_more() else FoundFaces(found)

    def _detect_mirrored(self, image: LazyImage, quick: bool) -> "_Found":
        """Do the same as `_detect`, in the mirror image where that is brighter in its right half."""
        coarse = min(sqrt(_COARSE_PIXELS / (image.width * image.height)), _MAX_ENLARGED)
        view = _scaled(image, coarse)
        if not is_heavier_left(view):
            return self._detect(image, view, coarse, quick)
        mirrored = image.mirrored()
        found = self._detect(mirrored, _scaled(mirrored, coarse), coarse, quick)
        return found._replace(faces=_mirrored(found.faces, image.width))

    def _detect(self, image: LazyImage, view: Image.Image, coarse: float, quick: bool) -> "_Found":
        """Return the faces in full-size pixels.

        Args:
            image: at full size.
            view: the image at the scale of the coarse search.
            coarse: that scale.
            quick: as in `detect`.
        """
        faces, upright = self._search_turned(view)
        is_coarse = 1.25 * coarse < _FINE
        if is_coarse and not (quick and not _is_long(image) and not _may_show_small(faces)):
            return self._search_finely(image, faces, coarse, upright)
        found = self._confirm_all(image, view, faces, upright)
        if not is_coarse:
            return found
        return found._replace(shows_more=partial(self._shows_more, image, faces, coarse, upright, found))

    def _shows_more(
        self, image: LazyImage, faces: Faces, coarse: float, upright: bool, found: "_Found"
    ) -> bool:
        """Return whether a search for small faces, after a quick search, may show others than it found."""
        fully = self._search_finely(image, faces, coarse, upright)
        same = (iou(face, found.faces).max(initial=0.0) >= SAME_FACE for face in fully.faces)
        return not (found.complete and fully.complete and all(same))

    def _search_finely(self, image: LazyImage, faces: Faces, coarse: float, upright: bool) -> "_Found":
        """Search for small faces, beside those that the coarse search found or noticed."""
        view = _scaled(image, _FINE)
        faces = faces.copy()
        faces[:, :14] *= _FINE / coarse
        return self._confirm_all(image, view, _merged(faces, self._search_tiles(view)), upright)

    def _confirm_all(self, image: LazyImage, view: Image.Image, faces: Faces, upright: bool) -> "_Found":
        """Return those that are faces, in full-size pixels.

        Args:
            image: at full size.
            view: the image, scaled.
            faces: found or noticed in `view`.
            upright: large faces are confirmed upright already.
        """
        faces, complete = self._look_again(view, faces, upright)
        faces = _merged(*(self._level(view, face) for face in faces))
        # In an image a few pixels wide, rounding scales the two sides differently.
        faces[:, :14] *= np.tile([image.width / view.width, image.height / view.height], 7)
        return _Found(faces[[self._is_face(image, face) for face in faces]], complete)

    def _search_turned(self, view: Image.Image) -> tuple[Faces, bool]:
        """Search an image, also turned unless its faces are upright.

        Returns:
            What was found or noticed, and whether all large faces are confirmed upright.
        """
        pixels = np.asarray(view)
        faces = self._search(pixels, _BORDER, 0)
        large = faces[_certain(faces)]
        looks = (self._look(_Region(view, face, _FACE, 0.0), 0) for face in large)
        upright = len(large) > 0 and all(_best(seen) >= _UPRIGHT for seen in looks)
        if not upright:
            faces = _merged(faces, *(self._search(pixels, _BORDER, turn) for turn in (1, 2, 3)))
            faces = _without_odd_turns(faces)
        return _inside(faces, view.size), upright

    def _search(self, pixels: NDArray[np.uint8], border: int, turn: int) -> Faces:
        """Search an image turned counterclockwise by `turn` quarters; return faces in the unturned image."""
        turned = np.rot90(pixels, turn)
        faces = self._network.detect(turned, border, _NOTICED)
        center = pixels.shape[1] / 2, pixels.shape[0] / 2
        return _mapped(faces, (turned.shape[1] / 2, turned.shape[0] / 2), center, 1.0, 90.0 * turn)

    def _search_tiles(self, view: Image.Image) -> Faces:
        """Search an image in tiles that overlap."""
        found = []
        for top, bottom in _spans(view.height):
            for left, right in _spans(view.width):
                x, y = max(0, left - _TILE_MARGIN), max(0, top - _TILE_MARGIN)
                end = min(view.width, right + _TILE_MARGIN), min(view.height, bottom + _TILE_MARGIN)
                faces = self._search(np.asarray(view.crop((x, y, *end))), 0, 0)
                found.append(_mapped(faces, (0, 0), (x, y), 1.0, 0.0))
        return _inside(_merged(*found), view.size)

    def _look_again(self, view: Image.Image, faces: Faces, upright: bool) -> tuple[Faces, bool]:
        """Confirm faces by what is seen when they are enlarged and turned; drop those that are none.

        Args:
            view: the image.
            faces: in the image, highest score first.
            upright: large faces are confirmed already.

        Returns:
            The faces, and whether all detections were looked at that may be faces.
        """
        seen, looks, misses, complete = [NO_FACES], 0, 0, True
        for face, certain in zip(faces, _certain(faces), strict=True):
            complete = looks < _MAX_LOOKS and len(seen) <= _MAX_FOUND
            if misses == _MAX_MISSES or not complete:
                break
            if certain and upright:
                seen.append(face[np.newaxis])
            elif certain or len(_apart(face[np.newaxis], np.concatenate(seen))):
                confirmed = self._confirm(view, face, bool(certain))
                looks, misses = looks + 1, 0 if len(confirmed) else misses + 1
                seen += [confirmed] * len(confirmed)
        return _without_odd_turns(_merged(*seen)), complete

    def _confirm(self, view: Image.Image, face: NDArray[np.float32], certain: bool) -> Faces:
        region = _Region(view, face, _FACE, 0.0)
        own = int(_turns(face[np.newaxis])[0])
        seen = self._look(region, own)
        twice = not certain and (_best(seen) + face[14]) / 2 >= _UPRIGHT_TWICE
        if len(seen) and not twice and _best(seen) < _UPRIGHT:
            seen = _merged(seen, *(self._look(region, turn) for turn in range(4) if turn != own))
        if _UNSURE <= _best(seen) < _UPRIGHT:
            leaning = (_Region(view, face, _FACE, lean) for lean in (45, 135, 225, 315))
            seen = _merged(seen, *(self._look(region, 0) for region in leaning))
        if _best(seen) < MIN_SCORE:
            return face[np.newaxis] if certain else NO_FACES
        # The box of a large face is more exact where it was found than in the small region.
        difference = roll(_landmarks(seen[0])) - roll(_landmarks(face))
        same = abs((difference + 180) % 360 - 180) < 45
        return face[np.newaxis] if certain and same else seen[:1]

    def _look(self, region: "_Region", turn: int) -> Faces:
        """Return the face of a region as it is found after `turn` quarters counterclockwise, if it is."""
        faces = self._network.detect(np.rot90(region.pixels, turn), 0, _NOTICED)
        return region.same_face(faces, 90.0 * turn)

    def _level(self, view: Image.Image, face: NDArray[np.float32]) -> Faces:
        """Return a face as it is found upright; unchanged if it is large and does not lean."""
        lean = 90.0 * round(roll(_landmarks(face)) / 90)
        exact = _sides(face[np.newaxis])[0] >= _EXACT
        for _ in range(4):
            measured = (roll(_landmarks(face)) - lean + 180) % 360 - 180
            if exact and abs(measured) < MIN_LEAN:
                break
            lean += _STRAIGHTENED * measured if exact else 0.0
            seen = self._look(_Region(view, face, _LEVELED_FACE, lean), 0)
            if _best(seen) < MIN_SCORE:
                break
            face, exact = seen[0], True
        return face[np.newaxis]

    def _is_face(self, image: LazyImage, face: NDArray[np.float32]) -> bool:
        """Return whether a face of doubtful score is also seen at another size, as heads of animals are not.

        Args:
            image: the whole image.
            face: in full-size pixels.
        """
        side = float(_sides(face[np.newaxis])[0])
        if face[14] >= _UPRIGHT or side > _FILLS * min(image.width, image.height):
            return True  # the region of a face that fills the frame would be mostly empty
        if side < MIN_FACE:
            return bool(face[14] >= _MIN_TINY)
        lean = level_angle(roll(_landmarks(face)))
        scale = min(1.0, 1.5 * _OTHER_SIZE / side)
        scaled = face * np.float32(scale)
        return _best(self._look(_Region(_scaled(image, scale), scaled, _OTHER_SIZE, lean), 0)) >= _MIN_OTHER


class _Region:
    """The surroundings of a face, scaled to a given size of the face and turned upright."""

    def __init__(self, view: Image.Image, face: NDArray[np.float32], size: int, lean: float) -> None:
        """Cut out a region.

        Args:
            view: the image.
            face: in the image.
            size: longer side of the face's box in the region, px.
            lean: degrees clockwise by which the face leans.
        """
        self._face, self._lean = face, lean
        self._center = float(face[0] + face[2]) / 2, float(face[1] + face[3]) / 2
        self._scale = max(float(_sides(face[np.newaxis])[0]), 1.0) / size  # px of the image per px
        self._side = side = round(_REGION * size)
        # First scaled without turning, which is fast and free of aliasing, then turned.
        wide = side if lean == 0 else ceil(side * sqrt(2))
        half = wide * self._scale / 2
        left, top = (floor(middle - half) for middle in self._center)
        right, bottom = (ceil(middle + half) for middle in self._center)
        x, y = self._center[0] - left, self._center[1] - top
        square = view.crop((left, top, right, bottom)).resize(
            (wide, wide), Image.Resampling.BILINEAR, box=(x - half, y - half, x + half, y + half)
        )
        if lean:
            square = turn_upright(square, side, lean, Image.Resampling.BILINEAR)
        self.pixels: NDArray[np.uint8] = np.asarray(square)

    def same_face(self, faces: Faces, turn: float) -> Faces:
        """Return the best of the detections in the region that is the region's face, in the image.

        Args:
            faces: in the region, turned counterclockwise by `turn` degrees.
            turn: a multiple of 90.
        """
        middle = (self._side / 2, self._side / 2)
        faces = _mapped(faces, middle, self._center, self._scale, self._lean + turn)
        return faces[iou(self._face, faces) >= SAME_FACE][:1]


def _scaled(image: LazyImage, scale: float) -> Image.Image:
    """Return an image at a scale of its full size."""
    pixels = image.decode(scale * image.longest_side)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return pixels if pixels.size == size else pixels.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)


def _mapped(
    faces: Faces, origin: tuple[float, float], target: tuple[float, float], scale: float, lean: float
) -> Faces:
    """Scale faces and turn them clockwise by `lean` degrees around a point that moves to another.

    Boxes stay upright rectangles around the same center; width and height are exchanged where that is closer.
    """
    c, s = scale * cos(radians(lean)), scale * sin(radians(lean))
    matrix = np.array([[c, s], [-s, c]])
    halves = (faces[:, 2:4] - faces[:, :2]) * scale / 2
    if round(lean / 90) % 2:
        halves = halves[:, ::-1]
    points = np.concatenate([(faces[:, :2] + faces[:, 2:4]) / 2, faces[:, 4:14]], axis=1).reshape(-1, 6, 2)
    points = (points - origin) @ matrix + target
    center, landmarks = points[:, 0], points[:, 1:].reshape(-1, 10)
    return np.concatenate([center - halves, center + halves, landmarks, faces[:, 14:]], axis=1).astype(
        np.float32
    )


def _mirrored(faces: Faces, width: float) -> Faces:
    """Return the faces in the mirror image of an image of that width, px."""
    mirrored = faces[:, _MIRRORED]
    mirrored[:, :14:2] = width - mirrored[:, :14:2]
    return mirrored


def _merged(*found: Faces) -> Faces:
    """Join detections of the same image; of the same face, the one of highest score stays."""
    return nms(np.concatenate([NO_FACES, *found]), SAME_FACE)


def _apart(faces: Faces, others: Faces) -> Faces:
    """Return the faces that are neither one of the others nor centered in one."""
    center = (faces[:, np.newaxis, :2] + faces[:, np.newaxis, 2:4]) / 2
    inside = np.all((center >= others[:, :2]) & (center <= others[:, 2:4]), axis=2).any(axis=1)
    same = np.array([iou(face, others).max(initial=0.0) > SAME_FACE for face in faces], dtype=bool)
    apart: NDArray[np.bool_] = ~(inside | same)
    return faces[apart]


def _inside(faces: Faces, size: tuple[int, int]) -> Faces:
    """Return the faces whose center is inside the image."""
    center = (faces[:, :2] + faces[:, 2:4]) / 2
    inside: NDArray[np.bool_] = np.all((center >= 0) & (center <= np.array(size)), axis=1)
    return faces[inside]


def _sides(faces: Faces) -> NDArray[np.float32]:
    """Return the longer side of each face's box."""
    return np.asarray((faces[:, 2:4] - faces[:, :2]).max(axis=1))


def _turns(faces: Faces) -> NDArray[np.int64]:
    """Return by how many quarters clockwise each face is turned, 0 to 3."""
    return np.array([round(roll(_landmarks(face)) / 90) % 4 for face in faces], dtype=np.int64)


def _certain(faces: Faces) -> NDArray[np.bool_]:
    """Return which faces are large enough, and of a score high enough, to need no second look."""
    return np.asarray((faces[:, 14] >= _CERTAIN) & (_sides(faces) >= _SMALL))


def _is_long(image: LazyImage) -> bool:
    """Return whether an image has the shape of a panorama or a long screenshot."""
    return max(image.width, image.height) > _LONG * min(image.width, image.height)


def _may_show_small(faces: Faces) -> bool:
    """Return whether a coarse search found no large face, or noticed small ones beside the large ones."""
    large, small = faces[_certain(faces)], faces[_sides(faces) < _SMALL]
    return not len(large) or len(_apart(small, large)) > 0


def _best(faces: Faces) -> float:
    """Return the highest score, 0 if there is no face."""
    return float(faces[:, 14].max(initial=0.0))


def _main_turn(faces: Faces) -> int:
    """Return by how many quarters clockwise the largest face is turned; 0 if there is none."""
    return int(_turns(faces[_sides(faces).argmax()][np.newaxis])[0]) if len(faces) else 0


def _without_odd_turns(faces: Faces) -> Faces:
    """Drop faces that are turned otherwise than the largest one, unless their score is high."""
    certain = faces[:, 14] >= MIN_SCORE
    odd = certain & (_turns(faces) != _main_turn(faces[certain])) & (faces[:, 14] < _MIN_TURNED)
    kept: NDArray[np.bool_] = ~odd
    return faces[kept]


def _spans(length: int) -> list[tuple[int, int]]:
    """Cut a length into equal pieces no longer than a tile."""
    count = ceil(length / _TILE)
    return [(length * i // count, length * (i + 1) // count) for i in range(count)]


def _detection(face: NDArray[np.float32]) -> FaceDetection:
    # To parts of a pixel that floats keep exactly, so that a turned copy of an image gives the same crop.
    score = float(face[14])
    face = np.asarray(np.round(face * _PARTS) / _PARTS, np.float32)
    x0, y0, x1, y1, *_ = map(float, face)
    return FaceDetection(Box(x0, y0, x1 - x0, y1 - y0), _landmarks(face), score)


def _landmarks(face: NDArray[np.float32]) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in face[4:14].reshape(5, 2))
