"""The settings of a training run, written beside its checkpoints as `config.yaml`."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from veraface.errors import DataError
from veraface.files import write_atomic
from veraface.models.crop import CropSettings

_LISTS = ("leave_out", "pairs", "emphasis")


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides what a run computes; two runs with equal configs give equal weights."""

    data: str  # manifest or folder
    backbone: str = "tf_efficientnet_lite0"  # any timm name
    pretrained: str = "auto"  # auto, timm, none, or a file of weights
    size: int = 160  # side of the model input, px
    margin: float = 1.3  # side of the crop over the longer side of the face box
    epochs: int = 12  # in all, the frozen ones included
    frozen_epochs: int = 1  # first phase: only the head learns
    batch_size: int = 48
    head_rate: float = 2e-3  # learning rate of the head in the first phase
    rate: float = 6e-4  # peak learning rate of the second phase
    warmup: float = 0.05  # share of the second phase in which the rate rises
    weight_decay: float = 0.02
    batch_norm: str = "update"  # second phase: update the statistics, or keep the pretrained ones
    average_decay: float = 0.998  # of the moving average of the weights, per step
    self_blend: float = 0.2  # share of the training fakes that are made from one real, see self_blend.py
    exchange: float = 0.15  # share of the training fakes that are made from two reals, see exchange.py
    leave_out: tuple[str, ...] = ()  # sources that neither training nor calibration sees
    pairs: tuple[str, ...] = ()  # sources whose images stand side by side in a batch, as "REAL:FAKE"
    emphasis: tuple[str, ...] = ()  # sources drawn more or less often than others, as "SOURCE=FACTOR"
    label_smoothing: float = 0.05
    dropout: float = 0.2
    drop_path: float = 0.0  # how often the last block is skipped, see Network
    patience: int = 4  # epochs without a better validation AUC before stopping
    seed: int = 1
    precision: str = "32-true"  # as Lightning names them; bf16-mixed is faster on processors that have it
    accelerator: str = "cpu"  # as Lightning names them: cpu, gpu, auto
    workers: int = 2  # processes that load images

    def __post_init__(self) -> None:
        if not 0 <= self.frozen_epochs <= self.epochs or self.epochs < 1:
            raise DataError(
                f"frozen epochs ({self.frozen_epochs}) must lie between 0 and epochs ({self.epochs})"
            )
        if self.batch_size < 2:
            raise DataError(f"batch size is {self.batch_size}; batch normalization needs at least 2")
        if self.batch_norm not in ("update", "keep"):
            raise DataError(f"batch norm is {self.batch_norm!r}; it must be update or keep")
        for name in _LISTS:
            entries = getattr(self, name)
            if isinstance(entries, str) or not all(isinstance(entry, str) for entry in entries):
                raise DataError(f"{_words(name)} is {entries!r}; it must be a list of texts, each in quotes")
            object.__setattr__(self, name, tuple(entries))  # YAML gives a list
        for name in ("self_blend", "exchange"):
            if not 0 <= getattr(self, name) <= 1:
                raise DataError(
                    f"{name.replace('_', '-')} is {getattr(self, name)}; it is a share and must lie in 0..1"
                )
        if (made := self.self_blend + self.exchange) > 1:
            raise DataError(f"self-blend and exchange are shares of the fakes; {made:g} in all is above 1")
        for name in ("label_smoothing", "dropout", "drop_path", "warmup", "average_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise DataError(f"{_words(name)} is {getattr(self, name)}; it must be at least 0 and below 1")
        for name in ("rate", "head_rate"):
            if not 0 < getattr(self, name) < 10:
                raise DataError(f"{_words(name)} is {getattr(self, name)}; it must lie between 0 and 10")
        for name, least in (("weight_decay", 0), ("patience", 1), ("workers", 0)):
            if not getattr(self, name) >= least:
                raise DataError(f"{_words(name)} is {getattr(self, name)}; it must be at least {least}")
        if not 0 <= self.seed < 2**32:
            raise DataError(f"seed is {self.seed}; it must lie in 0..{2**32 - 1}")
        try:
            CropSettings(self.size, self.margin)
        except ValueError as error:
            raise DataError(str(error)) from error

    def save(self, path: Path) -> None:
        """Write as YAML."""
        write_atomic(path, yaml.safe_dump(self.to_dict(), sort_keys=False))

    def to_dict(self) -> dict[str, Any]:
        """All settings by name, ready for YAML and JSON."""
        return asdict(self) | {name: list(getattr(self, name)) for name in _LISTS}

    @classmethod
    def load(cls, path: Path) -> "TrainConfig":
        """Read what `save` wrote.

        Raises:
            DataError: the file is missing or is not such a config.
        """
        try:
            values: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
            return cls(**values)
        except FileNotFoundError as error:
            raise DataError(f"{path}: no such file; give the folder of a training run") from error
        except (OSError, ValueError, TypeError, yaml.YAMLError, DataError) as error:
            raise DataError(f"{path}: is not the config of a training run: {error}") from error

    def differences(self, other: "TrainConfig") -> list[str]:
        """The names of the settings in which two configs differ."""
        return [f.name for f in fields(self) if getattr(self, f.name) != getattr(other, f.name)]


def _words(name: str) -> str:
    return name.replace("_", " ")
