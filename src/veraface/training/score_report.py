"""The report of a score table: what its decision achieves on left-out sources and on the test split."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veraface.decision import Thresholds
from veraface.evaluation import roc
from veraface.evaluation.aggregate import FACE_BANDS, compute_metrics, face_size_band, source_rows
from veraface.evaluation.arrays import ImageSet, PredictionArrays
from veraface.evaluation.bootstrap import MIN_GROUPS, BootstrapSamples, Values, rounded
from veraface.evaluation.metrics import evaluator
from veraface.evaluation.predict import CLEAN, SELF_BLENDED, Prediction
from veraface.evaluation.robustness import auc_lost
from veraface.evaluation.roc import Flags
from veraface.evaluation.score_table import FINAL, HARD, WEB, NetworkScores, ScoreTable
from veraface.results import Verdict
from veraface.training.calibration import balance_weights
from veraface.training.decision_fit import DecisionFit, refit_without, with_thresholds
from veraface.training.group_thresholds import ScoredImages, confidence_interval, image_shares
from veraface.training.threshold_curves import bound_rows, mean_share

Row = dict[str, Any]

_RANKED = ("auc", "recall_at_5_percent")


@dataclass(frozen=True)
class Scored:
    """Images of a table with their verdicts by a decision.

    Attributes:
        table: the score table.
        rows: which of its images these are.
        images: scores that decide the verdicts.
        p_fake: shown probability.
        thresholds: of the verdicts.
    """

    table: ScoreTable
    rows: NDArray[np.intp]
    images: ScoredImages
    p_fake: Values
    thresholds: Thresholds

    @classmethod
    def of(cls, table: ScoreTable, scores: NetworkScores, fit: DecisionFit) -> "Scored":
        """Score and decide."""
        p_fake = fit.join.probability(scores.scores)
        return cls(table, scores.rows, fit.score(scores), p_fake, fit.thresholds)

    def where(self, flags: Flags) -> "Scored":
        """Select images."""
        return replace(
            self, rows=self.rows[flags], images=self.images.where(flags), p_fake=self.p_fake[flags]
        )

    def column(self, name: str) -> NDArray[Any]:
        """Return a column of the table for these images."""
        values: NDArray[Any] = getattr(self.table, name)[self.rows]
        return values

    def predictions(self, view: str = CLEAN) -> list[Prediction]:
        """Return them as `veraface evaluate` would."""
        fakes, reals = self.images.called_fake(self.thresholds), self.images.called_real(self.thresholds)
        verdicts = np.where(fakes, Verdict.FAKE, np.where(reals, Verdict.REAL, Verdict.UNCERTAIN))
        names = ("path", "fake", "source", "group", "generator", "face_size")
        columns = [self.column(name).tolist() for name in names]
        return [
            Prediction(
                path=path,
                fake=fake,
                source=source,
                group=group,
                verdict=Verdict(verdict),
                p_fake=float(p_fake),
                generator=generator,
                face_size=None if np.isnan(size) else size,
                degradation=view,
            )
            for path, fake, source, group, generator, size, verdict, p_fake in zip(
                *columns, verdicts, self.p_fake, strict=True
            )
        ]


class OutOfFoldReport:
    """Tables of images scored by networks that have not seen their source."""

    def __init__(self, table: ScoreTable, fit: DecisionFit, *, bootstrap: int = 1000) -> None:
        """Score the images; `bootstrap` is the number of resamples of the intervals."""
        self._table, self._fit = table, fit
        self._scores = fit.read(table, final=False)
        self.scored = Scored.of(table, self._scores, fit)
        predictions = self.scored.predictions()
        self._bootstrap = BootstrapSamples((p.group for p in predictions), count=bootstrap)
        self._arrays = PredictionArrays.of(predictions, self._bootstrap)

    def fake_rows(self, pairs: Sequence[str] = ()) -> list[Row]:
        """Return a row of the fakes of each source, after one of their means, and a row of each pair.

        `auc` and `recall_at_5_percent` are against the reals of all sources, each scored by the networks that
        have not seen it; `auc_same_networks` against those that the same networks have not seen, and
        `auc_own` against the reals of the same source, or of the other in a pair "REAL:FAKE". Intervals are
        from a bootstrap over groups.
        """
        fake, source = self._arrays.fake, self.scored.column("source")
        names = [str(name) for name in np.unique(source[fake])]
        values, intervals = self._measure_ranking(names, pairs)
        shown = dict.fromkeys(key.rpartition("/")[0] for key in values)
        rows = []
        for name in ["mean", *(name for name in shown if name != "mean")]:
            chosen = fake & (source == name.rpartition(" / ")[2])
            row: Row = {"source": name}
            if name in names:
                row = verdict_row("source", name, self.scored.where(chosen))
            few = bool(chosen.any()) and self._arrays.count_groups(chosen) < MIN_GROUPS
            kinds = {key.rpartition("/")[2]: key for key in values if key.rpartition("/")[0] == name}
            row |= {kind: values[key] for kind, key in kinds.items()}
            rows.append(row | {"intervals": {k: None if few else intervals[key] for k, key in kinds.items()}})
        return rows

    def _measure_ranking(
        self, names: Sequence[str], pairs: Sequence[str]
    ) -> tuple[dict[str, float | None], dict[str, list[float] | None]]:
        """Return values and intervals by "NAME/METRIC", of sources, pairs and the mean of the sources."""
        fake, source = self._arrays.fake, self.scored.column("source")
        computed: dict[str, Callable[[Values], dict[str, Values]]] = {}

        def add(key: str, own: Flags, reals: Flags, metrics: Sequence[str] = ("auc",)) -> None:
            if own.any() and reals.any():
                images = ImageSet(self._arrays.where(own), self._arrays.where(reals))
                computed[key] = evaluator(images, metrics)

        for name in names:
            for kind, reals in self._reals_against(name).items():
                add(f"{name}/{kind}", fake & (source == name), reals, _RANKED if kind == "auc" else ("auc",))
        for pair in pairs:
            real, name = pair.split(":")
            add(f"{real} / {name}/auc_own", fake & (source == name), ~fake & (source == real))

        def compute(groups: Values) -> dict[str, Values]:
            found = {}
            for key, function in computed.items():
                name, _, kind = key.rpartition("/")
                for metric, values in function(groups).items():
                    found[f"{name}/{kind if metric == 'auc' else metric}"] = values
            for kind in (*_RANKED, "auc_same_networks", "auc_own"):
                each = [found[f"{name}/{kind}"] for name in names if f"{name}/{kind}" in found]
                found[f"mean/{kind}"] = np.mean(each, axis=0) if each else np.full(len(groups), np.nan)
            return found

        return self._bootstrap.measure(compute)

    def _reals_against(self, name: str) -> dict[str, Flags]:
        """Return the reals that the fakes of a source are ranked against, by the name of the AUC."""
        fake, source, fold = self._arrays.fake, self.scored.column("source"), self.scored.column("fold")
        own = ~fake & (source == name)
        reals = {"auc": ~fake, "auc_same_networks": ~fake & np.isin(fold, fold[source == name])}
        if self._arrays.count_groups(own) >= MIN_GROUPS:
            reals["auc_own"] = own
        return reals

    def real_rows(self) -> list[Row]:
        """Return a row of the reals of each source, with the rates at thresholds fitted without the source.

        `refitted` has the share called fake and the share uncertain with weights, calibration and thresholds
        fitted to the other sources.
        """
        validation = self._fit.read(self._table, final=True, where=self._table.split == "val")
        rows = []
        for name, refit in self._refits.items():
            others = self._scores.where(self._scores.source != name)
            refit = with_thresholds(refit, others, validation.where(validation.source != name))
            own = ~self._scores.fake & (self._scores.source == name)
            again = refit.score(self._scores.where(own))
            rates = {
                "called_fake": mean_share(again.called_fake(refit.thresholds)),
                "uncertain": mean_share(again.uncertain(refit.thresholds)),
            }
            rows.append(verdict_row("source", name, self.scored.where(own)) | {"refitted": rates})
        return rows

    def bound_rows(self) -> list[Row]:
        """Return for several bounds of the FPR what they cost; see `bound_rows` of `threshold_curves`."""
        return bound_rows(self._fit, self._scores, self._refits)

    @cached_property
    def _refits(self) -> dict[str, DecisionFit]:
        """The decision with weights and calibration fitted without each source with reals."""
        names = map(str, np.unique(self._scores.source[~self._scores.fake]))
        return {name: refit_without(self._fit, self._scores, name) for name in names}

    def generator_rows(self) -> list[Row]:
        """Return a row of the fakes of each generator that the table names."""
        generator = np.where(self._arrays.fake, self.scored.column("generator"), "")
        return self._slices("generator", generator)

    def face_size_rows(self) -> list[Row]:
        """Return a row of each class in each band of face sizes."""
        sizes = self.scored.column("face_size")
        names = ["" if np.isnan(size) else face_size_band(size) for size in sizes]
        return self._slices("face_size", np.array(names), FACE_BANDS.index)

    def attribute_rows(self) -> dict[str, list[Row]]:
        """Return rows of each attribute of the table by its name."""
        return {
            name: self._slices("value", values[self.scored.rows])
            for name, values in self._table.attributes.items()
        }

    def _slices(self, key: str, names: NDArray[Any], order: Callable[[str], Any] = str) -> list[Row]:
        """Return a row of each class in each slice; images named "" are in none."""
        return [
            verdict_row(key, name, self.scored.where(chosen))
            for name in sorted({*map(str, names)} - {""}, key=order)
            for fake in (False, True)
            if (chosen := (names == name) & (self._arrays.fake == fake)).any()
        ]


def verdict_row(key: str, name: str, scored: Scored) -> Row:
    """Return counts and the shares of the verdicts of images of one class.

    `error_interval` is the 95% Clopper-Pearson interval, by group, of the error rate: the share of reals with
    the verdict fake, or of fakes with the verdict real; see `upper_bound`.
    """
    images, thresholds = scored.images, scored.thresholds
    fakes, reals = images.called_fake(thresholds), images.called_real(thresholds)
    wrong = reals if images.fake.all() else fakes
    groups = len(np.unique(images.group))
    errors = float(image_shares(images.group)[wrong].sum())
    return {
        key: name,
        "label": "fake" if images.fake.all() else "real",
        "images": len(images.fake),
        "groups": groups,
        "called_fake": mean_share(fakes),
        "uncertain": mean_share(images.uncertain(thresholds)),
        "called_real": mean_share(reals),
        "error_interval": [round(end, 4) for end in confidence_interval(errors, groups)],
    }


def calibration_row(name: str, fake: Flags, source: NDArray[Any], p_fake: Values) -> Row:
    """Return the expected calibration error with 15 bins, of the images and with sources in balance."""
    edges = roc.equal_width_edges()
    weights = np.stack([np.ones(len(fake)), balance_weights(fake, source)])
    plain, balanced = roc.calibration_error(fake, p_fake, weights, edges)
    return {"images": name, "calibration_error": rounded(balanced), "unbalanced": rounded(plain)}


def scale_rows(table: ScoreTable) -> list[Row]:
    """Return mean and standard deviation of the logits of each network, by class.

    On the sources that a fold's network has not seen, and on the validation split of those in its training:
    calibration and thresholds are fitted to the former and used for the final network, so both networks
    should agree on the latter. `final_deviation` is that of the final network on the same images.
    """
    rows = []
    for network in table.logits:
        logits, part = table.of_network(network), network.rpartition("/")[2]
        unseen = table.fold.astype(np.str_) == part.removeprefix("fold-")
        measured = np.isfinite(logits) & (table.generator != SELF_BLENDED)
        for name, own in (("left out", unseen), ("validation", ~unseen & (table.split == "val"))):
            row: Row = {"network": network, "images_of": name, "images": int((own & measured).sum())}
            for label, fake in (("reals", False), ("fakes", True)):
                values = logits[own & measured & (table.fake == fake)]
                row[f"{label}_mean"] = rounded(values.mean()) if len(values) else None
                row[f"{label}_deviation"] = rounded(values.std()) if len(values) else None
            final = table.final(network.rpartition("/")[0])
            both = own & measured & np.isfinite(final)
            if name == "validation" and part != FINAL and both.any():
                row["deviation"], row["final_deviation"] = (
                    rounded(values[both].std()) for values in (logits, final)
                )
            if row["images"]:
                rows.append(row)
    return rows


def test_block(
    table: ScoreTable, fit: DecisionFit, pairs: Sequence[str], count: int
) -> Mapping[str, Any] | None:
    """Return the metrics of the final networks on the test split; None if they were not run on it.

    `rows` are all images, sources and pairs "REAL:FAKE" as in `veraface evaluate`; `tiers` the AUC lost by
    each tier, whose verdicts have no check by recompression; `self_blended` the self-blended fakes.
    """
    test = table.split == "test"
    clean_scores = fit.read(table, final=True, where=test)
    if not len(clean_scores):
        return None
    scored = Scored.of(table, clean_scores, fit)
    clean = scored.predictions()
    bootstrap = BootstrapSamples((p.group for p in clean), count=count)
    block: Row = {
        "rows": source_rows(clean, bootstrap, pairs),
        "calibration": [calibration_row("test", scored.images.fake, scored.images.source, scored.p_fake)],
        "tiers": {},
    }
    for view in (WEB, HARD):
        scores = fit.read(table, final=True, view=view, where=test)
        if len(scores):
            both = np.intersect1d(scores.rows, clean_scores.rows, return_indices=True)
            degraded = Scored.of(table, scores, fit).predictions(view)
            pair = [clean[i] for i in both[2]], [degraded[i] for i in both[1]]
            block["tiers"][view] = auc_lost(*pair, bootstrap)
    blended = fit.read(table, final=True, where=test, self_blended=True)
    if len(blended):
        images = Scored.of(table, blended, fit).predictions()
        reals = [] if any(not p.fake for p in images) else [p for p in clean if not p.fake]
        block["self_blended"] = compute_metrics([*images, *reals])
    return block
