"""What a verdict is worth: figures of the model card that belong to a result."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from veraface.results import FaceResult, Reliability, Verdict

# Bands of the longer side of the face box, px: below 60 hardly more than the outline is left, below 128 the
# crop is upscaled for a model of 160 px or more.
_SIZES = (60, 80, 128, 256)
_MIN_IMAGES = 20  # of each class in one format
FACE_BANDS = ("under 60 px", "60 to 80 px", "80 to 128 px", "128 to 256 px", "from 256 px")


def face_size_band(size: float) -> str:
    """Return the band of a face by the longer side of its box, px."""
    return FACE_BANDS[bisect_right(_SIZES, size)]


def reliability(
    measured: Mapping[str, Any], verdict: Verdict, faces: Sequence[FaceResult], file_format: str
) -> Reliability | None:
    """Return what a verdict is worth.

    Args:
        measured: the figures of a model card (`ModelCard.measured`).
        verdict: of the image.
        faces: of the image; of those with that verdict, the one of highest p_fake names the size.
        file_format: of the image, such as JPEG.

    Returns:
        None if no face was classified, or the card lacks the figures.
    """
    deciding = [face for face in faces if face.verdict is verdict and face.p_fake is not None]
    if not deciding:
        return None
    band = face_size_band(max(deciding, key=lambda face: face.p_fake or 0.0).box.max_side)
    try:
        counts = measured["diagrams"]["confusion"]
        fakes, reals = (counts[label][verdict] / sum(counts[label].values()) for label in ("fake", "real"))
        rows = {row["face_size"]: row for row in measured["by_face_size"] if row["real"] and row["fake"]}
        overall = next(row for row in measured["rows"] if row["source"] == "all")
        tested = [row for row in measured.get("by_format", ()) if row["face_size"] == band]
        own = [row for row in tested if row["format"] == file_format and _is_enough(row)]
        row = own[0] if own else rows.get(band, overall)
        tested = own or (measured.get("by_format", ()) if row is overall else tested)
        return Reliability(
            fake_of_100=round(100 * fakes / (fakes + reals)),
            face_size=row.get("face_size", "all"),
            false_positive_rate=row["reals_called_fake"],
            recall=row["fakes_called_fake"],
            false_negative_rate=row["fakes_called_real"],
            real=row["real"],
            fake=row["fake"],
            formats=tuple(sorted({row["format"] for row in tested})),
        )
    except (KeyError, TypeError, StopIteration, ZeroDivisionError):  # a card of one's own
        return None


def _is_enough(row: Mapping[str, Any]) -> bool:
    """Return whether rates of a format can stand for themselves."""
    return min(int(row["real"]), int(row["fake"])) >= _MIN_IMAGES
