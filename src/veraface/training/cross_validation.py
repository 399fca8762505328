"""Leave-one-source-out cross-validation: a training recipe measured on sources that it has not seen."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from veraface.datasets.manifest import read_samples
from veraface.datasets.samples import Sample, leave_out, leave_out_folds
from veraface.datasets.validation import Known, prepare
from veraface.errors import DataError
from veraface.evaluation.score_images import score_images, score_table
from veraface.evaluation.score_table import NetworkScores, ScoreTable
from veraface.files import ensure_writable_dir
from veraface.models.crop import CropSettings
from veraface.training.calibration import balance_weights, fit_calibration
from veraface.training.config import TrainConfig
from veraface.training.group_thresholds import BoundSettings
from veraface.training.score_report import evaluate_scores
from veraface.training.trainer import CONFIG, load_network, train


def cross_validate(
    data: Path,
    out: Path,
    *,
    recipe: Path | None = None,
    changes: Mapping[str, Any] | None = None,
    images: int = 300,
    settings: BoundSettings | None = None,
    only: Sequence[int] | None = None,
) -> str:
    """Train a network per fold without some sources, score these with it, and report as `evaluate_scores`.

    A fold leaves out one source with fakes and some sources with reals only; see `leave_out_folds`. The test
    split is not used, so that choices made by these results can still be tested on it. Finished folds are
    kept; an interrupted one is resumed from its last epoch. `scores.npz` has the logits of all folds.

    Args:
        data: manifest or folder.
        out: gets a training run for each fold, the score table and the report.
        recipe: folder of a training run whose settings to use.
        changes: other settings, by name.
        images: maximum number per class and source.
        settings: targets of the thresholds.
        only: numbers of the folds to run, from 1.

    Returns:
        The report as Markdown; while folds are missing, which ones.

    Raises:
        DataError: the data or the recipe are invalid, or the folder has folds with other settings.
    """
    base = TrainConfig(str(data.resolve())) if recipe is None else TrainConfig.load(recipe / CONFIG)
    base = replace(base, data=str(data.resolve()), **(changes or {}))
    samples = leave_out([s for s in read_samples(data) if s.split != "test"], base.leave_out)
    folds = leave_out_folds(samples)
    if wrong := [number for number in only or () if not 1 <= number <= len(folds)]:
        raise DataError(f"there is no fold {wrong[0]}; folds are numbered from 1 to {len(folds)}")
    ensure_writable_dir(out)
    root = data if data.is_dir() else data.parent
    faces: Known = {}  # detected once, shared by the folds
    tables, missing = [], []
    for number, left_out in enumerate(folds, start=1):
        config = replace(base, leave_out=(*base.leave_out, *left_out))
        chosen = _choose(samples, left_out, images)
        finished = out / f"fold-{number}.npz"
        if not finished.is_file():
            if only and number not in only:
                missing.append(str(number))
                continue
            train(config, out / f"fold-{number}", resume=True, known=faces)
            validation = [s for s in samples if s.split == "val" and s.source not in config.leave_out]
            prepare([*chosen, *validation], skip_bad=False, known=faces)
            unseen, known = (
                [found if isinstance(found := faces[s], Sample) else s for s in part]
                for part in (chosen, validation)
            )
            _score(config, out / f"fold-{number}", unseen, known, number, root).save(finished)
        tables.append(_stored(finished, config, score_table(chosen, {}, number, root)))
    if missing:
        return f"folds {', '.join(missing)} of {len(folds)} are missing; the report needs all of them"
    ScoreTable.joined(tables).save(out / "scores.npz")
    return evaluate_scores(out / "scores.npz", out, settings)


def _choose(samples: Sequence[Sample], sources: Sequence[str], most: int) -> list[Sample]:
    """Return at most `most` samples of each class of each source, evenly spaced, in their order."""
    chosen = []
    for source in sources:
        for fake in (False, True):
            own = [s for s in samples if s.source == source and s.fake == fake]
            places = np.linspace(0, len(own) - 1, min(len(own), most)).round().astype(int)
            chosen += [own[place] for place in places]
    return chosen


def _score(
    config: TrainConfig,
    run: Path,
    samples: Sequence[Sample],
    validation: Sequence[Sample],
    fold: int,
    root: Path,
) -> ScoreTable:
    """Score samples with the network of a run, calibrated on validation images of the sources in training.

    Without calibration, the logits of networks that were trained on other sources differ in scale.
    """
    network = load_network(run, config)

    def classify(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode():
            logits: NDArray[np.float32] = network(torch.from_numpy(crops))[0].numpy()
        return logits

    name, crop = f"{config.backbone}/fold-{fold}", CropSettings(config.size, config.margin)
    known, unseen = (score_images(name, classify, crop, part, fold, root) for part in (validation, samples))
    images = NetworkScores.of(known, config.backbone, final=False)
    weights = balance_weights(images.fake, images.source)
    calibration = fit_calibration(images.logit, images.fake, weights)
    logits = np.float32(calibration.slope) * unseen.logits[name] + np.float32(calibration.intercept)
    return replace(unseen, logits={name: logits})


def _stored(finished: Path, config: TrainConfig, wanted: ScoreTable) -> ScoreTable:
    """Read the table of a finished fold; refuse other settings, and other images than those of `wanted`."""
    differences = TrainConfig.load(finished.with_suffix("") / CONFIG).differences(config)
    table = ScoreTable.load(finished)
    columns = ("path", "fake", "source", "group", "split")
    if any(not np.array_equal(getattr(table, name), getattr(wanted, name)) for name in columns):
        differences.append("images")
    if differences:
        raise DataError(
            f"{finished}: was written with other settings or data ({', '.join(differences)}); pass the same, "
            "or another --out"
        )
    return table
