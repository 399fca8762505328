"""Metrics are declared once: tables, plots, report and card include a new one."""

from collections.abc import Iterator

import numpy as np
import pytest

from tests.evaluation.sample_predictions import SHORT
from tests.evaluation.sample_reports import make_report
from veraface.evaluation.aggregate import compute_metrics, find_weak_slices
from veraface.evaluation.arrays import Needs, WeightedSet
from veraface.evaluation.bootstrap import Values
from veraface.evaluation.metrics import METRICS, Place, metric
from veraface.evaluation.report import full_markdown, page, short_form, summary
from veraface.results import Verdict

SHOWN = Place.TABLES | Place.ROBUSTNESS | Place.TILES | Place.FOREST | Place.CARD | Place.CARD_INTERVALS


@pytest.fixture
def balanced_accuracy() -> Iterator[str]:
    """Register a metric for one test: the mean of recall and true negative rate."""
    name, label = "balanced_accuracy", "balanced accuracy"

    @metric(name, label, Needs.RANKED, higher_is_better=True, shown=SHOWN, weak=f"{label} {{value}}")
    def compute(images: WeightedSet) -> Values:
        """Return the mean of the recalls of both classes."""
        verdict = images.images.verdict
        recalls = [
            images.share(verdict == Verdict.FAKE, Needs.FAKE),
            images.share(verdict == Verdict.REAL, Needs.REAL),
        ]
        mean: Values = np.mean(recalls, axis=0)
        return mean

    yield name
    del METRICS[name]


def test_a_new_metric_is_in_every_row(balanced_accuracy: str) -> None:
    """Of four reals two are called real, of three fakes one is called fake."""
    row = compute_metrics(SHORT)
    assert row[balanced_accuracy] == pytest.approx((2 / 4 + 1 / 3) / 2, abs=5e-5)
    assert row["intervals"][balanced_accuracy] is None, "of too few groups"


def test_a_new_metric_is_in_tables_plots_report_and_card(balanced_accuracy: str) -> None:
    report = make_report(120, 4)
    whole = report["rows"][0]
    low, high = whole["intervals"][balanced_accuracy]
    shown = f"{whole[balanced_accuracy]:.1%} ({100 * low:.1f} to {high:.1%})"
    for heading in ("| source | real | fake | AUC |", "| tier | degradation | AUC |"):
        (line,) = [line for line in summary(report).splitlines() if line.startswith(heading)]
        assert "| balanced accuracy |" in line
    assert f"| {shown} |" in summary(report)
    assert f"| balanced accuracy | {shown} |" in full_markdown(report)
    html = page(report)
    assert '<figure id="forest-balanced_accuracy"' in html
    assert "<dt>balanced accuracy</dt>" in html
    assert balanced_accuracy in report["curves"]["degradations"][0]["steps"][0]
    card = short_form(report)
    for row in (*card["rows"], *card["by_face_size"], *card["by_generator"]):
        assert balanced_accuracy in row
    assert all(balanced_accuracy in row["intervals"] for row in card["rows"][:1])


def test_a_new_metric_names_weak_slices(balanced_accuracy: str) -> None:
    report = {
        "rows": [
            {"source": "all", balanced_accuracy: 0.8, "intervals": {}},
            {"source": "web", balanced_accuracy: 0.5, "intervals": {balanced_accuracy: [0.4, 0.6]}},
        ],
        "by_generator": [],
        "by_face_size": [],
    }
    assert find_weak_slices(report) == ["web: balanced accuracy 50.0% (40.0% to 60.0%); 80.0% in all"]


def test_every_metric_is_documented() -> None:
    for name, declared in METRICS.items():
        assert declared.name == name, name
        assert declared.heading, f"{name} has no heading"
        documented = (declared.compute.__doc__ or "").startswith("Return the ")
        assert documented, f"the docstring of {name} in evaluation/metrics.py must begin with 'Return the '"
