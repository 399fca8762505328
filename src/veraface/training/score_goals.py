"""The main figures of a score table's report, beside what this project requires of its shipped model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Report = Mapping[str, Any]


@dataclass(frozen=True)
class Goal:
    """A figure of the report, and the bounds that it must and should keep."""

    name: str
    figure: Callable[[Report], float | None]
    must: float
    aim: float
    higher_is_better: bool = True
    share: bool = False  # shown in percent
    of: Callable[[Report], str] = lambda report: ""  # source that it is of, if it is not of all

    def row(self, report: Report) -> dict[str, Any]:
        """Return the figure with its bounds, and which is kept: "aim", "must", "missed", "" for no figure."""
        value = self.figure(report)
        sign = 1 if self.higher_is_better else -1
        kept = ""
        if value is not None:
            reached = [sign * value >= sign * bound for bound in (self.must, self.aim)]
            kept = "aim" if all(reached) else "must" if reached[0] else "missed"
        return {
            "figure": self.name,
            "value": value,
            "must": self.must,
            "aim": self.aim,
            "kept": kept,
            "share": self.share,
            "of": self.of(report),
        }


def _of_test(source: str, metric: str) -> Callable[[Report], float | None]:
    """Read a metric of a source or pair on the test split."""

    def read(report: Report) -> float | None:
        rows = report["test"]["rows"] if report["test"] else ()
        found = next((row for row in rows if row["source"] == source and row["real"] and row["fake"]), None)
        return None if found is None else found[metric]

    return read


def _of_mean(metric: str) -> Callable[[Report], float | None]:
    return lambda report: report["fakes"][0][metric]


def _of_reals(combine: Callable[[list[float]], float], refitted: bool) -> Callable[[Report], float | None]:
    """Combine the FPR of all sources."""

    def read(report: Report) -> float | None:
        rows = report["reals"]
        return round(combine([(r["refitted"] if refitted else r)["called_fake"] for r in rows]), 4)

    return read


def _worst(refitted: bool) -> Callable[[Report], str]:
    """Name the source with the highest FPR."""

    def read(report: Report) -> str:
        worst = max(report["reals"], key=lambda r: (r["refitted"] if refitted else r)["called_fake"])
        return f"{worst['source']}, {worst['images']} images"

    return read


def _swaps(report: Report) -> float | None:
    aucs = [row["auc"] for row in report["fakes"] if row.get("swap")]
    return round(_average(aucs), 4) if aucs else None


def _lost(tier: str) -> Callable[[Report], float | None]:
    return lambda report: report["test"]["tiers"][tier]["value"] if _has_tier(report, tier) else None


def _has_tier(report: Report, tier: str) -> bool:
    return bool(report["test"]) and tier in report["test"]["tiers"]


def _self_blended(report: Report) -> float | None:
    blended = (report["test"] or {}).get("self_blended")
    return None if blended is None else blended["auc"]


def _average(values: list[float]) -> float:
    return sum(values) / len(values)


_LOW: dict[str, Any] = {"higher_is_better": False}
_LOW_SHARE: dict[str, Any] = {"higher_is_better": False, "share": True}
GOALS = (
    Goal("AUC, test", _of_test("all", "auc"), 0.95, 0.98),
    Goal("FPR, test", _of_test("all", "reals_called_fake"), 0.03, 0.01, **_LOW_SHARE),
    Goal("AUC of fakes of left-out sources, mean", _of_mean("auc"), 0.85, 0.93),
    Goal("recall at 5% FPR of these, mean", _of_mean("recall_at_5_percent"), 0.55, 0.8, share=True),
    Goal("AUC of swaps of left-out sources, mean", _swaps, 0.8, 0.92),
    Goal(
        "FPR on left-out reals, worst source",
        _of_reals(max, False),
        0.06,
        0.03,
        of=_worst(False),
        **_LOW_SHARE,
    ),
    Goal("FPR on left-out reals, mean of sources", _of_reals(_average, False), 0.02, 0.01, **_LOW_SHARE),
    Goal(
        "the same, fitted without the source, worst",
        _of_reals(max, True),
        0.06,
        0.03,
        of=_worst(True),
        **_LOW_SHARE,
    ),
    Goal("the same, fitted without the source, mean", _of_reals(_average, True), 0.02, 0.01, **_LOW_SHARE),
    Goal("uncertain, test", _of_test("all", "share_uncertain"), 0.25, 0.12, **_LOW_SHARE),
    Goal("AUC of ciplab, test", _of_test("ciplab", "auc"), 0.9, 0.95),
    Goal("AUC of dfdc by video, test", _of_test("dfdc", "auc_by_group"), 0.9, 0.96),
    Goal("AUC of ffhq / stylegan140k, test", _of_test("ffhq / stylegan140k", "auc"), 0.95, 0.99),
    Goal("AUC of self-blended, test", _self_blended, 0.9, 0.97),
    Goal("AUC lost from clean to web", _lost("web"), 0.015, 0.005, **_LOW),
    Goal("AUC lost from clean to hard", _lost("hard"), 0.03, 0.015, **_LOW),
    Goal("ECE on left-out sources", lambda r: r["calibration"][0]["calibration_error"], 0.06, 0.03, **_LOW),
)


def goal_rows(report: Report) -> list[dict[str, Any]]:
    """Return a row of each goal."""
    return [goal.row(report) for goal in GOALS]
