"""Attributes of the people in a data set, such as an age group, and error rates by them."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from veraface.errors import DataError
from veraface.evaluation.attacks import rate
from veraface.evaluation.predict import Prediction, grouped
from veraface.results import Verdict

Attributes = Mapping[str, Mapping[str, str]]  # by path of the image: values by name of the attribute


def read_attributes(path: Path) -> tuple[list[str], Attributes]:
    """Return the names of the attributes, and their values, "" if unknown, of a CSV file.

    It has the column `path`, relative to the folder of the data, and one column per attribute. Raises
    `DataError`.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            rows = {row.pop("path"): {name: value or "" for name, value in row.items()} for row in reader}
            return [name for name in reader.fieldnames or () if name != "path"], rows
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as a CSV file with the column path: {error}") from error


def attribute_rows(
    predictions: Sequence[Prediction], names: Sequence[str], values: Attributes
) -> dict[str, list[dict[str, Any]]]:
    """Return for each attribute a row per value, the highest false positive rate first.

    Raises `DataError` if no image has an attribute.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for name in names:
        classified = (p for p in predictions if p.p_fake is not None)
        if groups := grouped(classified, lambda p: values.get(p.path, {}).get(name) or None):  # noqa: B023 - called at once
            rows = [_row(value, groups[value]) for value in sorted(groups)]
            found[name] = sorted(rows, key=lambda row: -(row["fpr"]["value"] or 0))
    if names and not found:
        raise DataError(f"the file of attributes lists no image of the data, such as {predictions[0].path}")
    return found


def _row(value: str, predictions: Sequence[Prediction]) -> dict[str, Any]:
    reals = [p for p in predictions if not p.fake]
    fakes = [p for p in predictions if p.fake]
    return {
        "value": value,
        "groups": len({p.group for p in predictions}),
        "fpr": rate(p.verdict == Verdict.FAKE for p in reals),
        "reals_uncertain": rate(p.verdict == Verdict.UNCERTAIN for p in reals),
        "fnr": rate(p.verdict == Verdict.REAL for p in fakes),
    }
