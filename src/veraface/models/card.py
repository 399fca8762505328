"""Model cards: how to feed a classifier, how to read it, and what was measured of it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from veraface.decision import Calibration, Thresholds
from veraface.errors import ModelError
from veraface.files import write_atomic
from veraface.models.crop import CropSettings

# Names of fields before version 0.2; still read, and still written beside the new ones by `to_dict`.
_OLD_NAMES = {"license": "licence", "normalization": "normalisation"}


@dataclass(frozen=True)
class BaseFile:
    """An ONNX file that several versions of a model share; only the tensors that were tuned are their own.

    Attributes:
        file: its name; it lies beside the card.
        sha256: of the file, in hexadecimal.
    """

    file: str
    sha256: str

    def __post_init__(self) -> None:
        _check_file_name(self.file)


@dataclass(frozen=True)
class SecondNetwork:
    """Another model that sees each crop of a face too; its logits are added to the model's own.

    Attributes:
        file: name of its card; it lies beside the model's.
        sha256: of its weights, in hexadecimal.
        weight: factor of its logits; over 0.
    """

    file: str
    sha256: str
    weight: float

    def __post_init__(self) -> None:
        _check_file_name(self.file)
        if not (_is_number(self.weight) and 0 < self.weight < float("inf")):
            raise ValueError(f"the weight of the second network must be over 0, not {self.weight}")


@dataclass(frozen=True)
class ModelCard:
    """Preprocessing, calibration, thresholds and measured performance; a `.json` file next to the weights.

    Attributes:
        name: of the model.
        version: of the weights.
        sha256: of the weights, in hexadecimal: of the ONNX file; of the `.npz` file of tuned tensors, if
            there is a `base`.
        backbone: timm name of the network.
        crop: how a face is cut out for this model.
        normalization: mean and standard deviation of RGB in 0..1; applied inside the ONNX graph.
        calibration: from logit to p_fake.
        thresholds: bounds of the uncertain band.
        error_rates: target error rates of the thresholds, on validation data.
        data: what the model was trained on.
        license: terms of the weights.
        limits: where the model fails, and what it must not be used for.
        made: date of the export, ISO 8601.
        data_terms: license of each training source.
        training: settings of the training run.
        measured: figures on test data, with the command that measured them.
        error_bounds: `confidence`, and by `reals_called_fake` and `fakes_called_real` the upper bound of that
            error rate in each group of sources; see docs/training.md.
        tta: classify the mirror image of a face too and average both logits.
        base: the ONNX file whose tensors are replaced by those of the `.npz` file; None if the weights are
            one ONNX file.
        second: another model whose logits are added; None if there is none.
        wide_margin: margin of a second, wider crop of each face; the logits of both crops are averaged. At
            least that of `crop`; None if there is none.
    """

    name: str
    version: str
    sha256: str
    backbone: str
    crop: CropSettings
    normalization: Mapping[str, Any]
    calibration: Calibration
    thresholds: Thresholds
    error_rates: Mapping[str, float]
    data: str
    license: str
    limits: tuple[str, ...]
    made: str
    data_terms: Mapping[str, str] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)
    error_bounds: Mapping[str, Any] = field(default_factory=dict)
    tta: bool = True
    base: BaseFile | None = None
    second: SecondNetwork | None = None
    wide_margin: float | None = None

    def __post_init__(self) -> None:
        wide = self.wide_margin
        if wide is not None and not (_is_number(wide) and self.crop.margin <= wide <= 4):
            raise ValueError(f"wide_margin must be {self.crop.margin} to 4, not {wide!r}")

    @property
    def model_info(self) -> dict[str, str]:
        """Name, version and sha256 of the model."""
        return {"name": self.name, "version": self.version, "sha256": self.sha256}

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready copy, with the deprecated names `licence` and `normalisation` too."""
        values = asdict(self)
        return {**values, **{old: values[new] for new, old in _OLD_NAMES.items()}}

    def save(self, path: Path) -> None:
        """Write the card as JSON, atomically; raise `DataError` if it cannot be written."""
        write_atomic(path, json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, path: Path) -> "ModelCard":
        """Read a card; raise `ModelError` if the file is missing, is not a model card, or lacks a field."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"), parse_constant=_reject_constant)
            if not isinstance(values, dict):
                raise ValueError("it must be a JSON object")
            for new, old in _OLD_NAMES.items():
                if old in values:
                    values.setdefault(new, values.pop(old))
                    values.pop(old, None)
            values["crop"] = CropSettings(**values["crop"])
            values["calibration"] = Calibration(**values["calibration"])
            values["thresholds"] = Thresholds(**values["thresholds"])
            values["limits"] = tuple(values["limits"])
            if values.get("base") is not None:
                values["base"] = BaseFile(**values["base"])
            if values.get("second") is not None:
                values["second"] = SecondNetwork(**values["second"])
            return _checked(cls(**values))
        except KeyError as error:
            raise ModelError(f"{path}: invalid model card: field {error} is missing") from error
        except FileNotFoundError as error:
            raise ModelError(f"{path}: no such model card; it must lie beside the weights") from error
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ModelError(f"{path}: invalid model card: {error}") from error


def bound_lines(bounds: Mapping[str, Any]) -> list[str]:
    """Return a line of text for each kind of error rate in the `error_bounds` of a card."""
    lines = []
    for name, rate in (("reals_called_fake", "FPR"), ("fakes_called_real", "FNR")):
        for held in (True, False):
            groups = [
                f"{group} {found['bound']:.1%}"
                for group, found in bounds.get(name, {}).items()
                if found["held"] == held
            ]
            if groups:
                kept = "" if held else ", above the target"
                lines.append(
                    f"{rate} at most, at confidence {bounds['confidence']:g}{kept}: {', '.join(groups)}"
                )
    return lines


def _reject_constant(word: str) -> None:
    raise ValueError(f"{word} is not a JSON number")


def _checked(card: ModelCard) -> ModelCard:
    """Return the card if the fields that are shown have the right types; raise ValueError if not."""
    for name in ("name", "version", "sha256", "backbone", "data", "license", "made"):
        if not isinstance(getattr(card, name), str):
            raise ValueError(f"{name} must be a string")
    if not all(isinstance(limit, str) for limit in card.limits):
        raise ValueError("limits must be strings")
    for name in ("error_rates", "error_bounds", "data_terms", "training", "measured"):
        if not isinstance(getattr(card, name), Mapping):
            raise ValueError(f"{name} must be an object")
    if not all(map(_is_number, card.error_rates.values())):
        raise ValueError("error_rates must be numbers")
    if not isinstance(card.tta, bool):
        raise ValueError("tta must be true or false")
    rows = card.measured.get("rows", [])
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise ValueError("measured.rows must be a list of objects")
    for row in rows:
        intervals = row.get("intervals", {})
        if not isinstance(intervals, Mapping) or not all(
            isinstance(ends, list) and len(ends) == 2 and all(map(_is_number, ends))
            for ends in intervals.values()
            if ends is not None  # too few groups for an interval
        ):
            raise ValueError("measured.rows: intervals must be pairs of numbers")
    return card


def _check_file_name(name: str) -> None:
    if not isinstance(name, str) or Path(name).name != name:
        raise ValueError(f"{name!r} must be the name of a file beside the card")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
