"""Judge a labelled data set through the shipped pipeline and write what came of it."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from veraface.detector import Detector
from veraface.errors import DataError, ImageError
from veraface.evaluation.metrics import Judged, area_under_curve, interval, row, share
from veraface.files import make_folder, write_whole
from veraface.model import DEFAULT_MODEL
from veraface.training.manifest import SPLITS, Sample, read_samples
from veraface.training.progress import progress
from veraface.verdict import Verdict

_THREADS = 2


def evaluate(
    data: Path,
    out: Path,
    *,
    model: Path | None = None,
    split: str = "test",
    pairs: Sequence[str] = (),
    write_card: bool = False,
) -> str:
    """Judge every picture; write `report.json`, `report.md` and `pictures.jsonl` (a line each) to `out`.

    Args:
        data: manifest or folder, as for training.
        out: folder of the report; made if need be.
        model: the `.onnx` file; the shipped model if None.
        split: train, val, test or all.
        pairs: sources to judge against each other, as "REAL:FAKE".
        write_card: also store the figures in the card beside the model.

    Returns:
        The report as Markdown.

    Raises:
        DataError: the data cannot be read, or hold nothing to judge.
        ModelError: the model cannot be loaded.
    """
    if split not in (*SPLITS, "all"):
        raise DataError(f"split is {split!r}; it must be train, val, test or all")
    samples = [s for s in read_samples(data) if split in (s.split, "all")]
    if not samples:
        raise DataError(f"{data}: the {split} split is empty")
    sources = {s.source for s in samples}
    for pair in pairs:
        if pair.count(":") != 1 or not set(pair.split(":")) <= sources:
            raise DataError(
                f"pair is {pair!r}; it must be two sources as REAL:FAKE, out of: {', '.join(sorted(sources))}"
            )
    detector = Detector(model, threads=1)
    make_folder(out)
    judged = _judge(detector, samples)
    data = data.resolve()
    name = data.name if data.is_dir() else data.parent.name
    report: dict[str, Any] = {
        "data": f"{name}, {split} split",
        "command": _command(name, split, pairs),
        "model": detector.model_info,
        "intervals": _intervals(judged),
        "rows": _rows(judged, pairs),
    }
    markdown = _markdown(report)
    write_whole(out / "report.json", json.dumps(report, indent=2) + "\n")
    write_whole(out / "report.md", markdown)
    write_whole(out / "pictures.jsonl", "".join(json.dumps(asdict(p)) + "\n" for p in judged))
    if write_card:
        card_path = (model or DEFAULT_MODEL).with_suffix(".json")
        replace(detector.card, measured=report).save(card_path)
    return markdown


def _judge(detector: Detector, samples: Sequence[Sample]) -> list[Judged]:
    def judge(sample: Sample) -> Judged:
        base = partial(Judged, sample.path.name, sample.fake, sample.source, sample.group)
        try:
            result = detector.detect(sample.path, heatmap=False)
        except ImageError as error:
            return base(None, None, str(error))
        return base(result.verdict, result.p_fake)

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(progress(pool.map(judge, samples), "Judging", len(samples)))


def _rows(judged: Sequence[Judged], pairs: Sequence[str]) -> list[dict[str, Any]]:
    rows = [row("all", judged)]
    for source in sorted({p.source for p in judged}):
        own = [p for p in judged if p.source == source]
        classes = {p.fake for p in own}
        against = [p for p in judged if p.fake not in classes] if len(classes) == 1 else []
        rows.append(row(source, own, against))
    for pair in pairs:
        rows.append(row(pair.replace(":", " / "), [p for p in judged if p.source in pair.split(":")]))
    return rows


def _intervals(judged: Sequence[Judged]) -> dict[str, Any]:
    return {
        "auc": interval(area_under_curve, judged),
        "reals_called_fake": interval(lambda p: share(p, False, Verdict.FAKE), judged),
        "fakes_called_fake": interval(lambda p: share(p, True, Verdict.FAKE), judged),
    }


def _command(name: str, split: str, pairs: Sequence[str]) -> str:
    flags = "".join(f" --pair {pair}" for pair in pairs)
    return f"veraface evaluate --data {name} --split {split}{flags} --out report"


def _markdown(report: dict[str, Any]) -> str:
    columns = list(report["rows"][0])
    lines = [
        f"Measured on {report['data']} with {report['model']['name']} {report['model']['version']} "
        f"(`{report['command']}`).",
        "",
        "| " + " | ".join(column.replace("_", " ") for column in columns) + " |",
        "|---" * len(columns) + "|",
    ]
    for figures in report["rows"]:
        lines.append("| " + " | ".join(_cell(column, figures[column]) for column in columns) + " |")
    lines += [
        "",
        "AUC of a source with one class: against all pictures of the other class. Shares are of the judged "
        "pictures of that class. 95 % intervals, drawn by group, for all: "
        + "; ".join(f"{key.replace('_', ' ')} {value}" for key, value in report["intervals"].items() if value)
        + ".",
    ]
    return "\n".join(lines) + "\n"


def _cell(column: str, value: Any) -> str:
    if value is None:
        return ""
    if column in ("source", "real", "fake", "not_judged"):
        return str(value)
    return f"{value:.3f}" if column == "auc" else f"{value:.1%}"
