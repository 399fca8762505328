"""What a verdict is worth: the figures of a card that belong to the face and to its file."""

from typing import Any

import pytest

from veraface.geometry import Box
from veraface.models.reliability import reliability
from veraface.results import FaceResult, Reliability, Verdict

COUNTS = {"real": {"fake": 5, "real": 95}, "fake": {"fake": 80, "real": 20}}


def row(fpr: float, images: int = 50, **names: str) -> dict[str, Any]:
    rates = {"reals_called_fake": fpr, "fakes_called_fake": 0.8, "fakes_called_real": 0.1}
    return {**names, "real": images, "fake": images, **rates}


MEASURED = {
    "diagrams": {"confusion": COUNTS},
    "rows": [row(0.01, source="all")],
    "by_face_size": [row(0.02, face_size="80 to 128 px"), row(0.03, face_size="128 to 256 px")],
    "by_format": [
        row(0.04, format="JPEG", face_size="128 to 256 px"),
        row(0.05, 19, format="PNG", face_size="128 to 256 px"),
        row(0.06, format="WEBP", face_size="80 to 128 px"),
    ],
}


def worth(file_format: str, size: float, measured: dict[str, Any] | None = None) -> Reliability | None:
    face = FaceResult(Box(0, 0, size, size), (), 1.0, 0.9, Verdict.FAKE)
    return reliability(MEASURED if measured is None else measured, Verdict.FAKE, [face], file_format)


@pytest.mark.parametrize(
    ("file_format", "size", "rate", "band", "formats"),
    [
        ("JPEG", 200, 0.04, "128 to 256 px", ("JPEG",)),
        ("PNG", 200, 0.03, "128 to 256 px", ("JPEG", "PNG")),  # too few of its own
        ("HEIC", 200, 0.03, "128 to 256 px", ("JPEG", "PNG")),
        ("JPEG", 100, 0.02, "80 to 128 px", ("WEBP",)),
        ("JPEG", 300, 0.01, "all", ("JPEG", "PNG", "WEBP")),
        ("pixels", 200, 0.03, "128 to 256 px", ("JPEG", "PNG")),
    ],
)
def test_the_rates_are_those_of_the_size_and_if_possible_the_format(
    file_format: str, size: float, rate: float, band: str, formats: tuple[str, ...]
) -> None:
    found = worth(file_format, size)
    assert found is not None
    assert (found.false_positive_rate, found.face_size, found.formats) == (rate, band, formats)
    assert found.fake_of_100 == 94


def test_a_card_without_formats_names_none() -> None:
    older = {name: rows for name, rows in MEASURED.items() if name != "by_format"}
    found = worth("JPEG", 200, older)
    assert found is not None
    assert (found.false_positive_rate, found.formats) == (0.03, ())


def test_a_damaged_card_says_nothing() -> None:
    assert worth("JPEG", 200, MEASURED | {"by_format": [{"format": "JPEG"}]}) is None
    assert worth("JPEG", 200, MEASURED | {"by_format": [None]}) is None
