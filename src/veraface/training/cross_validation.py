"""Leave one source out: how a recipe does on fakes and on reals that it has not seen. Tune on this."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from veraface.datasets.manifest import Sample, read_samples
from veraface.datasets.sources import leave_out, leave_out_folds
from veraface.datasets.synthesis.face_swap import Points
from veraface.detector import Detector
from veraface.errors import DataError
from veraface.evaluation.aggregate import Table, ranking_figures
from veraface.evaluation.bootstrap import MIN_GROUPS, BootstrapSamples
from veraface.evaluation.metrics import Values, share
from veraface.evaluation.predict import Judged, judge
from veraface.files import ensure_writable_dir, write_atomic
from veraface.results import Verdict
from veraface.training.calibration import ErrorLevels
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
    levels: ErrorLevels | None = None,
    only: Sequence[int] | None = None,
) -> str:
    """Train once a fold without some sources, judge those, and write `crossval.json` and `crossval.md`.

    A fold leaves out one source with fakes and, dealt out evenly, sources of reals alone; see
    `leave_out_folds`. The test split takes no part, so that what is chosen by these figures can still be
    tested on it. Finished folds are kept; a stopped one goes on from its last epoch.

    Args:
        data: a manifest or a folder with one.
        out: folder of the folds and the report; made if need be.
        recipe: folder of a training run whose settings to use; the defaults if None.
        changes: settings that differ from the recipe's, by name.
        images: the most that are judged of one source.
        levels: what share of each class may get the opposite verdict; 5 % each if None.
        only: numbers of the folds to run, from 1; all if None.

    Returns:
        The report as Markdown.

    Raises:
        DataError: the data or the recipe make no sense.
    """
    base = TrainConfig(str(data.resolve())) if recipe is None else TrainConfig.load(recipe / CONFIG)
    base = replace(base, data=str(data.resolve()), **(changes or {}))
    samples = leave_out([s for s in read_samples(data) if s.split != "test"], base.leave_out)
    folds = leave_out_folds(samples)
    if wrong := [number for number in only or () if not 1 <= number <= len(folds)]:
        raise DataError(f"there is no fold {wrong[0]}; folds are numbered from 1 to {len(folds)}")
    levels = levels or ErrorLevels()
    judging = {"pictures": images, "samples": _digest(samples), **asdict(levels)}
    ensure_writable_dir(out)
    rows: list[dict[str, Any]] = []
    landmarks: dict[Sample, Points | None] = {}  # found once, though most folds need them
    done = 0
    for number, left_out in enumerate(folds, start=1):
        config = replace(base, leave_out=(*base.leave_out, *left_out))
        settings = _settings(config) | judging
        finished = out / f"fold-{number}.json"
        if not finished.is_file():
            if only and number not in only:
                continue
            fold = _run_fold(config, samples, out / f"fold-{number}", images, levels, landmarks)
            write_atomic(finished, json.dumps({"settings": settings, "rows": fold}, indent=2) + "\n")
        rows += _stored(finished, settings)
        done += 1
    report = {
        "settings": _settings(base) | judging,
        "folds": {"done": done, "all": len(folds)},
        "summary": _summary(rows),
        "rows": rows,
    }
    markdown = _markdown(report)
    write_atomic(out / "crossval.json", json.dumps(report, indent=2) + "\n")
    write_atomic(out / "crossval.md", markdown)
    return markdown


def _stored(finished: Path, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a finished fold.

    Raises:
        DataError: the file is damaged, or was made with other settings or data.
    """
    try:
        stored = json.loads(finished.read_text(encoding="utf-8"))
        made_with, rows = stored["settings"], list(stored["rows"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{finished}: is damaged; delete it, and the fold is judged again") from error
    if made_with != settings:
        raise DataError(f"{finished}: was made with other settings or data; give the same, or another --out")
    return rows


def _digest(samples: Sequence[Sample]) -> str:
    """Tells sets of samples apart, wherever they lie."""
    lines = sorted(f"{s.path.name} {s.fake} {s.source} {s.group} {s.split} {s.box}" for s in samples)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _run_fold(
    config: TrainConfig,
    samples: Sequence[Sample],
    run: Path,
    images: int,
    levels: ErrorLevels,
    landmarks: dict[Sample, Points | None],
) -> list[dict[str, Any]]:
    """Train, export and judge; a row for each class of each source that was left out."""
    train(config, run, resume=True, landmarks=landmarks)
    export(run, run, name="model", levels=levels)
    detector = Detector(run / "model.onnx", threads=1)
    kept = [s for s in samples if s.source not in config.leave_out and s.split == "val"]
    known = judge(detector, kept, title="Judging the sources that are kept")
    unseen = [
        sample
        for source in config.leave_out
        for fake in (False, True)
        for sample in _some([s for s in samples if s.source == source and s.fake == fake], images)
    ]
    judged = judge(detector, unseen, title="Judging the sources that are left out")
    return [
        _row(source, fake, own, [p for p in known if p.fake != fake])
        for source in config.leave_out
        for fake in (False, True)
        if (own := [p for p in judged if p.source == source and p.fake == fake])
    ]


def _some(samples: Sequence[Sample], most: int) -> list[Sample]:
    """At most so many, evenly taken, in their order."""
    if len(samples) <= most:
        return list(samples)
    return [samples[i] for i in np.linspace(0, len(samples) - 1, most).round().astype(int)]


def _row(source: str, fake: bool, own: Sequence[Judged], others: Sequence[Judged]) -> dict[str, Any]:
    """How one class of a left-out source fares against the other class of the sources that were kept."""
    draws = BootstrapSamples(p.group for p in (*own, *others))
    table = Table.of(own, draws)
    ranking = ranking_figures(table, Table.of(others, draws))
    ranked = ("auc", "recall_at_5_percent") if fake else ("auc",)

    def compute(groups: Values) -> dict[str, Values]:
        found = ranking(groups)
        weights = groups[:, table.group]
        verdicts = {
            name: share(table.verdict == verdict, table.judged, weights)
            for name, verdict in (
                ("called_fake", Verdict.FAKE),
                ("called_real", Verdict.REAL),
                ("uncertain", Verdict.UNCERTAIN),
            )
        }
        return {**{name: found[name] for name in ranked}, **verdicts}

    values, intervals = draws.measure(compute)
    if len({image.group for image in own}) < MIN_GROUPS:
        intervals = dict.fromkeys(intervals)
    judged = int(table.judged.sum())
    return {
        "source": source,
        "label": "fake" if fake else "real",
        "pictures": len(own),
        "not_judged": len(own) - judged,
        **values,
        "intervals": intervals,
    }


def _summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mean recall on left-out fakes, and the left-out reals that are called fake most often."""
    recalls = [r["recall_at_5_percent"] for r in rows if r["label"] == "fake"]
    alarms = {r["source"]: r["called_fake"] for r in rows if r["label"] == "real"}
    recalls = [value for value in recalls if value is not None]
    alarms = {source: value for source, value in alarms.items() if value is not None}
    worst = max(alarms, key=lambda source: alarms[source], default=None)
    return {
        "mean_recall_at_5_percent": round(float(np.mean(recalls)), 4) if recalls else None,
        "sources_with_fakes": len(recalls),
        "mean_false_alarms": round(float(np.mean(list(alarms.values()))), 4) if alarms else None,
        "worst_false_alarms": alarms[worst] if worst else None,
        "worst_false_alarms_source": worst,
        "sources_with_reals": len(alarms),
    }


def _settings(config: TrainConfig) -> dict[str, Any]:
    """Which of a training run's settings a fold's result depends on."""
    settings = config.to_dict() | {"data": Path(config.data).name}
    del settings["workers"]
    return settings


def _markdown(report: Mapping[str, Any]) -> str:
    summary = report["summary"]
    columns = ("source", "label", "pictures", "auc", "recall_at_5_percent", "called_fake", "called_real")
    folds = report["folds"]
    lines = ["# Sources left out of training, each once", ""]
    if folds["done"] < folds["all"]:
        lines += [f"Only {folds['done']} of {folds['all']} folds so far.", ""]
    if summary["mean_recall_at_5_percent"] is not None:
        lines.append(
            f"- fakes: recall {summary['mean_recall_at_5_percent']:.1%} at 5 % false alarms, mean over "
            f"{summary['sources_with_fakes']} sources"
        )
    if summary["worst_false_alarms_source"]:
        lines.append(
            f"- reals: {summary['mean_false_alarms']:.1%} called fake, mean over "
            f"{summary['sources_with_reals']} sources; worst {summary['worst_false_alarms']:.1%} "
            f"({summary['worst_false_alarms_source']})"
        )
    lines += ["", "| " + " | ".join(c.replace("_", " ") for c in (*columns, "uncertain")) + " |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for row in report["rows"]:
        cells = [_cell(row, name) for name in (*columns, "uncertain")]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "AUC and recall: against the other class of the sources that were kept, validation split. Intervals "
        "are of 95 %, drawn by group.",
    ]
    return "\n".join(lines) + "\n"


def _cell(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, float):
        return "" if value is None else str(value)
    interval = row["intervals"][name]
    if name == "auc":
        return f"{value:.3f}" + (f" ({interval[0]:.3f}-{interval[1]:.3f})" if interval else "")
    return f"{value:.0%}" + (f" ({interval[0]:.0%}-{interval[1]:.0%})" if interval else "")
