"""Judge a labeled data set through the shipped pipeline and write what came of it."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from veraface.datasets.layouts import MANIFEST
from veraface.datasets.manifest import FRAMES, SPLITS, Sample, read_samples
from veraface.datasets.sources import matched_sources
from veraface.detector import Detector
from veraface.errors import DataError
from veraface.evaluation import report as writing
from veraface.evaluation.aggregate import face_size_rows, generator_rows, source_rows
from veraface.evaluation.bootstrap import BootstrapSamples
from veraface.evaluation.card import short_form
from veraface.evaluation.curves import diagrams
from veraface.evaluation.predict import Judged, judge
from veraface.evaluation.self_blended import judge_self_blended, self_blended_block
from veraface.evaluation.shortcuts import Features, measure_features, trivial_blocks, warnings
from veraface.evaluation.slices import weak_spots
from veraface.evaluation.tiers import CURVES, TIERS, draw_pictures, step_figures, tier_rows
from veraface.files import ensure_writable_dir, write_atomic
from veraface.models.classifier import DEFAULT_MODEL

CURVE_PICTURES = 400  # by default


@dataclass(frozen=True)
class EvaluationConfig:
    """What an evaluation is to hold beside the figures of the untouched images."""

    split: str = "test"  # train, val, test or all
    frames: int = FRAMES  # the most images of one video
    pairs: tuple[str, ...] = ()  # sources to judge against each other, as "REAL:FAKE"
    tiers: bool = True  # everything judged again after what the web does to images
    curves: int = CURVE_PICTURES  # images on which each degradation is tried in each strength; 0 for none
    self_blend: bool = True  # a fake made of each real and judged

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            DataError: an unknown split, or no such number of images.
        """
        if self.split not in (*SPLITS, "all"):
            raise DataError(f"split is {self.split!r}; it must be train, val, test or all")
        if self.curves < 0 or self.curves == 1:
            raise DataError(
                f"curves is {self.curves}; it must be a number of images, at least one of each class, "
                "or 0 for no curves"
            )

    def command(self, data: str, model: str = "") -> str:
        """The command that repeats the evaluation of the data of this name, with the model of that name."""
        words = ["veraface", "evaluate", "--data", data, "--split", self.split]
        words += ["--model", model] if model else []
        words += [] if self.frames == FRAMES else ["--frames", str(self.frames)]
        words += [word for pair in self.pairs for word in ("--pair", pair)]
        words += [] if self.tiers else ["--no-tiers"]
        words += [] if self.curves == CURVE_PICTURES else ["--curves", str(self.curves)]
        words += [] if self.self_blend else ["--no-self-blend"]
        return shlex.join([*words, "--out", "report"])


@dataclass(frozen=True)
class Evidence:
    """All judgements of an evaluation."""

    clean: list[Judged]
    tiers: dict[str, list[Judged]]  # by tier, the same images in the same order
    curves: dict[str, list[Judged]]  # by degradation
    untouched: list[Judged]  # the images of the curves, clean
    self_blended: list[Judged]
    features: Features

    def everything(self) -> list[Judged]:
        """In the order in which `pictures.jsonl` has them."""
        lists = [self.clean, *self.tiers.values(), self.self_blended, *self.curves.values()]
        return [judged for judgements in lists for judged in judgements]


