"""Weak spots: only what is worse beyond chance, by name, the worst first, each once."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from veraface.evaluation.aggregate import find_weak_slices

NAMES = ("reals_called_fake", "fakes_called_real", "auc")


def row(kind: str, name: str, **compute_metrics: tuple[float, float, float] | None) -> dict[str, Any]:
    """A row with metrics as (value, low, high)."""
    return {
        kind: name,
        **{figure: (compute_metrics.get(figure) or (None,))[0] for figure in NAMES},
        "intervals": {figure: list(found[1:]) for figure, found in compute_metrics.items() if found},
    }


def report(*rows: dict[str, Any]) -> dict[str, Any]:
    whole = row(
        "source", "all", reals_called_fake=(0.02, 0.01, 0.03), fakes_called_real=None, auc=(0.93, 0.92, 0.94)
    )
    return {
        "rows": [whole, *(r for r in rows if "source" in r)],
        "by_generator": [r for r in rows if "generator" in r],
        "by_face_size": [r for r in rows if "face_size" in r],
    }


def test_significantly_worse_slices_are_named_worst_first() -> None:
    found = find_weak_slices(
        report(
            row("source", "street", reals_called_fake=(0.05, 0.03, 0.09), auc=(0.90, 0.86, 0.95)),
            row("source", "studio", reals_called_fake=(0.11, 0.04, 0.18), auc=(0.95, 0.94, 0.96)),
            row("source", "news", reals_called_fake=(0.08, 0.01, 0.18), auc=(0.80, 0.75, 0.85)),
            row("source", "better", reals_called_fake=(0.001, 0.0, 0.01)),
            row("source", "few", reals_called_fake=None, auc=None),
            row("face_size", "under 60 px", auc=(0.7, 0.6, 0.8)),
        )
    )
    assert found == [
        "studio: 11.0% of reals called fake (4.0% to 18.0%); 2.0% in all",
        "street: 5.0% of reals called fake (3.0% to 9.0%); 2.0% in all",
        "under 60 px: AUC 0.700 (0.600 to 0.800); 0.930 in all",
        "news: AUC 0.800 (0.750 to 0.850); 0.930 in all",
    ]


def test_slices_with_the_same_value_are_named_together() -> None:
    figure = (0.8, 0.75, 0.85)
    found = find_weak_slices(
        report(
            row("source", "swaps", auc=figure),
            row("source", "other", auc=figure),
            row("generator", "swaps", auc=figure),
        )
    )
    assert found == ["swaps, other: AUC 0.800 (0.750 to 0.850); 0.930 in all"]


def test_a_generator_with_the_name_of_a_source() -> None:
    found = find_weak_slices(
        report(
            row("source", "x", reals_called_fake=(0.5, 0.4, 0.6)),
            row("generator", "x", reals_called_fake=None),
        )
    )
    assert found == ["x: 50.0% of reals called fake (40.0% to 60.0%); 2.0% in all"]


def test_a_set_of_one_class_has_no_weak_auc() -> None:
    data = report(row("source", "street", auc=(0.5, 0.4, 0.6)))
    data["rows"][0]["auc"] = None
    assert find_weak_slices(data) == []


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_intervals_with_the_value_of_the_whole_are_not_weak(a: float, b: float, c: float) -> None:
    low, value, high = sorted((a, b, c))
    named = bool(find_weak_slices(report(row("source", "x", auc=(value, low, high)))))
    assert named == (high < 0.93)
