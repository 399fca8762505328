"""Export of a finished run: an ONNX file and its model card, calibrated on the validation split."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial as partial_function
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
import yaml
from numpy.typing import NDArray
from torch.optim.swa_utils import AveragedModel

import veraface
from veraface.datasets.degradations import Degradations
from veraface.datasets.manifest import Sample, check_samples, read_samples
from veraface.datasets.progress import progress
from veraface.datasets.samples import leave_out
from veraface.datasets.validation import prepare
from veraface.errors import DataError, ModelError
from veraface.files import atomic_write, copy_file, ensure_writable_dir
from veraface.imaging.decode import recompress
from veraface.models.card import BaseFile, ModelCard
from veraface.models.classifier import TUNED, OnnxClassifier, run_network
from veraface.models.crop import CropSettings, FaceViews
from veraface.models.onnx_session import open_session
from veraface.models.protocols import Classifier
from veraface.models.registry import card_path
from veraface.models.tta import classify_crop, classify_face
from veraface.training.calibration import (
    ErrorTargets,
    balance_weights,
    check_enough,
    fit_calibration,
    fit_thresholds,
)
from veraface.training.config import TrainConfig
from veraface.training.dataset import Face, open_sample
from veraface.training.decision_fit import write_card
from veraface.training.network import Network
from veraface.training.onnx_file import check_base, tensors_for_base, write_onnx
from veraface.training.trainer import CONFIG, load_network

TOLERANCE = 1e-4  # largest difference of a logit between torch and ONNX
_WEB_QUALITY = 60  # JPEG quality of the recompressed copy that represents images from the web

LIMITS = (
    "A statistical estimate about faces, not proof: never use it alone against a person.",
    "Less accurate on generators, face swaps and cameras that are missing from its training data.",
    "Classifies only faces of at least 40 px, and does not analyze the rest of an image.",
    "Not for decisions about identity, credit, employment, law enforcement or moderation without a human.",
)


def export(
    run: Path,
    out: Path,
    *,
    name: str,
    data: Path | None = None,
    license: str = "not stated",
    targets: ErrorTargets | None = None,
    average: Sequence[Path] = (),
    data_licenses: Path | None = None,
    skip_bad: bool = False,
    base: Path | None = None,
    one_view: bool = False,
) -> ModelCard:
    """Write `{out}/{name}.onnx` and `{out}/{name}.json`; with a base, `{name}.npz` instead of the ONNX file.

    Args:
        run: the folder of a training run.
        out: the folder to write to; created if missing.
        name: of the model.
        data: location of the run's data; the one in its config if None.
        license: license of the weights, for the card.
        targets: upper bounds of the error rates; 5% each if None.
        average: folders of further runs to average the weights with; see `average_weights`.
        data_licenses: a YAML file of "SOURCE: LICENSE" of the training images, for the card.
        skip_bad: skip unreadable validation images instead of raising.
        base: the INT8 base of the run's network, copied to `out`; only the tuned tensors of the run are
            written. `scripts/quantize_base.py` writes it.
        one_view: the model classifies a face once, without mirrored and recompressed copies.

    Raises:
        DataError: the run has no checkpoint, its data are missing or too few to calibrate on, or the
            ONNX file does not agree with torch, or the base is that of other weights.
    """
    if name in ("", ".", "..") or Path(name).name != name:
        raise DataError(f"name is {name!r}; it must be a plain file name")
    targets = targets or ErrorTargets()
    config = TrainConfig.load(run / CONFIG)
    network = _load_averaged(run, config, average)
    everything = leave_out(read_samples(data or Path(config.data)), config.leave_out)
    train = [s for s in everything if s.split == "train"]
    fakes = sum(s.fake for s in train)
    licenses = _read_licenses(data_licenses, {s.source for s in train})
    samples = _validation_samples(everything, skip_bad=skip_bad)

    ensure_writable_dir(out)
    crop = CropSettings(config.size, config.margin)
    if base is not None:
        check_base(network, base)
        copy_file(base, out / base.name)
        base = out / base.name
    with atomic_write(out / f"{name}{'.onnx' if base is None else TUNED}") as partial:
        if base is None:
            write_onnx(network, config.size, partial)
            session = open_session(partial, threads=0)
            _check_parity(session, network, samples, crop)
        else:
            tensors = tensors_for_base(network, base)
            with partial.open("wb") as file:
                np.savez(file, allow_pickle=False, **tensors)
            session = open_session(base, threads=0, tensors=tensors)
        predict = partial_function(run_network, session, one_by_one=base is not None)
        seen = partial_function(classify_crop, predict, tta=not one_view)

        def classify(views: FaceViews) -> list[float]:
            return [seen(crop).logit for crop in (views.as_is(), views.saved_again())]

        fitted = _fit(classify, samples, crop, config.seed, targets)
        # Without the folders of the machine it ran on.
        settings = {k: v for k, v in config.to_dict().items() if k not in ("data", "workers")}
        settings["pretrained"] = Path(config.pretrained).name
        settings["averaged_with"] = [other.resolve().name for other in average]
        statistics = {"mean": network.mean, "std": network.std}
        normalization = {
            key: [round(float(value) / 255, 6) for value in tensor.flatten()]
            for key, tensor in statistics.items()
        }
        card = ModelCard(
            name=name,
            version=veraface.__version__,
            sha256=_sha256(partial),
            backbone=config.backbone,
            crop=crop,
            normalization=normalization | {"where": "inside the ONNX graph"},
            **fitted,
            data=f"{len(train) - fakes} real and {fakes} fake faces; sources: {', '.join(licenses)}",
            data_terms=licenses,
            license=license,
            limits=LIMITS,
            made=datetime.now(UTC).date().isoformat(),
            training=settings,
            tta=not one_view,
            base=None if base is None else BaseFile(base.name, _sha256(base)),
        )
        card.save(out / f"{name}.json")
    return card


def calibrate(
    model: str | Path | None,
    out: Path,
    *,
    data: Path,
    targets: ErrorTargets | None = None,
    skip_bad: bool = False,
) -> ModelCard:
    """Fit calibration and thresholds of an exported model on the validation split of other data.

    Writes copies of its files and the new card, without the figures that were measured with the old one, to
    the folder `out`.

    Raises `ModelError` if the model is not one of weights in files or they are damaged, and `DataError` if
    the data are too few.
    """
    path = card_path(model)
    if path is None:
        raise ModelError(f"{model}: only a model in an ONNX file can be calibrated")
    classifier = OnnxClassifier(path)
    samples = _validation_samples(read_samples(data), skip_bad=skip_bad)
    classify, card = partial_function(face_logits, classifier), classifier.card
    fitted = _fit(classify, samples, card.crop, 0, targets or ErrorTargets(), wide_margin=card.wide_margin)
    return write_card(path, fitted, out)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _fit(
    classify: Callable[[FaceViews], Sequence[float]],
    samples: Sequence[Sample],
    crop: CropSettings,
    seed: int,
    targets: ErrorTargets,
    *,
    wide_margin: float | None = None,
) -> dict[str, Any]:
    """Fit calibration and thresholds; return them and the error rates by the names of the card's fields."""
    logits, labels, sources = validation_logits(classify, samples, crop, seed, wide_margin=wide_margin)
    calibration = fit_calibration(logits[:, 0], labels, balance_weights(labels, sources))
    p_fake = calibration.probability(logits)
    # Every image has the same weight, so that the target error rates can be checked on test data; those of
    # the calibration would set them for a mix with equally many images of every source.
    thresholds, rates = fit_thresholds(
        p_fake.min(axis=1), p_fake.max(axis=1), labels, np.ones(len(labels)), targets, len(samples)
    )
    allowed = {"allowed_reals_called_fake": targets.max_fpr, "allowed_fakes_called_real": targets.max_fnr}
    return {"calibration": calibration, "thresholds": thresholds, "error_rates": allowed | rates}