def evaluate(
    data: Path,
    out: Path,
    plan: EvaluationConfig | None = None,
    *,
    model: Path | None = None,
    write_card: bool = False,
) -> str:
    """Judge every image; write `report.html`, `.md`, `.json` and `pictures.jsonl` (a line each) to `out`.

    The same data, plan and model give the same bytes on the same machine.

    Args:
        data: manifest or folder, as for training.
        out: folder of the report; made if need be.
        plan: what is to be measured; the defaults of `EvaluationConfig` if None.
        model: the `.onnx` file; the shipped model if None.
        write_card: also store the figures, in short, in the card beside the model.

    Returns:
        The main tables of the report as Markdown.

    Raises:
        DataError: the data cannot be read, or hold nothing that can be judged.
        ModelError: the model cannot be loaded.
    """
    plan = plan or EvaluationConfig()
    plan.check()
    samples = [s for s in read_samples(data, plan.frames) if plan.split in (s.split, "all")]
    if not samples:
        raise DataError(f"{data}: the {plan.split} split is empty")
    matched_sources(samples, plan.pairs)  # before the long work: is each of them a pair?
    detector = Detector(model, threads=1)
    ensure_writable_dir(out)
    folder = data if data.is_dir() else data.parent
    evidence = gather(detector, samples, plan, folder)
    lines = (json.dumps(asdict(judged)) + "\n" for judged in evidence.everything())
    write_atomic(out / "pictures.jsonl", "".join(lines))  # first: it took longest, and all else is made of it
    thresholds = detector.card.thresholds
    report: dict[str, Any] = {
        "data": f"{_name(data)}, {plan.split} split",
        "command": plan.command(_name(data), "" if model is None else model.name),
        "model": detector.model_info,
        "thresholds": {"real": thresholds.real, "fake": thresholds.fake},
        **measure(evidence, plan),
    }
    write_atomic(out / "report.json", json.dumps(report, indent=2) + "\n")
    write_atomic(out / "report.md", writing.full_markdown(report))
    write_atomic(out / "report.html", writing.page(report))
    if write_card:
        card_path = (model or DEFAULT_MODEL).with_suffix(".json")
        replace(detector.card, measured=short_form(report)).save(card_path)
    return writing.summary(report)


def _name(data: Path) -> str:
    """The folder of the data, and the manifest where it is not the one that the folder is read by."""
    data = data.resolve()
    if data.is_dir():
        return data.name
    return data.parent.name if data.name == MANIFEST else f"{data.parent.name}/{data.name}"


def gather(detector: Detector, samples: Sequence[Sample], plan: EvaluationConfig, root: Path) -> Evidence:
    """Judge the images in every state that the plan asks for."""
    clean = judge(detector, samples, root=root)
    if all(judged.verdict is None for judged in clean):
        raise DataError(
            f"none of the {len(clean)} images could be judged; the first, {clean[0].path}: {clean[0].error}"
        )
    tiers = {
        tier.name: judge(
            detector, samples, tier.degradation, root=root, title=f"Judging as on the web, {tier.name}"
        )
        for tier in (TIERS if plan.tiers else ())
    }
    chosen = draw_pictures(samples, plan.curves)
    steps = [degradation for curve in CURVES for _, degradation in curve.steps()] if chosen else []
    return Evidence(
        clean=clean,
        tiers=tiers,
        self_blended=judge_self_blended(detector, samples, root=root) if plan.self_blend else [],
        curves={
            step.name: judge(
                detector, [samples[i] for i in chosen], step, root=root, title=f"Judging under {step.name}"
            )
            for step in steps
        },
        untouched=[clean[i] for i in chosen],
        features=measure_features(samples, clean),
    )


def measure(evidence: Evidence, plan: EvaluationConfig) -> dict[str, Any]:
    """Everything that a report says of the judgements; all intervals come from the same draws."""
    clean = evidence.clean
    draws = BootstrapSamples(judged.group for judged in clean)
    trivial = trivial_blocks(evidence.features, clean, draws, plan.pairs)
    found: dict[str, Any] = {
        "rows": source_rows(clean, draws, plan.pairs),
        "by_generator": generator_rows(clean, draws),
        "by_face_size": face_size_rows(clean, draws),
    }
    if evidence.tiers:
        found["tiers"] = tier_rows(clean, evidence.tiers, draws)
    if evidence.curves:
        found["curves"] = _curves(evidence.untouched, evidence.curves)
    if evidence.self_blended:
        found["self_blended"] = self_blended_block(clean, evidence.self_blended, draws)
    found["weak_spots"] = weak_spots(found)
    found["trivial"] = {"sets": trivial, "warnings": warnings(trivial)}
    found["diagrams"] = diagrams(clean)
    return found


def _curves(untouched: Sequence[Judged], judged: Mapping[str, Sequence[Judged]]) -> dict[str, Any]:
    draws = BootstrapSamples(image.group for image in untouched)
    return {
        "real": sum(not image.fake for image in untouched),
        "fake": sum(image.fake for image in untouched),
        "clean": step_figures(untouched, draws),
        "degradations": [
            {
                "degradation": curve.name,
                "scale": curve.scale,
                "steps": [
                    {"strength": strength, **step_figures(judged[step.name], draws)}
                    for strength, step in curve.steps()
                ],
            }
            for curve in CURVES
        ],
    }
