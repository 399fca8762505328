"""Run an evaluation: predictions on a labeled data set, metrics, and the files of the report."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from veraface.datasets.layouts import MANIFEST
from veraface.datasets.manifest import FRAMES, read_samples
from veraface.datasets.samples import SPLITS, Sample, matched_sources
from veraface.detector import Detector
from veraface.errors import DataError, ModelError
from veraface.evaluation.aggregate import (
    face_size_rows,
    find_weak_slices,
    format_rows,
    generator_rows,
    plot_data,
    self_blended_row,
    source_rows,
)
from veraface.evaluation.attacks import attack_report
from veraface.evaluation.attributes import attribute_rows, read_attributes
from veraface.evaluation.bootstrap import BootstrapSamples
from veraface.evaluation.predict import Prediction, predict, predict_self_blended
from veraface.evaluation.report import full_markdown, page, short_form, summary
from veraface.evaluation.robustness import CURVES, TIERS, choose_images, step_metrics, tier_rows
from veraface.evaluation.shortcuts import Features, measure_features, shortcut_blocks, warnings
from veraface.files import ensure_writable_dir, write_atomic
from veraface.models.registry import card_path

CURVE_IMAGES = 400


@dataclass(frozen=True)
class EvaluationConfig:
    """What an evaluation covers besides the metrics of the images as they are."""

    split: str = "test"  # train, val, test or all
    frames: int = FRAMES  # maximum number of frames per video
    pairs: tuple[str, ...] = ()  # sources to compare, as "REAL:FAKE"
    tiers: bool = True  # repeat with all images degraded as on the web
    curves: int = CURVE_IMAGES  # number of images for the robustness curves; 0 for none
    self_blend: bool = True  # also evaluate a self-blended fake of each real
    attributes: Path | None = None  # CSV of attributes of the people, such as an age group

    def check(self) -> None:
        """Raise `DataError` for an unknown split or an invalid number of images."""
        if self.split not in (*SPLITS, "all"):
            raise DataError(f"split is {self.split!r}; it must be train, val, test or all")
        if self.curves < 0 or self.curves == 1:
            needed = "a number of images, at least one of each class, or 0 for no curves"
            raise DataError(f"curves is {self.curves}; it must be {needed}")

    def command(self, data: str, model: str = "") -> str:
        """Return the command that repeats the evaluation, for data and model of these names."""
        words = ["veraface", "evaluate", "--data", data, "--split", self.split]
        words += ["--model", model] if model else []
        words += [] if self.frames == FRAMES else ["--frames", str(self.frames)]
        words += [word for pair in self.pairs for word in ("--pair", pair)]
        words += [] if self.tiers else ["--no-tiers"]
        words += [] if self.curves == CURVE_IMAGES else ["--curves", str(self.curves)]
        words += [] if self.self_blend else ["--no-self-blend"]
        words += ["--attributes", self.attributes.name] if self.attributes else []
        return shlex.join([*words, "--out", "report"])


@dataclass(frozen=True)
class AllPredictions:
    """All predictions of an evaluation, and the shortcut features of the images."""

    clean: list[Prediction]  # of the images as they are
    tiers: dict[str, list[Prediction]]  # by tier, of the same images in the same order
    curves: dict[str, list[Prediction]]  # by degradation, of the images of the curves
    curve_images: list[Prediction]  # of the images of the curves as they are
    self_blended: list[Prediction]
    features: Features

    def __iter__(self) -> Iterator[Prediction]:
        """Iterate in the order of `images.jsonl`."""
        for predictions in (self.clean, *self.tiers.values(), self.self_blended, *self.curves.values()):
            yield from predictions


def evaluate(
    data: Path,
    out: Path,
    config: EvaluationConfig | None = None,
    *,
    model: str | Path | None = None,
    write_card: bool = False,
) -> str:
    """Evaluate a model; write `report.html`, `.md`, `.json` and `images.jsonl` (a line per image).

    The same data, config and model give the same bytes on the same machine.

    Args:
        data: a manifest, or a folder as `read_samples` reads it.
        out: folder to write to.
        config: what to evaluate; the defaults of `EvaluationConfig` if None.
        model: name of a classifier or path of an `.onnx` file; the default one if None.
        write_card: also store the short form of the report in the model card.

    Returns:
        The main tables of the report as Markdown.

    Raises:
        DataError: the data cannot be read or contain no readable image, or the config is invalid.
        ModelError: the model is unknown or damaged, or has no card file to write to.
    """
    config = config or EvaluationConfig()
    config.check()
    samples = [s for s in read_samples(data, config.frames) if config.split in (s.split, "all")]
    if not samples:
        raise DataError(f"{data}: the {config.split} split is empty")
    matched_sources(samples, config.pairs)  # check the options before the long work
    if config.attributes:
        read_attributes(config.attributes)
    detector = Detector(model, threads=1)
    ensure_writable_dir(out)
    predictions = predict_all(detector, samples, config, data if data.is_dir() else data.parent)
    lines = (json.dumps(asdict(prediction)) + "\n" for prediction in predictions)
    write_atomic(out / "images.jsonl", "".join(lines))  # first, as it took longest
    report: dict[str, Any] = {
        "data": f"{_name(data)}, {config.split} split",
        "command": config.command(_name(data), "" if model is None else Path(model).name),
        "model": detector.model_info,
        "thresholds": asdict(detector.card.thresholds),
        **compute_report(predictions, config),
    }
    write_atomic(out / "report.json", json.dumps(report, indent=2) + "\n")
    write_atomic(out / "report.md", full_markdown(report))
    write_atomic(out / "report.html", page(report))
    if write_card:
        path = card_path(model)
        if path is None:
            raise ModelError(f"{model}: has no card file to store the metrics in; give an .onnx file")
        replace(detector.card, measured=short_form(report)).save(path)
    return summary(report)


def _name(data: Path) -> str:
    """Return the name of the data's folder, and that of a manifest that is not the folder's default one."""
    data = data.resolve()
    if data.is_dir():
        return data.name
    return data.parent.name if data.name == MANIFEST else f"{data.parent.name}/{data.name}"


def predict_all(
    detector: Detector, samples: Sequence[Sample], config: EvaluationConfig, root: Path
) -> AllPredictions:
    """Run the detector on the images, clean and in every degradation of the config."""
    clean = predict(detector, samples, root=root)
    if all(prediction.verdict is None for prediction in clean):
        raise DataError(
            f"none of the {len(clean)} images could be read; the first, {clean[0].path}: {clean[0].error}"
        )
    chosen = choose_images(samples, config.curves)
    steps = [degradation for curve in CURVES for _, degradation in curve.steps()] if chosen else []
    few = [samples[i] for i in chosen]
    return AllPredictions(
        clean=clean,
        tiers={
            tier.name: predict(detector, samples, tier, root=root, title=f"Detecting, tier {tier.name}")
            for tier in (TIERS if config.tiers else ())
        },
        self_blended=predict_self_blended(detector, samples, root=root) if config.self_blend else [],
        curves={
            step.name: predict(detector, few, step, root=root, title=f"Detecting, {step.name}")
            for step in steps
        },
        curve_images=[clean[i] for i in chosen],
        features=measure_features(samples, clean),
    )


def compute_report(predictions: AllPredictions, config: EvaluationConfig) -> dict[str, Any]:
    """Compute the report of the predictions; all intervals use the same bootstrap resamples."""
    clean = predictions.clean
    bootstrap = BootstrapSamples(prediction.group for prediction in clean)
    shortcuts = shortcut_blocks(predictions.features, clean, bootstrap, config.pairs)
    report: dict[str, Any] = {
        "rows": source_rows(clean, bootstrap, config.pairs),
        "by_generator": generator_rows(clean, bootstrap),
        "by_face_size": face_size_rows(clean, bootstrap),
    }
    if rows := format_rows(clean, bootstrap):
        report["by_format"] = rows
    if attacks := attack_report(clean):
        report["attacks"] = attacks
    if config.attributes:
        report["by_attribute"] = attribute_rows(clean, *read_attributes(config.attributes))
    if predictions.tiers:
        report["tiers"] = tier_rows(clean, predictions.tiers, bootstrap)
    if predictions.curves:
        report["curves"] = _curves(predictions.curve_images, predictions.curves)
    if predictions.self_blended:
        report["self_blended"] = self_blended_row(clean, predictions.self_blended, bootstrap)
    report["weak_spots"] = find_weak_slices(report)
    report["trivial"] = {"sets": shortcuts, "warnings": warnings(shortcuts)}
    report["diagrams"] = plot_data(clean)
    return report


def _curves(clean: Sequence[Prediction], degraded: Mapping[str, Sequence[Prediction]]) -> dict[str, Any]:
    bootstrap = BootstrapSamples(prediction.group for prediction in clean)
    found = []
    for curve in CURVES:
        steps = [{"strength": s, **step_metrics(degraded[d.name], bootstrap)} for s, d in curve.steps()]
        found.append({"degradation": curve.name, "scale": curve.scale, "steps": steps})
    fakes = sum(prediction.fake for prediction in clean)
    whole = {"real": len(clean) - fakes, "fake": fakes, "clean": step_metrics(clean, bootstrap)}
    return whole | {"degradations": found}
