"""A report of random predictions."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.evaluation.sample_predictions import THRESHOLDS, many
from veraface.datasets.manifest import Sample
from veraface.evaluation.predict import SELF_BLENDED, Prediction
from veraface.evaluation.robustness import CURVES, choose_images
from veraface.evaluation.run import AllPredictions, EvaluationConfig, compute_report
from veraface.evaluation.shortcuts import FEATURES


def make_report(count: int, sources: int, names: dict[str, str] | None = None) -> dict[str, Any]:
    """A whole report; the sources can be given other names."""

    def images(seed: int, spread: float) -> list[Prediction]:
        found = many(count, sources=sources, seed=seed, spread=spread)
        return [replace(p, source=(names or {}).get(p.source, p.source)) for p in found]

    clean = images(0, 1.2)
    samples = [Sample(Path(p.path), p.fake, p.source, p.group, "test") for p in clean]
    chosen = choose_images(samples, count // 4)
    curves = {}
    for i, step in enumerate(step for curve in CURVES for _, step in curve.steps()):
        degraded = images(i, 1 + i / 20)
        curves[step.name] = [degraded[j] for j in chosen]
    random = np.random.default_rng(0)
    evidence = AllPredictions(
        clean=clean,
        tiers={"web": images(1, 1.6), "hard": images(2, 2.2)},
        curves=curves,
        curve_images=[clean[i] for i in chosen],
        self_blended=[replace(p, fake=True, generator=SELF_BLENDED) for p in clean if not p.fake],
        features=random.normal(size=(count, len(FEATURES)))
        + np.array([[2.0 * p.fake, 0, 0, 0, 0] for p in clean]),
    )
    first, second = sorted({p.source for p in clean})[:2]
    config = EvaluationConfig(pairs=(f"{first}:{second}",))
    return {
        "data": "faces, test split",
        "command": config.command("faces"),
        "model": {"name": "lite", "version": "1", "sha256": "0" * 64},
        "thresholds": {"real": THRESHOLDS.real, "fake": THRESHOLDS.fake},
        **compute_report(evidence, config),
    }


@cache
def small_report() -> dict[str, Any]:
    """One for tests that only read it."""
    return make_report(120, 4)


HOSTILE = {
    "source 0": "<script>document.title='taken'</script>",
    "source 1": '"><img src=http://example.invalid/x.png onerror=alert(1)>',
    "source 2": "</text></svg><iframe src=//example.invalid>|\n\x1b[31m & ${$\\frac{1}{0}$} {{ 7*7 }}",
    "source 3": "_hidden\udc80 \u202egnp " + "long " * 40,
}


@cache
def hostile_report() -> dict[str, Any]:
    """The same of sources whose names would be markup."""
    return make_report(120, 4, HOSTILE)