def _load_averaged(run: Path, config: TrainConfig, average: Sequence[Path]) -> Network:
    """Load the network of a run and average it with those of other runs, which must have the same input."""
    network, others = load_network(run, config), []
    for other in average:
        settings = TrainConfig.load(other / CONFIG)
        for name in ("backbone", "size", "margin", "leave_out"):
            if getattr(settings, name) != getattr(config, name):
                raise DataError(
                    f"{other}: has another {name.replace('_', '-')} than {run}; runs must agree in it"
                )
        others.append(load_network(other, settings))
    average_weights(network, others)
    return network


def _validation_samples(samples: Sequence[Sample], *, skip_bad: bool) -> list[Sample]:
    """Return the validation samples with their boxes; check that there are enough to calibrate on."""
    validation = [s for s in samples if s.split == "val"]
    check_samples(validation, needed=("val",))
    prepared = prepare(validation, skip_bad=skip_bad, needed=("val",))
    check_enough(np.array([s.fake for s in prepared.samples]))
    return prepared.samples


def average_weights(network: Network, others: Sequence[Network]) -> None:
    """Replace a network's tensors by their mean over it and others that started from the same weights.

    Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
    increasing inference time", ICML 2022. BatchNorm statistics are averaged like the rest.
    """
    mean = AveragedModel(network, use_buffers=True)
    for one in (network, *others):
        mean.update_parameters(one)
    network.load_state_dict(mean.module.state_dict())


