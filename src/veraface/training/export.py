"""From a finished run to what is served: an ONNX file and its card, calibrated on the validation split."""

import hashlib
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
import yaml
from numpy.typing import NDArray

import veraface
from veraface.datasets.degradations import Degradations
from veraface.datasets.manifest import Sample, check_samples, read_samples
from veraface.datasets.progress import progress
from veraface.datasets.sources import leave_out
from veraface.datasets.validation import check_prepared, prepare
from veraface.errors import DataError
from veraface.files import ensure_writable_dir
from veraface.imaging.decode import recompress
from veraface.models.card import ModelCard
from veraface.models.crop import CropSettings, crop_face
from veraface.models.onnx_session import open_session
from veraface.models.tta import jpeg_view, tta_batch
from veraface.training.calibration import (
    ErrorLevels,
    balance_weights,
    check_enough,
    fit_calibration,
    fit_thresholds,
)
from veraface.training.config import TrainConfig
from veraface.training.dataset import open_sample
from veraface.training.network import MEAN, STD, Network, first_line
from veraface.training.trainer import BEST, CONFIG

TOLERANCE = 1e-4  # by which a logit may differ between torch and ONNX
_WEB_QUALITY = 60  # JPEG quality of the copy that stands for images from the web
_BATCH = 32

LIMITS = (
    "A statistical judgement about faces, not proof: never use it alone against a person.",
    "Wrong more often on generators, face swaps and cameras that its training data do not hold.",
    "Judges faces of 40 px and more only, and says nothing of the rest of an image.",
    "Not for deciding on identity, credit, employment, law enforcement or moderation without a person.",
)


def export(
    run: Path,
    out: Path,
    *,
    name: str,
    data: Path | None = None,
    licence: str = "not stated",
    levels: ErrorLevels | None = None,
    average: Sequence[Path] = (),
    terms: Path | None = None,
    skip_bad: bool = False,
) -> ModelCard:
    """Write `{out}/{name}.onnx` and `{out}/{name}.json`.

    Args:
        run: the folder of a training run.
        out: the folder to write to; made if need be.
        name: of the model.
        data: where the run's data lie now; where they lay when it was trained if None.
        licence: terms of the weights, for the card.
        levels: what share of each class may get the opposite verdict; 5 % each if None.
        average: folders of further runs whose weights are averaged with those of `run`; see
            `average_weights`.
        terms: a YAML file of "source: under which terms its images are had", for the card.
        skip_bad: leave unreadable validation images out instead of refusing.

    Raises:
        DataError: the run has no checkpoint, its data are gone or too few to calibrate on, or the ONNX
            file does not agree with torch.
    """
    if name in ("", ".", "..") or Path(name).name != name:
        raise DataError(f"name is {name!r}; it must be a plain file name")
    levels = levels or ErrorLevels()
    config = TrainConfig.load(run / CONFIG)
    network = load_network(run, config)
    if average:
        others = [(other, TrainConfig.load(other / CONFIG)) for other in average]
        for other, its in others:
            for setting in ("backbone", "size", "margin", "leave_out"):
                if getattr(its, setting) != getattr(config, setting):
                    raise DataError(
                        f"{other}: has another {setting.replace('_', '-')} than {run}; runs must agree in it"
                    )
        average_weights(network, [load_network(other, its) for other, its in others])
    everything = leave_out(read_samples(data or Path(config.data)), config.leave_out)
    terms_of = _terms(terms, {s.source for s in everything if s.split == "train"})
    samples = [s for s in everything if s.split == "val"]
    check_samples(samples, needed=("val",))
    prepared = prepare(samples, skip_bad=skip_bad)
    check_prepared(prepared, needed=("val",))
    samples = prepared.samples
    check_enough(np.array([s.fake for s in samples]))

    ensure_writable_dir(out)
    weights = out / f"{name}.onnx"
    partial = out / f"{name}.onnx.part"
    try:
        write_onnx(network, config.size, partial)
        session = open_session(partial, threads=0)
        crop = CropSettings(config.size, config.margin)
        logits, labels, sources = _validation_logits(session, samples, crop, config.seed)
        _check_parity(session, network, samples, crop)
        balance = balance_weights(labels, sources)
        calibration = fit_calibration(logits[:, 0], labels, balance)
        p_fake = calibration.probability(logits)
        # The promise is made for faces as they come, so that it can be checked on test data; `balance`
        # would make it for a mix in which every source is as frequent.
        thresholds, rates = fit_thresholds(
            p_fake.min(axis=1), p_fake.max(axis=1), labels, np.ones(len(labels)), levels, len(samples)
        )
        card = ModelCard(
            name=name,
            version=veraface.__version__,
            sha256=hashlib.sha256(partial.read_bytes()).hexdigest(),
            backbone=config.backbone,
            crop=crop,
            normalization={"mean": MEAN, "std": STD, "where": "inside the ONNX graph"},
            calibration=calibration,
            thresholds=thresholds,
            error_rates={
                "allowed_reals_called_fake": levels.reals_called_fake,
                "allowed_fakes_called_real": levels.fakes_called_real,
                **rates,
            },
            data=_describe(everything),
            data_terms=terms_of,
            license=licence,
            limits=LIMITS,
            made=datetime.now(UTC).date().isoformat(),
            training=_settings(config) | {"averaged_with": [other.resolve().name for other in average]},
        )
        card.save(out / f"{name}.json")
        partial.replace(weights)
    finally:
        partial.unlink(missing_ok=True)
    return card


