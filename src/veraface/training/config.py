"""Settings of a training run, stored next to its checkpoints as `config.yaml`."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from veraface.errors import DataError
from veraface.files import write_atomic
from veraface.models.crop import CropSettings

_LISTS = ("leave_out", "pairs", "source_weights")
# Former names of settings, still accepted in the `config.yaml` of older runs.
_FORMER_NAMES = {
    "rate": "lr",
    "head_rate": "head_lr",
    "exchange": "face_swap",
    "emphasis": "source_weights",
}


@dataclass(frozen=True)
class TrainConfig:
    """All settings that decide what a run computes. Runs with equal configs give equal weights.

    Attributes:
        data: manifest or folder.
        backbone: any timm model name.
        pretrained: "auto", "timm", "none", or a file of weights; see `load_pretrained`.
        size: side of the model input, px.
        margin: side of the crop divided by the longer side of the face box.
        epochs: number of epochs, the frozen ones included.
        frozen_epochs: epochs of the first phase, in which only the head is trained.
        batch_size: images per step.
        head_lr: learning rate of the head in the first phase.
        lr: peak learning rate of the second phase.
        warmup: share of the second phase in which the learning rate rises.
        weight_decay: of AdamW.
        batch_norm: second phase: "update" the BatchNorm statistics, or "keep" the pretrained ones.
        average_decay: upper bound of the EMA decay per step.
        self_blend: share of the training fakes that are self-blended images; see `self_blending.py`.
        face_swap: share of the training fakes that are synthesized face swaps; see `face_swap.py`.
        leave_out: sources excluded from training and calibration.
        pairs: sources whose images are placed side by side in a batch, as "REAL:FAKE".
        source_weights: sources drawn more or less often than others, as "SOURCE=FACTOR".
        label_smoothing: of the binary cross-entropy.
        dropout: share of feature channels dropped before the head.
        drop_path: stochastic depth rate of the last block; see `Network`.
        patience: epochs without a better validation AUC before the run stops.
        seed: seed of everything random.
        precision: as Lightning names it; bf16-mixed is faster on processors that support it.
        accelerator: as Lightning names it: cpu, gpu, auto.
        workers: number of processes that load images.
    """

    data: str
    backbone: str = "tf_efficientnet_lite0"
    pretrained: str = "auto"
    size: int = 160
    margin: float = 1.3
    epochs: int = 12
    frozen_epochs: int = 1
    batch_size: int = 48
    head_lr: float = 2e-3
    lr: float = 6e-4
    warmup: float = 0.05
    weight_decay: float = 0.02
    batch_norm: str = "update"
    average_decay: float = 0.998
    self_blend: float = 0.2
    face_swap: float = 0.15
    leave_out: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    source_weights: tuple[str, ...] = ()
    label_smoothing: float = 0.05
    dropout: float = 0.2
    drop_path: float = 0.0
    patience: int = 4
    seed: int = 1
    precision: str = "32-true"
    accelerator: str = "cpu"
    workers: int = 2

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
                raise DataError(
                    f"{_spaced(name)} is {entries!r}; it must be a list of strings, each in quotes"
                )
            object.__setattr__(self, name, tuple(entries))  # YAML gives a list
        for name in ("self_blend", "face_swap"):
            if not 0 <= getattr(self, name) <= 1:
                raise DataError(
                    f"{name.replace('_', '-')} is {getattr(self, name)}; it is a share and must lie in 0..1"
                )
        if (total := self.self_blend + self.face_swap) > 1:
            raise DataError(
                f"self-blend and face-swap are shares of the fakes; their sum is {total:g}, above 1"
            )
        for name in ("label_smoothing", "dropout", "drop_path", "warmup", "average_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise DataError(
                    f"{_spaced(name)} is {getattr(self, name)}; it must be at least 0 and below 1"
                )
        for name in ("lr", "head_lr"):
            if not 0 < getattr(self, name) < 10:
                raise DataError(f"{_spaced(name)} is {getattr(self, name)}; it must lie between 0 and 10")
        for name, least in (("weight_decay", 0), ("patience", 1), ("workers", 0)):
            if not getattr(self, name) >= least:
                raise DataError(f"{_spaced(name)} is {getattr(self, name)}; it must be at least {least}")
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
        """Return all settings by name, ready for YAML and JSON."""
        return asdict(self) | {name: list(getattr(self, name)) for name in _LISTS}

    @classmethod
    def load(cls, path: Path) -> "TrainConfig":
        """Read a config that `save` wrote; settings are also accepted under their former names.

        Raises:
            DataError: the file is missing or is not the config of a run.
        """
        try:
            values: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
            return cls(**{_FORMER_NAMES.get(name, name): value for name, value in values.items()})
        except FileNotFoundError as error:
            raise DataError(f"{path}: no such file; give the folder of a training run") from error
        except (OSError, ValueError, TypeError, AttributeError, yaml.YAMLError, DataError) as error:
            raise DataError(f"{path}: is not the config of a training run: {error}") from error

    def differences(self, other: "TrainConfig") -> list[str]:
        """Return the names of the settings in which two configs differ."""
        return [f.name for f in fields(self) if getattr(self, f.name) != getattr(other, f.name)]


def _spaced(name: str) -> str:
    return name.replace("_", " ")