def face_logits(classifier: Classifier, views: FaceViews) -> list[float]:
    """Return the logits of a face as it is and saved again, as detection does."""
    return [seen.logit for seen in classify_face(classifier, views) if seen is not None]


def validation_logits(
    classify: Callable[[FaceViews], Sequence[float]],
    samples: Sequence[Sample],
    crop: CropSettings,
    seed: int,
    *,
    wide_margin: float | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[Any]]:
    """Classify every validation image as stored, recompressed, and randomly degraded.

    Args:
        classify: returns the logits of a face, as it is and saved again; any number.
        samples: with boxes.
        crop: of the classifier.
        seed: of the degradations.
        wide_margin: of the widest crop that `classify` asks for; that of `crop` if None.

    Returns:
        These logits, shape (faces, number); labels; sources.
    """
    around = crop if wide_margin is None else replace(crop, margin=wide_margin)
    logits: list[Sequence[float]] = []
    for index, sample in enumerate(progress(samples, "Calibrating", len(samples)), start=1):
        face = open_sample(sample, around)
        # Another stream than in training and validation, which are seeded by seed, epoch and number.
        random = np.random.default_rng([seed, 1_000_000, index - 1])
        degraded = Degradations().apply(face.image, face.box, random)
        copies = [face, face._replace(image=recompress(face.image, _WEB_QUALITY)), Face(*degraded, face.roll)]
        for copy in copies:
            logits.append(classify(copy.views(crop)))
    labels, sources = [s.fake for s in samples], [s.source for s in samples]
    return np.array(logits, np.float32), np.repeat(labels, len(copies)), np.repeat(sources, len(copies))


def _check_parity(
    session: onnxruntime.InferenceSession, network: Network, samples: Sequence[Sample], crop: CropSettings
) -> None:
    pixels = np.stack([open_sample(s, crop).crop(crop) for s in samples[:8]])
    with torch.inference_mode():
        expected = network(torch.from_numpy(pixels))[0].numpy()
    difference = float(np.abs(session.run(["logit"], {"pixels": pixels})[0] - expected).max())
    if difference > TOLERANCE:
        raise DataError(
            f"ONNX and torch differ by {difference:.2g} in the logit; at most {TOLERANCE:g} is allowed"
        )


def _read_licenses(path: Path | None, sources: set[str]) -> dict[str, str]:
    """Read the license of each training source; "not stated" if the file has none."""
    stated: Any = {}
    if path is not None:
        try:
            # A safe loader that reads every scalar as a string: a source may be called 2020, or no.
            stated = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # nosec B506
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise DataError(f"{path}: cannot be read as YAML: {error}") from error
        if not isinstance(stated, dict) or not all(isinstance(v, str) and v for v in stated.values()):
            raise DataError(f"{path}: must contain lines of SOURCE: LICENSE")
    return {source: stated.get(source, "not stated") for source in sorted(sources)}