def load_network(run: Path, config: TrainConfig) -> Network:
    """The network of a run's best epoch, in evaluation mode.

    Raises:
        DataError: there is no readable checkpoint.
    """
    path = run / BEST
    if not path.is_file():
        raise DataError(f"{path}: no checkpoint; train first, or give the folder of a finished run")
    network = Network(config.backbone, config.size)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        own = {key.removeprefix("network."): v for key, v in state.items() if key.startswith("network.")}
        network.load_state_dict(own)
    except Exception as error:  # torch raises many kinds for a file that is no checkpoint
        raise DataError(
            f"{path}: is no checkpoint of {config.backbone}, or is damaged: {first_line(error)}"
        ) from error
    return network.eval()


def average_weights(network: Network, others: Sequence[Network]) -> None:
    """Replace a network's tensors by their mean over it and others that started from the same weights.

    Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
    increasing inference time", ICML 2022. BatchNorm statistics are averaged like the rest.
    """
    states = [network.state_dict(), *(other.state_dict() for other in others)]
    mean = {
        name: torch.stack([state[name] for state in states]).mean(0) if tensor.is_floating_point() else tensor
        for name, tensor in states[0].items()
    }
    network.load_state_dict(mean)


def write_onnx(network: Network, size: int, path: Path) -> None:
    """Export with inputs `pixels` (N, size, size, 3) uint8 and outputs `logit` and `evidence`; N is free."""
    example = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        torch.onnx.export(
            network,
            (example,),
            path,
            input_names=["pixels"],
            output_names=["logit", "evidence"],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def _validation_logits(
    session: onnxruntime.InferenceSession, samples: Sequence[Sample], crop: CropSettings, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[Any]]:
    """Logits, labels and sources of every validation image as it is, from the web, and degraded.

    Logits have the shape (faces, 2): what p_fake is made of, and that of the recompressed view.
    """
    logits: list[NDArray[np.float32]] = []
    batch: list[NDArray[np.uint8]] = []

    def flush() -> None:
        if batch:
            views = [view for crop in batch for view in (tta_batch(crop), jpeg_view(crop))]
            found = session.run(["logit"], {"pixels": np.concatenate(views)})[0].reshape(len(batch), -1)
            logits.append(np.column_stack([found[:, :-1].mean(axis=1), found[:, -1]]))
            batch.clear()

    for index, sample in enumerate(progress(samples, "Calibrating", len(samples))):
        image, box = open_sample(sample, crop)
        batch.append(crop_face(image, box, crop))
        batch.append(crop_face(recompress(image, _WEB_QUALITY), box, crop))
        # A stream apart from those of training and early stopping, which use seed, epoch and number.
        random = np.random.default_rng([seed, 1_000_000, index])
        batch.append(crop_face(*Degradations().apply(image, box, random), crop))
        if len(batch) >= _BATCH:
            flush()
    flush()
    copies = 3
    labels = np.repeat([s.fake for s in samples], copies)
    sources = np.repeat([s.source for s in samples], copies)
    return np.concatenate(logits), labels, sources


def _check_parity(
    session: onnxruntime.InferenceSession, network: Network, samples: Sequence[Sample], crop: CropSettings
) -> None:
    pixels = np.stack([crop_face(*open_sample(s, crop), crop) for s in samples[:8]])
    with torch.inference_mode():
        expected = network(torch.from_numpy(pixels))[0].numpy()
    difference = float(np.abs(session.run(["logit"], {"pixels": pixels})[0] - expected).max())
    if difference > TOLERANCE:
        raise DataError(
            f"ONNX and torch differ by {difference:.2g} in the logit; at most {TOLERANCE:g} is allowed"
        )


def _settings(config: TrainConfig) -> dict[str, Any]:
    """The settings of the run, without the folders of the machine it ran on."""
    settings = {k: v for k, v in config.to_dict().items() if k not in ("data", "workers")}
    return settings | {"pretrained": Path(config.pretrained).name}


def _terms(path: Path | None, sources: set[str]) -> dict[str, str]:
    """The terms of each source that the model learned from; "not stated" where the file names none.

    Raises:
        DataError: the file cannot be read or is no such mapping.
    """
    stated: Any = {}
    if path is not None:
        try:
            # A safe loader to which every scalar is text: a source may be called 2020, or no.
            stated = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # nosec B506
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise DataError(f"{path}: cannot be read as YAML: {error}") from error
        if not isinstance(stated, dict) or not all(isinstance(v, str) and v for v in stated.values()):
            raise DataError(f"{path}: must hold lines of SOURCE: TERMS")
    return {source: stated.get(source, "not stated") for source in sorted(sources)}


def _describe(samples: Sequence[Sample]) -> str:
    """The training data in a sentence: how many of each class, from which sources."""
    train = [s for s in samples if s.split == "train"]
    fake = sum(s.fake for s in train)
    sources = ", ".join(sorted({s.source for s in train}))
    return f"{len(train) - fake} real and {fake} fake faces; sources: {sources}"
