"""Lightning callbacks and plugins of a training run: EMA, checkpoints, early stopping, atomic saving."""

from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, WeightAveraging
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import Tensor

from veraface.files import atomic_write

MONITOR = "val_auc"


class EMA(WeightAveraging):
    """Exponential moving average (EMA) of weights and BatchNorm statistics.

    The EMA is what is validated, kept as the best checkpoint and exported. In the first phase it equals the
    weights. In the second phase the decay grows with the steps, (1 + n) / (10 + n), up to `decay`, as in
    TensorFlow's ExponentialMovingAverage; with a fixed decay the first steps would dominate a short run.
    """

    def __init__(self, decay: float, frozen_steps: int) -> None:
        """Set the upper bound of the decay per step, and the number of steps of the first phase."""

        def blend(average: Tensor, current: Tensor, updates: int | Tensor) -> Tensor:
            steps = int(updates) - frozen_steps
            if steps < 0:
                return current
            return average + (1 - min(decay, (1 + steps) / (10 + steps))) * (current - average)

        super().__init__(avg_fn=blend)


class EarlyStop(EarlyStopping):
    """Stop after `patience` epochs without a better validation AUC, also when a stopped run is resumed."""

    def __init__(self, patience: int) -> None:
        """Monitor the validation AUC."""
        super().__init__(MONITOR, mode="max", patience=patience, check_on_train_epoch_end=False)

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Stop at once if the patience was used up before: Lightning restores the count, not the decision."""
        if self.wait_count >= self.patience:
            trainer.should_stop = True


class BestCheckpoint(ModelCheckpoint):
    """Keep the epoch with the highest validation AUC; of several equal ones the first."""

    def __init__(self, run: Path, name: str) -> None:
        """Keep it as `name`.ckpt in the folder `run`."""
        super().__init__(run, name, monitor=MONITOR, mode="max", enable_version_counter=False)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the best AUC, which Lightning drops if the folder of the run was moved."""

        def here(path: str) -> str:
            return str(Path(str(self.dirpath), Path(path).name))

        moved = {key: here(path) for key, path in state_dict.items() if key.endswith("model_path") and path}
        kept = {here(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict({**state_dict, **moved, "best_k_models": kept, "dirpath": self.dirpath})


class AtomicCheckpointIO(TorchCheckpointIO):
    """Write checkpoints atomically, so that a killed run keeps its previous checkpoint."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write to a temporary file in the same folder, then rename it."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as partial:
            torch.save(checkpoint, partial)
