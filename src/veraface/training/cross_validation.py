"""Leave-one-source-out cross-validation: a training recipe measured on sources that it has not seen."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from veraface.datasets.manifest import read_samples
from veraface.datasets.samples import Sample, leave_out, leave_out_folds
from veraface.datasets.validation import Known
from veraface.detector import Detector
from veraface.errors import DataError
from veraface.evaluation.arrays import ImageSet, PredictionArrays
from veraface.evaluation.bootstrap import MIN_GROUPS, BootstrapSamples, Values
from veraface.evaluation.metrics import evaluator
from veraface.evaluation.predict import Prediction, predict
from veraface.evaluation.roc import share
from veraface.files import ensure_writable_dir, write_atomic
from veraface.results import Verdict
from veraface.training.calibration import ErrorTargets
from veraface.training.config import TrainConfig
from veraface.training.export import export
from veraface.training.trainer import CONFIG, train


def cross_validate(
    data: Path,
    out: Path,
    *,
    recipe: Path | None = None,
    changes: Mapping[str, Any] | None = None,
    images: int = 300,
    targets: ErrorTargets | None = None,
    only: Sequence[int] | None = None,
) -> str:
    """Train a model per fold without some sources and evaluate it on them; write `crossval.json` and `.md`.

    A fold leaves out one source with fakes and some sources with reals only; see `leave_out_folds`. The test
    split is not used, so that choices made by these results can still be tested on it. Finished folds are
    kept; an interrupted one is resumed from its last epoch. Returns the report as Markdown.

    The settings are those of the training run in the folder `recipe` with `changes` by name; `images` is the
    maximum per class and source, and `only` are the numbers of the folds to run, from 1. Raises DataError if
    the data or the recipe are invalid, or the folder has folds with other settings.
    """
    base = TrainConfig(str(data.resolve())) if recipe is None else TrainConfig.load(recipe / CONFIG)
    base = replace(base, data=str(data.resolve()), **(changes or {}))
    samples = leave_out([s for s in read_samples(data) if s.split != "test"], base.leave_out)
    folds = leave_out_folds(samples)
    if wrong := [number for number in only or () if not 1 <= number <= len(folds)]:
        raise DataError(f"there is no fold {wrong[0]}; folds are numbered from 1 to {len(folds)}")
    targets = targets or ErrorTargets()
    evaluation = {"pictures": images, "samples": _digest(samples)}
    evaluation |= {"reals_called_fake": targets.max_fpr, "fakes_called_real": targets.max_fnr}
    ensure_writable_dir(out)
    rows: list[dict[str, Any]] = []
    faces: Known = {}  # detected once, shared by the folds
    done = 0
    for number, left_out in enumerate(folds, start=1):
        config = replace(base, leave_out=(*base.leave_out, *left_out))
        settings = _settings(config) | evaluation
        finished = out / f"fold-{number}.json"
        if not finished.is_file():
            if only and number not in only:
                continue
            fold = _run_fold(config, samples, out / f"fold-{number}", images, targets, faces)
            write_atomic(finished, json.dumps({"settings": settings, "rows": fold}, indent=2) + "\n")
        rows += _stored(finished, settings)
        done += 1
    report = {
        "settings": _settings(base) | evaluation,
        "folds": {"done": done, "all": len(folds)},
        "summary": _summary(rows),
        "rows": rows,
    }
    markdown = _markdown(report)
    write_atomic(out / "crossval.json", json.dumps(report, indent=2) + "\n")
    write_atomic(out / "crossval.md", markdown)
    return markdown


def _stored(finished: Path, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Read the rows of a finished fold; refuse a damaged file and other settings or data."""
    try:
        stored = json.loads(finished.read_text(encoding="utf-8"))
        written_with, rows = stored["settings"], list(stored["rows"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{finished}: is damaged; delete it to evaluate the fold again") from error
    if written_with != settings:
        raise DataError(
            f"{finished}: was written with other settings or data; pass the same, or another --out"
        )
    return rows


def _digest(samples: Sequence[Sample]) -> str:
    """Return a digest of a set of samples that does not depend on its folder."""
    lines = sorted(f"{s.path.name} {s.fake} {s.source} {s.group} {s.split} {s.box}" for s in samples)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _run_fold(
    config: TrainConfig,
    samples: Sequence[Sample],
    run: Path,
    images: int,
    targets: ErrorTargets,
    faces: Known,
) -> list[dict[str, Any]]:
    """Train, export and evaluate; return a row for each class of each source that was left out."""
    train(config, run, resume=True, known=faces)
    export(run, run, name="model", targets=targets, known=faces)
    detector = Detector(run / "model.onnx", threads=1)
    kept = [s for s in samples if s.source not in config.leave_out and s.split == "val"]
    known = predict(detector, kept, title="Detecting, sources in training")
    classes = [(source, fake) for source in config.leave_out for fake in (False, True)]
    unseen = [
        sample
        for source, fake in classes
        for sample in _some([s for s in samples if s.source == source and s.fake == fake], images)
    ]
    predictions = predict(detector, unseen, title="Detecting, sources left out")
    return [
        _row(source, fake, own, [p for p in known if p.fake != fake])
        for source, fake in classes
        if (own := [p for p in predictions if p.source == source and p.fake == fake])
    ]


def _some(samples: Sequence[Sample], most: int) -> list[Sample]:
    """Return at most `most` samples, evenly spaced, in their order."""
    count = min(len(samples), most)
    return [samples[i] for i in np.linspace(0, len(samples) - 1, count).round().astype(int)]


def _row(source: str, fake: bool, own: Sequence[Prediction], others: Sequence[Prediction]) -> dict[str, Any]:
    """Compute metrics of one class of a left-out source against the other class of the kept sources."""
    bootstrap = BootstrapSamples(p.group for p in (*own, *others))
    images = PredictionArrays.of(own, bootstrap)
    ranked = ("auc", "recall_at_5_percent") if fake else ("auc",)
    ranking = evaluator(ImageSet(images, PredictionArrays.of(others, bootstrap)), ranked)
    verdicts = {"called_fake": Verdict.FAKE, "called_real": Verdict.REAL, "uncertain": Verdict.UNCERTAIN}

    def compute(groups: Values) -> dict[str, Values]:
        weights = groups[:, images.group]
        return ranking(groups) | {
            name: share(images.verdict == verdict, images.classified, weights)
            for name, verdict in verdicts.items()
        }

    values, intervals = bootstrap.measure(compute)
    if len({image.group for image in own}) < MIN_GROUPS:
        intervals = dict.fromkeys(intervals)
    return {
        "source": source,
        "label": "fake" if fake else "real",
        "pictures": len(own),
        "not_judged": int((~images.classified).sum()),
        **values,
        "intervals": intervals,
    }


def _summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the mean recall on left-out fakes, and the left-out reals with the highest FPR."""
    fakes, reals = ([r for r in rows if r["label"] == label] for label in ("fake", "real"))
    recalls = [recall for r in fakes if (recall := r["recall_at_5_percent"]) is not None]
    fprs = {r["source"]: fpr for r in reals if (fpr := r["called_fake"]) is not None}
    worst = max(fprs, key=lambda source: fprs[source], default=None)
    return {
        "mean_recall_at_5_percent": round(float(np.mean(recalls)), 4) if recalls else None,
        "sources_with_fakes": len(recalls),
        "mean_false_alarms": round(float(np.mean(list(fprs.values()))), 4) if fprs else None,
        "worst_false_alarms": fprs[worst] if worst else None,
        "worst_false_alarms_source": worst,
        "sources_with_reals": len(fprs),
    }


def _settings(config: TrainConfig) -> dict[str, Any]:
    """Return the settings of a training run that a fold's result depends on."""
    settings = config.to_dict() | {"data": Path(config.data).name}
    del settings["workers"]
    return settings


def _markdown(report: Mapping[str, Any]) -> str:
    summary = report["summary"]
    folds, columns = report["folds"], ["source", "label", "pictures", "auc", "recall_at_5_percent"]
    columns += ["called_fake", "called_real", "uncertain"]
    lines = ["# Leave-one-source-out cross-validation", ""]
    if folds["done"] < folds["all"]:
        lines += [f"Only {folds['done']} of {folds['all']} folds so far.", ""]
    if summary["mean_recall_at_5_percent"] is not None:
        lines.append(
            f"- fakes: recall {summary['mean_recall_at_5_percent']:.1%} at 5% false positive rate, mean over "
            f"{summary['sources_with_fakes']} sources"
        )
    if summary["worst_false_alarms_source"]:
        lines.append(
            f"- reals: {summary['mean_false_alarms']:.1%} false positives, mean over "
            f"{summary['sources_with_reals']} sources; worst {summary['worst_false_alarms']:.1%} "
            f"({summary['worst_false_alarms_source']})"
        )
    lines += ["", f"| {' | '.join(columns).replace('_', ' ')} |", "|---" * len(columns) + "|"]
    lines += [f"| {' | '.join(_cell(row, name) for name in columns)} |" for row in report["rows"]]
    lines += [
        "",
        "AUC and recall: against the other class of the sources that were kept, validation split. Intervals "
        "are 95%, resampled by group.",
    ]
    return "\n".join(lines) + "\n"


def _cell(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, float):
        return "" if value is None else str(value)
    form = ".3f" if name == "auc" else ".0%"
    interval = "-".join(format(end, form) for end in row["intervals"][name] or ())
    return f"{value:{form}} ({interval})" if interval else format(value, form)
