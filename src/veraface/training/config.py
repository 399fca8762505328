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
_FORMER = {"rate": "lr", "head_rate": "head_lr", "exchange": "face_swap", "emphasis": "source_weights"}


@dataclass(frozen=True)
class TrainConfig:
    """All settings that decide what a run computes. Runs with equal configs give equal weights."""

    data: str  # manifest or folder
    backbone: str = "tf_efficientnet_lite0"  # any timm model name
    pretrained: str = "auto"  # "auto", "timm", "none", or a file of weights; see `load_pretrained`
    size: int = 160  # side of the model input, px
    margin: float = 1.3  # side of the crop divided by the longer side of the face box
    epochs: int = 12  # number of epochs, the frozen ones included
    frozen_epochs: int = 1  # epochs of the first phase, in which only the head is trained
    batch_size: int = 48  # images per step
    head_lr: float = 2e-3  # learning rate of the head in the first phase
    lr: float = 6e-4  # peak learning rate of the second phase
    warmup: float = 0.05  # share of the second phase in which the learning rate rises
    weight_decay: float = 0.02  # of AdamW
    tune: str = "all"  # weights that are trained: "all", or the "norms" (LayerNorms) of a transformer
    inner_tokens: bool = False  # classify by the class tokens between a transformer's blocks too
    batch_norm: str = "update"  # "update" the statistics in the second phase, or "keep" the pretrained
    average_decay: float = 0.998  # upper bound of the EMA decay per step
    self_blend: float = 0.2  # share of the training fakes that are self-blended; see `self_blending.py`
    face_swap: float = 0.15  # share of the training fakes that are synthesized face swaps; see `face_swap.py`
    reconstruct: float = 0.0  # share of the training fakes that are reconstructions; see `reconstructions`
    reconstructions: str = ""  # folder that `scripts/reconstruct_faces.py` wrote
    leave_out: tuple[str, ...] = ()  # sources excluded from training and calibration
    pairs: tuple[str, ...] = ()  # sources whose images are placed side by side in a batch, as "REAL:FAKE"
    source_weights: tuple[str, ...] = ()  # sources drawn more or less often than others, as "SOURCE=FACTOR"
    label_smoothing: float = 0.05  # of the binary cross-entropy
    dropout: float = 0.2  # share of feature channels dropped before the head
    drop_path: float = 0.0  # stochastic depth rate of the last block; see `Network`
    patience: int = 4  # epochs without a better validation AUC before the run stops
    seed: int = 1  # seed of everything random
    precision: str = "32-true"  # as Lightning names it; bf16-mixed is faster on processors that support it
    accelerator: str = "cpu"  # as Lightning names it: cpu, gpu, auto
    workers: int = 2  # number of processes that load images

    def __post_init__(self) -> None:
        if not 0 <= self.frozen_epochs <= self.epochs or self.epochs < 1:
            raise DataError(
                f"frozen epochs ({self.frozen_epochs}) must lie between 0 and epochs ({self.epochs})"
            )
        self._check("batch_size", self.batch_size >= 2, "must be at least 2 for batch normalization")
        self._check("tune", self.tune in ("all", "norms"), "must be all or norms")
        self._check("batch_norm", self.batch_norm in ("update", "keep"), "must be update or keep")
        for name in _LISTS:
            entries = getattr(self, name)
            self._check(
                name,
                not isinstance(entries, str) and all(isinstance(entry, str) for entry in entries),
                "must be a list of strings, each in quotes",
            )
            object.__setattr__(self, name, tuple(entries))  # YAML gives a list
        for name in ("self_blend", "face_swap", "reconstruct"):
            self._check(name, 0 <= getattr(self, name) <= 1, "is a share and must lie in 0..1", "-")
        if (total := self.self_blend + self.face_swap + self.reconstruct) > 1:
            raise DataError(
                "self-blend, face-swap and reconstruct are shares of the fakes; "
                f"their sum is {total:g}, above 1"
            )
        if self.reconstruct and not self.reconstructions:
            raise DataError("reconstruct needs the folder of reconstructions; pass --reconstructions")
        for name in ("label_smoothing", "dropout", "drop_path", "warmup", "average_decay"):
            self._check(name, 0 <= getattr(self, name) < 1, "must be at least 0 and below 1")
        for name in ("lr", "head_lr"):
            self._check(name, 0 < getattr(self, name) < 10, "must lie between 0 and 10")
        for name, least in (("weight_decay", 0), ("patience", 1), ("workers", 0)):
            self._check(name, getattr(self, name) >= least, f"must be at least {least}")
        self._check("seed", 0 <= self.seed < 2**32, f"must lie in 0..{2**32 - 1}")
        try:
            CropSettings(self.size, self.margin)
        except ValueError as error:
            raise DataError(str(error)) from error

    def _check(self, name: str, valid: bool, rule: str, space: str = " ") -> None:
        if not valid:
            raise DataError(f"{name.replace('_', space)} is {getattr(self, name)!r}; it {rule}")

    def save(self, path: Path) -> None:
        """Write as YAML."""
        write_atomic(path, yaml.safe_dump(self.to_dict(), sort_keys=False))

    def to_dict(self) -> dict[str, Any]:
        """Return all settings by name, ready for YAML and JSON."""
        return asdict(self) | {name: list(getattr(self, name)) for name in _LISTS}

    @classmethod
    def load(cls, path: Path) -> "TrainConfig":
        """Read a config that `save` wrote, also with former names; raise DataError if it is none."""
        try:
            values: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
            return cls(**{_FORMER.get(name, name): value for name, value in values.items()})
        except FileNotFoundError as error:
            raise DataError(f"{path}: no such file; give the folder of a training run") from error
        except (OSError, ValueError, TypeError, AttributeError, yaml.YAMLError, DataError) as error:
            raise DataError(f"{path}: is not the config of a training run: {error}") from error

    def differences(self, other: "TrainConfig") -> list[str]:
        """Return the names of the settings in which two configs differ."""
        return [f.name for f in fields(self) if getattr(self, f.name) != getattr(other, f.name)]
