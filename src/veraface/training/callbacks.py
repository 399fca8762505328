"""What hangs on Lightning's trainer: the average of the weights, the best epoch, stopping, safe saving."""

from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, WeightAveraging
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import Tensor

MONITOR = "val_auc"


class MovingAverage(WeightAveraging):
    """Exponential moving average of weights and statistics; what is validated, kept as best and exported.

    In the first phase it follows the weights, so that the second starts from where they are. From there
    its memory grows with the steps until `decay` bounds it: (1 + n) / (10 + n), as in TensorFlow's
    ExponentialMovingAverage; otherwise a short run would be judged by its first steps.
    """

    def __init__(self, decay: float, frozen_steps: int) -> None:
        """Average with `decay` per step, after so many steps."""

        def blend(average: Tensor, current: Tensor, updates: int | Tensor) -> Tensor:
            steps = int(updates) - frozen_steps
            if steps < 0:
                return current
            return average + (1 - min(decay, (1 + steps) / (10 + steps))) * (current - average)

        super().__init__(avg_fn=blend)


class Stopping(EarlyStopping):
    """Stop after `patience` epochs without a better validation AUC; a resumed one stays stopped."""

    def __init__(self, patience: int) -> None:
        """Watch the validation AUC."""
        super().__init__(MONITOR, mode="max", patience=patience, check_on_train_epoch_end=False)

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Lightning restores how long there was no gain, but not that this was long enough."""
        if self.wait_count >= self.patience:
            trainer.should_stop = True


class BestEpoch(ModelCheckpoint):
    """Keep the epoch with the best validation AUC; the first of them where several are as good."""

    def __init__(self, run: Path, name: str) -> None:
        """Keep it as `name`.ckpt in the folder `run`."""
        super().__init__(run, name, monitor=MONITOR, mode="max", enable_version_counter=False)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the best AUC so far, also where the folder of the run was moved, which Lightning drops."""

        def here(path: str) -> str:
            return str(Path(str(self.dirpath), Path(path).name)) if path else path

        moved = {
            key: here(value) for key, value in state_dict.items() if key.endswith("model_path") and value
        }
        kept = {here(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict({**state_dict, **moved, "best_k_models": kept, "dirpath": self.dirpath})


class LastEpoch(ModelCheckpoint):
    """Keep the last epoch to resume from. `save_last` of the above would do so only when the AUC rose."""

    def __init__(self, run: Path, name: str) -> None:
        """Keep it as `name`.ckpt in the folder `run`."""
        super().__init__(run, name, enable_version_counter=False)


class WholeFiles(TorchCheckpointIO):
    """Checkpoints written whole or not at all, wherever temporary files lie: a kill leaves the last one."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write beside, then rename."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".part")
        torch.save(checkpoint, partial)
        partial.replace(path)
